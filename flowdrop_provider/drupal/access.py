"""How a client proves to Drupal who it is: session, Basic authentication, OAuth2, an API key; and what Drupal answers.

Measured on Drupal 10.6 and 11.1: FlowDrop's own routes refuse Basic authentication; a wrong password is silently anonymous
there, so success is never taken from a status; after five wrong ones flood control answers 403 even to the right one, so a
refused login is never repeated.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.world import HttpReply, HttpRequest

__all__ = ["KINDS", "Access", "Credentials", "json_of", "login_request", "opened", "told_by", "token_request"]

KINDS = ("session", "basic", "oauth2", "api_key", "none")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the connection holds.

    :ivar kind: one of :data:`KINDS`; ``""`` chooses by what is filled in.
    :ivar token_path: where an OAuth2 server of the site gives tokens.
    :ivar key_header: the header that carries the API key.
    :ivar signing_secret: the secret shared with the module ``flowdrop_airflow``.
    """

    kind: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    scope: str = ""
    token_path: str = "/oauth/token"  # noqa: S105 - a path
    key_header: str = "api-key"
    api_key: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)

    @property
    def chosen(self) -> str:
        """The kind that is used.

        :raises NodeError: ``connection_invalid`` for an unknown kind.
        """
        if self.kind:
            if self.kind not in KINDS:
                raise NodeError(
                    f"There is no kind of authentication {self.kind!r}.",
                    code="connection_invalid",
                    hint=f"Choose one of {', '.join(KINDS)}.",
                )
            return self.kind
        if self.client_id:
            return "oauth2"
        if self.api_key:
            return "api_key"
        return "session" if self.user else "none"


@dataclass(frozen=True, slots=True)
class Access:
    """Headers of every request, and those a writing one needs besides (Drupal's CSRF token)."""

    headers: Mapping[str, str] = field(default_factory=dict)
    writing: Mapping[str, str] = field(default_factory=dict)
    ends: float | None = None


def basic(user: str, password: str) -> str:
    """Return the value of an ``Authorization`` header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def login_request(base_url: str, credentials: Credentials, timeout: float) -> HttpRequest:
    """Return the request that opens a session; without ``_format`` Drupal answers 200 with a form."""
    body = json.dumps({"name": credentials.user, "pass": credentials.password}).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    return HttpRequest("POST", f"{base_url}/user/login?_format=json", headers, body, timeout, follow_redirects=False)


def token_request(base_url: str, credentials: Credentials, timeout: float) -> HttpRequest:
    """Return the request for an OAuth2 token by client credentials (RFC 6749, 4.4)."""
    fields = {"grant_type": "client_credentials", "client_id": credentials.client_id}
    fields |= {"client_secret": credentials.client_secret} | ({"scope": credentials.scope} if credentials.scope else {})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    url = f"{base_url}/{credentials.token_path.lstrip('/')}"
    return HttpRequest("POST", url, headers, urlencode(fields).encode(), timeout, follow_redirects=False)


def opened(reply: HttpReply, now: float) -> Access:
    """Return the access that a login or a token request gave.

    :raises NodeError: ``drupal_login_refused`` with Drupal's reason, retryable ``drupal_failed``.
    """
    document = json_of(reply)
    token = document.get("access_token")
    if reply.status < 300 and isinstance(token, str):
        lives = document.get("expires_in")
        ends = now + float(lives) - 30 if isinstance(lives, int | float) else None
        return Access({"Authorization": f"Bearer {token}"}, ends=ends)
    cookies = [value.split(";", 1)[0] for name, value in reply.headers if name.lower() == "set-cookie"]
    sessions = [cookie for cookie in cookies if cookie.lstrip("_").startswith(("SESS", "SSESS", "Secure-", "Host-"))]
    if reply.status == 200 and "current_user" in document and sessions:
        return Access({"Cookie": "; ".join(sessions)}, {"X-CSRF-Token": str(document.get("csrf_token") or "")})
    raise _refused(reply, document)


def _refused(reply: HttpReply, document: Mapping[str, Any]) -> NodeError:
    said = told_by(document) or reply.reason
    if reply.status >= 500 or reply.status == 429:
        return NodeError(
            f"Drupal answered {reply.status} to the login: {said}",
            code="drupal_failed",
            retryable=True,
            details={"status_code": reply.status},
        )
    hint = "Check user and password of the connection."
    if reply.status == 403 and "too many" in said.lower():
        hint = "Drupal's flood control: wait an hour, or clear it on the site; trying again makes it worse."
    elif reply.status == 200:
        said, hint = "an answer without a session", "Is this address a Drupal site, and does nothing stand before its login?"
    elif reply.status in (404, 406):
        hint = "This address has no such login: check the base URL and, for OAuth2, the token path."
    return NodeError(
        f"Drupal did not accept the login ({reply.status}): {said}",
        code="drupal_login_refused",
        hint=hint,
        details={"status_code": reply.status},
    )


def json_of(reply: HttpReply) -> dict[str, Any]:
    """Return the object in a reply, ``{}`` when it holds none."""
    try:
        document = json.loads(reply.body) if reply.body else {}
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def told_by(document: Mapping[str, Any]) -> str:
    """Return the sentences of an error document: JSON:API's, core's, FlowDrop's or OAuth2's."""
    errors = document.get("errors")
    if isinstance(errors, list):
        return "; ".join(_sentence(error) for error in errors if isinstance(error, Mapping))[:500]
    names = ("message", "error_description", "hint", "error")
    return next((str(document[name]) for name in names if isinstance(document.get(name), str) and document[name]), "")[:500]


def _sentence(error: Mapping[str, Any]) -> str:
    text = str(error.get("detail") or error.get("title") or "")
    source = error.get("source")
    pointer = source.get("pointer") if isinstance(source, Mapping) else None
    return f"{text} (at {pointer})" if pointer else text
