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
from flowdrop_provider.engine.graphs import components, find_cycle, natural_key, topological_order
from flowdrop_provider.engine.outputs import branch_names
from flowdrop_provider.engine.plan import Plan, PlanEdge, PlanNode, Region
from flowdrop_provider.engine.tools import wire_tools
from flowdrop_provider.errors import CompilationError

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
    order, regions = _order(nodes.keys() - excluded.keys(), edges)
    return Plan(
        workflow_id=workflow.id,
        name=workflow.name or workflow.id,
        revision=revision_of(workflow),
        nodes=_map_nodes(order, nodes, types, edges, regions),
        excluded=excluded,
        edges=edges,
        regions=regions,
        input_ports=tuple(workflow.input_ports),
        output_ports=tuple(workflow.output_ports),
        parameter_schema=workflow.parameter_schema,
        output_schema=workflow.output_schema,
        settings=workflow.settings,
        tools=tools,
        warnings=tuple(_warnings(workflow, order, types)),
    )


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
    found = catalogue.get(node.node_type_id)
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


def _refuse_cycles(nodes: Iterable[str], edges: Iterable[PlanEdge]) -> None:
    successors: dict[str, list[str]] = {node_id: [] for node_id in nodes}
    for edge in edges:
        if edge.kind not in _FREE:
            successors[edge.source].append(edge.target)
    cycle = find_cycle(successors)
    if cycle is not None:
        path = " -> ".join([*cycle, cycle[0]])
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
    return {node_id: reason for node_id, reason in reasons.items() if reason}


def _exclusion(node_type: NodeType, outgoing: set[EdgeKind] | None, incoming: set[EdgeKind] | None) -> str:
    """Return why a node is left out of the execution graph, ``""`` when it is not; the order is the precedence of CMP-6."""
    if not node_type.executable:
        return "non_executable"
    if outgoing == {EdgeKind.TOOL}:
        return "tool_only"
    return "loopback_only" if incoming == {EdgeKind.LOOPBACK} else ""


def _order(executed: Iterable[str], edges: Iterable[PlanEdge]) -> tuple[list[str], dict[str, Region]]:
    """Return executed nodes in order and the loops; a loop's nodes stand together, ordered among themselves."""
    members = set(executed)
    forward: dict[str, set[str]] = {node_id: set() for node_id in members}
    looped: dict[str, set[str]] = {node_id: set() for node_id in members}
    heads: dict[str, set[str]] = {}
    for edge in edges:
        if edge.source not in members or edge.target not in members:
            continue
        if edge.kind not in _FREE:
            forward[edge.target].add(edge.source)
            looped[edge.source].add(edge.target)
        elif edge.kind is EdgeKind.LOOPBACK:
            looped[edge.source].add(edge.target)
            heads.setdefault(edge.target, set()).add(edge.source)
    owner, regions = _regions(looped, heads, forward)
    steps: dict[str, set[str]] = {owner[node_id]: set() for node_id in members}
    for node_id, sources in forward.items():
        steps[owner[node_id]] |= {owner[source] for source in sources} - {owner[node_id]}
    order: list[str] = []
    for step in topological_order(steps, natural_key):
        order.extend(regions[step].nodes if step in regions else [step])
    return order, regions


def _regions(
    looped: Mapping[str, set[str]], heads: Mapping[str, set[str]], forward: Mapping[str, set[str]]
) -> tuple[dict[str, str], dict[str, Region]]:
    """Return the step that owns each node, and the regions by id; a region is named after its first head."""
    owner: dict[str, str] = {}
    regions: dict[str, Region] = {}
    for component in components(looped):
        inside = set(component)
        own_heads = sorted((node for node in inside if heads.get(node, set()) & inside), key=natural_key)
        if not own_heads:
            owner[component[0]] = component[0]
            continue
        region_id = own_heads[0]
        ordered = topological_order({node: forward[node] & inside for node in inside}, natural_key)
        regions[region_id] = Region(region_id, tuple(own_heads), tuple(ordered))
        owner.update(dict.fromkeys(component, region_id))
    return owner, regions


def _map_nodes(
    order: list[str],
    nodes: Mapping[str, Node],
    types: Mapping[str, NodeType],
    edges: Iterable[PlanEdge],
    regions: Mapping[str, Region],
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
    region_of = {node_id: region.region_id for region in regions.values() for node_id in region.nodes}
    positions = _positions(order, region_of)
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
            region=region_of.get(node_id),
        )
        for node_id in order
    }


def _positions(order: list[str], region_of: Mapping[str, str]) -> dict[str, int]:
    positions: dict[str, int] = {}
    position, open_region = 0, None
    for node_id in order:
        region = region_of.get(node_id)
        if open_region is not None and region != open_region:
            position += REGION_SPAN
        if region is None or region != open_region:
            position += 1
        open_region = region
        positions[node_id] = position
    return positions


def _warnings(workflow: Workflow, order: Iterable[str], types: Mapping[str, NodeType]) -> Iterable[str]:
    for edge in workflow.edges:
        if isinstance(edge.condition, str) and edge.condition:
            yield f"Edge {edge.id!r} has a condition; conditions were removed from FlowDrop and gate nothing (EDGE-8)."
    for node_id in order:
        if not types[node_id].available:
            missing = types[node_id].executor_plugin or types[node_id].id
            yield f"Node {node_id!r} needs the processor {missing!r}, which nobody provides here."
