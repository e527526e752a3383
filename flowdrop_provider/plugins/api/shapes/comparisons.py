"""Two runs beside each other: what differs in status, time, input and output, node by node (our own shape)."""

from __future__ import annotations

from typing import Any

from flowdrop_provider.plugins.api.reading import Job, RunView
from flowdrop_provider.plugins.api.shapes.traces import run_facts
from flowdrop_provider.plugins.api.shapes.values import differences

__all__ = ["comparison"]


def comparison(left: RunView, right: RunView, *, values: bool) -> dict[str, Any]:
    """Return how two runs differ; ``first_difference`` is the earliest node, in the order of the left run, that does.

    :param values: whether the caller may see input and output of both.
    """
    ours, theirs = left.latest(), right.latest()
    names = [*ours, *(node_id for node_id in theirs if node_id not in ours)]
    nodes = [_node(node_id, ours.get(node_id), theirs.get(node_id), values=values) for node_id in names]
    outputs, complete = differences(left.summary.get("outputs", {}), right.summary.get("outputs", {})) if values else ([], True)
    return {
        "left": run_facts(left),
        "right": run_facts(right),
        "same_revision": left.drawing.revision == right.drawing.revision,
        "first_difference": next((node["node_id"] for node in nodes if node["differs"]), None),
        "nodes": nodes,
        "outputs": {"differences": outputs, "complete": complete},
    }


def _node(node_id: str, left: Job | None, right: Job | None, *, values: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"node_id": node_id, "left": _facts(left), "right": _facts(right)}
    if values:
        for side in ("input_data", "output_data"):
            found[side], found[f"{side}_complete"] = differences(_data(left, side), _data(right, side))
    status = (left.status if left else None) != (right.status if right else None)
    return {**found, "differs": status or bool(found.get("input_data") or found.get("output_data"))}


def _data(job: Job | None, side: str) -> Any:
    return job.record.get(side, {}) if job is not None else {}


def _facts(job: Job | None) -> dict[str, Any] | None:
    if job is None:
        return None
    error = job.error_message
    return {"status": job.status, "execution_time_us": job.execution_time_us, "job_id": job.id, "error": error}
