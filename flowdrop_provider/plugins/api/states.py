"""Airflow's states in FlowDrop's words, and FlowDrop's words in those that its editor draws (DESIGN 5, STORE-11).

Our own routes speak the full vocabulary. The editor knows six words for a node and polls only while a run is exactly
``running`` (measured), so towards it a queued, a paused and a waiting run are all ``running``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

__all__ = [
    "JOB_STATUSES",
    "MARKED_FAILED",
    "RUN_STATUSES",
    "editor_job",
    "editor_run",
    "job_status",
    "published_run",
    "run_error",
    "run_status",
]

#: Job statuses in the order in which summaries count them (PIPE-2).
JOB_STATUSES = ("idle", "pending", "running", "completed", "failed", "cancelled", "skipped", "interrupted")

#: Run statuses; the last four are final.
RUN_STATUSES = ("pending", "running", "paused", "completed", "completed_with_warnings", "failed", "cancelled")

#: The error of a failed run whose last task had ended it well.
MARKED_FAILED: Mapping[str, Any] = MappingProxyType(
    {
        "code": "marked_failed",
        "message": "The run was marked as failed by hand; no node ended it.",
        "node_id": None,
        "retryable": False,
    }
)

_FINAL_JOBS = frozenset({"completed", "failed", "cancelled", "skipped"})

_BY_TASK_STATE: dict[str | None, str] = {
    None: "idle",
    "scheduled": "pending",
    "queued": "pending",
    "up_for_retry": "pending",
    "up_for_reschedule": "pending",
    "running": "running",
    "restarting": "running",
    "deferred": "interrupted",
    "awaiting_input": "interrupted",
    "success": "completed",
    "failed": "failed",
    "skipped": "skipped",
    "upstream_failed": "skipped",
    "removed": "skipped",
}

_WAITING = frozenset({"deferred", "awaiting_input"})
_ACTIVE = frozenset({"scheduled", "queued", "running", "restarting", "up_for_retry", "up_for_reschedule"})
_FINISHED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


def job_status(state: str | None, record: Mapping[str, Any] | None, *, cancelled: bool = False) -> str:
    """Return the status of a job.

    :param state: Airflow's state of its task.
    :param record: the job record, if the task left one.
    :param cancelled: whether the run was stopped from outside.

    A final record says more than the task (a loop's task runs on after a node of it is done). Anything else in a record is a
    moment that has passed once the task has moved on.
    """
    recorded = record.get("status") if record is not None else None
    if recorded in _FINAL_JOBS:
        return str(recorded)
    if cancelled and state in _FINISHED and state != "success":
        return "cancelled"
    if recorded in JOB_STATUSES and state in ("running", *_WAITING) and not (state == "running" and recorded == "interrupted"):
        return str(recorded)
    return _BY_TASK_STATE.get(state, "idle")


def run_status(
    state: str | None,
    summary: Mapping[str, Any] | None,
    result_state: str | None,
    task_states: frozenset[str | None] = frozenset(),
) -> str:
    """Return the status of a run.

    :param state: Airflow's state of the run.
    :param summary: what its last task left.
    :param result_state: state of that task: ``skipped`` in a failed run means that somebody stopped the run (measured).
    :param task_states: states of all tasks.
    """
    if state == "queued":
        return "pending"
    if state == "running":
        return "paused" if task_states & _WAITING and not task_states & _ACTIVE else "running"
    if state == "success":
        told = summary.get("status") if summary is not None else None
        return told if told in ("completed", "completed_with_warnings") else "completed"
    if state == "failed":
        told = summary.get("status") if summary is not None else None
        return "cancelled" if result_state == "skipped" or told == "cancelled" else "failed"
    return "pending"


def run_error(status: str, summary: Mapping[str, Any], result_state: str | None) -> dict[str, Any] | None:
    """Return the error that ended a run, as its last task told it; a run marked as failed by hand has one of its own.

    :param status: as :func:`run_status` has it.
    :param summary: what the last task left; empty if it left nothing, or nothing that can be read here.
    :param result_state: state of that task.
    """
    error = summary.get("error")
    if not error and status == "failed" and result_state == "success":
        error = MARKED_FAILED
    return dict(error) if isinstance(error, Mapping) and error else None


def published_run(status: str) -> str:
    """Return a run status in FlowDrop's own vocabulary, which has no warnings (DESIGN 5)."""
    return "completed" if status == "completed_with_warnings" else status


def editor_run(status: str) -> str:
    """Return a run status as the editor must read it to go on polling."""
    return "running" if status in ("pending", "paused") else published_run(status)


def editor_job(status: str) -> str:
    """Return a job status as the editor draws it; somebody who waits is amber, like everything that has not happened yet."""
    return "pending" if status in ("interrupted", "idle") else status
