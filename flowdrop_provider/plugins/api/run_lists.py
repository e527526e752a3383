"""Lists of runs: filtered in the database, one query for a page and one for the count."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from flowdrop_provider.dag_factory import dag_id_of
from flowdrop_provider.engine.launch import split_conf
from flowdrop_provider.engine.naming import RESULT_TASK_ID
from flowdrop_provider.plugins.api.drawings import latest_drawings
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.ids import pipeline_id
from flowdrop_provider.plugins.api.pages import Page
from flowdrop_provider.plugins.api.reading import SUMMARY_KEY, plain
from flowdrop_provider.plugins.api.shapes.pipelines import pipeline_row
from flowdrop_provider.plugins.api.states import RUN_STATUSES, run_status

__all__ = ["RunFilter", "columns", "dag_ids_of", "list_runs", "run_conditions", "shown_run", "status_condition"]

_Result = aliased(TaskInstance)
_Summary = aliased(XComModel)


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What a list of runs is narrowed to; times are when a run was to start."""

    status: str | None = None
    workflow_id: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


def dag_ids_of(readable: set[str], workflow_id: str | None) -> set[str]:
    """Return the readable DAGs of a workflow id (or DAG id), all of them for ``None``."""
    return readable if workflow_id is None else readable & {dag_id_of(workflow_id), workflow_id}


def columns() -> Select[Any]:
    """Return the query of runs with what tells their status: the last task's state and its summary."""
    return (
        select(
            DagRun.dag_id,
            DagRun.run_id,
            DagRun.state,
            DagRun.queued_at,
            DagRun.start_date,
            DagRun.end_date,
            DagRun.updated_at,
            DagRun.run_type,
            DagRun.triggered_by,
            DagRun.triggering_user_name,
            DagRun.conf,
            _Result.state.label("result_state"),
            _Summary.value.label("summary"),
        )
        .outerjoin(
            _Result,
            and_(
                _Result.dag_id == DagRun.dag_id,
                _Result.run_id == DagRun.run_id,
                _Result.task_id == RESULT_TASK_ID,
                _Result.map_index == -1,
            ),
        )
        .outerjoin(
            _Summary,
            and_(
                _Summary.dag_run_id == DagRun.id,
                _Summary.task_id == RESULT_TASK_ID,
                _Summary.map_index == -1,
                _Summary.key == SUMMARY_KEY,
            ),
        )
    )


def status_condition(status: str) -> ColumnElement[bool]:
    """Return the condition for one status, in the words of :func:`~.states.run_status`."""
    told = _Summary.value["status"].as_string()
    conditions: dict[str, ColumnElement[bool]] = {
        "pending": DagRun.state == "queued",
        "running": DagRun.state == "running",
        "paused": and_(DagRun.state == "running", _waiting()),
        "completed": DagRun.state == "success",
        "completed_with_warnings": and_(DagRun.state == "success", told == "completed_with_warnings"),
        "failed": and_(DagRun.state == "failed", or_(_Result.state.is_(None), _Result.state != "skipped")),
        "cancelled": and_(DagRun.state == "failed", _Result.state == "skipped"),
    }
    if status not in conditions:
        known = ", ".join(RUN_STATUSES)
        raise ApiError(400, "STATUS_UNKNOWN", f"There is no run status {status[:40]!r}; there are {known}.")
    return conditions[status]


def _waiting() -> ColumnElement[bool]:
    other = aliased(TaskInstance)
    return (
        select(other.id)
        .where(other.dag_id == DagRun.dag_id, other.run_id == DagRun.run_id, other.state.in_(["awaiting_input", "deferred"]))
        .exists()
    )


def run_conditions(dag_ids: set[str], wanted: RunFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter over runs."""
    found: list[ColumnElement[bool]] = [DagRun.dag_id.in_(sorted(dag_ids))]
    if wanted.status:
        found.append(status_condition(wanted.status))
    if wanted.since:
        found.append(DagRun.run_after >= wanted.since)
    if wanted.until:
        found.append(DagRun.run_after < wanted.until)
    return found


def list_runs(session: Session, readable: set[str], wanted: RunFilter, page: Page) -> tuple[list[dict[str, Any]], int]:
    """Return a page of runs, newest first, and how many there are under the same filter (API-6)."""
    dag_ids = dag_ids_of(readable, wanted.workflow_id)
    conditions = run_conditions(dag_ids, wanted)
    query = columns().where(*conditions)
    counted = query.with_only_columns(func.count()) if wanted.status else select(func.count(DagRun.id)).where(*conditions)
    total = session.scalar(counted.order_by(None)) or 0
    rows = session.execute(query.order_by(DagRun.id.desc()).limit(page.limit).offset(page.offset)).all()
    drawings = latest_drawings(session, {row.dag_id for row in rows})
    return [shown_run(row, drawings.get(row.dag_id)) for row in rows], total


def shown_run(row: Any, drawing: Any) -> dict[str, Any]:
    """Return a row of :func:`columns` as lists show it; the drawing may be ``None``."""
    status = run_status(row.state, plain(row.summary) or None, row.result_state)
    workflow_id = drawing.workflow_id if drawing is not None else row.dag_id
    name = drawing.name if drawing is not None else row.dag_id
    shown = pipeline_row(row, workflow_id or row.dag_id, name or row.dag_id, status, pipeline_id(row.dag_id, row.run_id))
    return {**shown, "outcome": status, "source": split_conf(row.conf)[1].get("source")}
