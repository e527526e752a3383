"""Starting runs: one call, checked inputs, 202 with the pipeline id; and repeating an ended one."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import replace
from typing import Annotated, Any, Literal

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from flowdrop_provider.engine.launch import split_conf
from flowdrop_provider.plugins.api.auditing import audited
from flowdrop_provider.plugins.api.documents import document_of
from flowdrop_provider.plugins.api.drawings import drawing_of
from flowdrop_provider.plugins.api.errors import ApiError, not_found
from flowdrop_provider.plugins.api.ids import pipeline_id
from flowdrop_provider.plugins.api.launching import LaunchRequest, Started, start_run
from flowdrop_provider.plugins.api.models import StartedAnswer
from flowdrop_provider.plugins.api.reading import RunView, iso, read_run
from flowdrop_provider.plugins.api.repeating import Repetition, reuse_of
from flowdrop_provider.plugins.api.security import UserDep, may, of_run, of_workflow
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.states import published_run
from flowdrop_provider.plugins.overlaps import TRIGGER_MEMBER

__all__ = ["KeyHeader", "router"]

router = APIRouter(tags=["start a run"])

START = of_workflow("POST", DagAccessEntity.RUN)
REPEAT = of_run("POST", DagAccessEntity.RUN)
#: The member of an event's flat data that names the trigger's configuration (OCX-1).
TRIGGER_CONFIG = "trigger_config_id"
_STARTED: dict[int | str, dict[str, Any]] = {202: {"model": StartedAnswer}}
KeyHeader = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)]


class ExecuteRequest(BaseModel):
    """What a run is started with; every member may be absent.

    ``inputs`` are values by declared name (or an event's payload), ``initial_data`` is node id -> port -> value, ``source``
    says where the start comes from, ``drupal_pipeline_id`` names the entity that a Drupal site keeps for the run.
    """

    model_config = ConfigDict(extra="ignore")

    inputs: dict[str, Any] = Field(default_factory=dict)
    initial_data: dict[str, Any] = Field(default_factory=dict)
    source: Literal["api", "manual", "event", "playground"] = "api"
    drupal_pipeline_id: str | None = Field(default=None, max_length=64)


class RerunRequest(BaseModel):
    """What is different in the repetition; by default nothing.

    ``from_node`` executes that node and everything behind it, with what the others left in the repeated run. ``pins`` are
    outputs by node id that stand in for an execution; ``null`` stands for those of the repeated run.
    """

    model_config = ConfigDict(extra="forbid")

    inputs: dict[str, Any] | None = None
    from_node: str | None = None
    pins: dict[str, dict[str, Any] | None] = Field(default_factory=dict)


def _status(session: Session, started: Started) -> str:
    """Return the status of a run that was started, by this request or by an earlier one with the same key."""
    if started.refused:
        return "cancelled"
    state = str(started.run.state)
    if state in ("queued", "running"):
        return "pending" if state == "queued" else "running"
    return published_run(read_run(session, started.run).status)


def _answer(session: Session, response: Response, started: Started) -> dict[str, Any]:
    run = started.run
    id_ = pipeline_id(run.dag_id, run.run_id)
    response.headers["Location"] = f"/flowdrop/api/v1/pipeline/{id_}"
    if started.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return {
        "success": True,
        "message": started.refused or "The run is on its way.",
        "data": {
            "execution_id": id_,
            "pipeline_id": id_,
            "status": _status(session, started),
            "started_at": iso(run.queued_at),
            "dag_id": run.dag_id,
            "run_id": run.run_id,
        },
    }


def _start(session: Any, dag: DagModel, user: Any, asked: LaunchRequest) -> Started:
    drawing = drawing_of(session, dag.dag_id, None)
    found = document_of(dag, drawing)
    if asked.source == "event":
        asked = replace(asked, overlap=drawing.overlap(str(asked.extra.get(TRIGGER_MEMBER) or "")))
    return start_run(session, dag, found.plan if found is not None else None, user, asked)


@router.post(
    "/workflows/{id}/execute",
    status_code=202,
    dependencies=[START, audited("flowdrop_execute")],
    response_model=None,
    responses=_STARTED,
)
def execute_workflow(
    session: SessionDep,
    user: UserDep,
    dag: Annotated[DagModel, START],
    response: Response,
    body: ExecuteRequest | None = None,
    key: KeyHeader = None,
) -> dict[str, Any]:
    """Start a run. The same ``Idempotency-Key`` and body answer with the same run, as often as they are sent.

    An event that the overlap policy of its trigger refuses is a run as well, ``cancelled`` at once (TRIG-1).
    """
    asked = body or ExecuteRequest()
    own = {"drupal_pipeline_id": asked.drupal_pipeline_id} if asked.drupal_pipeline_id else {}
    trigger = {**asked.inputs, **asked.initial_data}.get(TRIGGER_CONFIG)
    if asked.source == "event" and isinstance(trigger, str):
        own[TRIGGER_MEMBER] = trigger
    request = LaunchRequest(asked.inputs, asked.initial_data, asked.source, key, own)
    return _answer(session, response, _start(session, dag, user, request))


@router.post(
    "/runs/{id}/rerun",
    status_code=202,
    dependencies=[REPEAT, audited("flowdrop_rerun")],
    response_model=None,
    responses=_STARTED,
)
def rerun(
    session: SessionDep,
    user: UserDep,
    run: Annotated[DagRun, REPEAT],
    response: Response,
    body: RerunRequest | None = None,
    key: KeyHeader = None,
) -> dict[str, Any]:
    """Start a new run with the inputs of an ended one; it names the run it repeats (INT-11).

    Pins ask for the right to edit runs as well: they can pass over a check that the workflow makes.

    :raises ApiError: 409 ``PIPELINE_ACTIVE`` while that run is going on, ``RERUN_STATEFUL``; 422 ``NODE_UNKNOWN``,
        ``PIN_REFUSED``, ``PIN_NOT_RECORDED``; 403 ``FORBIDDEN``.
    """
    view, wanted = read_run(session, run), body or RerunRequest()
    if not view.finished:
        raise ApiError(409, "PIPELINE_ACTIVE", "The run is still going on.")
    dag = session.get(DagModel, run.dag_id)
    if dag is None or dag.is_stale:
        raise not_found("workflow", run.dag_id)
    if wanted.pins and not may(session, user, "PUT", DagAccessEntity.RUN, run.dag_id):
        raise ApiError(403, "FORBIDDEN", "You may not pin outputs in runs of this workflow.")
    return _answer(session, response, _start(session, dag, user, _repetition(session, view, wanted, key)))


def _repetition(session: Session, view: RunView, wanted: RerunRequest, key: str | None) -> LaunchRequest:
    given, own = split_conf(view.run.conf)
    inputs = given if wanted.inputs is None else wanted.inputs
    origin: dict[str, Any] = {"rerun_of": view.id}
    reuse = None
    if wanted.from_node is not None or wanted.pins:
        asked = Repetition(wanted.from_node, wanted.pins, changed=inputs != given)
        now = iso(dt.datetime.now(dt.timezone.utc)) or ""
        reuse = reuse_of(view, drawing_of(session, view.run.dag_id, None), asked, now)
        # What was pinned is sealed with the run; a digest of it makes a repeated request with other pins another request.
        digest = hashlib.sha256(json.dumps(wanted.pins, sort_keys=True).encode()).hexdigest()[:32]
        origin |= {"from_node": wanted.from_node, "pinned": sorted(wanted.pins), "pins_digest": digest}
    return LaunchRequest(inputs, own.get("initial_data") or {}, "rerun", key, origin, reuse)
