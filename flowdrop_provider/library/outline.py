"""Outlines: all that building a DAG needs to know of a workflow, small, plain and cheap to read back.

A DAG file is parsed again and again, on the DAG processor and at every task start. Reading, validating and compiling a
document costs more than building its operators, so that work is done once per content and its result, the outline, is kept
(:mod:`flowdrop_provider.library.cache`). The full plan is compiled only where a node really runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from flowdrop_provider.engine.naming import task_ids

if TYPE_CHECKING:
    from flowdrop_provider.document.models import Node, Workflow
    from flowdrop_provider.engine.plan import Plan, PlanNode

__all__ = ["Outline", "OutlineTask", "drawing_of", "outline_of"]

#: Processors whose text documents the workflow.
_NOTES = frozenset({"note", "notes"})


@dataclass(frozen=True, slots=True)
class OutlineTask:
    """One task: ``upstream`` holds task ids; ``pure`` decides whether Airflow may run it again after a lost worker."""

    node_id: str
    task_id: str
    label: str
    upstream: tuple[str, ...]
    pure: bool


@dataclass(frozen=True, slots=True)
class Outline:
    """A workflow as the DAG factory sees it.

    :ivar params: declared inputs by name: ``{"schema": JSON Schema fragment, "required": bool, "title": str, ...}``.
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

    def to_json(self) -> str:
        """Return the outline as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Outline:
        """Return the outline that :meth:`to_json` wrote."""
        tasks = tuple(OutlineTask(**{**task, "upstream": tuple(task["upstream"])}) for task in data["tasks"])
        return cls(**{**data, "tags": tuple(data["tags"]), "tasks": tasks})


def outline_of(workflow: Workflow, plan: Plan) -> Outline:
    """Return the outline of a compiled workflow."""
    names = task_ids(plan.nodes)
    tasks = tuple(
        OutlineTask(
            node_id=node_id,
            task_id=names[node_id],
            label=node.label,
            upstream=tuple(names[source] for source in plan.sources(node_id)),
            pure=_is_pure(node),
        )
        for node_id, node in plan.nodes.items()
    )
    return Outline(
        workflow_id=workflow.id,
        name=plan.name,
        revision=plan.revision,
        description=_description(workflow),
        tags=tuple(workflow.tags),
        enabled=workflow.enabled,
        params=_params(plan),
        tasks=tasks,
        flow=json.dumps(drawing_of(workflow, plan), ensure_ascii=False, separators=(",", ":")),
    )


def _is_pure(node: PlanNode) -> bool:
    from flowdrop_provider.nodes.registry import get_processor

    processor = get_processor(node.node_type.processor)
    return processor is not None and processor.pure


def _description(workflow: Workflow) -> str:
    notes = [str(node.config.get("content") or "") for node in workflow.nodes if node.node_type_id in _NOTES]
    return "\n\n".join(text.strip() for text in (workflow.description, *notes) if text.strip())


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


def drawing_of(workflow: Workflow, plan: Plan) -> dict[str, Any]:
    """Return the drawing of a revision: what a viewer needs to show a run as its author drew it."""
    names = task_ids(plan.nodes)
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
