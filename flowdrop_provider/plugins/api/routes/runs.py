"""One run closely: trace, changes, values by path, and a comparison of two."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from fastapi import APIRouter, Query, Request, Response

from flowdrop_provider.plugins.api.errors import not_found
from flowdrop_provider.plugins.api.ids import etag, open_cursor, pack_cursor
from flowdrop_provider.plugins.api.models import ChangesAnswer, ComparisonAnswer, RunJobsAnswer, TraceAnswer
from flowdrop_provider.plugins.api.reading import read_run
from flowdrop_provider.plugins.api.routes.pipelines import READ, answered, not_modified, unchanged
from flowdrop_provider.plugins.api.security import UserDep, may_read_values, of_run
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.shapes.comparisons import comparison
from flowdrop_provider.plugins.api.shapes.traces import changed_document, job_row, trace_document
from flowdrop_provider.plugins.api.shapes.values import part_of, resolve
from flowdrop_provider.plugins.api.sites import editor_of

__all__ = ["router"]

router = APIRouter(tags=["runs"])

_ENTITIES = (DagAccessEntity.RUN, DagAccessEntity.TASK_INSTANCE)
READ_VALUES = of_run("GET", *_ENTITIES, DagAccessEntity.XCOM)
READ_OTHER = of_run("GET", *_ENTITIES, param="other_id")


@router.get("/runs/{id}/trace", response_model=None, responses={200: {"model": TraceAnswer}})
def get_trace(
    request: Request, response: Response, session: SessionDep, user: UserDep, run: Annotated[DagRun, READ]
) -> Response:
    """Return the graph of the run's own revision, what its nodes and edges did, and the timeline."""
    view = read_run(session, run)
    values = may_read_values(session, user, run.dag_id)
    if unchanged(request, response, etag("trace", view.id, view.changed, view.status, values)):
        return not_modified(response)
    dag = session.get(DagModel, run.dag_id)
    editor = editor_of(dag.bundle_name if dag is not None else None, view.drawing.workflow_id)
    return answered(response, {"success": True, "data": trace_document(view, values=values, editor=editor)})


@router.get("/runs/{id}/changes", response_model=None, responses={200: {"model": ChangesAnswer}})
def get_changes(
    request: Request,
    response: Response,
    session: SessionDep,
    run: Annotated[DagRun, READ],
    since: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    """Return the state of a run, or 304 when nothing happened since the cursor (or the entity tag) that the caller has."""
    known = open_cursor(since, str)[0] if since is not None else None
    view = read_run(session, run)
    unmodified = unchanged(request, response, etag("changes", view.id, view.changed, view.status))
    if unmodified or (known is not None and known == view.changed):
        return not_modified(response)
    return answered(response, {"success": True, "data": changed_document(view, pack_cursor(view.changed))})


@router.get("/runs/{id}/jobs", response_model=None, responses={200: {"model": RunJobsAnswer}})
def get_jobs_of_run(response: Response, session: SessionDep, user: UserDep, run: Annotated[DagRun, READ]) -> Response:
    """Return the jobs of one run in their order, with input and output for callers who may read XComs in Airflow."""
    values = may_read_values(session, user, run.dag_id)
    jobs = [job_row(job, values=values) for job in read_run(session, run).jobs]
    return answered(response, {"success": True, "data": jobs})


@router.get("/runs/{id}/nodes/{node_id}/data")
def get_node_data(
    session: SessionDep,
    run: Annotated[DagRun, READ_VALUES],
    node_id: str,
    side: Literal["input", "output"] = "output",
    path: Annotated[str, Query(max_length=1_000)] = "",
    offset: int = 0,
    limit: int = 1_000,
    execution: Annotated[int | None, Query(ge=1)] = None,
) -> dict[str, Any]:
    """Return a part of a node's recorded input or output, redacted as it is recorded.

    ``path`` is a JSON Pointer; ``offset`` and ``limit`` cut texts, lists and objects; ``execution`` chooses a round of a loop.
    """
    jobs = [job for job in read_run(session, run).jobs if job.node_id == node_id]
    if execution is not None:
        jobs = [job for job in jobs if job.execution_number == execution]
    if not jobs:
        raise not_found("job", node_id)
    job = jobs[-1]
    value = resolve(job.record.get(f"{side}_data", {}), path)
    truncated = {name: size for name, size in job.record.get("truncated", {}).items() if name.startswith(f"{side}_data")}
    return {
        "success": True,
        "data": {**part_of(value, offset, limit), "path": path, "job_id": job.id, "truncated": truncated},
    }


@router.get("/runs/{id}/compare/{other_id}", response_model=None, responses={200: {"model": ComparisonAnswer}})
def compare_runs(
    session: SessionDep, user: UserDep, run: Annotated[DagRun, READ], other: Annotated[DagRun, READ_OTHER]
) -> dict[str, Any]:
    """Return how two runs differ, node by node."""
    values = may_read_values(session, user, run.dag_id) and may_read_values(session, user, other.dag_id)
    return {"success": True, "data": comparison(read_run(session, run), read_run(session, other), values=values)}
