"""Pausing, resuming and ending a run, and finding the runs that it started (INT-5, INT-16, ORC-15).

Airflow pauses DAGs, not runs. A paused run says so in its own part of its ``conf``, which every task is given as it starts: a
task of one node puts itself aside before it begins, a task of several nodes between two of them. Nothing holds a worker then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import Session

from flowdrop_provider.engine.launch import CONF_KEY, split_conf
from flowdrop_provider.operators.run import PAUSE_MEMBER
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.ids import run_key
from flowdrop_provider.plugins.api.reading import iso
from flowdrop_provider.plugins.human_input import settling_seconds

__all__ = ["active_children", "end_run", "pause_of", "pause_run", "resume_run", "settling_of"]

#: Runs that one run started, looked at most: who starts more than that cancels them in several calls.
_MAX_CHILDREN = 1_000


def pause_of(run: DagRun) -> Mapping[str, Any] | None:
    """Return who paused a run, when and why (``{by, at, reason}``), or ``None`` when nobody did."""
    found = split_conf(run.conf)[1].get(PAUSE_MEMBER)
    return found if isinstance(found, Mapping) else None


def pause_run(session: Session, run: DagRun, user: BaseUser, reason: str) -> Mapping[str, Any]:
    """Ask a run to pause: what is under way finishes, nothing else begins; return ``{by, at, reason}``.

    :raises ApiError: 409 ``PIPELINE_TERMINAL`` or ``INWARD_SIGNAL_ALREADY_PENDING`` (INT-16).
    """
    locked = _open(session, run)
    if pause_of(locked) is not None:
        raise ApiError(409, "INWARD_SIGNAL_ALREADY_PENDING", "The run is paused already, or about to be.")
    pause = {"by": user.get_name(), "at": iso(dt.datetime.now(dt.timezone.utc)), "reason": reason}
    _set(locked, pause)
    session.flush()
    return pause


def resume_run(session: Session, run: DagRun) -> int:
    """Let a paused run go on; return how many tasks had put themselves aside. Open questions stay open.

    :raises ApiError: 409 ``PIPELINE_TERMINAL`` or ``NO_ACTIVE_PAUSE`` (INT-16).
    """
    from airflow.models.trigger import handle_event_submit
    from airflow.triggers.base import TriggerEvent

    locked = _open(session, run)
    if pause_of(locked) is None:
        raise ApiError(409, "NO_ACTIVE_PAUSE", "The run is not paused.")
    _set(locked, None)
    aside = _aside(session, run.dag_id, run.run_id, lock=True)
    for task in aside:
        event = TriggerEvent({"resumed": True})  # type: ignore[no-untyped-call]
        handle_event_submit(event, task_instance=task, session=session)
    session.flush()
    return len(aside)


def settling_of(value: str) -> float:
    """Return for how many seconds a resume must wait: Airflow loses a task that is taken up as soon as it was put aside.

    :param value: a pipeline id, or anything else: then there is nothing to wait for.
    """
    try:
        dag_id, run_id = run_key(value)
    except ApiError:
        return 0.0
    now = dt.datetime.now(dt.timezone.utc)
    with create_session(scoped=False) as session:
        return max((settling_seconds(task.updated_at, now) for task in _aside(session, dag_id, run_id)), default=0.0)


def _aside(session: Session, dag_id: str, run_id: str, *, lock: bool = False) -> list[TaskInstance]:
    """Return the tasks that put themselves aside for a pause: waiting, and without an open question."""
    asked = select(HITLDetail.ti_id).where(HITLDetail.ti_id == TaskInstance.id, HITLDetail.responded_at.is_(None))
    query = select(TaskInstance).where(
        TaskInstance.dag_id == dag_id,
        TaskInstance.run_id == run_id,
        TaskInstance.state == "awaiting_input",
        ~asked.exists(),
    )
    return list(session.scalars(query.with_for_update(of=TaskInstance) if lock else query))


def _open(session: Session, run: DagRun) -> DagRun:
    """Return the run, locked, so that two signals cannot cross; refuse one that has ended."""
    locked = session.get(DagRun, run.id, with_for_update={"of": DagRun}, populate_existing=True)
    if locked is None or str(locked.state) in ("success", "failed"):
        raise ApiError(409, "PIPELINE_TERMINAL", "The run has already ended.")
    return locked


def _set(run: DagRun, pause: Mapping[str, Any] | None) -> None:
    inputs, told = split_conf(run.conf)
    own = {name: value for name, value in told.items() if name != PAUSE_MEMBER}
    # A new object: the database layer does not see a change inside of the old one.
    run.conf = {**inputs, CONF_KEY: {**own, PAUSE_MEMBER: dict(pause)} if pause else own}


def end_run(session: Session, run: DagRun, note: str, user_id: str | None = None) -> bool:
    """End a run from outside with a note; Airflow's ``failed`` ends its tasks, those under way included.

    Airflow takes the rows of the tasks first and then that of the run, its scheduler the other way round: without the lock here
    the two deadlock when a run is ended as it begins (seen). A run that has ended meanwhile is left as it is.

    :returns: whether Airflow knows the run's DAG, without which nothing happens.
    """
    from airflow.api_fastapi.core_api.datamodels.dag_run import DagRunMutableStates
    from airflow.api_fastapi.core_api.services.public.dag_run import patch_dag_run_state
    from airflow.models.dagbag import DBDagBag

    dag = DBDagBag(load_op_links=False).get_dag_for_run(run, session=session)
    if dag is None:
        return False
    session.get(DagRun, run.id, with_for_update={"of": DagRun}, populate_existing=True)
    if str(run.state) not in ("queued", "running"):
        return True
    if run.dag_run_note is None:
        run.note = (note[:1000], user_id)
    else:
        run.dag_run_note.content, run.dag_run_note.user_id = note[:1000], user_id
    patch_dag_run_state(dag=dag, dag_run=run, state=DagRunMutableStates.FAILED, session=session)
    return True


def active_children(session: Session, run: DagRun) -> list[DagRun]:
    """Return the runs that a run started and that have not ended, with those that they started in turn, outermost first."""
    found: list[DagRun] = []
    going = session.scalars(
        select(DagRun)
        .where(DagRun.state.in_(["queued", "running"]), DagRun.run_id.startswith("flowdrop__"))
        .limit(_MAX_CHILDREN)
    ).all()
    pending = [(run.dag_id, run.run_id)]
    while pending:
        parent = pending.pop(0)
        for child in going:
            if _parent(child) == parent and child not in found:
                found.append(child)
                pending.append((child.dag_id, child.run_id))
    return found


def _parent(run: DagRun) -> tuple[str, str] | None:
    parent = split_conf(run.conf)[1].get("parent")
    return (str(parent.get("dag_id")), str(parent.get("run_id"))) if isinstance(parent, Mapping) else None
