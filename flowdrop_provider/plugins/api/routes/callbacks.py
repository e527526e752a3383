"""The address that another system calls back: the token in it is the only authority (INT-19)."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from fastapi import APIRouter, Body, Depends, HTTPException, Path, Request
from sqlalchemy.orm import Session

from flowdrop_provider import conf
from flowdrop_provider.library.callbacks import CALL_FIELD, open_token
from flowdrop_provider.library.forms import ANSWER_FIELD
from flowdrop_provider.plugins.api.auditing import audited, body_of
from flowdrop_provider.plugins.api.errors import ApiError, not_found
from flowdrop_provider.plugins.api.security import marked
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.human_input import is_overdue, locked_question, settling_seconds

__all__ = ["router"]

router = APIRouter(tags=["interrupts"])

#: How long a callback that is quicker than its task is held, in seconds.
_PATIENCE = 20.0


@dataclass(frozen=True)
class _Caller(BaseUser):
    """Whoever holds the address; Airflow notes it as who answered."""

    name: str = "callback"

    def get_id(self) -> str:
        return self.name

    def get_name(self) -> str:
        return self.name


def _not_pending() -> ApiError:
    return ApiError(409, "INTERRUPT_NOT_PENDING", "Nothing waits at this address any more.")


def _token(request: Request, token: Annotated[str, Path(max_length=1_000)]) -> tuple[UUID, str]:
    """Return what the address names; a browser is nobody who calls back, and a body without a value says nothing."""
    if request.headers.get("origin") or request.headers.get("sec-fetch-site"):
        raise ApiError(403, "ORIGIN_REFUSED", "A browser may not use this address.")
    opened = open_token(token, conf.seal_keys())
    try:
        if opened is not None:
            return UUID(opened[0]), opened[1]
    except ValueError:
        pass
    raise not_found("interrupt", token[:16])


def _body_first(body: Annotated[bytes, Depends(body_of)]) -> None:
    """Refuse a body without a value before anything is looked for (INT-19)."""
    value = json.loads(body) if body else None
    if not isinstance(value, dict) or "value" not in value:
        raise ApiError(400, "ANSWER_MISSING", "A callback has a member 'value'.")


async def _awaited(request: Request, told: Annotated[tuple[UUID, str], Depends(marked(_token, "POST callback"))]) -> UUID:
    """Hold a callback until its task waits and its answer can be taken; without a database session meanwhile."""
    for _ in range(int(_PATIENCE / 0.5)):
        state, asked, interrupt_id, place = await asyncio.to_thread(_look, told[0])
        request.scope["path_params"] |= place
        if state == "awaiting_input" and interrupt_id == told[1]:
            await asyncio.sleep(settling_seconds(asked, dt.datetime.now(dt.timezone.utc)))
            return told[0]
        if state is None:
            raise not_found("interrupt", told[1])
        if state not in ("running", "scheduled", "queued"):
            break
        await asyncio.sleep(0.5)
    raise _not_pending()


def _look(ti_id: UUID) -> tuple[str | None, dt.datetime | None, str | None, dict[str, str]]:
    """Return the state of a task, when it began to wait, which callback it waits for, and its ids as Airflow logs them."""
    with create_session(scoped=False) as session:
        task = session.get(TaskInstance, ti_id)
        if task is None:
            return None, None, None, {}
        place = {"dag_id": task.dag_id, "dag_run_id": task.run_id, "task_id": task.task_id}
        return str(task.state), task.updated_at, _expected(session.get(HITLDetail, ti_id)), place


def _expected(detail: HITLDetail | None) -> str | None:
    if detail is None or detail.responded_at is not None:
        return None
    found = (detail.params or {}).get(CALL_FIELD)
    return str(found.get("value")) if isinstance(found, dict) else None


WAITING = Depends(_awaited)


@router.post("/callbacks/{token}", dependencies=[Depends(_body_first), WAITING, audited("flowdrop_callback", owner="callback")])
def call_back(session: SessionDep, ti_id: Annotated[UUID, WAITING], body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Answer a ``call_and_wait``: ``{"value": ...}``, once.

    :raises ApiError: 400 ``ANSWER_MISSING``; 403 for browsers; 404 for an address nobody gave out; 409
        ``INTERRUPT_NOT_PENDING`` when it was used, has expired, or its run has ended.
    """
    task, detail = locked_question(session, ti_id)
    if task is None or is_overdue(task, dt.datetime.now(dt.timezone.utc)):
        raise _not_pending()
    _answer(session, task, detail, body["value"])
    return {"success": True, "message": "Taken."}


def _answer(session: Session, task: TaskInstance, detail: HITLDetail | None, value: Any) -> None:
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail

    expected = _expected(detail)
    if detail is None or expected is None:
        raise _not_pending()
    payload = UpdateHITLDetailPayload(
        chosen_options=list(detail.options or [])[:1], params_input={ANSWER_FIELD: value, CALL_FIELD: expected}
    )
    try:
        update_hitl_detail(task.dag_id, task.run_id, task.task_id, payload, _Caller(), session, task.map_index)
    except HTTPException as error:
        raise _not_pending() from error
    session.flush()
