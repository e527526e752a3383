"""Outbound HTTP of nodes on Airflow: the HTTP provider's hook for connections, our guard for the address (NET-1..3).

A deployment may bind hosts to Airflow connections (``[flowdrop] http_connections``), so that an export names a URL and the
worker adds the credentials; a node may also name a connection itself. The hook prepares the request (base URL, authentication,
default headers); the guarded client sends it, because the hook's own session neither checks nor pins addresses.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from flowdrop_provider import conf
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.http_client import HttpPolicy, PinnedHttpClient
from flowdrop_provider.nodes.world import HttpReply, HttpRequest

__all__ = ["AirflowHttpClient", "http_policy"]


def http_policy() -> HttpPolicy:
    """Return what the deployment's settings allow beyond public addresses."""
    entries = conf.allowed_hosts()
    networks = tuple(entry for entry in entries if "/" in entry)
    return HttpPolicy(allow_hosts=frozenset(entry.lower() for entry in entries if "/" not in entry), allow_networks=networks)


class AirflowHttpClient:
    """Implements :class:`~flowdrop_provider.nodes.world.HttpClient` with Airflow's connections."""

    def __init__(self, policy: HttpPolicy | None = None) -> None:
        self._policy = policy or http_policy()

    def send(self, request: HttpRequest) -> HttpReply:
        """Send a request, prepared by the HTTP hook where a connection belongs to it."""
        prepared, policy = self.prepared(request)
        return PinnedHttpClient(policy).send(prepared)

    def prepared(self, request: HttpRequest) -> tuple[HttpRequest, HttpPolicy]:
        """Return the request as it is sent, a connection's credentials included, and what the sender may reach."""
        connection_id = request.connection_id or conf.http_connections().get((urlsplit(request.url).hostname or "").lower())
        if not connection_id:
            return request, self._policy
        prepared = _prepare(request, connection_id)
        # The deployment wrote this host into the connection, so it may be an internal one.
        host = (urlsplit(prepared.url).hostname or "").lower()
        return prepared, replace(self._policy, allow_hosts=self._policy.allow_hosts | {host})


def _prepare(request: HttpRequest, connection_id: str) -> HttpRequest:
    """Return the request with the connection's base URL, authentication and headers."""
    import requests
    from airflow.providers.http.hooks.http import HttpHook
    from airflow.sdk.exceptions import AirflowException

    hook = HttpHook(method=request.method, http_conn_id=connection_id)
    try:
        session = hook.get_conn(dict(request.headers))
    except AirflowException as error:
        raise NodeError(
            f"The connection {connection_id!r} cannot be used: {error}",
            code="connection_invalid",
            hint="Check it under Admin, Connections.",
        ) from error
    url = request.url if urlsplit(request.url).scheme else hook.url_from_endpoint(request.url)
    _refuse_other_host(url, str(hook.base_url), connection_id)
    prepared: Any = session.prepare_request(requests.Request(request.method, url, data=request.body))
    headers = {
        name: str(value) for name, value in prepared.headers.items() if name.lower() not in {"content-length", "connection"}
    }
    return replace(request, url=str(prepared.url), headers=headers, connection_id=connection_id)


def _refuse_other_host(url: str, base_url: str, connection_id: str) -> None:
    """Refuse to send a connection's credentials to a host that is not the connection's own."""
    own, asked = urlsplit(base_url).hostname, urlsplit(url).hostname
    if own and asked and own.lower() != asked.lower():
        raise NodeError(
            f"The connection {connection_id!r} belongs to {own!r}; it is not used for {asked!r}.",
            code="connection_host_mismatch",
            hint="Use the connection's own host in the URL, or another connection.",
        )
