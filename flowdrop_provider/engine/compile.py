"""Compilation: a workflow and live node types to a :class:`~flowdrop_provider.engine.plan.Plan` (CMP-1..11).

Stages, in the order the specification fixes: structure preconditions, dependency graph, cycle detection, tool wiring,
execution graph, node mappings. Whatever a stage finds surfaces as one :class:`~flowdrop_provider.errors.CompilationError`
whose message starts with ``Compilation failed: `` once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flowdrop_provider.document.handles import EdgeKind, edge_kind, port_name
from flowdrop_provider.document.models import Edge, Node, Workflow
from flowdrop_provider.document.node_types import NodeType, NodeTypeCatalogue
from flowdrop_provider.document.revision import revision_of
from flowdrop_provider.engine.graphs import find_cycle
from flowdrop_provider.engine.outputs import branch_names
from flowdrop_provider.engine.plan import Plan, PlanEdge, PlanNode, Region, ToolNode
from flowdrop_provider.engine.regions import Layout, lay_out
from flowdrop_provider.engine.tools import tool_name, wire_tools
from flowdrop_provider.errors import CompilationError, DocumentError
from flowdrop_provider.nodes.registry import get_processor

__all__ = ["compile_workflow"]

#: Edges that order nothing and close no forbidden cycle (CMP-5, DATA-5).
_FREE = frozenset({EdgeKind.TOOL, EdgeKind.LOOPBACK, EdgeKind.AGENT_RESULT})

#: How much of the order a loop takes, so that a node behind it still gets a higher order (SG-8).
REGION_SPAN = 1_000_000


def compile_workflow(workflow: Workflow, catalogue: NodeTypeCatalogue) -> Plan:
    """Return the plan of a workflow.

    :param catalogue: the live node types; what the document says about its types is never trusted (CMP-2).
    :raises CompilationError: with the detecting stage's code and message.
    """
    _check_structure(workflow)
    nodes = {node.id: node for node in workflow.nodes}
    types = {node.id: _live_type(node, catalogue) for node in workflow.nodes}
    edges = _plan_edges(workflow, nodes, types)
    _refuse_cycles(nodes, edges)
    tools = wire_tools(nodes, types, edges)
    excluded = _excluded(nodes, types, edges)
    iterators = {node_id for node_id, node_type in types.items() if node_type.processor == "foreach"}
    layout = lay_out(nodes.keys() - excluded.keys(), edges, iterators, _writers(types))
    order = layout.node_ids()
    return Plan(
        workflow_id=workflow.id,
        name=workflow.name or workflow.id,
        revision=revision_of(workflow, {node_id for node_id, node_type in types.items() if not node_type.executable}),
        nodes=_map_nodes(layout, nodes, types, edges),
        excluded=excluded,
        edges=edges,
        steps=layout.steps,
        input_ports=tuple(workflow.input_ports),
        output_ports=tuple(workflow.output_ports),
        parameter_schema=workflow.parameter_schema,
        output_schema=workflow.output_schema,
        settings=workflow.settings,
        tools=tools,
        tool_nodes=_tool_nodes(tools, nodes, types),
        conditions=_conditions(workflow.edges),
        warnings=(*layout.warnings, *_warnings(workflow, order, types)),
    )


def _writers(types: Mapping[str, NodeType]) -> set[str]:
    """Return the nodes that keep something in a store, by what their processors say."""
    found = {name: get_processor(name) for name in {node_type.processor for node_type in types.values()}}
    stores = {name for name, item in found.items() if item is not None and item.runs == "store"}
    return {node_id for node_id, node_type in types.items() if node_type.processor in stores}


def _fail(message: str, code: str, locator: str | None = None, hint: str | None = None) -> CompilationError:
    return CompilationError(f"Compilation failed: {message}", code=code, locator=locator, hint=hint)


def _check_structure(workflow: Workflow) -> None:
    if not workflow.id:
        raise _fail("the workflow has no id.", "CMP_WORKFLOW_WITHOUT_ID", "workflow.id")
    if not workflow.nodes:
        raise _fail("the workflow has no nodes.", "CMP_NO_NODES", "nodes", "Draw at least one node.")
    for node in workflow.nodes:
        if not node.id:
            raise _fail(f"node {node.index} has no id.", "CMP_NODE_WITHOUT_ID", f"nodes.{node.index}")
        if not node.node_type_id and not node.visual_type:
            raise _fail(f"node {node.id!r} has no type.", "CMP_NODE_WITHOUT_TYPE", f"node.{node.id}")


def _live_type(node: Node, catalogue: NodeTypeCatalogue) -> NodeType:
    """Return the live type; a note without an anchor never runs, an unknown type compiles but is not available."""
    if node.node_type_id is None:
        return NodeType(id="", label=node.visual_type, executable=False)
    try:
        found = catalogue.get(node.node_type_id)
    except DocumentError as error:
        message = f"the node type {node.node_type_id!r} cannot be read: {error.message}"
        raise _fail(message, "CMP_NODE_TYPE_UNREADABLE", f"node.{node.id}", error.hint) from error
    return found or NodeType(id=node.node_type_id, label=node.label, processor=node.node_type_id, available=False)


def _plan_edges(workflow: Workflow, nodes: Mapping[str, Node], types: Mapping[str, NodeType]) -> tuple[PlanEdge, ...]:
    branches = {node_id: branch_names(types[node_id], node.config) for node_id, node in nodes.items()}
    known = (edge for edge in workflow.edges if edge.source in nodes and edge.target in nodes)
    return tuple(_plan_edge(edge, branches[edge.source]) for edge in known)


def _plan_edge(edge: Edge, branches: frozenset[str]) -> PlanEdge:
    source_port, target_port = port_name(edge.source_handle, "output"), port_name(edge.target_handle, "input")
    return PlanEdge(
        edge_id=edge.id or f"{edge.source_handle}>{edge.target_handle}",
        kind=edge_kind(edge),
        source=edge.source,
        source_port=source_port,
        target=edge.target,
        target_port=target_port,
        gated=source_port.strip().lower() in branches,
        triggers=edge.target_handle.endswith("-input-trigger"),
    )


def _conditions(edges: Iterable[Edge]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for edge in edges:
        if isinstance(edge.condition, str) and edge.condition:
            found[edge.source] = (*found.get(edge.source, ()), edge.id or f"{edge.source_handle}>{edge.target_handle}")
    return found


def _refuse_cycles(nodes: Iterable[str], edges: Iterable[PlanEdge]) -> None:
    successors: dict[str, list[str]] = {node_id: [] for node_id in nodes}
    for edge in edges:
        if edge.kind not in _FREE:
            successors[edge.source].append(edge.target)
    cycle = find_cycle(successors)
    if cycle is not None:
        shown = cycle if len(cycle) <= 12 else [*cycle[:6], "…", *cycle[-5:]]
        path = " -> ".join([*shown, cycle[0]])
        raise _fail(
            f"the nodes {path} form a cycle.",
            "CMP_CYCLE",
            f"node.{cycle[0]}",
            "Draw the edge that goes back into the loop_back port of the loop's first node.",
        )


def _excluded(nodes: Iterable[str], types: Mapping[str, NodeType], edges: Iterable[PlanEdge]) -> dict[str, str]:
    outgoing: dict[str, set[EdgeKind]] = {}
    incoming: dict[str, set[EdgeKind]] = {}
    for edge in edges:
        outgoing.setdefault(edge.source, set()).add(edge.kind)
        incoming.setdefault(edge.target, set()).add(edge.kind)
    reasons = {node_id: _exclusion(types[node_id], outgoing.get(node_id), incoming.get(node_id)) for node_id in nodes}
    known = list(edges)
    return {
        node_id: reason
        for node_id, reason in reasons.items()
        if reason and not (reason == "loopback_only" and _begins_a_loop(node_id, known))
    }


def _begins_a_loop(head: str, edges: Iterable[PlanEdge]) -> bool:
    """Return whether a loopback into ``head`` comes from behind it: then the loop starts there, without any other edge.

    Real agent loops are drawn so: the node that reads the conversation has no input but the way back (DATA-5 over CMP-6).
    """
    after: dict[str, list[str]] = {}
    tails = set()
    for edge in edges:
        if edge.kind not in _FREE:
            after.setdefault(edge.source, []).append(edge.target)
        elif edge.kind is EdgeKind.LOOPBACK and edge.target == head:
            tails.add(edge.source)
    seen: set[str] = set()
    stack = [head]
    while stack:
        found = set(after.get(stack.pop(), ())) - seen
        seen |= found
        stack.extend(found)
    return not tails.isdisjoint(seen)


def _exclusion(node_type: NodeType, outgoing: set[EdgeKind] | None, incoming: set[EdgeKind] | None) -> str:
    """Return why a node is left out of the execution graph, ``""`` when it is not; the order is the precedence of CMP-6."""
    if not node_type.executable:
        return "non_executable"
    if outgoing == {EdgeKind.TOOL}:
        return "tool_only"
    return "loopback_only" if incoming == {EdgeKind.LOOPBACK} else ""


def _map_nodes(
    layout: Layout,
    nodes: Mapping[str, Node],
    types: Mapping[str, NodeType],
    edges: Iterable[PlanEdge],
) -> dict[str, PlanNode]:
    incoming: dict[str, list[PlanEdge]] = {}
    outgoing: dict[str, list[PlanEdge]] = {}
    loopbacks: dict[str, list[PlanEdge]] = {}
    for edge in edges:
        if edge.kind is EdgeKind.LOOPBACK:
            loopbacks.setdefault(edge.target, []).append(edge)
        elif edge.kind not in _FREE:
            incoming.setdefault(edge.target, []).append(edge)
            outgoing.setdefault(edge.source, []).append(edge)
    paths = _region_paths(layout.steps)
    positions = _positions(layout)
    return {
        node_id: PlanNode(
            node_id=node_id,
            label=nodes[node_id].label or types[node_id].label or node_id,
            node_type=types[node_id],
            config=nodes[node_id].config,
            branches=branch_names(types[node_id], nodes[node_id].config),
            max_retries=nodes[node_id].max_retries,
            incoming=tuple(incoming.get(node_id, ())),
            outgoing=tuple(outgoing.get(node_id, ())),
            loopbacks=tuple(loopbacks.get(node_id, ())),
            position=positions[node_id],
            regions=paths.get(node_id, ()),
        )
        for node_id in layout.node_ids()
    }


def _tool_nodes(
    tools: Mapping[str, tuple[str, ...]], nodes: Mapping[str, Node], types: Mapping[str, NodeType]
) -> dict[str, ToolNode]:
    leaves = {leaf for wired in tools.values() for leaf in wired}
    return {
        leaf: ToolNode(leaf, nodes[leaf].label or leaf, tool_name(nodes[leaf]), types[leaf], nodes[leaf].config)
        for leaf in sorted(leaves)
    }


def _region_paths(steps: Iterable[str | Region], path: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """Return the ids of the regions around each node, outermost first."""
    found: dict[str, tuple[str, ...]] = {}
    for step in steps:
        if isinstance(step, Region):
            found.update(_region_paths(step.steps, (*path, step.region_id)))
        elif path:
            found[step] = path
    return found


def _positions(layout: Layout) -> dict[str, int]:
    """Return the place of each node in the order; the nodes of a loop share one, and leave room for its rounds behind it."""
    positions: dict[str, int] = {}
    position = 0
    for step in layout.steps:
        position += 1
        if isinstance(step, str):
            positions[step] = position
        else:
            positions.update(dict.fromkeys(step.nodes, position))
            position += REGION_SPAN
    return positions


def _warnings(workflow: Workflow, order: Iterable[str], types: Mapping[str, NodeType]) -> Iterable[str]:
    for edge in workflow.edges:
        if isinstance(edge.condition, str) and edge.condition:
            yield f"Edge {edge.id!r} has a condition; conditions were removed from FlowDrop and gate nothing (EDGE-8)."
    for node_id in order:
        if not types[node_id].available:
            missing = types[node_id].executor_plugin or types[node_id].id
            yield f"Node {node_id!r} needs the processor {missing!r}, which nobody provides here."
