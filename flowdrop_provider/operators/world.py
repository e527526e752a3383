"""The world of a node on Airflow: connections, variables, the clock, files below the configured root."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flowdrop_provider import conf
from flowdrop_provider.engine.gate import GatePolicy
from flowdrop_provider.engine.hooks import installed_hooks
from flowdrop_provider.engine.retries import RetryPolicies
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.world import FileStore, World

if TYPE_CHECKING:
    from flowdrop_provider.drupal.site import Site

__all__ = ["airflow_world"]


def airflow_world() -> World:
    """Return the world that operators hand to processors."""
    from flowdrop_provider.hooks.http import AirflowHttpClient

    world = World(secret=_secret, http=AirflowHttpClient(), log=logging.getLogger("flowdrop.node"))
    if conf.file_root():
        world.files = _file_store(conf.file_root())
    world.extras.update(_services())
    world.extras["keep_binary_bodies"] = conf.http_binary_bodies() == "keep"
    return world


def _file_store(root: str) -> FileStore:
    """Return the store of a root: a plain folder, or any URL that Airflow's object storage knows."""
    if "://" in root:
        from flowdrop_provider.hooks.files import ObjectFileStore

        return ObjectFileStore(root)
    from flowdrop_provider.nodes.file_store import LocalFileStore

    return LocalFileStore(root)


def _services() -> dict[str, Any]:
    """Return the services of the optional node packs that the deployment's settings name."""
    from flowdrop_provider.hooks.memory import airflow_memory
    from flowdrop_provider.hooks.models import AirflowModels

    services: dict[str, Any] = {"models": AirflowModels(), "retries": RetryPolicies.from_data(conf.retry_policies())}
    services["gate"] = GatePolicy(conf.confirmation_default() != "skip", conf.confirmation_expiry())
    services["hooks"] = installed_hooks(tuple(conf.hooks()))
    if conf.memory_conn_id():
        services["memory"] = airflow_memory(conf.memory_conn_id())
    if conf.drupal_conn_id():
        services.update(_site_services(conf.drupal_conn_id()))
    return services


def _site_services(connection_id: str) -> dict[str, Any]:
    """Return what a Drupal site serves: entities, and the nodes that run there."""
    from flowdrop_provider.drupal.remote import DrupalNodes

    found = _SiteOnDemand(connection_id)
    services: dict[str, Any] = {"drupal": found}
    return {**services, "remote": DrupalNodes(lambda: found.site)} if conf.remote_nodes() else services


class _SiteOnDemand:
    """Implements :class:`~flowdrop_provider.nodes.drupal.DrupalClient` with the site of a connection.

    The connection is read, and the HTTP provider's hook imported, when the first node needs the site: most tasks do not, and it
    costs them a call and a good part of a second.
    """

    def __init__(self, connection_id: str) -> None:
        self._connection_id = connection_id

    @cached_property
    def site(self) -> Site:
        """The site, one for all nodes of a task, so that they sign in once."""
        from flowdrop_provider.hooks.drupal import DrupalHook

        return DrupalHook(self._connection_id).site()

    def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Send a request; see :meth:`~flowdrop_provider.nodes.drupal.DrupalClient.request`."""
        return self.site.json_api().request(method, path, query, body)


def _secret(name: str) -> str:
    """Return the value of ``${{ secrets.NAME }}``: the password of the connection ``NAME``, else the variable ``NAME``."""
    from airflow.sdk import BaseHook, Variable
    from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError

    _check_secret(name)
    try:
        password = BaseHook.get_connection(name).password
        if password:
            return str(password)
    except (AirflowNotFoundException, AirflowRuntimeError):
        pass
    value = Variable.get(name, default=None)
    if value is None:
        raise NodeError(
            f"There is no secret {name!r}.",
            code="secret_missing",
            hint=f"Create an Airflow connection {name!r} with a password, or a variable {name!r}.",
        )
    return str(value)


def _check_secret(name: str) -> None:
    """Refuse a name that the deployment does not give to drawings, and the connections that this package itself works with."""
    own = {conf.drupal_conn_id(), conf.memory_conn_id(), conf.model_conn_id()}
    if name in own or not any(fnmatchcase(name, pattern) for pattern in conf.secret_names()):
        raise NodeError(
            f"The secret {name!r} is not for drawings.",
            code="secret_refused",
            hint="A deployment names those that are in [flowdrop] secret_names.",
        )
