"""What the views in Airflow's interface ask besides: what the caller may do, a search of runs, revisions, slices of time."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.dag import DagModel
from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.pages import page_size
from flowdrop_provider.plugins.api.revisions import drawing_at, revisions
from flowdrop_provider.plugins.api.run_lists import RunFilter, dag_ids_of
from flowdrop_provider.plugins.api.run_search import RunSearch, count_runs, search_runs
from flowdrop_provider.plugins.api.security import JOBS_READABLE, RUNS_READABLE, UserDep, may, of_workflow
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.trends import trend

__all__ = ["router"]

router = APIRouter(tags=["views"])

HISTORY = of_workflow("GET", DagAccessEntity.VERSION, DagAccessEntity.RUN)
Word = Annotated[str | None, Query(max_length=250)]

#: What a person may do with a workflow's runs: our word, Airflow's method and entity (the table in docs/api.md).
RIGHTS: dict[str, tuple[str, DagAccessEntity]] = {
    "start": ("POST", DagAccessEntity.RUN),
    "stop": ("PUT", DagAccessEntity.RUN),
    "answer": ("PUT", DagAccessEntity.HITL_DETAIL),
    "values": ("GET", DagAccessEntity.XCOM),
    "config": ("GET", DagAccessEntity.CODE),
    "logs": ("GET", DagAccessEntity.TASK_LOGS),
    "audit": ("GET", DagAccessEntity.AUDIT_LOG),
}


@router.get("/rights")
def get_rights(
    session: SessionDep,
    user: UserDep,
    readable: Annotated[set[str], RUNS_READABLE],
    dag_id: Annotated[list[str], Query(min_length=1, max_length=100)],
) -> dict[str, Any]:
    """Return what the caller may do with each of these DAGs' runs, so that a page offers only that; each route asks again."""
    found = {
        name: {right: may(session, user, *needed, name) for right, needed in RIGHTS.items()}
        for name in dag_id
        if name in readable
    }
    return {"success": True, "data": found}


def _wanted(
    workflow_id: Word = None,
    status: Word = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    trigger: Word = None,
    user: Word = None,
    error: Word = None,
    node_id: Word = None,
) -> RunSearch:
    """Return the search of a request; ``trigger`` is a source (``event``) or Airflow's word for a start (``timetable``)."""
    return RunSearch(RunFilter(status, workflow_id, since, until), trigger, user, error, node_id)


WantedRuns = Annotated[RunSearch, Depends(_wanted)]


@router.get("/runs")
def get_runs(
    session: SessionDep,
    readable: Annotated[set[str], JOBS_READABLE],
    wanted: WantedRuns,
    limit: int = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> dict[str, Any]:
    """Return runs, newest first, each with the error that ended it or the nodes that it went on past.

    Go on with ``next_cursor`` until it is null.
    """
    size = page_size(limit)
    rows, following = search_runs(session, readable, wanted, size, cursor)
    return {"success": True, "data": rows, "pagination": {"limit": size, "next_cursor": following}}


@router.get("/runs/counts")
def get_run_counts(session: SessionDep, readable: Annotated[set[str], JOBS_READABLE], wanted: WantedRuns) -> dict[str, Any]:
    """Return how many runs of each status the same search finds; its own ``status`` does not count."""
    return {"success": True, "data": count_runs(session, readable, wanted)}


@router.get("/metrics/trend")
def get_trend(
    session: SessionDep,
    readable: Annotated[set[str], JOBS_READABLE],
    since: AwareDatetime,
    until: AwareDatetime | None = None,
    workflow_id: Word = None,
    points: Annotated[int, Query(ge=2, le=100)] = 24,
) -> dict[str, Any]:
    """Return a period (at most 366 days) in equal slices: ended runs, failed ones, mean duration."""
    end = until or dt.datetime.now(dt.timezone.utc)
    if not dt.timedelta() < end - since <= dt.timedelta(days=366):
        raise ApiError(400, "PERIOD_INVALID", "The period must end after it begins and be at most 366 days long.")
    return {"success": True, "data": trend(session, dag_ids_of(readable, workflow_id), since, end, points)}


@router.get("/workflows/{id}/revisions")
def get_revisions(session: SessionDep, dag: Annotated[DagModel, HISTORY]) -> dict[str, Any]:
    """Return the revisions of a workflow that Airflow still knows, newest first, with their runs."""
    return {"success": True, "data": revisions(session, dag.dag_id)}


@router.get("/workflows/{id}/revisions/{revision}")
def get_revision(session: SessionDep, dag: Annotated[DagModel, HISTORY], revision: str) -> dict[str, Any]:
    """Return the drawing of one revision; 404 ``REVISION_NOT_FOUND``."""
    return {"success": True, "data": drawing_at(session, dag.dag_id, revision)}
