"""Tools of a run: leaf nodes wired to a consumer, executed inside of it when a model calls them (EDGE-7, DATA-10..12)."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

from flowdrop_provider.document.handles import EdgeKind
from flowdrop_provider.engine.execution import NodeToRun, execute
from flowdrop_provider.engine.gate import is_gate
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.routing import Outcome, edge_satisfied, has_port, port_value
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._tool_calls import Tool, tool_schema
from flowdrop_provider.nodes.api import NodeContext, Outputs
from flowdrop_provider.nodes.world import World

__all__ = ["RunTools", "with_tools"]


class RunTools:
    """Implements :class:`~flowdrop_provider.nodes._tool_calls.ToolSource` for one run.

    :param known: outcomes of finished nodes, for tools that are fed by an edge.
    :param results: results by call id, kept as long as the run (RT-TOOL-9).
    """

    def __init__(
        self, plan: Plan, world: World, known: Mapping[str, Outcome], results: MutableMapping[str, dict[str, Any]]
    ) -> None:
        self._plan = plan
        self._world = world
        self._known = known
        self._results = results

    def tools(self, node_id: str) -> Sequence[Tool]:
        """Return the leaf tools wired to a node, in drawing order."""
        return [self._tool(leaf) for leaf in self._plan.tools.get(node_id, ())]

    def results(self) -> MutableMapping[str, dict[str, Any]]:
        """Return the results of this run's calls by call id."""
        return self._results

    def _tool(self, leaf: str) -> Tool:
        node = self._plan.tool_nodes[leaf]
        fed = frozenset(edge.target_port for edge in self._feeds(leaf))
        description = node.config.get("instanceDescription") or node.node_type.description
        schema = tool_schema(node.node_type, node.config, fed)
        return Tool(node.tool_name, str(description or ""), schema, lambda arguments: self._run(leaf, arguments))

    def _feeds(self, leaf: str) -> list[Any]:
        return [edge for edge in self._plan.edges if edge.target == leaf and edge.kind is EdgeKind.DATA]

    def _run(self, leaf: str, arguments: Mapping[str, Any]) -> Outputs:
        node = self._plan.tool_nodes[leaf]
        inputs = dict(arguments)
        for edge in self._feeds(leaf):
            source = self._known.get(edge.source)
            if source is not None and edge_satisfied(edge, source) and has_port(source.ports, edge.source_port):
                inputs[edge.target_port] = port_value(source.ports, edge.source_port)
        context = NodeContext(
            node_id=leaf,
            node_type_id=node.node_type.id,
            label=node.label,
            workflow_id=self._plan.workflow_id,
            inputs=inputs,
            config=node.config,
            world=replace(self._world),
        )
        execution = execute(NodeToRun(leaf, node.label, node.node_type, node.config), context)
        if execution.interrupt is not None and is_gate(execution.interrupt):
            # The consumer waits with the question and runs again with the same inputs once it is answered (RT-GATE-5).
            raise execution.interrupt
        if execution.interrupt is not None:
            raise NodeError("A tool asked a person, which works only for nodes of the drawing.", code="tool_waits")
        if execution.error is not None:
            error = execution.error
            raise NodeError(error["message"], code=error["code"], retryable=error["retryable"])
        return execution.outputs


def with_tools(world: World, plan: Plan, known: Mapping[str, Outcome], results: MutableMapping[str, dict[str, Any]]) -> World:
    """Return the world with the run's tools, where the drawing has any."""
    if not plan.tools:
        return world
    equipped = replace(world, extras=dict(world.extras))
    equipped.extras["tools"] = RunTools(plan, equipped, known, results)
    return equipped
