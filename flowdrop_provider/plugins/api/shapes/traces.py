"""A run as a story: the graph of its own revision, what each node and edge did, and when (our own shape)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowdrop_provider.document.handles import EdgeKind
from flowdrop_provider.engine.launch import split_conf
from flowdrop_provider.engine.plan import PlanEdge
from flowdrop_provider.engine.routing import Outcome, edge_satisfied
from flowdrop_provider.plugins.api.reading import Job, RunView, iso
from flowdrop_provider.plugins.api.shapes.pipelines import created, summary_counts
from flowdrop_provider.plugins.api.states import run_error

__all__ = ["changed_document", "job_row", "run_facts", "trace_document"]

_FINAL = frozenset({"completed", "failed", "skipped", "cancelled"})


def run_facts(view: RunView) -> dict[str, Any]:
    """Return what a run is: identity, state, who started it and from where, how it ended."""
    run = view.run
    own = split_conf(run.conf)[1]
    return {
        "id": view.id,
        "workflow_id": view.drawing.workflow_id or run.dag_id,
        "name": view.drawing.name or run.dag_id,
        "revision": view.drawing.revision,
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "status": view.status,
        "created": created(view),
        "started": iso(run.start_date),
        "completed": iso(run.end_date),
        "triggered": {
            "type": str(getattr(run.run_type, "value", run.run_type)),
            "via": getattr(run.triggered_by, "value", None),
            "user": run.triggering_user_name,
            "source": own.get("source"),
        },
        "rerun_of": own.get("rerun_of"),
        "note": run.note,
        "error": _error(view),
        "warnings": view.summary.get("warnings", []),
        "changed": view.changed,
    }


def _error(view: RunView) -> dict[str, Any] | None:
    """Return what ended the run early: as its last task told it, or what can be told without it."""
    told = run_error(view.status, view.summary, view.result_state)
    return told if told or view.summary or view.status != "failed" else _unsaid_error(view)


def _unsaid_error(view: RunView) -> dict[str, Any]:
    """Return the error of a run whose last task could not say it: that of a node which nobody took, or its own loss."""
    for job in view.jobs:
        if job.status == "failed" and job.error and not job.record.get("routed"):
            return dict(job.error)
    return {"code": "worker_lost", "message": "The worker that ended this run died.", "node_id": None, "retryable": True}


def job_row(job: Job, *, values: bool = False) -> dict[str, Any]:
    """Return a job in the words of the job record (DESIGN 5).

    :param values: with input and output; lists leave them out.
    """
    row = {
        "id": job.id,
        "node_id": job.node_id,
        "node_type_id": job.node_type_id,
        "label": job.label,
        "status": job.status,
        "skip_reason": job.skip_reason,
        "queued": job.queued,
        "started": job.started,
        "completed": job.completed,
        "execution_time_us": job.execution_time_us,
        "execution_number": job.execution_number,
        "order": job.order if job.order >= 0 else None,
        "round": job.record.get("round", []),
        "routed": job.record.get("routed", False),
        "active_branches": job.record.get("active_branches", []),
        "injected": job.record.get("injected"),
        "retry_count": job.record.get("retry_count", 0),
        "max_retries": job.record.get("max_retries", 0),
        "error": dict(job.error) if job.error else None,
        "task_id": job.task_id,
        "map_index": job.map_index,
        "task_state": job.task_state,
        "try_number": job.try_number,
    }
    if not values:
        return row
    kept = ("input_data", "output_data", "attempts", "truncated", "redacted")
    return {**row, **{name: job.record.get(name, [] if name in ("attempts", "redacted") else {}) for name in kept}}


def _edge_state(edge: Mapping[str, Any], jobs: list[Job], reached: Mapping[str, list[Job]]) -> dict[str, Any]:
    """Return what an edge did: ``followed``, ``not_followed``, or ``open`` while its source is not final."""
    planned = PlanEdge(
        edge_id=str(edge.get("id") or ""),
        kind=EdgeKind(edge["kind"]),
        source=str(edge["source"]),
        source_port=str(edge.get("source_port") or ""),
        target=str(edge["target"]),
        target_port=str(edge.get("target_port") or ""),
        gated=bool(edge.get("gated")),
        triggers=edge.get("target_port") == "trigger",
    )
    facts = {"id": planned.edge_id, "kind": planned.kind.value, "source": planned.source, "target": planned.target}
    if planned.kind in (EdgeKind.TOOL, EdgeKind.AGENT_RESULT):
        return {**facts, "state": "not_an_order", "times": 0}
    final = [job for job in jobs if job.status in _FINAL]
    times = sum(edge_satisfied(planned, _outcome(job)) for job in final)
    if planned.kind is EdgeKind.LOOPBACK:
        # It leads back only when its target really ran once more.
        times = min(times, max(0, len([job for job in reached.get(planned.target, []) if job.started]) - 1))
    state = "followed" if times else "not_followed" if final else "open"
    return {**facts, "state": state, "times": times}


def _outcome(job: Job) -> Outcome:
    active = frozenset(str(name).strip().lower() for name in job.record.get("active_branches", ()))
    return Outcome(job.status, routed=bool(job.record.get("routed")), active=active)


def _by_node(view: RunView) -> dict[str, list[Job]]:
    found: dict[str, list[Job]] = {}
    for job in view.jobs:
        found.setdefault(job.node_id, []).append(job)
    return found


def _node_state(jobs: list[Job]) -> dict[str, Any]:
    newest = jobs[-1]
    return {
        "status": newest.status,
        "executions": sum(job.started is not None for job in jobs),
        "execution_time_us": sum(job.execution_time_us or 0 for job in jobs),
        "skip_reason": newest.skip_reason,
        "error": newest.error_message,
        "injected": newest.record.get("injected"),
        "job_ids": [job.id for job in jobs],
    }


def trace_document(view: RunView, *, values: bool, editor: str | None = None) -> dict[str, Any]:
    """Return the trace of a run.

    :param values: whether the caller may see the run's outputs.
    :param editor: where people draw the workflow, when that is known.
    """
    jobs = _by_node(view)
    return {
        "run": run_facts(view),
        "graph": dict(view.drawing.flow),
        "nodes": {node_id: _node_state(found) for node_id, found in jobs.items()},
        "edges": [_edge_state(edge, jobs.get(str(edge["source"]), []), jobs) for edge in view.drawing.flow.get("edges", ())],
        "timeline": [_span(job) for job in view.jobs if job.started is not None or job.queued is not None],
        "summary": summary_counts(job.status for job in view.jobs),
        "outputs": view.summary.get("outputs", {}) if values else {},
        "truncated": view.summary.get("truncated", {}),
        "editor_url": editor,
    }


def _span(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "node_id": job.node_id,
        "status": job.status,
        "queued": job.queued,
        "started": job.started,
        "completed": job.completed,
        "round": job.record.get("round", []),
        "attempts": [_attempt(item) for item in job.record.get("attempts", ()) if isinstance(item, Mapping)],
        "try_number": job.try_number,
    }


def _attempt(attempt: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attempt.items() if name not in ("input_data", "output_data")}


def changed_document(view: RunView, cursor: str) -> dict[str, Any]:
    """Return the state of a run for somebody who follows it: its facts, the state of each node, and where to go on."""
    return {
        "run": run_facts(view),
        "nodes": {node_id: _node_state(found) for node_id, found in _by_node(view).items()},
        "summary": summary_counts(job.status for job in view.jobs),
        "cursor": cursor,
        "finished": view.finished,
    }
