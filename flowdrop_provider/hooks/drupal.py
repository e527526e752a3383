"""The Drupal site of entity nodes on Airflow: an HTTP connection with the site's address and a service account."""

from __future__ import annotations

from flowdrop_provider.errors import NodeError
from flowdrop_provider.hooks.http import AirflowHttpClient
from flowdrop_provider.nodes.drupal import JsonApiClient

__all__ = ["drupal_client"]


def drupal_client(connection_id: str) -> JsonApiClient:
    """Return a JSON:API client for the connection's site.

    The HTTP hook adds the account to each request. The connection is what allows the host, so the site may be an internal one.

    :raises NodeError: ``connection_invalid`` for a connection without a host.
    """
    from airflow.sdk import BaseHook

    connection = BaseHook.get_connection(connection_id)
    if not connection.host:
        raise NodeError(f"The connection {connection_id!r} has no host.", code="connection_invalid")
    base = connection.host if "://" in connection.host else f"{connection.schema or 'https'}://{connection.host}"
    address = f"{base}:{connection.port}" if connection.port else base
    return JsonApiClient(AirflowHttpClient(), address.rstrip("/"), connection_id=connection_id)
