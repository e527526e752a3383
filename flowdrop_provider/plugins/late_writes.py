"""A task that Airflow has given up leaves nothing more behind.

Airflow 3.3 takes XComs of any task with a valid token. A worker that stood still for longer than its heartbeat may be late (a
frozen machine, a network that was away) is given up: the nodes behind its node are decided as after a failure. When it wakes
up, it would still write down that its node had completed, before its next heartbeat tells it to stop, and the end of the run
would believe that: a run that completed, with half of its nodes skipped (measured). So what nodes record and hand on is taken
from a try that is running, and from no other.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

__all__ = ["LateWrites", "is_running", "task_of"]

#: Where tasks write XComs, and how our keys begin.
_PATH, _KEY = "/execution/xcoms/", "flowdrop_"

_REFUSAL = json.dumps({"detail": {"reason": "not_running", "message": "Airflow has given this try of the task up."}}).encode()


class LateWrites:
    """ASGI middleware on Airflow's API server; see the module docstring.

    :param app: the application behind it.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        """Pass a request on, unless it is a value of ours from a try that is over."""
        if _is_ours(scope):
            ti_id = task_of(scope["headers"])
            if ti_id is not None and not await asyncio.to_thread(is_running, ti_id):
                headers = [(b"content-type", b"application/json")]
                await send({"type": "http.response.start", "status": 409, "headers": headers})
                await send({"type": "http.response.body", "body": _REFUSAL})
                return
        await self._app(scope, receive, send)


def _is_ours(scope: Any) -> bool:
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    path = str(scope["path"])
    return path.startswith(_PATH) and path.rpartition("/")[2].startswith(_KEY)


def task_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the id of the try that a request's token was made for, ``None`` when it says none.

    The signature is not looked at: whoever forges a token is refused by Airflow itself, behind this.
    """
    token = next((value for name, value in headers if name.lower() == b"authorization"), b"").partition(b" ")[2]
    payload = token.split(b".")[1] if token.count(b".") == 2 else b""
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    except ValueError:
        return None
    found = claims.get("sub") if isinstance(claims, dict) else None
    return found if isinstance(found, str) else None


def is_running(ti_id: str) -> bool:
    """Return whether a try is under way; one that was started again has another id by then."""
    from uuid import UUID

    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    try:
        wanted = UUID(ti_id)
    except ValueError:
        return False
    with create_session(scoped=False) as session:
        return session.scalar(select(TaskInstance.state).where(TaskInstance.id == wanted)) in ("running", "restarting")
