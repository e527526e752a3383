"""The Drupal site of a connection: the HTTP provider's session, and on top of it what Drupal needs.

The connection type ``drupal`` is declared in :mod:`flowdrop_provider.get_provider_info`. Older connections of type ``http``
with a user and a password still work; they mean Basic authentication.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from airflow.providers.http.hooks.http import HttpHook

from flowdrop_provider.drupal.access import Credentials
from flowdrop_provider.drupal.checking import check_site
from flowdrop_provider.drupal.site import Site
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.drupal import JsonApiClient
from flowdrop_provider.nodes.world import HttpReply, HttpRequest

if TYPE_CHECKING:
    from requests import Session

__all__ = ["DrupalHook", "credentials_of", "drupal_client"]

#: Bytes of a reply; FlowDrop's own limit of a document is smaller.
_MAX_BODY = 20_000_000

#: FlowDrop 2; older sites have it below ``/admin/structure/flowdrop-workflow/{id}/flowdrop-editor``.
_EDITOR = "/admin/flowdrop/workflows/{id}/editor"


def credentials_of(connection: Any) -> Credentials:
    """Return the credentials of an Airflow connection of type ``drupal`` or ``http``."""
    extra = connection.extra_dejson
    plain = connection.conn_type != "drupal"
    kind = str(extra.get("auth") or ("basic" if plain and connection.login else ""))
    names = ("client_id", "client_secret", "scope", "api_key", "signing_secret")
    given = {name: str(extra.get(name) or "") for name in names}
    for name, default in (("token_path", "/oauth/token"), ("key_header", "api-key")):
        given[name] = str(extra.get(name) or default)
    return Credentials(kind, str(connection.login or ""), str(connection.password or ""), **given)


class DrupalHook(HttpHook):
    """Reaches one Drupal site.

    :param drupal_conn_id: the connection.
    """

    conn_name_attr = "drupal_conn_id"
    default_conn_name = "drupal_default"
    conn_type = "drupal"
    hook_name = "Drupal"

    def __init__(self, drupal_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(http_conn_id=drupal_conn_id, **kwargs)

    def get_conn(
        self,
        headers: dict[Any, Any] | None = None,
        extra_options: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> Session:
        """Return a session with the connection's TLS options, without its credentials: those are the site's business.

        :raises NodeError: ``connection_invalid`` for a connection without a host.
        """
        import requests

        connection = self.get_connection(self.http_conn_id)
        if not connection.host:
            raise NodeError(f"The connection {self.http_conn_id!r} has no host.", code="connection_invalid")
        self._set_base_url(connection)
        extra, session = connection.extra_dejson, requests.Session()
        session.verify = _verify(extra)
        if extra.get("client_cert"):
            session.cert = str(extra["client_cert"])
        session.headers.update(headers or {})
        # An account from a .netrc of the worker must never join in.
        session.trust_env = bool(extra.get("trust_env", False))
        return session

    def site(self) -> Site:
        """Return the site, not signed in yet."""
        from flowdrop_provider.drupal.backoff import Backoff

        connection: Any = self.get_connection(self.http_conn_id)
        session, extra = self.get_conn(), connection.extra_dejson
        timeout = float(extra.get("timeout") or 30)
        backoff = Backoff(attempts=max(1, int(extra.get("attempts") or 4)))
        return Site(
            _SessionTransport(session), str(self.base_url), credentials_of(connection), timeout=timeout, backoff=backoff
        )

    def editor_url(self, workflow_id: str) -> str | None:
        """Return where people open a workflow in the site's editor; ``None`` when the connection does not tell."""
        connection: Any = self.get_connection(self.http_conn_id)
        if not connection.host:
            return None
        self._set_base_url(connection)
        place = str(connection.extra_dejson.get("editor_url") or _EDITOR).replace("{id}", quote(workflow_id, safe=""))
        url = urljoin(f"{str(self.base_url).rstrip('/')}/", place if "://" in place else place.lstrip("/"))
        return url if urlsplit(url).scheme in {"http", "https"} else None

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the site can be used with these credentials, and what was found; for Airflow's form."""
        try:
            found = check_site(self.site())
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a connection belongs into the form
            return False, str(getattr(error, "message", error))
        return all(item.works for item in found), " ".join(item.text for item in found)


def _verify(extra: Mapping[str, Any]) -> bool | str:
    """Return requests' ``verify``: a CA file, or whether certificates are checked at all."""
    checked = str(extra.get("verify_tls", True)).strip().lower() not in {"false", "0", "no", "off"}
    return str(extra["ca_bundle"]) if checked and extra.get("ca_bundle") else checked


class _SessionTransport:
    """Implements :class:`~flowdrop_provider.nodes.world.HttpClient` with a session of ``requests``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def send(self, request: HttpRequest) -> HttpReply:
        """Return the reply of any status.

        :raises NodeError: ``tls_failed``, ``body_too_large``; retryable ``timeout``, ``connection_failed``.
        """
        import requests

        try:
            # Cookies are the site's to send; a jar of the session's own would mix accounts.
            self._session.cookies.clear()
            found = self._session.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=request.body,
                timeout=request.timeout,
                allow_redirects=False,
                stream=True,
            )
            with found:
                return _reply(found)
        except requests.exceptions.SSLError as error:
            raise NodeError(
                f"The site's certificate is not accepted: {_reason(error)}",
                code="tls_failed",
                hint="Name its authority in the connection's field 'CA bundle'.",
            ) from error
        except requests.exceptions.Timeout as error:
            raise NodeError(f"The site did not answer within {request.timeout:g} s.", code="timeout", retryable=True) from error
        except requests.exceptions.RequestException as error:
            raise NodeError(
                f"The site cannot be reached: {_reason(error)}", code="connection_failed", retryable=True
            ) from error


def _reason(error: Exception) -> str:
    inner = error.args[0] if error.args else error
    # Without the address of an object in memory, so that the same trouble always reads the same.
    return re.sub(r" ?(object )?at 0x[0-9a-f]+", "", str(getattr(inner, "reason", inner)))[:300]


def _reply(found: Any) -> HttpReply:
    body = b""
    for chunk in found.iter_content(65_536):
        body += chunk
        if len(body) > _MAX_BODY:
            raise NodeError(f"The site's answer is larger than {_MAX_BODY:,} bytes.", code="body_too_large")
    raw: Any = getattr(found.raw, "headers", None)
    # Several cookies come as several headers, which requests joins.
    pairs = tuple(raw.iteritems()) if hasattr(raw, "iteritems") else tuple(found.headers.items())
    return HttpReply(found.status_code, found.reason or "", pairs, body, found.url)


def drupal_client(connection_id: str) -> JsonApiClient:
    """Return a JSON:API client for the connection's site; it signs in at its first request.

    :raises NodeError: ``connection_invalid`` for a connection without a host.
    """
    return DrupalHook(connection_id).site().json_api()
