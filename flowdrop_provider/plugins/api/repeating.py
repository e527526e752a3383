"""What a repeated run takes over from the run it repeats: from one node on, and with pinned outputs (INT-10, INT-11).

Airflow keeps what nodes handed on by task, so tasks are taken over whole: a loop or a fused group runs again when one of its
nodes does. An answer that a person gave counts for what they saw: it is taken over only where workflow, inputs and pins
are those of that run, and is never made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.document.node_types import NodeType
from flowdrop_provider.engine.reuse import downstream
from flowdrop_provider.operators.reuse import Reuse
from flowdrop_provider.plugins.api.drawings import Drawing
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.reading import RunView

__all__ = ["Repetition", "reuse_of"]

_DONE = frozenset({"completed", "skipped"})


@dataclass(frozen=True, slots=True)
class Repetition:
    """What is asked of a repetition.

    :ivar from_node: this node and everything behind it is executed; ``None`` for all.
    :ivar pins: outputs by node id that stand in for an execution; ``None`` stands for those of the repeated run.
    :ivar changed: whether it gets other inputs than the run it repeats.
    """

    from_node: str | None = None
    pins: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    changed: bool = False


def reuse_of(view: RunView, now: Drawing, asked: Repetition, at: str) -> Reuse:
    """Return what the new run takes over.

    :param view: the run that is repeated.
    :param now: the drawing the new run will have.
    :param at: the moment of asking, ISO 8601.
    :raises ApiError: 422 ``NODE_UNKNOWN``, ``PIN_REFUSED`` or ``PIN_NOT_RECORDED``; 409 ``RERUN_STATEFUL``.
    """
    _check_nodes(now, asked)
    given = {node_id: dict(ports) for node_id, ports in asked.pins.items() if ports is not None}
    recorded = [node_id for node_id, ports in asked.pins.items() if ports is None]
    nodes = set(_before(view, now, asked, bool(given))) if asked.from_node is not None else set()
    for node_id in recorded:
        if not _usable(view, now, str(now.nodes[node_id]["task_id"])):
            raise ApiError(
                422, "PIN_NOT_RECORDED", f"The run has no outputs of node {node_id!r} that could stand in for an execution."
            )
    nodes |= set(recorded)
    return Reuse(view.run.run_id, at, frozenset(nodes - set(given)), given)


def _check_nodes(now: Drawing, asked: Repetition) -> None:
    named = [*asked.pins, *([asked.from_node] if asked.from_node is not None else [])]
    for node_id in named:
        if "task_id" not in now.nodes.get(node_id, {}):
            raise ApiError(422, "NODE_UNKNOWN", f"The workflow has no node {node_id!r} that runs.")
    for node_id in asked.pins:
        if _asks(now.nodes[node_id]) is not False:
            raise ApiError(422, "PIN_REFUSED", f"Node {node_id!r} asks a person, or may: answers are not made up.")
    if asked.from_node is not None and any(_shares_state(node) for node in now.nodes.values()):
        raise ApiError(409, "RERUN_STATEFUL", "Nodes of this workflow share run state, so it runs from its beginning only.")


def _before(view: RunView, now: Drawing, asked: Repetition, pinned: bool) -> Iterable[str]:
    """Return the nodes that are not executed again: those of tasks that are not behind the start, done and unchanged."""
    starts = {str(now.nodes[str(asked.from_node)]["task_id"])}
    if asked.changed or pinned or view.drawing.revision != now.revision:
        starts |= {str(node["task_id"]) for node in now.nodes.values() if "task_id" in node and _asks(node) is not False}
    owner = {node_id: str(node["task_id"]) for node_id, node in now.nodes.items() if "task_id" in node}
    drawn = ((str(edge["source"]), str(edge["target"])) for edge in now.flow.get("edges", ()))
    again = downstream(starts, ((owner[a], owner[b]) for a, b in drawn if a in owner and b in owner and owner[a] != owner[b]))
    return (
        node_id
        for task_id in now.tasks
        if task_id not in again and _usable(view, now, task_id)
        for node_id in now.tasks[task_id]
    )


def _usable(view: RunView, now: Drawing, task_id: str) -> bool:
    """Return whether what a task left in the repeated run can be handed on by the same task of the new one."""
    then, nodes, latest = view.drawing, now.tasks[task_id], view.latest()
    if then.tasks.get(task_id) != nodes:
        return False
    jobs = [latest.get(node_id) for node_id in nodes]
    if any(job is None or job.status not in _DONE for job in jobs):
        return False
    if not any(job is not None and job.status == "completed" and job.task_state == "success" for job in jobs):
        return False
    same = then.revision == now.revision
    return all(
        then.nodes[node_id].get("type") == now.nodes[node_id].get("type")
        and (same or _carried(now, node_id) <= _carried(then, node_id))
        for node_id in nodes
    )


def _carried(drawing: Drawing, node_id: str) -> set[str]:
    """Return the ports of a node whose values were handed on, ``*`` among them when all were."""
    edges = [edge for edge in drawing.flow.get("edges", ()) if edge["source"] == node_id]
    return {str(edge["source_port"]) for edge in edges} or {"*"}


def _asks(node: Mapping[str, Any]) -> bool | None:
    """Return whether a node asks a person; ``None`` when nobody here knows its type."""
    processor = _processor(node)
    return None if processor is None else processor.runs == "person"


def _shares_state(node: Mapping[str, Any]) -> bool:
    node_type = _shipped(node)
    return node_type is not None and node_type.state_aware


def _shipped(node: Mapping[str, Any]) -> NodeType | None:
    from flowdrop_provider.nodes.registry import shipped_catalogue

    return shipped_catalogue().get(str(node.get("type") or ""))


def _processor(node: Mapping[str, Any]) -> Any:
    from flowdrop_provider.nodes.registry import get_processor

    node_type = _shipped(node)
    return get_processor(node_type.processor if node_type is not None else str(node.get("type") or ""))
