"""Questions to people: lists, one, and its answer (INT-1, INT-3, INT-22)."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from fastapi import APIRouter, Body, Depends, HTTPException, Request
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session, joinedload

from flowdrop_provider.engine.launch import chat_of
from flowdrop_provider.plugins.api.auditing import audited
from flowdrop_provider.plugins.api.drawings import Drawing, latest_drawings
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.pages import Page, page_of
from flowdrop_provider.plugins.api.security import UserDep, listed, of_interrupt, of_run
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.shapes.interrupts import answer_parts, interrupt, interrupt_status
from flowdrop_provider.plugins.human_input import is_overdue, locked_question, settling_seconds

__all__ = ["Status", "listed_interrupts", "router"]

router = APIRouter(tags=["interrupts"])

READ = of_interrupt("GET")
ANSWER = of_interrupt("PUT")
OF_RUN = of_run("GET", DagAccessEntity.RUN, DagAccessEntity.HITL_DETAIL, param="pipeline_id")
READABLE = listed(DagAccessEntity.HITL_DETAIL)
Status = Literal["pending", "resolved", "cancelled"] | None


async def _settle(request: Request, _user: UserDep) -> None:
    """Hold an answer back until the scheduler can take it, without a database session meanwhile."""
    asked = await asyncio.to_thread(_asked_at, str(request.path_params["id"]))
    await asyncio.sleep(settling_seconds(asked, dt.datetime.now(dt.timezone.utc)))


def _asked_at(value: str) -> dt.datetime | None:
    """Return when an open question was put, ``None`` when there is none."""
    try:
        ti_id = UUID(value)
    except ValueError:
        return None
    with create_session(scoped=False) as session:
        asked: dt.datetime | None = session.scalar(
            select(TaskInstance.updated_at).where(TaskInstance.id == ti_id, TaskInstance.state == "awaiting_input")
        )
    return asked


def _shown(detail: HITLDetail, drawing: Drawing) -> dict[str, Any]:
    task = detail.task_instance
    nodes = drawing.tasks.get(task.task_id, [task.task_id])
    chat = chat_of(task.dag_run.conf)
    return interrupt(detail, task, nodes[0], drawing.workflow_id or task.dag_id, session_id=chat)


def _one(session: Session, task: TaskInstance) -> dict[str, Any]:
    detail = session.get(HITLDetail, task.id, populate_existing=True)
    assert detail is not None  # noqa: S101 - the access dependency came through it
    return _shown(detail, latest_drawings(session, [task.dag_id]).get(task.dag_id, Drawing({})))


def _status(status: Status) -> ColumnElement[bool] | None:
    waiting = TaskInstance.state.in_(["awaiting_input", "deferred"])
    open_ = HITLDetail.responded_at.is_(None)
    conditions: dict[Any, ColumnElement[bool]] = {
        "pending": and_(open_, waiting),
        "resolved": HITLDetail.responded_at.is_not(None),
        "cancelled": and_(open_, TaskInstance.state.is_distinct_from("awaiting_input"), ~func.coalesce(waiting, False)),
    }
    return conditions.get(status)


def listed_interrupts(session: Session, conditions: list[ColumnElement[bool]], status: Status, page: Page) -> dict[str, Any]:
    """Return a page of questions, the newest first.

    :param conditions: over ``TaskInstance`` and ``HITLDetail``.
    """
    wanted = [*conditions, *([found] if (found := _status(status)) is not None else [])]
    joined = select(HITLDetail).join(TaskInstance, TaskInstance.id == HITLDetail.ti_id).where(*wanted)
    total = session.scalar(joined.with_only_columns(func.count(HITLDetail.ti_id))) or 0
    whole = joinedload(HITLDetail.task_instance).joinedload(TaskInstance.dag_run)
    query = joined.options(whole).order_by(HITLDetail.created_at.desc()).limit(page.limit).offset(page.offset)
    rows = session.scalars(query).unique().all()
    drawings = latest_drawings(session, {detail.task_instance.dag_id for detail in rows})
    shown = [_shown(detail, drawings.get(detail.task_instance.dag_id, Drawing({}))) for detail in rows]
    return page_of(shown, total, page)


@router.get("/interrupts")
def list_interrupts(
    session: SessionDep,
    readable: Annotated[set[str], READABLE],
    status: Status = "pending",
    limit: int | None = None,
    offset: int | None = None,
) -> dict[str, Any]:
    """Return the questions of all runs the caller may read, the newest first; those that wait unless asked otherwise."""
    return listed_interrupts(session, [TaskInstance.dag_id.in_(sorted(readable))], status, Page.asked(limit, offset))


@router.get("/pipelines/{pipeline_id}/interrupts")
def list_pipeline_interrupts(
    session: SessionDep,
    run: Annotated[DagRun, OF_RUN],
    status: Status = None,
    limit: int | None = None,
    offset: int | None = None,
) -> dict[str, Any]:
    """Return the questions of one run."""
    conditions = [TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id]
    return listed_interrupts(session, conditions, status, Page.asked(limit, offset))


@router.get("/interrupts/{id}")
def get_interrupt(session: SessionDep, task: Annotated[TaskInstance, READ]) -> dict[str, Any]:
    """Return one question."""
    return {"success": True, "data": _one(session, task)}


@router.post("/interrupts/{id}", dependencies=[Depends(_settle), ANSWER, audited("flowdrop_answer")])
def resolve_interrupt(
    session: SessionDep, user: UserDep, task: Annotated[TaskInstance, ANSWER], body: Annotated[dict[str, Any], Body()]
) -> dict[str, Any]:
    """Answer a question with ``{"value": ...}``; Airflow's own route does the rest, with its checks and its lock.

    :raises ApiError: 400 ``ANSWER_MISSING`` or ``ANSWER_INVALID``; 409 ``INTERRUPT_NOT_PENDING``; 403 when somebody else was
        asked.
    """
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail

    if "value" not in body:
        raise ApiError(400, "ANSWER_MISSING", "An answer has a member 'value'.")
    _, detail = locked_question(session, task.id)
    overdue = is_overdue(task, dt.datetime.now(dt.timezone.utc))
    if detail is None or overdue or interrupt_status(detail, task.state) != "pending":
        raise ApiError(409, "INTERRUPT_NOT_PENDING", "This question is not open any more.")
    chosen, fields = answer_parts(detail, body["value"])
    payload = UpdateHITLDetailPayload(chosen_options=chosen, params_input=fields)
    try:
        update_hitl_detail(task.dag_id, task.run_id, task.task_id, payload, user, session, task.map_index)
    except HTTPException as error:
        code = {400: "ANSWER_INVALID", 403: "FORBIDDEN", 409: "INTERRUPT_NOT_PENDING"}.get(error.status_code, "CONFLICT")
        raise ApiError(error.status_code, code, str(error.detail)) from error
    session.flush()
    return {"success": True, "message": "Answered", "data": _one(session, task)}


@router.post("/interrupts/{id}/cancel", dependencies=[ANSWER, audited("flowdrop_cancel_question")])
def cancel_interrupt(task: Annotated[TaskInstance, ANSWER]) -> dict[str, Any]:
    """Refuse to take a question back: Airflow knows no question without its run. 409 ``INTERRUPT_NOT_CANCELLABLE``."""
    raise ApiError(
        409,
        "INTERRUPT_NOT_CANCELLABLE",
        f"Stop the run instead: the question belongs to task {task.task_id!r} and ends with its run.",
    )
