"""The FastAPI application: routes, the gate before them, one envelope for failures."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from fastapi import APIRouter, FastAPI
from starlette.datastructures import State

from flowdrop_provider import __version__
from flowdrop_provider.plugins.api.errors import install_handlers
from flowdrop_provider.plugins.api.gate import BodyGate
from flowdrop_provider.plugins.api.models import ErrorEnvelope

__all__ = ["PREFIX", "create_app"]

#: Below the plugin's mount point ``/flowdrop``.
PREFIX = "/api/v1"

_ROUTERS = (
    "system",
    "views",
    "node_types",
    "launching",
    "store",
    "workflows",
    "pipelines",
    "logs",
    "runs",
    "outcomes",
    "jobs",
    "metrics",
    "exports",
    "interrupts",
    "callbacks",
    "playground",
    "snapshots",
    "drupal",
)


def _origins() -> list[str]:
    """Return the origins of other hosts that may write: those Airflow itself answers to, and its own public address."""
    from airflow.configuration import conf

    own = conf.get("api", "base_url", fallback="")
    return [*conf.getlist("api", "access_control_allow_origins", fallback=[]), *([own] if own else [])]


class _State(State):
    """Where Airflow's own filters look for the auth manager: on the application they are mounted in, which is this one.

    Not an override of their dependency: with a single one FastAPI works out the dependencies of each request anew.
    """

    @property
    def auth_manager(self) -> Any:
        """Airflow's auth manager, once there is one."""
        return get_auth_manager()


def create_app() -> FastAPI:
    """Return the application that the plugin mounts at ``/flowdrop``."""
    app = FastAPI(
        title="FlowDrop on Airflow",
        version=__version__,
        description="FlowDrop's public API over Airflow's runs, and what FlowDrop has no word for.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state = _State()
    refusals: dict[int | str, dict[str, Any]] = {"4XX": {"model": ErrorEnvelope}, 422: {"model": ErrorEnvelope}}
    routes = APIRouter(prefix=PREFIX, responses=refusals)
    for name in _ROUTERS:
        routes.include_router(import_module(f"flowdrop_provider.plugins.api.routes.{name}").router)
    app.include_router(routes)
    app.include_router(import_module("flowdrop_provider.plugins.api.routes.prometheus").router, responses=refusals)
    install_handlers(app)
    app.add_middleware(BodyGate, origins=_origins)
    return app
