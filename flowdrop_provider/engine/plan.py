"""The execution plan: a compiled workflow, immutable, and everything a run needs to know about it.

A plan is pure data made by :mod:`flowdrop_provider.engine.compile`. Loops are regions: a strongly connected component of the
graph with its loopback edges, driven as one step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.document.handles import EdgeKind
from flowdrop_provider.document.models import ManifestEntry
from flowdrop_provider.document.node_types import NodeType
from flowdrop_provider.engine.execution import NodeToRun

__all__ = ["Plan", "PlanEdge", "PlanNode", "Region", "ToolNode"]


@dataclass(frozen=True, slots=True)
class PlanEdge:
    """An edge as the run sees it.

    :ivar gated: it leaves a branch port, so it is followed only while that branch is active (BR-1, BR-2).
    :ivar triggers: it points at the reserved ``trigger`` port (EDGE-3); it may be an error edge at the same time.
    """

    edge_id: str
    kind: EdgeKind
    source: str
    source_port: str
    target: str
    target_port: str
    gated: bool
    triggers: bool


@dataclass(frozen=True, slots=True)
class PlanNode:
    """A node that will run: identity, live type, configuration, and its edges.

    :ivar incoming: data, trigger and error edges into it, document order; loopback and tool edges never gate (DATA-5).
    :ivar outgoing: data, trigger and error edges out of it.
    :ivar position: 1-based place in the plan's order; the ``order`` of its job outside of regions.
    :ivar regions: ids of the loops around it, outermost first.
    """

    node_id: str
    label: str
    node_type: NodeType
    config: Mapping[str, Any]
    branches: frozenset[str]
    max_retries: int
    incoming: tuple[PlanEdge, ...]
    outgoing: tuple[PlanEdge, ...]
    loopbacks: tuple[PlanEdge, ...]
    position: int
    regions: tuple[str, ...] = ()

    @property
    def region(self) -> str | None:
        """The outermost loop it belongs to: the step of the run it is part of."""
        return self.regions[0] if self.regions else None

    @property
    def routes_errors(self) -> bool:
        """Whether an error edge leaves the node (ERR-7)."""
        return any(edge.kind is EdgeKind.ERROR for edge in self.outgoing)

    def to_run(self) -> NodeToRun:
        """Return what :func:`flowdrop_provider.engine.execution.execute` takes."""
        return NodeToRun(self.node_id, self.label, self.node_type, self.config, self.max_retries, self.routes_errors)


@dataclass(frozen=True, slots=True)
class ToolNode:
    """A node that is wired as a tool: no step of a run, executed inside its consumer (EDGE-7)."""

    node_id: str
    label: str
    tool_name: str
    node_type: NodeType
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Region:
    """Nodes that loop together: one step of a run.

    :ivar region_id: the first head.
    :ivar heads: targets of its loopback edges, sorted; several when overlapping loops were merged (SG-18).
    :ivar nodes: all its nodes in the order of a round, nested loops included.
    :ivar steps: what a round does, in order: nodes, and nested loops as regions of their own.
    """

    region_id: str
    heads: tuple[str, ...]
    nodes: tuple[str, ...]
    steps: tuple[str | Region, ...]


@dataclass(frozen=True)
class Plan:
    """A compiled workflow.

    :ivar nodes: executed nodes by id, in execution order.
    :ivar excluded: nodes that never run, with the reason: ``non_executable``, ``tool_only``, ``loopback_only`` (CMP-6).
    :ivar edges: every edge between known nodes, document order, tool and loopback edges included.
    :ivar steps: what a run does, in order: a node or a loop each.
    :ivar tools: leaf tools by consumer; ``tool_nodes`` tells what they are.
    :ivar conditions: ids of the edges that carry a condition, by source; they gate nothing (EDGE-8).
    :ivar warnings: diagnostics for the author: dead edge conditions, unavailable processors.
    :ivar strategy: identifier of the strategy that the document or a trigger names, ``""`` for none (ORC-2).
    """

    workflow_id: str
    name: str
    revision: str
    nodes: Mapping[str, PlanNode]
    excluded: Mapping[str, str]
    edges: tuple[PlanEdge, ...]
    steps: tuple[str | Region, ...] = ()
    input_ports: tuple[ManifestEntry, ...] = ()
    output_ports: tuple[ManifestEntry, ...] = ()
    parameter_schema: Mapping[str, Any] = field(default_factory=dict)
    output_schema: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tool_nodes: Mapping[str, ToolNode] = field(default_factory=dict)
    conditions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    strategy: str = ""

    @property
    def regions(self) -> dict[str, Region]:
        """The outermost loops by id."""
        return {step.region_id: step for step in self.steps if isinstance(step, Region)}

    @property
    def order(self) -> tuple[str, ...]:
        """Executed node ids in execution order (CMP-8)."""
        return tuple(self.nodes)

    def sources(self, node_id: str) -> tuple[str, ...]:
        """Return the ids of the nodes whose outcome ``node_id`` needs, each once, in edge order."""
        return tuple(dict.fromkeys(edge.source for edge in self.nodes[node_id].incoming if edge.source in self.nodes))

    def carried_ports(self, node_id: str) -> frozenset[str] | None:
        """Return the output ports of a node that an edge or the workflow's interface really carries.

        ``None`` means all of them: the last nodes of a workflow that declares no outputs are its result.
        """
        node = self.nodes[node_id]
        if not self.output_ports and not node.outgoing:
            return None
        ports = {edge.source_port for edge in node.outgoing if not edge.triggers}
        ports |= {entry.port for entry in self.output_ports if entry.node_id == node_id}
        return frozenset(port for port in ports if port)
