"""Reads of one run: bounded queries over Airflow's own tables, from ``dag_run.id`` to its values (DESIGN 8).

Values are plain JSON as the database keeps it; nothing is deserialised to a class. What nodes hand on to each other
(``flowdrop_handover``) is never selected.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from flowdrop_provider.engine.naming import RESULT_TASK_ID
from flowdrop_provider.engine.records import read_record
from flowdrop_provider.plugins.api.drawings import Drawing, drawing_of
from flowdrop_provider.plugins.api.ids import pipeline_id
from flowdrop_provider.plugins.api.states import job_status, run_status

__all__ = ["JOB_KEY", "MAX_ROWS", "Job", "RunView", "is_job_key", "iso", "read_run", "task_columns"]

#: XCom keys, as the operators write them.
JOB_KEY, SKIPS_KEY, SUMMARY_KEY = "flowdrop_job", "flowdrop_skips", "flowdrop_run"

#: Rows read of one run: a workflow has at most 500 nodes, a loop's task one record a round and node.
MAX_ROWS = 20_000

_ID_NAMESPACE = uuid.UUID("6f0f1f0e-7f7e-5b0e-9d8a-0f1d0f9c2a11")


def iso(moment: dt.datetime | None) -> str | None:
    """Return a moment as ISO 8601 in UTC, or ``None``."""
    return moment.astimezone(dt.timezone.utc).isoformat() if moment is not None else None


@dataclass(frozen=True, slots=True)
class Job:
    """One execution of one node, told by its record and its task; times ISO 8601, durations microseconds."""

    id: str
    node_id: str
    node_type_id: str
    label: str
    task_id: str
    map_index: int
    status: str
    task_state: str | None
    try_number: int
    queued: str | None
    started: str | None
    completed: str | None
    execution_time_us: int | None
    skip_reason: str | None
    error: Mapping[str, Any] | None
    execution_number: int
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def error_message(self) -> str | None:
        """The error's sentence, if the job failed."""
        return str(self.error["message"]) if self.error and self.error.get("message") else None

    @property
    def order(self) -> int:
        """Place in the run; -1 for a job that has not been placed."""
        found = self.record.get("order")
        return found if isinstance(found, int) else -1


@dataclass(frozen=True)
class RunView:
    """A run with everything an answer can need: the drawing of *its* revision, its jobs, its summary."""

    run: DagRun
    drawing: Drawing
    status: str
    jobs: list[Job]
    summary: Mapping[str, Any]
    result_state: str | None
    changed: str

    @property
    def id(self) -> str:
        """The pipeline id."""
        return pipeline_id(self.run.dag_id, self.run.run_id)

    @property
    def finished(self) -> bool:
        """Whether the run has ended, whatever the outcome."""
        return self.status not in ("pending", "running", "paused")

    def latest(self) -> dict[str, Job]:
        """Return the newest job of each node."""
        return {job.node_id: job for job in self.jobs}


def is_job_key() -> ColumnElement[bool]:
    """Return the condition for XComs that are job records: one of a node's task, several of a loop's."""
    return or_(XComModel.key == JOB_KEY, XComModel.key.startswith(f"{JOB_KEY}.", autoescape=True))


def task_columns() -> tuple[Any, ...]:
    """Return the columns of a task instance that jobs are told from; the rest stays in the database."""
    model = TaskInstance
    return (
        model.task_id,
        model.map_index,
        model.state,
        model.try_number,
        model.queued_dttm,
        model.start_date,
        model.end_date,
        model.updated_at,
        model.dag_version_id,
    )


def read_run(session: Session, run: DagRun) -> RunView:
    """Return the view of a run, in three queries (a fourth for a drawing seen for the first time)."""
    tasks = session.execute(
        select(*task_columns())
        .where(TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id)
        .order_by(TaskInstance.task_id, TaskInstance.map_index)
        .limit(MAX_ROWS)
    ).all()
    values = session.execute(
        select(XComModel.task_id, XComModel.map_index, XComModel.key, XComModel.value, XComModel.timestamp)
        .where(XComModel.dag_run_id == run.id, or_(is_job_key(), XComModel.key.in_([SKIPS_KEY, SUMMARY_KEY])))
        .order_by(XComModel.task_id, XComModel.map_index, XComModel.key)
        .limit(MAX_ROWS)
    ).all()
    result = next((task for task in tasks if task.task_id == RESULT_TASK_ID), None)
    version = result.dag_version_id if result is not None else None
    drawing = drawing_of(session, run.dag_id, version or run.created_dag_version_id)
    return _view(run, drawing, tasks, values)


def _view(run: DagRun, drawing: Drawing, tasks: Iterable[Any], values: Iterable[Any]) -> RunView:
    rows, stored = list(tasks), list(values)
    summary = next((plain(row.value) for row in stored if row.key == SUMMARY_KEY and row.task_id == RESULT_TASK_ID), {})
    result_state = next((task.state for task in rows if task.task_id == RESULT_TASK_ID), None)
    status = run_status(run.state, summary or None, result_state, frozenset(task.state for task in rows))
    moments = [run.updated_at, *(task.updated_at for task in rows), *(row.timestamp for row in stored)]
    return RunView(
        run=run,
        drawing=drawing,
        status=status,
        jobs=_jobs(run, drawing, rows, stored, cancelled=status == "cancelled"),
        summary=summary,
        result_state=result_state,
        changed=iso(max((moment for moment in moments if moment is not None), default=None)) or "",
    )


def plain(value: Any) -> dict[str, Any]:
    """Return a stored value that should be an object, ``{}`` for anything else (a reference to object storage, say)."""
    return value if isinstance(value, dict) else {}


def _jobs(run: DagRun, drawing: Drawing, tasks: list[Any], values: list[Any], *, cancelled: bool) -> list[Job]:
    records: dict[tuple[str, int], list[dict[str, Any]]] = {}
    reasons: dict[str, str] = {}
    for row in values:
        value = plain(row.value)
        if row.key == SKIPS_KEY:
            reasons |= {str(node_id): str(reason) for node_id, reason in value.items()}
        elif row.key.split(".")[0] == JOB_KEY and value.get("node_id"):
            records.setdefault((row.task_id, row.map_index), []).append(value)
    found: list[Job] = []
    for task in tasks:
        told = records.get((task.task_id, task.map_index), [])
        spoken = {item["node_id"] for item in told}
        silent = [node_id for node_id in drawing.tasks.get(task.task_id, ()) if node_id not in spoken]
        found += [recorded_job(item, task, cancelled=cancelled) for item in told]
        state = _silent_state(task.state, drawing.tasks.get(task.task_id, ()), told)
        found += [_silent_job(run, drawing, node_id, task, state, reasons, cancelled=cancelled) for node_id in silent]
    # A job that waited for an answer leaves a record before and one after it, both with its id.
    last = {job.id: job for job in sorted(found, key=lambda job: job.order)}
    return _numbered(sorted(last.values(), key=lambda job: (job.started is None, job.started or "", job.order, job.id)))


def _numbered(jobs: list[Job]) -> list[Job]:
    """Return the jobs with their execution numbers: the first job of a node that started is 1; one that did not is 0."""
    counts: dict[str, int] = {}
    numbered = []
    for job in jobs:
        if job.started is not None:
            counts[job.node_id] = counts.get(job.node_id, 0) + 1
        numbered.append(replace(job, execution_number=counts.get(job.node_id, 0) if job.started is not None else 0))
    return numbered


def recorded_job(stored: Mapping[str, Any], task: Any, *, cancelled: bool = False) -> Job:
    """Return the job that a record and its task tell.

    :param stored: the record as any release wrote it.
    :param task: a row with :func:`task_columns`.
    """
    record = read_record(stored)
    status = job_status(task.state, record, cancelled=cancelled)
    # Recorded when it began, and its task has failed since without a record of its end.
    error = record.get("error") or (_lost(str(record["node_id"])) if status == "failed" else None)
    return Job(
        id=str(record.get("id") or ""),
        node_id=str(record["node_id"]),
        node_type_id=str(record.get("node_type_id") or ""),
        label=str(record.get("label") or record["node_id"]),
        task_id=task.task_id,
        map_index=task.map_index,
        status=status,
        task_state=task.state,
        try_number=task.try_number,
        queued=iso(task.queued_dttm),
        started=record.get("started"),
        completed=record.get("completed"),
        execution_time_us=record.get("execution_time_us"),
        skip_reason=record.get("skip_reason"),
        error=error if isinstance(error, Mapping) else None,
        execution_number=0,
        record=record,
    )


def _silent_state(state: str | None, nodes: Sequence[str], told: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the task state as it applies to nodes without a record.

    In a task that runs several nodes they wait for their turn while it runs, and were not reached when it has ended, unless
    it ended without any node having failed: then its worker died. One that had begun is the one that was lost.
    """
    if len(nodes) < 2 or state is None:
        return state
    if state in ("running", "restarting", "deferred", "awaiting_input"):
        return "queued"
    if state == "failed" and all(item.get("status") not in ("failed", "running") for item in told):
        return "failed"
    return "skipped" if state in ("success", "failed") else state


def _silent_job(
    run: DagRun,
    drawing: Drawing,
    node_id: str,
    task: Any,
    state: str | None,
    reasons: Mapping[str, str],
    *,
    cancelled: bool,
) -> Job:
    """Return the job of a node that left no record: not reached yet, skipped by an earlier node, or its worker died."""
    node = drawing.nodes.get(node_id, {})
    status = job_status(state, None, cancelled=cancelled)
    ran = task.try_number > 0 and status not in ("skipped", "pending")
    ended = status in ("completed", "failed", "cancelled") and ran
    return Job(
        id=str(uuid.uuid5(_ID_NAMESPACE, f"{run.dag_id}\n{run.run_id}\n{node_id}")),
        node_id=node_id,
        node_type_id=str(node.get("type") or ""),
        label=str(node.get("label") or node_id),
        task_id=task.task_id,
        map_index=task.map_index,
        status=status,
        task_state=task.state,
        try_number=task.try_number,
        queued=iso(task.queued_dttm),
        started=iso(task.start_date) if ran else None,
        completed=iso(task.end_date) if ended else None,
        execution_time_us=_span(task) if ended else None,
        skip_reason=reasons.get(node_id, "branch_not_active") if status == "skipped" else None,
        error=_lost(node_id) if status == "failed" else None,
        execution_number=0,
    )


def _lost(node_id: str) -> dict[str, Any]:
    return {"code": "worker_lost", "message": "The worker that ran this node died.", "node_id": node_id, "retryable": True}


def _span(task: Any) -> int | None:
    if task.start_date is None or task.end_date is None:
        return None
    return int((task.end_date - task.start_date).total_seconds() * 1_000_000)
