"""The snapshot of a run: a plain document of what each node did, its checks, and a new run that starts from it (INT-6..10).

Keys are FlowDrop's own, in camel case (SNAP-1). Where snapshots are stored, and who may read them, is not decided here.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.reuse import Seed, seed
from flowdrop_provider.errors import SnapshotError
from flowdrop_provider.nodes.world import utc_now

__all__ = ["SnapshotReport", "refuse_terminal", "seed_from", "snapshot_of", "validate_snapshot"]

log = logging.getLogger("flowdrop.engine")

#: Job status -> node status; what is not here reads as ``idle`` (INT-6).
_NODE_STATUSES = {
    **{status: status for status in ("idle", "pending", "running", "completed", "failed", "interrupted", "skipped")},
    "cancelled": "skipped",
}

#: Run statuses after which nothing is resumed (INT-14).
_TERMINAL = frozenset({"completed", "completed_with_warnings", "failed", "cancelled", "max_iterations_exceeded"})


@dataclass(frozen=True, slots=True)
class SnapshotReport:
    """What is wrong with a snapshot, each ``{code, message, node_id?}``; with ``errors`` it cannot be used (INT-8)."""

    errors: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """Whether a run may be seeded with it."""
        return not self.errors


def snapshot_of(
    plan: Plan | None,
    jobs: Iterable[Mapping[str, Any]],
    *,
    execution_id: str,
    status: str,
    initial_input: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    thread_id: str | None = None,
    iteration_count: int = 0,
    created_at: dt.datetime | None = None,
    updated_at: dt.datetime | None = None,
) -> dict[str, Any]:
    """Return the snapshot of a run (INT-6).

    :param plan: of the run; without it the workflow is ``unknown`` and the version empty.
    :param jobs: its job records; the latest of each node counts.
    :param status: of the run, as it is: never derived from its nodes (INT-13).
    :param metadata: engine and run; kept as given.
    """
    states: dict[str, dict[str, Any]] = {}
    for job in sorted(jobs, key=lambda item: _order(item) or 0):
        states[str(job["node_id"])] = _node_state(job)
    created = created_at or utc_now()
    return {
        "workflowId": plan.workflow_id if plan is not None else "unknown",
        "workflowVersion": plan.revision[:16] if plan is not None else "",
        "executionId": execution_id,
        "status": status,
        "initialInput": dict(initial_input or {}),
        "metadata": dict(metadata or {}),
        "nodeStates": states,
        "iterationCount": iteration_count,
        "threadId": thread_id,
        "createdAt": created.isoformat(),
        "updatedAt": (updated_at or created).isoformat(),
    }


def _order(job: Mapping[str, Any]) -> int | None:
    found = job.get("order")
    return found if isinstance(found, int) else None


def _node_state(job: Mapping[str, Any]) -> dict[str, Any]:
    status = _NODE_STATUSES.get(str(job.get("status")), "idle")
    state: dict[str, Any] = {
        "status": status,
        "injected": bool(job.get("injected")),
        "executionOrder": _order(job),
        "jobId": job.get("id"),
    }
    if status == "completed":
        state["output"] = job.get("output_data") or {}
        # What was cut or masked for people's eyes is no value to go on with.
        if _changed(job.get("truncated")) or _changed(job.get("redacted")):
            state["partial"] = True
    if status == "failed":
        state["error"] = job.get("error")
    if status == "skipped":
        state["skipReason"] = job.get("skip_reason")
    return state


def _changed(paths: Any) -> bool:
    return any(str(path).startswith("output_data") for path in paths or ())


def validate_snapshot(plan: Plan, snapshot: Mapping[str, Any]) -> SnapshotReport:
    """Return what speaks against using a snapshot with a workflow (INT-8)."""
    report = SnapshotReport()
    states = _states(snapshot)
    version = snapshot.get("workflowVersion")
    if version and version != plan.revision[:16]:
        message = f"The snapshot belongs to version {version} of the workflow, which is now {plan.revision[:16]}."
        report.errors.append({"code": "SNAPSHOT_VERSION", "message": message})
    for node_id in states:
        if node_id not in plan.nodes and node_id not in plan.excluded:
            report.errors.append(_about(node_id, "SNAPSHOT_NODE_UNKNOWN", "The workflow has no such node."))
    for node_id in plan.nodes:
        if node_id not in states:
            report.warnings.append(_about(node_id, "SNAPSHOT_NODE_MISSING", "The snapshot says nothing about this node."))
        elif states[node_id].get("status") == "completed":
            _check_dependencies(plan, node_id, states, report)
    return report


def _check_dependencies(plan: Plan, node_id: str, states: Mapping[str, Mapping[str, Any]], report: SnapshotReport) -> None:
    sources = plan.sources(node_id)
    if states[node_id].get("injected") and sources:
        message = "Its output was put in, and not computed from what it depends on."
        report.warnings.append(_about(node_id, "SNAPSHOT_INJECTED", message))
    for source in sources:
        status = states.get(source, {}).get("status")
        if status not in {"completed", "skipped"}:
            message = f"It is completed, and {source!r}, which it depends on, is {status or 'not in the snapshot'}."
            report.errors.append(_about(node_id, "SNAPSHOT_DEPENDENCY", message))


def _about(node_id: str, code: str, message: str) -> dict[str, Any]:
    return {"code": code, "node_id": node_id, "message": message}


def _states(snapshot: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    states = snapshot.get("nodeStates")
    entries = states.items() if isinstance(states, Mapping) else ()
    return {str(node_id): state for node_id, state in entries if isinstance(state, Mapping)}


def refuse_terminal(snapshot: Mapping[str, Any]) -> None:
    """Refuse to resume a run that has ended; a new run seeded from it is another matter (INT-14).

    :raises SnapshotError: ``SNAPSHOT_TERMINAL``.
    """
    if snapshot.get("status") in _TERMINAL:
        raise SnapshotError(
            f"The run {snapshot.get('executionId')!r} has ended ({snapshot['status']}) and is not resumed.",
            code="SNAPSHOT_TERMINAL",
            hint="Start a new run from it.",
        )


def seed_from(plan: Plan, snapshot: Mapping[str, Any], *, from_node: str | None = None) -> Seed:
    """Return the seed of a new run: completed nodes with their outputs (INT-10).

    Nodes whose output was cut or masked in the snapshot run again, as do those that completed with loops left open.

    :param from_node: execute this node and everything behind it again.
    :raises SnapshotError: ``SNAPSHOT_INVALID`` with the findings, ``SNAPSHOT_STATE_SHARED``; no run exists then (INT-15).
    """
    report = validate_snapshot(plan, snapshot)
    if not report.usable:
        first = report.errors[0]
        raise SnapshotError(
            f"The snapshot of run {snapshot.get('executionId')!r} does not fit: {first['message']}",
            code="SNAPSHOT_INVALID",
            locator=f"node.{first['node_id']}" if "node_id" in first else None,
            findings=report.errors,
        )
    states = _states(snapshot)
    outputs = {
        node_id: state["output"]
        for node_id, state in states.items()
        if state.get("status") == "completed" and isinstance(state.get("output"), Mapping) and not state.get("partial")
    }
    settled = [node_id for node_id, state in states.items() if state.get("status") == "skipped"]
    return seed(plan, outputs, str(snapshot.get("executionId") or ""), finished=settled, from_node=from_node)
