"""The views in Airflow's user interface: one JavaScript bundle, and the five places that Airflow shows it in.

The bundle is public like every script of Airflow's own; data comes from the API, which asks Airflow who may see what.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

__all__ = ["BUNDLE", "MOUNT", "BundleApplication", "react_apps"]

#: Built by ``make ui``; Airflow's page imports it, so it must be served as JavaScript, which its ending decides.
BUNDLE = Path(__file__).parent / "www" / "dist" / "main.js"
#: Not below ``/flowdrop``: the API's mount would answer first.
MOUNT = "/flowdrop-ui"

#: Destination to route. One name for all: the bundle keeps its component under it and looks at what it is given.
_PLACES = {"nav": "flowdrop", "dag": "flowdrop-runs", "dag_run": "flowdrop-run", "task_instance": "flowdrop-task"}

#: Airflow's first page gives a component nothing to tell it from the sidebar's page, so the card has a name of its own.
_CARD = {"name": "FlowDropCard", "destination": "dashboard", "url_route": "flowdrop-card"}

_IN_THE_SIDEBAR = {
    "nav_top_level": True,
    "icon": f"{MOUNT.lstrip('/')}/icon.svg",
    "icon_dark_mode": f"{MOUNT.lstrip('/')}/icon-dark.svg",
}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class BundleApplication:
    """An ASGI application that serves the bundle's folder; imports the server part at its first request only.

    Airflow imports plugins in the scheduler and in every worker too.
    """

    def __init__(self) -> None:
        self._files: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._files is None:
            from starlette.staticfiles import StaticFiles

            self._files = StaticFiles(directory=BUNDLE.parent)
        await self._files(scope, receive, send)


def react_apps(bundle: Path = BUNDLE) -> list[dict[str, Any]]:
    """Return the registrations for Airflow; none when the bundle was not built.

    The address carries a hash of the content, so that no browser shows an old one. It is relative, because Airflow may live
    below a path.
    """
    if not bundle.is_file():
        return []
    digest = hashlib.sha256(bundle.read_bytes()).hexdigest()[:16]
    url = f"{MOUNT.lstrip('/')}/{bundle.name}?v={digest}"
    places = [
        {"name": "FlowDrop", "bundle_url": url, "destination": destination, "url_route": route}
        | (_IN_THE_SIDEBAR if destination == "nav" else {})
        for destination, route in _PLACES.items()
    ]
    return [*places, {**_CARD, "bundle_url": url}]
