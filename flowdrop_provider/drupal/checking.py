"""Whether a site can be used with the given credentials: asked in ways that Drupal cannot answer with silence.

A wrong password reads as the anonymous user, a form comes as 200, a missing permission looks like an ended session
(measured). So a check passes only when the site says who we are.
"""

from __future__ import annotations

from dataclasses import dataclass

from flowdrop_provider.drupal.access import json_of, told_by
from flowdrop_provider.drupal.site import Site
from flowdrop_provider.errors import FlowDropError
from flowdrop_provider.nodes.world import HttpReply, HttpRequest

__all__ = ["Finding", "check_site"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was asked: whether it works, and a sentence about it."""

    works: bool
    text: str


def check_site(site: Site) -> list[Finding]:
    """Return what works with this site and what does not; the first that does not is the reason to mend first.

    Asked are: the site itself, who we are there, FlowDrop's API, the module's signature.
    """
    found: list[Finding] = []
    kind = site.credentials.chosen
    questions = [_session] if kind == "session" else [_reachable] if kind == "none" else [_me]
    if kind == "session":
        questions.append(_flowdrop)
    if site.credentials.signing_secret:
        questions.append(_module)
    for question in questions:
        try:
            found.append(question(site))
        except FlowDropError as error:
            found.append(Finding(False, f"{error.message} {error.hint or ''}".strip()))
        if not found[-1].works:
            break
    return found


def _get(site: Site, path: str, accept: str = "application/json") -> HttpReply:
    return site.send(HttpRequest("GET", f"{site.base_url}{path}", {"Accept": accept}, timeout=site.timeout))


def _reachable(site: Site) -> Finding:
    reply = _get(site, "/user/login_status?_format=json")
    if reply.status == 200 and reply.body.strip() in {b"0", b"1"}:
        return Finding(True, "The site answers; nobody is signed in.")
    return Finding(False, f"This does not look like a Drupal site: it answered {reply.status} {reply.reason}.")


def _session(site: Site) -> Finding:
    """Sign in; an accepted login names the user, everything else raises with Drupal's reason."""
    reply = _get(site, "/user/login_status?_format=json")
    if reply.status == 200 and reply.body.strip() == b"1":
        return Finding(True, f"Signed in as {site.credentials.user}.")
    return Finding(False, "Drupal opened a session and forgot it at once: does a cache or proxy strip cookies?")


def _me(site: Site) -> Finding:
    """Ask JSON:API who we are: its entry point links to the user's own entry for a known user only."""
    reply = _get(site, "/jsonapi", "application/vnd.api+json")
    document = json_of(reply)
    if reply.status != 200:
        return Finding(False, f"JSON:API answered {reply.status}: {told_by(document) or reply.reason}")
    meta = document.get("meta")
    links = meta.get("links") if isinstance(meta, dict) else None
    if isinstance(links, dict) and "me" in links:
        return Finding(True, "JSON:API knows the account.")
    return Finding(False, _ANONYMOUS[site.credentials.chosen])


_ANONYMOUS = {
    "basic": "Drupal takes this account for the anonymous user: the password is wrong, the account is blocked, the module "
    "'basic_auth' is not installed, or flood control refuses the account after too many attempts (wait an hour).",
    "oauth2": "Drupal takes this token for the anonymous user: the OAuth2 client needs a user of the site.",
    "api_key": "Drupal takes this key for the anonymous user: check the key, and the name of the header it belongs into.",
}


def _flowdrop(site: Site) -> Finding:
    reply = _get(site, "/api/flowdrop/workflows?limit=1&_format=json")
    document = json_of(reply)
    if reply.status == 200 and document.get("success") is True:
        return Finding(True, "FlowDrop's API may be used.")
    if reply.status == 404:
        return Finding(False, "The site has no FlowDrop API: install the module flowdrop.")
    said = told_by(document) or reply.reason
    return Finding(False, f"FlowDrop answered {reply.status}: {said} Give the account the permission 'administer flowdrop'.")


def _module(site: Site) -> Finding:
    reply = site.signed("GET", "/status")
    document = json_of(reply)
    if reply.status == 200 and document.get("success") is True:
        return Finding(True, "The module flowdrop_airflow accepts the signature.")
    if reply.status == 404:
        return Finding(False, "The site lacks the module flowdrop_airflow, which the signing secret is for.")
    return Finding(False, f"The module answered {reply.status}: {told_by(document) or 'the signature is not accepted.'}")
