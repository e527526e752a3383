"""Tool wiring: which leaf tools a consumer gets, and what refuses compilation (CMP-9, CMP-10, DATA-10, DATA-12)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from flowdrop_provider.document.handles import EdgeKind
from flowdrop_provider.document.models import Node
from flowdrop_provider.document.node_types import NodeType
from flowdrop_provider.engine.graphs import find_cycle
from flowdrop_provider.engine.plan import PlanEdge
from flowdrop_provider.errors import CompilationError

__all__ = ["accepts_tools", "tool_name", "wire_tools"]


def accepts_tools(node_type: NodeType) -> bool:
    """Return whether a type consumes or forwards tools; a site's own type says so with a connectable ``tool`` parameter."""
    tool = node_type.parameters.get("tool")
    return node_type.consumes_tools or node_type.forwards_tools or (tool is not None and tool.connectable)


def tool_name(node: Node) -> str:
    """Return the name a model calls a tool node by: its instance title, else its type, as an identifier."""
    title = node.config.get("instanceTitle")
    text = title if isinstance(title, str) and title.strip() else node.node_type_id or node.id
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_").lower()


def wire_tools(
    nodes: Mapping[str, Node], types: Mapping[str, NodeType], edges: Iterable[PlanEdge]
) -> dict[str, tuple[str, ...]]:
    """Return the leaf tool nodes of each consumer, by consumer id.

    :raises CompilationError: ``CMP_TOOL_CYCLE``, ``CMP_TOOLS_NOT_ACCEPTED``, ``CMP_TOOL_NAME_DUPLICATE``.
    """
    wired: dict[str, list[str]] = {}
    for edge in edges:
        if edge.kind is EdgeKind.TOOL:
            wired.setdefault(edge.target, []).append(edge.source)
    _refuse_tool_cycle(wired, nodes)
    found = {}
    for consumer in wired:
        _check_accepts(consumer, types[consumer])
        if not types[consumer].forwards_tools:
            found[consumer] = tuple(dict.fromkeys(_leaves(consumer, wired, types)))
            _check_names(consumer, found[consumer], nodes)
    return found


def _refuse_tool_cycle(wired: Mapping[str, list[str]], nodes: Iterable[str]) -> None:
    cycle = find_cycle({node_id: wired.get(node_id, ()) for node_id in nodes})
    if cycle is not None:
        path = " -> ".join([*cycle, cycle[0]])
        raise CompilationError(
            f"Compilation failed: tools are forwarded in a circle: {path}.",
            code="CMP_TOOL_CYCLE",
            locator=f"node.{cycle[0]}",
        )


def _leaves(consumer: str, wired: Mapping[str, list[str]], types: Mapping[str, NodeType]) -> Iterable[str]:
    pending = list(reversed(wired[consumer]))
    while pending:
        tool = pending.pop()
        if types[tool].forwards_tools:
            pending.extend(reversed(wired.get(tool, [])))
        else:
            yield tool


def _check_accepts(consumer: str, node_type: NodeType) -> None:
    if node_type.id and not node_type.available and not node_type.parameters:
        return  # Nobody here knows this type, so nobody can say that it takes no tools.
    if not accepts_tools(node_type):
        raise CompilationError(
            f"Compilation failed: node {consumer!r} ({node_type.id}) takes no tools.",
            code="CMP_TOOLS_NOT_ACCEPTED",
            locator=f"node.{consumer}",
            hint="Wire the tool to an agent, a tool invoker or a toolbox.",
        )


def _check_names(consumer: str, leaves: Iterable[str], nodes: Mapping[str, Node]) -> None:
    seen: dict[str, str] = {}
    for leaf in leaves:
        name = tool_name(nodes[leaf])
        if name in seen:
            raise CompilationError(
                f"Compilation failed: node {consumer!r} gets two tools named {name!r}: {seen[name]!r} and {leaf!r}.",
                code="CMP_TOOL_NAME_DUPLICATE",
                locator=f"node.{leaf}",
                hint="Give one of them an instance title of its own.",
            )
        seen[name] = leaf
