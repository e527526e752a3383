"""Pipelines: a run as FlowDrop's editor and its API know it."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from fastapi import APIRouter, Depends, Request, Response
from fastapi.encoders import jsonable_encoder

from flowdrop_provider.plugins.api.auditing import audited
from flowdrop_provider.plugins.api.controlling import pause_run, resume_run, settling_of
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.ids import etag, pipeline_id
from flowdrop_provider.plugins.api.launching import stop_run
from flowdrop_provider.plugins.api.pages import Page, page_of
from flowdrop_provider.plugins.api.reading import read_run
from flowdrop_provider.plugins.api.run_lists import RunFilter, list_runs
from flowdrop_provider.plugins.api.security import RUNS_READABLE, UserDep, may_read_values, of_run, of_workflow
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.shapes.pipelines import editor_document, light_document, pipeline_document

__all__ = ["router"]

router = APIRouter(tags=["pipelines"])

READ = of_run("GET", DagAccessEntity.RUN, DagAccessEntity.TASK_INSTANCE)
STOP = of_run("PUT", DagAccessEntity.RUN)
START = of_run("POST", DagAccessEntity.RUN)
RUNS_OF_WORKFLOW = of_workflow("GET", DagAccessEntity.RUN, param="workflow_id")


def unchanged(request: Request, response: Response, tag: str) -> bool:
    """Set the entity tag of an answer and return whether the caller already has it."""
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    return request.headers.get("if-none-match") == tag


def not_modified(response: Response) -> Response:
    """Return 304 with the headers set so far."""
    return Response(status_code=304, headers=dict(response.headers))


def answered(response: Response, content: Any) -> Response:
    """Return the content with the headers set so far, written here in the thread of the request.

    FastAPI would first copy it into what JSON knows, member by member and on the event loop, which all other requests wait for.
    """
    body = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=jsonable_encoder)
    return Response(body, media_type="application/json", headers=dict(response.headers))


@router.get("/executions/{id}", response_model=None)
@router.get("/pipeline/{id}", response_model=None)
def get_pipeline(
    request: Request, response: Response, session: SessionDep, user: UserDep, run: Annotated[DagRun, READ]
) -> Response:
    """Return a run twice in one answer: bare, as the editor reads it, and under ``data`` as the specification has it (PIPE-1).

    The bare ``status`` of a queued or waiting run is ``running``, or the editor would never ask again (measured).
    """
    view = read_run(session, run)
    values = may_read_values(session, user, run.dag_id)
    if unchanged(request, response, etag(view.id, view.changed, view.status, len(view.jobs), values)):
        return not_modified(response)
    return answered(response, {**editor_document(view), "success": True, "data": pipeline_document(view, values=values)})


@router.get("/pipeline/{id}/status")
def get_pipeline_status(session: SessionDep, run: Annotated[DagRun, READ]) -> dict[str, Any]:
    """Return the light status document (PIPE-1)."""
    return {"success": True, "data": light_document(read_run(session, run))}


@router.get("/workflow/{workflow_id}/pipelines")
def list_workflow_pipelines(
    session: SessionDep,
    dag: Annotated[DagModel, RUNS_OF_WORKFLOW],
    status: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> dict[str, Any]:
    """Return the runs of a workflow, newest first; ``pipelines`` repeats ``data`` for the editor's list page (measured)."""
    page = Page.asked(limit, offset)
    rows, total = list_runs(session, {dag.dag_id}, RunFilter(status=status), page)
    return page_of(rows, total, page, pipelines=rows, count=len(rows))


@router.get("/executions")
def list_executions(
    session: SessionDep,
    readable: Annotated[set[str], RUNS_READABLE],
    workflow_id: str | None = None,
    status: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> dict[str, Any]:
    """Return runs, newest first, of all workflows the caller may read."""
    page = Page.asked(limit, offset)
    rows, total = list_runs(session, readable, RunFilter(status=status, workflow_id=workflow_id), page)
    return page_of(rows, total, page)


@router.post("/executions/{id}/cancel", dependencies=[STOP, audited("flowdrop_cancel")])
@router.post("/pipeline/{id}/stop", dependencies=[STOP, audited("flowdrop_cancel")])
def stop_pipeline(
    session: SessionDep, user: UserDep, run: Annotated[DagRun, STOP], body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Stop a run, and the runs it started that the caller may stop: noted, audited, their tasks ended.

    :raises ApiError: 409 ``PIPELINE_TERMINAL`` when it has ended by itself (INT-16).
    """
    children = stop_run(session, run, user, _reason(body))
    stopped = [pipeline_id(child.dag_id, child.run_id) for child in children]
    return {"success": True, "message": "Execution cancelled", "data": {"status": "cancelled", "children": stopped}}


def _reason(body: dict[str, Any] | None) -> str:
    reason = (body or {}).get("reason")
    return str(reason)[:500] if isinstance(reason, str) else ""


@router.post("/pipeline/{id}/pause", status_code=202, dependencies=[STOP, audited("flowdrop_pause")])
def pause_pipeline(
    session: SessionDep, user: UserDep, run: Annotated[DagRun, STOP], body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Ask a run to pause: nodes that are under way finish, no other begins, nothing holds a worker (INT-5).

    :raises ApiError: 409 ``PIPELINE_TERMINAL`` or ``INWARD_SIGNAL_ALREADY_PENDING`` (INT-16).
    """
    pause = pause_run(session, run, user, _reason(body))
    return {"success": True, "message": "The run pauses.", "data": {"status": "paused", "paused": dict(pause)}}


async def _settle(request: Request, _user: UserDep) -> None:
    """Hold a resume back until the scheduler can take it, without a database session meanwhile."""
    await asyncio.sleep(await asyncio.to_thread(settling_of, str(request.path_params["id"])))


@router.post("/pipeline/{id}/resume", dependencies=[Depends(_settle), STOP, audited("flowdrop_resume")])
def resume_pipeline(session: SessionDep, run: Annotated[DagRun, STOP]) -> dict[str, Any]:
    """Let a paused run go on; what waits for a person goes on waiting.

    :raises ApiError: 409 ``PIPELINE_TERMINAL`` or ``NO_ACTIVE_PAUSE`` (INT-16).
    """
    taken_up = resume_run(session, run)
    return {"success": True, "message": "The run goes on.", "data": {"status": "running", "tasks": taken_up}}


@router.post("/pipeline/{id}/execute", status_code=202, dependencies=[START, audited("flowdrop_execute_pipeline")])
def execute_pipeline(session: SessionDep, run: Annotated[DagRun, START]) -> dict[str, Any]:
    """Answer 202 for a run that is queued or going on: Airflow starts it by itself.

    :raises ApiError: 409 ``PIPELINE_TERMINAL``: an ended run is never entered again; ``/runs/{id}/rerun`` makes a new one
        (INT-11).
    """
    view = read_run(session, run)
    if view.finished:
        raise ApiError(409, "PIPELINE_TERMINAL", "The run has ended. Start a new one from it with POST /runs/{id}/rerun.")
    status = "pending" if view.status == "pending" else "running"
    return {"success": True, "data": {"pipeline_id": view.id, "status": status, "message": "The run is on its way."}}
