"""Jobs across runs: one query a page, in the order of runs, with keyset paging that never counts or skips rows (DESIGN 8)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import ColumnElement, Float, Select, and_, cast, func, or_, select, tuple_
from sqlalchemy.orm import Session

from flowdrop_provider.engine.naming import RESULT_TASK_ID
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.ids import open_cursor, pack_cursor, pipeline_id
from flowdrop_provider.plugins.api.reading import is_job_key, plain, recorded_job, task_columns
from flowdrop_provider.plugins.api.shapes.traces import job_row
from flowdrop_provider.plugins.api.states import JOB_STATUSES

__all__ = ["JobFilter", "list_jobs"]


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What a list of jobs is narrowed to; times are when their run was to start."""

    dag_ids: frozenset[str]
    run: tuple[str, str] | None = None
    node_id: str | None = None
    node_type_id: str | None = None
    status: str | None = None
    error_code: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    slower_than_us: int | None = None


_STATES: dict[str, tuple[str, ...]] = {
    "pending": ("scheduled", "queued", "up_for_retry", "up_for_reschedule"),
    "running": ("running", "restarting"),
    "interrupted": ("deferred", "awaiting_input"),
}


def _key() -> tuple[Any, ...]:
    return (DagRun.id, TaskInstance.task_id, TaskInstance.map_index, func.coalesce(XComModel.key, ""))


def _told(name: str) -> ColumnElement[Any]:
    found: ColumnElement[Any] = XComModel.value[name].as_string()
    return found


def _conditions(wanted: JobFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        DagRun.dag_id.in_(sorted(wanted.dag_ids)),
        TaskInstance.task_id != RESULT_TASK_ID,
        # A node that the run has not come to has no job yet; one skipped by an earlier node has, without a record.
        TaskInstance.state.is_not(None),
    ]
    if wanted.run is not None:
        found.append(and_(DagRun.dag_id == wanted.run[0], DagRun.run_id == wanted.run[1]))
    if wanted.since:
        found.append(DagRun.run_after >= wanted.since)
    if wanted.until:
        found.append(DagRun.run_after < wanted.until)
    return [*found, *_node_conditions(wanted)]


def _node_conditions(wanted: JobFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.node_id:
        found.append(
            or_(_told("node_id") == wanted.node_id, and_(XComModel.key.is_(None), TaskInstance.task_id == wanted.node_id))
        )
    if wanted.node_type_id:
        found.append(_told("node_type_id") == wanted.node_type_id)
    if wanted.error_code:
        found.append(XComModel.value["error"]["code"].as_string() == wanted.error_code)
    if wanted.slower_than_us is not None:
        found.append(cast(_told("execution_time_us"), Float) > wanted.slower_than_us)
    if wanted.status:
        found.append(_status(wanted.status))
    return found


def _status(status: str) -> ColumnElement[bool]:
    if status not in JOB_STATUSES:
        raise ApiError(400, "STATUS_UNKNOWN", f"There is no job status {status[:40]!r}; there are {', '.join(JOB_STATUSES)}.")
    if status in _STATES:
        return TaskInstance.state.in_(_STATES[status])
    finished = {"completed": ["success"], "failed": ["failed"], "skipped": ["skipped", "upstream_failed", "removed"]}
    silent = and_(XComModel.key.is_(None), TaskInstance.state.in_(finished.get(status, [])))
    return or_(_told("status") == status, silent)


def _query(wanted: JobFilter) -> Select[Any]:
    return (
        select(DagRun.id.label("run_row"), DagRun.dag_id, DagRun.run_id, DagRun.state.label("run_state"), *task_columns())
        .add_columns(XComModel.key.label("key"), XComModel.value.label("value"))
        .join(TaskInstance, and_(TaskInstance.dag_id == DagRun.dag_id, TaskInstance.run_id == DagRun.run_id))
        .outerjoin(
            XComModel,
            and_(
                XComModel.dag_run_id == DagRun.id,
                XComModel.task_id == TaskInstance.task_id,
                XComModel.map_index == TaskInstance.map_index,
                is_job_key(),
            ),
        )
        .where(*_conditions(wanted))
    )


def list_jobs(session: Session, wanted: JobFilter, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of jobs, those of the newest run first, and the cursor of the next page (``None`` at the end)."""
    if not wanted.dag_ids:
        return [], None
    query = _query(wanted).order_by(*(column.desc() for column in _key())).limit(limit + 1)
    if cursor is not None:
        last = open_cursor(cursor, int, str, int, str)
        # The first part alone lets the database walk the primary key from there on.
        query = query.where(DagRun.id <= last[0], tuple_(*_key()) < tuple_(*last))
    rows = session.execute(query).all()
    page = rows[:limit]
    return [_shown(row) for row in page], _after(page[-1]) if len(rows) > limit else None


def _after(row: Any) -> str:
    """Return the cursor of the rows after this one."""
    return pack_cursor(row.run_row, row.task_id, row.map_index, row.key or "")


def _shown(row: Any) -> dict[str, Any]:
    record = plain(row.value)
    facts = {"dag_id": row.dag_id, "run_id": row.run_id, "pipeline_id": pipeline_id(row.dag_id, row.run_id)}
    if not record.get("node_id"):
        record = {"node_id": row.task_id, "status": None}
    return {**facts, **job_row(recorded_job(record, row))}
