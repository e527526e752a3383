"""Overlap policies on Airflow: a trigger that fires while its workflow is still running (TRIG-1, TRIG-3).

A firing is a run. One that must not run is cancelled before its first task, with the reason in its note, so that the workflow's
runs are the history of its triggers. An event is judged as it is taken, a clock when the scheduler sets its run going.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.types import DagRunType
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session, object_session

from flowdrop_provider.engine.launch import split_conf
from flowdrop_provider.library.overlaps import Active, judge

__all__ = ["OVERLAP_TAG", "TRIGGER_MEMBER", "judge_clock", "one_firing_at_a_time", "settle"]

log = logging.getLogger(__name__)

#: Begins the tag that tells the policy of a DAG's clock: the scheduler has tags at hand, and people can filter by them.
OVERLAP_TAG = "overlap:"
#: The member of a run's own configuration that names the trigger which fired.
TRIGGER_MEMBER = "trigger"

#: What stands for the trigger of a run that a clock started.
_CLOCK = str(DagRunType.SCHEDULED.value)


def one_firing_at_a_time(session: Session, dag_id: str) -> None:
    """Wait for other firings of the same workflow that are being taken: two that do not see each other's run would both go on.

    A lock of its own, held until the transaction ends: the scheduler takes the rows of runs and DAGs in another order, and a
    lock on one of those could deadlock with it. Databases without such a lock go without.
    """
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(f"flowdrop firing {dag_id}".encode()).digest()[:8], "big", signed=True)
        session.execute(select(func.pg_advisory_xact_lock(number)))


def settle(session: Session, run: DagRun, policy: str, trigger: str) -> str:
    """Apply a policy to a firing, and return why it was cancelled, ``""`` when it runs.

    :param run: the run that the firing is, stored already: only runs from before it count, so that two cannot stop each other.
    """
    query = (
        select(DagRun)
        .where(
            DagRun.dag_id == run.dag_id,
            DagRun.state.in_(["queued", "running"]),
            DagRun.run_type != DagRunType.BACKFILL_JOB,
            DagRun.id < run.id,
        )
        .order_by(DagRun.id)
    )
    before = {other.id: other for other in session.scalars(query)}
    verdict = judge(policy, trigger, [Active(number, _trigger_of(other)) for number, other in before.items()])
    for number in verdict.cancel:
        _cancel(session, before[number], f"Cancelled: its trigger fired again ({run.run_id}).")
    if verdict.refused:
        from flowdrop_provider.plugins.api.controlling import end_run

        end_run(session, run, f"Not run ({policy}): {verdict.refused}")
    return verdict.refused


def _trigger_of(run: DagRun) -> str:
    if run.run_type == DagRunType.SCHEDULED:
        return _CLOCK
    return str(split_conf(run.conf)[1].get(TRIGGER_MEMBER) or "")


def _cancel(session: Session, run: DagRun, note: str) -> None:
    from flowdrop_provider.plugins.api.controlling import active_children, end_run

    # Looked for before the run ends, as in a stop from outside (ORC-15).
    children = active_children(session, run)
    end_run(session, run, note)
    for child in children:
        end_run(session, child, f"The run that started it was cancelled. {note}")


def judge_clock(run: Any, tags: Any) -> None:
    """Judge a run that a clock started, as the scheduler sets it going and before it gives out a task.

    The scheduler's own transaction holds the run, so the judgement follows its commit. ``buffer`` is Airflow's alone: a DAG
    that runs one at a time gets no further run from its clock until that has ended.
    """
    policy = next((tag.removeprefix(OVERLAP_TAG) for tag in tags if tag.startswith(OVERLAP_TAG)), "")
    session = object_session(run)
    if policy in ("", "buffer") or run.run_type != DagRunType.SCHEDULED or session is None:
        return
    number = run.id
    event.listen(session, "after_commit", lambda _session: _settle_clock(number, policy), once=True)


def _settle_clock(number: int, policy: str) -> None:
    try:
        with create_session(scoped=False) as session:
            run = session.get(DagRun, number)
            if run is not None and str(run.state) == "running":
                settle(session, run, policy, _CLOCK)
    except Exception:
        # A run too many is better than a scheduler that stops.
        log.exception("The overlap policy %s was not applied to run %s.", policy, number)
