"""Outlines: all that building a DAG needs to know of a workflow, small, plain and cheap to read back.

A DAG file is parsed again and again, on the DAG processor and at every task start. Reading, validating and compiling a
document costs more than building its operators, so that work is done once per content and its result, the outline, is kept
(:mod:`flowdrop_provider.library.cache`). The full plan is compiled only where a node really runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from flowdrop_provider.engine.naming import task_ids

if TYPE_CHECKING:
    from flowdrop_provider.document.models import Node, TriggerConfig, Workflow
    from flowdrop_provider.engine.plan import Plan, PlanNode
    from flowdrop_provider.engine.segments import Segment

__all__ = ["Outline", "OutlineTask", "drawing_of", "outline_of"]

#: Processors whose text documents the workflow.
_NOTES = frozenset({"note", "notes"})

#: Each tag is a row of Airflow's database.
_MAX_TAGS = 50

#: Where processors work that need nothing outside of the task's process.
_IN_PROCESS = frozenset({"python", "loop", "state", "none"})
#: Where processors work that put their task aside until somebody answers or a moment comes.
_WAITING = frozenset({"person", "time"})
#: The processor that works in the network and then waits for it; as a node's own task it would call twice.
_CALLED_BACK = "call_and_wait"


@dataclass(frozen=True, slots=True)
class OutlineTask:
    """One task.

    :ivar node_ids: its nodes; one, or those of a loop or a fused group.
    :ivar kind: ``node``, ``loop``, ``fused`` or ``wait``.
    :ivar upstream: task ids.
    :ivar pure: whether Airflow may run it again after a lost worker.
    """

    node_ids: tuple[str, ...]
    kind: str
    task_id: str
    label: str
    upstream: tuple[str, ...]
    pure: bool


@dataclass(frozen=True, slots=True)
class Outline:
    """A workflow as the DAG factory sees it.

    :ivar params: declared inputs by name: ``{"schema": JSON Schema fragment, "required": bool, "title": str, ...}``.
    :ivar schedules: cron expression and time zone of each scheduled trigger in the drawing.
    :ivar strategy: identifier of the strategy that the document or a trigger names, ``""`` for none.
    :ivar overlap: policy of its clock, ``""`` for none; ``buffers``: whether a firing may wait for its turn (TRIG-1).
    :ivar jitter: bounds of the clock's delay in seconds (TRIG-2).
    :ivar flow: the drawing and the revision as one JSON string (DESIGN 4): a string, because Airflow cuts long template
        fields and cannot read back a dictionary.
    """

    workflow_id: str
    name: str
    revision: str
    description: str
    tags: tuple[str, ...]
    enabled: bool
    params: Mapping[str, Mapping[str, Any]]
    tasks: tuple[OutlineTask, ...]
    flow: str
    schedules: tuple[tuple[str, str], ...] = ()
    strategy: str = ""
    overlap: str = ""
    buffers: bool = False
    jitter: tuple[float, float] | None = None

    def to_json(self) -> str:
        """Return the outline as JSON text."""
        # Not asdict(): it copies every value of every schema first.
        members = {item.name: getattr(self, item.name) for item in fields(self)}
        tasks = [{item.name: getattr(task, item.name) for item in fields(task)} for task in self.tasks]
        return json.dumps({**members, "tasks": tasks}, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Outline:
        """Return the outline that :meth:`to_json` wrote."""
        tasks = tuple(
            OutlineTask(**{**task, "upstream": tuple(task["upstream"]), "node_ids": tuple(task["node_ids"])})
            for task in data["tasks"]
        )
        schedules = tuple((cron, zone) for cron, zone in data.get("schedules", ()))
        jitter = tuple(data["jitter"]) if data.get("jitter") else None
        return cls(**{**data, "tags": tuple(data["tags"]), "tasks": tasks, "schedules": schedules, "jitter": jitter})


def outline_of(
    workflow: Workflow,
    plan: Plan,
    *,
    fused: bool = False,
    remarks: Iterable[str] = (),
    triggers: Iterable[TriggerConfig] = (),
) -> Outline:
    """Return the outline of a compiled workflow.

    :param fused: the deployment's default; the document's own ``metadata.flowdrop.fused`` wins, then its strategy's layout.
    :param remarks: what the deployment should know of the workflow; shown with its description.
    :param triggers: the site's, for what they say about firings that overlap.
    """
    from flowdrop_provider.library.overlaps import firings

    fires = firings(workflow, triggers)
    flow = drawing_of(workflow, plan, fused=fused)
    if fires.by_trigger:
        flow["overlaps"] = dict(fires.by_trigger)
    return Outline(
        workflow_id=workflow.id,
        name=plan.name,
        revision=plan.revision,
        description=_description(workflow, remarks),
        tags=tuple(workflow.tags[:_MAX_TAGS]),
        enabled=workflow.enabled,
        params=_params(plan),
        tasks=_tasks(plan, _wants_fused(plan, fused)),
        flow=json.dumps(flow, ensure_ascii=False, separators=(",", ":")),
        schedules=_schedules(workflow),
        strategy=plan.strategy,
        overlap=fires.schedule,
        buffers=fires.buffers,
        jitter=fires.jitter,
    )


def _schedules(workflow: Workflow) -> tuple[tuple[str, str], ...]:
    from flowdrop_provider.library.schedules import node_schedules

    return tuple((found.cron, found.timezone) for found in node_schedules(workflow.nodes) if found.fires)


def _wants_fused(plan: Plan, default: bool) -> bool:
    from flowdrop_provider.engine.strategies import find_strategy

    asked = plan.settings.get("fused")
    if isinstance(asked, bool):
        return asked
    strategy = find_strategy(plan.strategy)
    return default if strategy is None else strategy.fused


def _tasks(plan: Plan, fused: bool) -> tuple[OutlineTask, ...]:
    from flowdrop_provider.engine.segments import segments

    found = segments(plan, fused=fused, fusable=_is_fusable)
    names = task_ids(segment.name for segment in found)
    owner = {node_id: names[segment.name] for segment in found for node_id in segment.node_ids}
    return tuple(
        OutlineTask(
            node_ids=segment.node_ids,
            kind=_kind(plan, segment),
            task_id=names[segment.name],
            label=_label(plan, segment),
            upstream=_upstream(plan, segment, owner),
            pure=all(_is_pure(plan.nodes[node_id]) for node_id in segment.node_ids),
        )
        for segment in found
    )


def _kind(plan: Plan, segment: Segment) -> str:
    if segment.kind == "node" and _may_wait(plan.nodes[segment.name]):
        return "wait"
    return segment.kind


def _may_wait(node: PlanNode) -> bool:
    """Return whether a node may put its task aside; one that runs elsewhere may ask somebody, or take its time."""
    waits = _runs(node) in _WAITING or node.node_type.processor == _CALLED_BACK
    return waits or (not node.node_type.available and not node.node_type.derivative)


def _runs(node: PlanNode) -> str:
    from flowdrop_provider.nodes.registry import get_processor

    processor = get_processor(node.node_type.processor)
    return processor.runs if processor is not None else ""


def _label(plan: Plan, segment: Segment) -> str:
    label = plan.nodes[segment.name].label
    if segment.kind == "node":
        return label
    return f"{label} (loop)" if segment.kind == "loop" else f"{label} (+{len(segment.node_ids) - 1})"


def _upstream(plan: Plan, segment: Segment, owner: Mapping[str, str]) -> tuple[str, ...]:
    sources = (source for node_id in segment.node_ids for source in plan.sources(node_id) if source not in segment.node_ids)
    return tuple(dict.fromkeys(owner[source] for source in sources))


def _is_fusable(node: PlanNode) -> bool:
    """Return whether a node may share a task: it works in this process and waits for nobody."""
    return _runs(node) in _IN_PROCESS


def _is_pure(node: PlanNode) -> bool:
    from flowdrop_provider.nodes.registry import get_processor

    processor = get_processor(node.node_type.processor)
    return processor is not None and (processor.pure or processor.runs in _IN_PROCESS)


def _description(workflow: Workflow, remarks: Iterable[str]) -> str:
    notes = [str(node.config.get("content") or "") for node in workflow.nodes if node.node_type_id in _NOTES]
    return "\n\n".join(text.strip() for text in (workflow.description, *notes, *remarks) if text.strip())


def _params(plan: Plan) -> dict[str, dict[str, Any]]:
    from flowdrop_provider.engine.launch import declared_inputs, launch_schema

    listed = plan.parameter_schema.get("required")
    required = set(listed) if isinstance(listed, list) else set()
    schemas = launch_schema(plan)
    return {
        entry.name: {
            "schema": schemas[entry.name],
            "required": entry.required or entry.name in required,
            "title": entry.title,
            "description": entry.description,
        }
        for entry in declared_inputs(plan)
    }


def drawing_of(workflow: Workflow, plan: Plan, *, fused: bool = False) -> dict[str, Any]:
    """Return the drawing of a revision: what a viewer needs to show a run as its author drew it."""
    names = {node_id: task.task_id for task in _tasks(plan, _wants_fused(plan, fused)) for node_id in task.node_ids}
    return {
        "workflow_id": workflow.id,
        "name": plan.name,
        "revision": plan.revision,
        "nodes": [_drawn_node(node, plan, names) for node in workflow.nodes],
        "edges": [
            {
                "id": edge.edge_id,
                "kind": edge.kind.value,
                "source": edge.source,
                "source_port": edge.source_port,
                "target": edge.target,
                "target_port": edge.target_port,
                "gated": edge.gated,
            }
            for edge in plan.edges
        ],
        "regions": {region.region_id: list(region.nodes) for region in plan.regions.values()},
    }


def _drawn_node(node: Node, plan: Plan, names: Mapping[str, str]) -> dict[str, Any]:
    drawn: dict[str, Any] = {"id": node.id, "label": node.label, "type": node.node_type_id, "visual": node.visual_type}
    if node.position is not None:
        drawn["x"], drawn["y"] = node.position.x, node.position.y
    if node.measured:
        drawn["w"], drawn["h"] = node.measured.get("width"), node.measured.get("height")
    if node.id in names:
        drawn["task_id"] = names[node.id]
    else:
        drawn["excluded"] = plan.excluded.get(node.id)
        if node.config.get("content"):
            drawn["content"] = str(node.config["content"])
    return drawn
