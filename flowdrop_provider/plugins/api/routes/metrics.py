"""Figures and audit entries."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.log import Log
from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from sqlalchemy import ColumnElement, select

from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.ids import open_cursor, pack_cursor
from flowdrop_provider.plugins.api.measuring import metrics
from flowdrop_provider.plugins.api.models import MetricsAnswer
from flowdrop_provider.plugins.api.pages import page_size
from flowdrop_provider.plugins.api.reading import iso
from flowdrop_provider.plugins.api.run_lists import dag_ids_of
from flowdrop_provider.plugins.api.security import JOBS_READABLE, UserDep, administers, listed
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.trail import TASK_EVENTS, log_entry

__all__ = ["router"]

router = APIRouter(tags=["figures"])

AUDITED = listed(DagAccessEntity.AUDIT_LOG)
_LONGEST = dt.timedelta(days=366)


@router.get("/metrics", response_model=None, responses={200: {"model": MetricsAnswer}})
def get_metrics(
    session: SessionDep,
    readable: Annotated[set[str], JOBS_READABLE],
    group_by: Literal["workflow", "node", "node_type"] = "workflow",
    workflow_id: str | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> dict[str, Any]:
    """Return figures of runs or nodes that were to start in a period (by default the last 24 hours), and of the one before."""
    end = until or dt.datetime.now(dt.timezone.utc)
    start = since or end - dt.timedelta(days=1)
    if not dt.timedelta() < end - start <= _LONGEST:
        raise ApiError(400, "PERIOD_INVALID", "The period must end after it begins and be at most 366 days long.")
    rows = metrics(session, dag_ids_of(readable, workflow_id), group_by, start, end)
    period = {"since": iso(start), "until": iso(end), "previous_since": iso(start - (end - start))}
    return {"success": True, "data": rows, "period": period, "group_by": group_by}


@router.get("/audit")
def get_audit(
    session: SessionDep,
    user: UserDep,
    readable: Annotated[set[str], AUDITED],
    workflow_id: str | None = None,
    event: Annotated[str | None, Query(max_length=60)] = None,
    by_people: bool = False,
    limit: int = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> dict[str, Any]:
    """Return what people did to FlowDrop's workflows and runs, the newest first, from Airflow's action log.

    ``by_people`` leaves out what Airflow notes there itself: the states that tasks came into. What was done to the deployment
    and to no workflow, such as the test of a rule for notices, is for its administrators.
    """
    size = page_size(limit)
    wanted: ColumnElement[bool] = Log.dag_id.in_(sorted(dag_ids_of(readable, workflow_id)))
    if workflow_id is None and administers(user):
        wanted |= Log.dag_id.is_(None) & Log.event.startswith("flowdrop_", autoescape=True)
    query = select(Log).where(wanted).order_by(Log.id.desc()).limit(size + 1)
    if event is not None:
        query = query.where(Log.event == event)
    if by_people:
        query = query.where(Log.event.not_in(TASK_EVENTS))
    if cursor is not None:
        query = query.where(Log.id < open_cursor(cursor, int)[0])
    entries = list(session.scalars(query))
    following = pack_cursor(entries[size - 1].id) if len(entries) > size else None
    rows = [log_entry(entry) for entry in entries[:size]]
    return {"success": True, "data": rows, "pagination": {"limit": size, "next_cursor": following}}
