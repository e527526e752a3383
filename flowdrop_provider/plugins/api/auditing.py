"""Audit entries of writing routes, in Airflow's own action log."""

from __future__ import annotations

import json
from typing import Annotated, Any

from airflow.models.log import Log
from fastapi import Depends, Request
from sqlalchemy.orm import Session

from flowdrop_provider.library.happenings import action_happening
from flowdrop_provider.operators.telemetry import tell
from flowdrop_provider.plugins.api.security import UserDep
from flowdrop_provider.plugins.api.sessions import SessionDep

__all__ = ["audited", "body_of", "note_stored"]


def audited(event: str, owner: str | None = None) -> Any:
    """Return the dependency that writes one entry, whether the route then succeeds or refuses.

    :param owner: who calls a route without a user, such as a site that signs its requests.

    Airflow's own ``action_logging`` copies the body into the entry; a run's inputs may hold what nobody should read there,
    so only their names are kept. It must come after the dependency that finds the run or workflow.
    """

    def write(request: Request, user: UserDep, session: SessionDep, body: Annotated[bytes, Depends(body_of)]) -> None:
        note(request, user.get_name(), session, body)

    def write_for_owner(request: Request, session: SessionDep, body: Annotated[bytes, Depends(body_of)]) -> None:
        note(request, str(owner), session, body)

    def note(request: Request, name: str, session: Session, body: bytes) -> None:
        path = request.path_params
        # Whoever may read the log must not find an address there that still works.
        shown = request.url.path.replace(str(path["token"]), "<token>") if "token" in path else request.url.path
        entry = Log(
            event=event,
            task_instance=None,
            owner=name,
            owner_display_name=name,
            extra=json.dumps({"method": request.method, "path": shown, "client": _client(request), "body": _names(body)}),
            dag_id=path.get("dag_id"),
            run_id=path.get("dag_run_id"),
            task_id=path.get("task_id"),
        )
        session.add(entry)
        session.commit()
        http = {"method": request.method, "path": shown}
        tell(action_happening(event, name, path.get("dag_id"), path.get("dag_run_id"), http))

    return Depends(write if owner is None else write_for_owner)


def note_stored(session: Session, request: Request, user: str, dag_id: str, revision: str) -> None:
    """Write that a workflow was stored, and as which revision.

    The entry of the request was written before anybody knew the id of a new workflow, or whether it would be refused.
    """
    extra = {"method": request.method, "path": request.url.path, "client": _client(request), "revision": revision}
    event = "flowdrop_workflow_stored"
    session.add(Log(event=event, owner=user, owner_display_name=user, extra=json.dumps(extra), dag_id=dag_id))
    tell(action_happening(event, user, dag_id, None, {"method": request.method, "path": request.url.path}))


async def body_of(request: Request) -> bytes:
    """Return the body; the writing itself belongs into a thread."""
    return await request.body()


def _client(request: Request) -> str | None:
    """Return the address a request came from: behind a proxy its own, unless the server takes the proxy's word."""
    return request.client.host if request.client is not None else None


def _names(body: bytes) -> Any:
    value = json.loads(body) if body else {}
    if not isinstance(value, dict):
        return []
    return {name: sorted(item)[:50] if isinstance(item, dict) else "..." for name, item in list(value.items())[:50]}
