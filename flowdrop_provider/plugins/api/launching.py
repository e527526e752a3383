"""Starting, repeating and stopping runs: Airflow's own ways behind FlowDrop's checks (MAN-13..16, INT-11, INT-16)."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from flowdrop_provider.engine.launch import CONF_KEY, declared_inputs, launch, named_inputs, split_conf, takes_events
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.errors import LaunchError
from flowdrop_provider.operators.reuse import REUSE_KEY, Reuse, sealed_reuse
from flowdrop_provider.plugins.api.controlling import active_children, end_run
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.security import may
from flowdrop_provider.plugins.overlaps import TRIGGER_MEMBER, one_firing_at_a_time, settle

__all__ = ["SOURCES", "LaunchRequest", "Started", "launch_findings", "start_run", "stop_run"]

#: Where a start may say it comes from.
SOURCES = ("api", "manual", "event", "playground", "rerun")


@dataclass(frozen=True)
class LaunchRequest:
    """What a caller asks for.

    :ivar inputs: values by declared name, or the payload of an event.
    :ivar initial_data: node id -> port -> value.
    :ivar source: one of :data:`SOURCES`.
    :ivar key: the ``Idempotency-Key`` header.
    :ivar extra: further members of the reserved key (``rerun_of``).
    :ivar reuse: what the run takes over from the one it repeats; sealed into the reserved key for this run alone.
    :ivar run_id: the run's id, where the caller must know it beforehand.
    :ivar overlap: policy of the trigger that fired, ``""`` for a start that is no firing (TRIG-1).
    """

    inputs: Mapping[str, Any]
    initial_data: Mapping[str, Any]
    source: str = "api"
    key: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    reuse: Reuse | None = None
    run_id: str | None = None
    overlap: str = ""


@dataclass(frozen=True)
class Started:
    """The run that answers a request; ``replayed`` when an earlier request with the same key made it.

    :ivar refused: why the run was cancelled at once, by the overlap policy of its trigger.
    """

    run: DagRun
    replayed: bool
    refused: str = ""


def launch_findings(plan: Plan, inputs: Mapping[str, Any], initial_data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return everything that is wrong with the inputs of a run, in FlowDrop's own words; ``[]`` starts it.

    The launch stops at its first kind of finding, so each kind is looked for in a payload without the ones before it.
    """
    event = takes_events(plan)
    names = {entry.name for entry in declared_inputs(plan)}
    flat = {**inputs, **initial_data} if event else dict(initial_data)
    wanted = {name: value for name, value in inputs.items() if name in names or not event}
    known = {name: value for name, value in wanted.items() if name in names}
    filled = {entry.node_id: {other.port: None for other in declared_inputs(plan) if other.node_id == entry.node_id}
              for entry in declared_inputs(plan)}  # fmt: skip
    findings: list[dict[str, Any]] = []
    for payload, initial in ((wanted, {**flat, **filled}), (known, flat), (known, {**flat, **filled})):
        try:
            launch(plan, inputs=payload, initial_data=initial)
        except LaunchError as error:
            found = error.as_dict()
            if all(found["code"] != other["code"] for other in findings):
                findings.append(found)
    return findings


def start_run(session: Session, dag: DagModel, plan: Plan | None, user: BaseUser, asked: LaunchRequest) -> Started:
    """Create a run, or return the one that the same request made before.

    :param plan: the workflow's plan; without it the inputs are checked by Airflow's own parameters here, and by the launch
        on the worker.
    :raises ApiError: 409 ``WORKFLOW_PAUSED`` or ``IDEMPOTENCY_KEY_REUSED``, 422 ``LAUNCH_*`` with all findings.
    """
    found = _earlier(session, dag, asked)
    if found is not None:
        return found
    if dag.is_paused:
        raise ApiError(409, "WORKFLOW_PAUSED", "The workflow is paused in Airflow, so the run would never begin.")
    inputs = named_inputs(plan, asked.inputs) if plan is not None else asked.inputs
    findings = launch_findings(plan, inputs, asked.initial_data) if plan is not None else []
    if findings:
        raise ApiError(422, findings[0]["code"], findings[0]["message"], details=findings)
    try:
        # A nested transaction, so that a lost race does not take the rest of the request with it.
        with session.begin_nested():
            return _fire(session, dag, user, asked, inputs)
    except IntegrityError as error:
        found = _earlier(session, dag, asked)
        if found is None:
            raise ApiError(409, "RUN_EXISTS", "There is already a run with this id.") from error
        return found


def _run_id(asked: LaunchRequest) -> str | None:
    if asked.run_id is not None:
        return asked.run_id
    return f"api__{hashlib.sha256(asked.key.encode()).hexdigest()[:32]}" if asked.key else None


def _fingerprint(asked: LaunchRequest) -> str:
    # A site makes a new entity for each delivery of an event; it is the same request all the same.
    extra = {name: value for name, value in asked.extra.items() if name != "drupal_pipeline_id"}
    body = json.dumps([asked.inputs, asked.initial_data, extra], sort_keys=True, default=str)
    return hashlib.sha256(body.encode()).hexdigest()[:32]


def _earlier(session: Session, dag: DagModel, asked: LaunchRequest) -> Started | None:
    run_id = _run_id(asked)
    if run_id is None:
        return None
    run = session.scalar(select(DagRun).where(DagRun.dag_id == dag.dag_id, DagRun.run_id == run_id))
    if run is None:
        return None
    if split_conf(run.conf)[1].get("request") != _fingerprint(asked):
        raise ApiError(409, "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key already started a run with another body.")
    return Started(run, replayed=True)


def _fire(session: Session, dag: DagModel, user: BaseUser, asked: LaunchRequest, inputs: Mapping[str, Any]) -> Started:
    if not asked.overlap:
        return Started(_create(session, dag, user, asked, inputs), replayed=False)
    one_firing_at_a_time(session, dag.dag_id)
    run = _create(session, dag, user, asked, inputs)
    return Started(run, False, settle(session, run, asked.overlap, str(asked.extra.get(TRIGGER_MEMBER) or "")))


def _create(session: Session, dag: DagModel, user: BaseUser, asked: LaunchRequest, inputs: Mapping[str, Any]) -> DagRun:
    from airflow.api_fastapi.core_api.datamodels.dag_run import TriggerDAGRunPostBody
    from airflow.exceptions import ParamValidationError
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    own = {"source": asked.source, "request": _fingerprint(asked), **asked.extra}
    if asked.initial_data:
        own["initial_data"] = dict(asked.initial_data)
    serialized, run_id = _latest(session, dag.dag_id), _run_id(asked)
    if asked.reuse is not None:
        run_id = run_id or f"api__{uuid.uuid4().hex}"
        own[REUSE_KEY] = sealed_reuse(dag.dag_id, run_id, asked.reuse)
    body = TriggerDAGRunPostBody(dag_run_id=run_id, logical_date=None, conf={**inputs, CONF_KEY: own})
    try:
        context = body.validate_context(serialized)
        run: DagRun = serialized.create_dagrun(
            run_id=context["run_id"],
            logical_date=None,
            data_interval=None,
            run_after=context["run_after"],
            conf=context["conf"],
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.REST_API,
            triggering_user_name=user.get_name(),
            state=DagRunState.QUEUED,
            partition_key=None,
            partition_date=None,
            session=session,
        )
    except (ParamValidationError, ValueError) as error:
        raise ApiError(422, "LAUNCH_INVALID", str(error)) from error
    session.flush()
    return run


def _latest(session: Session, dag_id: str) -> Any:
    from airflow.models.dagbag import DBDagBag

    found = DBDagBag(load_op_links=False).get_latest_version_of_dag(dag_id, session=session)
    if found is None:
        raise ApiError(409, "WORKFLOW_NOT_READY", "Airflow has not read this workflow yet.")
    return found


def stop_run(session: Session, run: DagRun, user: BaseUser, reason: str) -> list[DagRun]:
    """Stop a run from outside, and the runs it started that the user may stop (ORC-15).

    A note says who and why; then Airflow's ``failed`` ends the tasks (DESIGN 4).

    :returns: the started runs that were stopped as well.
    :raises ApiError: 409 ``PIPELINE_TERMINAL`` (INT-16).
    """
    if str(run.state) in ("success", "failed"):
        raise ApiError(409, "PIPELINE_TERMINAL", "The run has already ended.")
    # Before the run ends: a run that is over starts nothing more, but one that was started before is still to be found.
    started = active_children(session, run)
    foreign = {child.dag_id for child in started} - {run.dag_id}
    refused = {dag_id for dag_id in foreign if not may(session, user, "PUT", DagAccessEntity.RUN, dag_id)}
    children = [child for child in started if child.dag_id not in refused]
    _end(session, run, user, reason)
    for child in children:
        _end(session, child, user, f"The run that started it was cancelled. {reason}".strip())
    return children


def _end(session: Session, run: DagRun, user: BaseUser, reason: str) -> None:
    note = f"Cancelled by {user.get_name()} through FlowDrop." + (f" {reason}" if reason else "")
    if not end_run(session, run, note, user.get_id()):
        raise ApiError(409, "WORKFLOW_NOT_READY", "Airflow does not know the workflow of this run any more.")
