"""A Drupal site over core's JSON:API: the protocol of Drupal-bound nodes, and a client on top of the HTTP client.

Measured on a Drupal 10.6 site: writing needs ``application/vnd.api+json``; a fresh site is read-only (405); errors come as
``{"errors": [{"title", "detail", "source"}]}``; a wrong password reads as the anonymous user, and writing fails with 403.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from urllib.parse import urlencode

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.world import HttpClient, HttpReply, HttpRequest, World

__all__ = ["DrupalClient", "JsonApiClient", "drupal_of"]

_TYPE = "application/vnd.api+json"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_RETRYABLE = frozenset({408, 425, 429})


class DrupalClient(Protocol):
    """Speaks JSON:API with one site."""

    def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the answer's document; ``path`` is below ``/jsonapi``.

        :raises NodeError: ``drupal_refused``, retryable ``drupal_failed``, and what the HTTP client raises.
        """
        ...


def drupal_of(world: World) -> DrupalClient:
    """Return the run's Drupal site, or raise a node-level error with a way out."""
    return cast(
        "DrupalClient", world.require("drupal", "Drupal site", "Set [flowdrop] drupal_conn_id to the site's connection.")
    )


def checked_name(value: Any, what: str) -> str:
    """Return a machine name that is safe in a path; raises :class:`NodeError` ``invalid_parameter``."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise NodeError(f"{what} must be a machine name such as 'article', not {value!r}.", code="invalid_parameter")
    return value


@dataclass(frozen=True, slots=True)
class JsonApiClient:
    """Implements :class:`DrupalClient`.

    :ivar base_url: the site, without a trailing slash.
    :ivar headers: headers of every request, such as the authorization.
    :ivar connection_id: the connection that authorizes the requests instead, where the HTTP client knows connections.
    """

    http: HttpClient
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 30.0
    connection_id: str | None = None

    @classmethod
    def with_password(cls, http: HttpClient, base_url: str, name: str, password: str) -> JsonApiClient:
        """Return a client that signs in with core's Basic authentication."""
        token = base64.b64encode(f"{name}:{password}".encode()).decode()
        return cls(http, base_url.rstrip("/"), {"Authorization": f"Basic {token}"})

    def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Send a request; see :meth:`DrupalClient.request`."""
        url = f"{self.base_url}/jsonapi/{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {**self.headers, "Accept": _TYPE}
        data = None
        if body is not None:
            headers["Content-Type"] = _TYPE
            data = json.dumps(body, ensure_ascii=False).encode()
        return _document(
            self.http.send(HttpRequest(method, url, headers, data, self.timeout, connection_id=self.connection_id))
        )


def _document(reply: HttpReply) -> dict[str, Any]:
    try:
        document = json.loads(reply.body) if reply.body else {}
    except ValueError:
        document = {}
    if reply.status < 400 and isinstance(document, dict):
        return document
    errors = document.get("errors") if isinstance(document, dict) else None
    sentences = [_sentence(error) for error in errors if isinstance(error, Mapping)] if isinstance(errors, list) else []
    retryable = reply.status >= 500 or reply.status in _RETRYABLE
    raise NodeError(
        f"Drupal answered {reply.status}: {'; '.join(sentences)[:500] or reply.reason}",
        code="drupal_failed" if retryable else "drupal_refused",
        retryable=retryable,
        details={"status_code": reply.status},
        hint=_hint(reply.status),
    )


def _sentence(error: Mapping[str, Any]) -> str:
    return str(error.get("detail") or error.get("title") or "")


def _hint(status: int) -> str | None:
    hints = {
        401: "The connection needs a user and a password, and the site Basic authentication.",
        403: "The connection's user lacks a permission, or its password is wrong.",
        405: "A fresh site's JSON:API is read-only: allow writing under /admin/config/services/jsonapi.",
        404: "Check the entity type, the bundle and the id.",
    }
    return hints.get(status)
