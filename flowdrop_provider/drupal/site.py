"""A Drupal site over HTTP: signs in when it must, waits when it is told to, and says what Drupal said."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from flowdrop_provider.drupal.access import Access, Credentials, basic, json_of, login_request, opened, token_request, told_by
from flowdrop_provider.drupal.backoff import Backoff, may_repeat, wants_repeat
from flowdrop_provider.drupal.signing import signed_headers
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.drupal import JsonApiClient
from flowdrop_provider.nodes.world import HttpClient, HttpReply, HttpRequest

__all__ = ["MODULE", "Site"]

#: Where the module's routes begin, below the site's address.
MODULE = "/api/flowdrop-airflow"

#: What an ended session or token looks like.
_ENDED = frozenset({(403, "session"), (401, "oauth2")})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: FlowDrop says these with status 500 (measured).
_MISSING = ("not found",)


class Site:
    """Implements :class:`~flowdrop_provider.nodes.world.HttpClient` for one site, with its authentication.

    :param http: what sends a request; it never adds credentials itself.
    :param base_url: the site's address; a path stays (``https://host/drupal``).
    :param timeout: seconds a request may take.
    """

    def __init__(
        self,
        http: HttpClient,
        base_url: str,
        credentials: Credentials | None = None,
        *,
        timeout: float = 30.0,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.credentials = credentials or Credentials()
        self.timeout = timeout
        self._http = http
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._access: Access | None = None

    def send(self, request: HttpRequest) -> HttpReply:
        """Send a request to the site with its authentication.

        A session that has ended answers 403 like a missing permission, so the first 403 of a session that was opened earlier
        is answered by one new login.

        :raises NodeError: ``connection_host_mismatch``, ``drupal_login_refused``, and what the HTTP client raises.
        """
        if not request.url.startswith(f"{self.base_url}/"):
            raise NodeError(
                f"The site's credentials are not used for {urlsplit(request.url).hostname!r}.", code="connection_host_mismatch"
            )
        used = self._access
        reply = self._patiently(self._authorized(request))
        if used is not None and (reply.status, self.credentials.chosen) in _ENDED:
            self._access = None
            reply = self._patiently(self._authorized(request))
        return reply

    def _authorized(self, request: HttpRequest) -> HttpRequest:
        access = self._current()
        headers = {**request.headers, **access.headers}
        if request.method.upper() not in _READING:
            headers |= access.writing
        # Redirects would take the credentials to wherever the site points.
        return replace(request, headers=headers, timeout=min(request.timeout, self.timeout), follow_redirects=False)

    def _current(self) -> Access:
        if self._access is None or (self._access.ends is not None and self._access.ends <= self._clock()):
            self._access = self._sign_in()
        return self._access

    def _sign_in(self) -> Access:
        known, kind = self.credentials, self.credentials.chosen
        if kind == "basic":
            return Access({"Authorization": basic(known.user, known.password)})
        if kind == "api_key":
            return Access({known.key_header: known.api_key})
        if kind == "none":
            return Access()
        make = login_request if kind == "session" else token_request
        return opened(self._patiently(make(self.base_url, known, self.timeout)), self._clock())

    def _patiently(self, request: HttpRequest) -> HttpReply:
        attempt = 1
        while True:
            reply, error = self._attempt(request)
            if attempt >= self._backoff.attempts:
                break
            if error is None and (reply is None or not wants_repeat(request, reply, json_of(reply))):
                break
            if error is not None and not (error.retryable and may_repeat(request)):
                break
            self._backoff.wait(attempt, reply)
            attempt += 1
        if error is not None:
            raise error
        assert reply is not None  # noqa: S101 - one of the two is there
        return reply

    def _attempt(self, request: HttpRequest) -> tuple[HttpReply | None, NodeError | None]:
        try:
            return self._http.send(request), None
        except NodeError as error:
            return None, error

    def json_api(self) -> JsonApiClient:
        """Return a JSON:API client that signs in through this site."""
        return JsonApiClient(self, self.base_url, timeout=self.timeout)

    def collection(self, path: str, query: Mapping[str, str] | None = None, *, most: int = 10_000) -> Iterator[dict[str, Any]]:
        """Yield the resources of a JSON:API collection, page by page.

        There is no total count; a page may be short or empty with more behind it, so the ``next`` link decides.

        :param path: below ``/jsonapi``, such as ``node/article``.
        :param most: resources at most.
        """
        client, offset, seen = self.json_api(), 0, 0
        while True:
            page = client.request("GET", path, {**(query or {}), "page[limit]": "50", "page[offset]": str(offset)})
            data = page.get("data")
            for item in data if isinstance(data, list) else []:
                yield item
                seen += 1
                if seen >= most:
                    return
            if "next" not in (page.get("links") or {}):
                return
            offset += 50

    def flowdrop(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return what a reading route of FlowDrop's own API answers.

        :param path: below ``/api/flowdrop``.
        :raises NodeError: ``drupal_missing``, ``drupal_refused``, retryable ``drupal_failed``.
        """
        target = f"/api/flowdrop/{path}?{urlencode({**(query or {}), '_format': 'json'})}"
        reply = self.send(HttpRequest("GET", self.base_url + target, {"Accept": "application/json"}, timeout=self.timeout))
        return self._document(reply)

    def signed(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        delivery: str = "",
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpReply:
        """Send a signed request to the module and return the reply of any status.

        The signature is all the module asks for; no user is signed in. A repeated request keeps its delivery id, so the module
        does nothing twice.

        :param path: below :data:`MODULE`, beginning with a slash.
        """
        if not self.credentials.signing_secret:
            raise NodeError(
                "The connection has no signing secret.",
                code="connection_invalid",
                hint="Put the secret of the module's settings into the connection's field 'Signing secret'.",
            )
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() if body is not None else b""
        # Without it Drupal tells a refusal in HTML.
        target, id_ = f"{MODULE}{path}?_format=json", delivery or str(uuid.uuid4())
        stamped = signed_headers(self.credentials.signing_secret, method, target, data, now=int(self._clock()), delivery=id_)
        sent = {**(headers or {}), **stamped, "Idempotency-Key": id_, "Accept": "application/json"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        request = HttpRequest(
            method, self.base_url + target, sent, data or None, timeout or self.timeout, follow_redirects=False
        )
        return self._patiently(request)

    def module(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, delivery: str = "") -> dict[str, Any]:
        """Return the document the module answers to a signed request.

        :raises NodeError: ``drupal_missing``, ``drupal_refused``, retryable ``drupal_failed``.
        """
        return self._document(self.signed(method, path, body, delivery=delivery))

    def _document(self, reply: HttpReply) -> dict[str, Any]:
        document = json_of(reply)
        if reply.status < 300 and document:
            return document
        raise refusal(reply, document)


def refusal(reply: HttpReply, document: Mapping[str, Any]) -> NodeError:
    """Return the error of a reply that is none of the expected ones, with what Drupal said."""
    said = told_by(document) or ("an answer that is no JSON object" if reply.status < 300 else reply.reason)
    missing = reply.status == 404 or (reply.status == 500 and any(word in said.lower() for word in _MISSING))
    retryable = not missing and (reply.status >= 500 or reply.status == 429 or reply.status < 300)
    hints = {
        401: "The module does not accept the signature: both sides need the same secret and the same time.",
        403: "The module does not accept the signature, or the connection's user lacks a permission.",
        404: "Check the base URL, and that the module is installed.",
    }
    return NodeError(
        f"Drupal answered {reply.status}: {said}",
        code="drupal_missing" if missing else "drupal_failed" if retryable else "drupal_refused",
        retryable=retryable,
        details={"status_code": reply.status},
        hint=hints.get(reply.status),
    )
