"""The handle grammar and the kinds of edges (EDGE-1..6).

A handle is ``{nodeId}-{output|input}-{portName}``; the port name is everything after the *first* marker (EDGE-1). A handle
without a marker is a bare port name, which older exports write.
"""

from __future__ import annotations

from enum import Enum

from flowdrop_provider.document.models import Edge

__all__ = ["RECOGNISED_EDGE_TYPES", "EdgeKind", "edge_kind", "long_handle", "port_name"]

#: Spellings of ``data.edgeType`` that decide something (EDGE-5); any other non-empty string is refused at validation.
RECOGNISED_EDGE_TYPES = frozenset(
    {"data", "trigger", "tool", "tool_availability", "loopback", "error", "agent_result"},
)

_TOOL_DECLARATIONS = frozenset({"tool", "tool_availability"})


class EdgeKind(str, Enum):
    """What an edge means to a run."""

    DATA = "data"
    TRIGGER = "trigger"
    ERROR = "error"
    LOOPBACK = "loopback"
    TOOL = "tool"
    AGENT_RESULT = "agent_result"


def port_name(handle: str, side: str) -> str:
    """Return the port of a handle; ``side`` is ``output`` or ``input``; ``""`` when it names none (DATA-1)."""
    _, marker, port = handle.partition(f"-{side}-")
    return port if marker else handle


def long_handle(handle: str, node_id: str, side: str) -> str:
    """Return the long spelling of a handle, unchanged when it already has a marker or is empty."""
    if not handle or f"-{side}-" in handle:
        return handle
    return f"{node_id}-{side}-{handle}"


def edge_kind(edge: Edge) -> EdgeKind:
    """Classify an edge by its handles; only a recognised tool declaration outranks them (EDGE-3..6, DESIGN 3).

    An edge from the reserved ``error`` port is an error edge whatever it points at, because only a routed failure
    satisfies it (ERR-10).
    """
    declared = edge.declared_type if isinstance(edge.declared_type, str) else ""
    if declared in _TOOL_DECLARATIONS:
        return EdgeKind.TOOL
    if declared == "agent_result":
        return EdgeKind.AGENT_RESULT
    if not declared and edge.target_handle.endswith(("-input-tool", "-input-tool_availability")):
        return EdgeKind.TOOL
    if edge.target_handle.endswith("-input-loop_back"):
        return EdgeKind.LOOPBACK
    if edge.source_handle.endswith("-output-error"):
        return EdgeKind.ERROR
    if edge.target_handle.endswith("-input-trigger"):
        return EdgeKind.TRIGGER
    return EdgeKind.DATA
