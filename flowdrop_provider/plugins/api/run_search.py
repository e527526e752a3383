"""Searching runs by what people remember of them: who, how, when, which node, which error; keyset paging, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.xcom import XComModel
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from flowdrop_provider.engine.launch import CONF_KEY
from flowdrop_provider.plugins.api import run_lists
from flowdrop_provider.plugins.api.drawings import latest_drawings
from flowdrop_provider.plugins.api.ids import open_cursor, pack_cursor
from flowdrop_provider.plugins.api.launching import SOURCES
from flowdrop_provider.plugins.api.reading import is_job_key, plain
from flowdrop_provider.plugins.api.run_lists import RunFilter, dag_ids_of, run_conditions
from flowdrop_provider.plugins.api.states import run_error

__all__ = ["RunSearch", "count_runs", "ending", "search_runs"]

#: Node ids shown of a run: those of a list are read at a glance.
MAX_HANDLED = 20


@dataclass(frozen=True, slots=True)
class RunSearch:
    """What a search is narrowed to, beyond :class:`~.run_lists.RunFilter`.

    ``error`` and ``node_id`` together ask for that error at that node; ``node_id`` alone for runs in which it left a record.
    """

    basic: RunFilter
    trigger: str | None = None
    user: str | None = None
    error: str | None = None
    node_id: str | None = None


def _holds(text: Any, part: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = func.lower(text).contains(part.lower(), autoescape=True)
    return found


def _trigger(kind: str) -> ColumnElement[bool]:
    source = func.coalesce(DagRun.conf[CONF_KEY]["source"].as_string(), "")
    if kind in SOURCES:
        return source == kind
    via = next((known for known in DagRunTriggeredByType if known.value == kind), None)
    return (source == "") & (DagRun.triggered_by == via)


def _jobs(wanted: RunSearch) -> ColumnElement[bool]:
    """Return the condition that a job record of the run is of this node and tells this error."""
    found: list[ColumnElement[bool]] = [XComModel.dag_run_id == DagRun.id, is_job_key()]
    if wanted.node_id:
        found.append(XComModel.value["node_id"].as_string() == wanted.node_id)
    if wanted.error:
        message, code = (XComModel.value["error"][name].as_string() for name in ("message", "code"))
        found.append(or_(_holds(message, wanted.error), _holds(code, wanted.error)))
    return select(XComModel.dag_run_id).where(*found).exists()


def _conditions(readable: set[str], wanted: RunSearch) -> list[ColumnElement[bool]]:
    found = run_conditions(dag_ids_of(readable, wanted.basic.workflow_id), wanted.basic)
    if wanted.trigger:
        found.append(_trigger(wanted.trigger))
    if wanted.user:
        found.append(_holds(DagRun.triggering_user_name, wanted.user))
    if wanted.node_id or wanted.error:
        found.append(_jobs(wanted))
    return found


def search_runs(
    session: Session, readable: set[str], wanted: RunSearch, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of runs, newest first, each with what ended it or what it went on past, and the cursor of the next page.

    :raises ApiError: 400 ``CURSOR_INVALID`` or ``STATUS_UNKNOWN``.
    """
    query = run_lists.columns().add_columns(DagRun.id.label("row")).where(*_conditions(readable, wanted))
    if cursor is not None:
        query = query.where(DagRun.id < open_cursor(cursor, int)[0])
    rows = session.execute(query.order_by(DagRun.id.desc()).limit(limit + 1)).all()
    page = rows[:limit]
    following = pack_cursor(page[-1].row) if len(rows) > limit else None
    drawings = latest_drawings(session, {row.dag_id for row in page})
    return [_row(row, drawings.get(row.dag_id)) for row in page], following


def _row(row: Any, drawing: Any) -> dict[str, Any]:
    shown, summary = run_lists.shown_run(row, drawing), plain(row.summary)
    handled = summary.get("failed_node_ids") if shown["outcome"] == "completed_with_warnings" else None
    return {
        **shown,
        "dag_id": row.dag_id,
        "error": ending(shown["outcome"], summary, row.result_state),
        "handled_node_ids": list(handled or [])[:MAX_HANDLED],
    }


def ending(status: str, summary: Mapping[str, Any], result_state: str | None) -> dict[str, Any] | None:
    """Return what ended a run early, as ``{"message", "code", "node_id"}``.

    The parameters are those of :func:`~.states.run_error`. Airflow can end a run before it has come to an error of its own.
    """
    error = run_error(status, summary, result_state)
    if error:
        return {name: error.get(name) for name in ("message", "code", "node_id")}
    if status != "failed" or result_state == "failed":
        return None
    message = "Airflow ended the run before the task that would have told why. Look at its task instances."
    return {"message": message, "code": "ended_by_airflow", "node_id": None}


def count_runs(session: Session, readable: set[str], wanted: RunSearch) -> dict[str, int]:
    """Return how many runs of each status there are under a search without its status, in one query."""
    plain_search = RunFilter(workflow_id=wanted.basic.workflow_id, since=wanted.basic.since, until=wanted.basic.until)
    conditions = _conditions(readable, RunSearch(plain_search, wanted.trigger, wanted.user, wanted.error, wanted.node_id))
    # The more exact statuses come first: a waiting run is also a running one.
    exact = ("paused", "completed_with_warnings", "cancelled", "pending", "running", "completed", "failed")
    named = case(*((run_lists.status_condition(status), status) for status in exact), else_="other").label("status")
    told = run_lists.columns().with_only_columns(named).where(*conditions).subquery()
    rows = session.execute(select(told.c.status, func.count()).group_by(told.c.status))
    return {status: count for status, count in rows if status != "other"}
