"""The application as the plugin registers it: built at its first request, not when the plugin is imported.

Airflow imports plugins in the scheduler, in every worker and in the triggerer too; none of them serves this API.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["LazyApplication"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class LazyApplication:
    """An ASGI application that imports the real one in a thread when it is called for the first time."""

    def __init__(self) -> None:
        self._application: Any = None
        self._lock = threading.Lock()

    def build(self) -> Any:
        """Return the FastAPI application; built once, whoever asks first."""
        with self._lock:
            if self._application is None:
                from flowdrop_provider.plugins.api.app import create_app

                self._application = create_app()
        return self._application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or the lifespan."""
        if self._application is None:
            from anyio.to_thread import run_sync

            await run_sync(self.build)
        await self._application(scope, receive, send)
