"""A run in FlowDrop's published shapes: what its editor reads, the full document, the light one (PIPE-1..9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from flowdrop_provider.engine.launch import split_conf
from flowdrop_provider.plugins.api.controlling import pause_of
from flowdrop_provider.plugins.api.reading import Job, RunView, iso
from flowdrop_provider.plugins.api.states import JOB_STATUSES, editor_job, editor_run, published_run

__all__ = [
    "editor_document",
    "job_entry",
    "light_document",
    "node_statuses",
    "pipeline_document",
    "pipeline_row",
    "redacted",
    "shown_inputs",
    "summary_counts",
]


def milliseconds(microseconds: int | None) -> int | None:
    """Return whole milliseconds, at least 1 for anything that took time: the editor hides 0."""
    return None if microseconds is None else max(1, round(microseconds / 1000)) if microseconds > 0 else 0


def summary_counts(statuses: Iterable[str]) -> dict[str, int]:
    """Return ``total`` and a count of each job status, all of them, in the published order (PIPE-2, PIPE-3)."""
    found = list(statuses)
    return {"total": len(found), **{status: found.count(status) for status in JOB_STATUSES}}


def job_entry(job: Job, view: RunView, *, values: bool) -> dict[str, Any]:
    """Return a job with the published keys in their order (PIPE-7).

    :param values: whether the caller may see input and output.
    """
    return {
        "id": job.id,
        "label": job.label,
        "status": job.status,
        "priority": max(job.order, 0),
        "node_id": job.node_id,
        "pipeline_id": view.id,
        "created_at": job.queued or iso(view.run.queued_at),
        "started": job.started,
        "completed": job.completed,
        "execution_time_us": job.execution_time_us,
        "retry_count": job.record.get("retry_count", 0),
        "max_retries": job.record.get("max_retries", 0),
        "error_message": job.error_message,
        "input_data": job.record.get("input_data", {}) if values else {},
        "output_data": job.record.get("output_data", {}) if values else {},
        "metadata": _job_metadata(job),
        "timestamp": job.completed or job.started,
    }


def _job_metadata(job: Job) -> dict[str, Any]:
    return {
        "node_type_id": job.node_type_id,
        "skip_reason": job.skip_reason,
        "active_branches": job.record.get("active_branches", []),
        "round": job.record.get("round", []),
        "truncated": job.record.get("truncated", {}),
        "redacted": job.record.get("redacted", []),
        "usage": job.record.get("usage", {}),
        "injected": job.record.get("injected"),
        "task_id": job.task_id,
        "map_index": job.map_index,
        "try_number": job.try_number,
    }


def _editor_job(job: Job) -> dict[str, Any]:
    entry = {
        "id": job.id,
        "node_id": job.node_id,
        "status": editor_job(job.status),
        "execution_count": job.execution_number,
        "started": job.started,
        "completed": job.completed,
        "execution_time": milliseconds(job.execution_time_us),
        "error_message": job.error_message,
    }
    return {name: value for name, value in entry.items() if value is not None}


def _started(jobs: Iterable[Job]) -> list[Job]:
    """Return the jobs that exist: a node that the run has not come to has none (PIPE-4)."""
    return [job for job in jobs if job.status != "idle"]


def node_statuses(view: RunView, *, editor: bool = False) -> dict[str, dict[str, Any]]:
    """Return the status of each node that produced work, by node id (PIPE-4).

    :param editor: in the editor's words and only with its keys, absent instead of null.
    """
    by_node: dict[str, list[Job]] = {}
    for job in _started(view.jobs):
        by_node.setdefault(job.node_id, []).append(job)
    return {node_id: _node_status(jobs, editor=editor) for node_id, jobs in by_node.items()}


def _node_status(jobs: list[Job], *, editor: bool) -> dict[str, Any]:
    newest = jobs[-1]
    ran = [job for job in jobs if job.started is not None]
    last = ran[-1] if ran else None
    facts = {
        "status": editor_job(newest.status) if editor else newest.status,
        "last_executed": last.started if last else None,
        "execution_time": milliseconds(last.execution_time_us) if last else None,
        "execution_time_us": last.execution_time_us if last else None,
        "error": (last or newest).error_message,
    }
    if editor:
        return {name: value for name, value in facts.items() if value is not None}
    statuses = [job.status for job in jobs]
    counts = {status: statuses.count(status) for status in dict.fromkeys(statuses)}
    return {**facts, "executions": len(ran), "status_counts": counts, "job_id": newest.id}


def pipeline_document(view: RunView, *, values: bool) -> dict[str, Any]:
    """Return the full pipeline document (PIPE-1)."""
    jobs = _started(view.jobs)
    return {
        "id": view.id,
        "name": view.drawing.name or view.run.dag_id,
        "description": "",
        "status": published_run(view.status),
        "createdAt": created(view),
        "lastExecuted": iso(view.run.end_date),
        "executionCount": sum(job.started is not None for job in jobs),
        "timestamp": dt.datetime.now(dt.timezone.utc).isoformat(),
        "node_statuses": node_statuses(view),
        "jobs": [job_entry(job, view, values=values) for job in jobs],
        "job_status_summary": summary_counts(job.status for job in jobs),
        "execution_data": _execution_data(view, values=values),
    }


def created(view: RunView) -> str | None:
    """Return when the run was asked for (PIPE-9: null rather than another moment)."""
    return iso(view.run.queued_at)


def _execution_data(view: RunView, *, values: bool) -> dict[str, Any]:
    """Return input, output and context; engine-internal parts of the configuration are not in it (PIPE-8)."""
    if not values:
        return {"input": {}, "output": {}, "context": {}}
    inputs, truncated = shown_inputs(view)
    return {
        "input": inputs,
        "output": view.summary.get("outputs", {}),
        "context": {"truncated": truncated} if truncated else {},
    }


def shown_inputs(view: RunView) -> tuple[dict[str, Any], dict[str, int]]:
    """Return a run's inputs as people see them, and what was cut of them."""
    return redacted(split_conf(view.run.conf)[0])


def redacted(value: dict[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """Return a run's inputs as records show values: Airflow keeps a run's ``conf`` as it was sent."""
    from flowdrop_provider import conf
    from flowdrop_provider.engine.records import RecordPolicy, bounded

    if not conf.store_data():
        return {}, {}
    policy = RecordPolicy(conf.record_max_bytes(), True, conf.sensitive_keys())
    shown, marks = bounded(policy.redactor().redact(value)[0], policy.max_bytes)
    return dict(shown), marks


def editor_document(view: RunView) -> dict[str, Any]:
    """Return what the editor reads of a run: the bare object of the published OpenAPI document (measured)."""
    jobs = [_editor_job(job) for job in _started(view.jobs)]
    counts = summary_counts(job["status"] for job in jobs)
    return {
        "status": editor_run(view.status),
        "jobs": jobs,
        "node_statuses": node_statuses(view, editor=True),
        "job_status_summary": counts,
    }


def light_document(view: RunView) -> dict[str, Any]:
    """Return the light status document, without jobs (PIPE-1)."""
    waiting = [job for job in view.jobs if job.status == "interrupted"]
    done = sum(job.status in ("completed", "failed", "skipped", "cancelled") for job in view.jobs)
    return {
        "id": view.id,
        "status": published_run(view.status),
        "createdAt": created(view),
        "lastExecuted": iso(view.run.end_date),
        "pendingInterrupt": {"nodeId": waiting[0].node_id} if waiting else None,
        "pausedReason": _paused_reason(view),
        "progress": 100 if view.finished else round(100 * done / len(view.jobs)) if view.jobs else 0,
        "updated": view.changed or None,
    }


def _paused_reason(view: RunView) -> str | None:
    """Return why a run waits: ``signal`` when somebody paused it, also where it waits for an answer besides."""
    if view.status != "paused":
        return None
    return "signal" if pause_of(view.run) else "interrupt"


def pipeline_row(run: Any, workflow_id: str, name: str, status: str, pipeline: str) -> dict[str, Any]:
    """Return a run as lists show it, with the keys of both published generations."""
    return {
        "id": pipeline,
        "workflow_id": workflow_id,
        "name": name,
        "description": "",
        "status": published_run(status),
        "created": iso(run.queued_at),
        "updated": iso(run.updated_at),
        "createdAt": iso(run.queued_at),
        "lastExecuted": iso(run.end_date),
        "run_id": run.run_id,
        "triggered_by": {
            "type": str(getattr(run.run_type, "value", run.run_type)),
            "via": getattr(run.triggered_by, "value", None),
            "user": run.triggering_user_name,
        },
    }
