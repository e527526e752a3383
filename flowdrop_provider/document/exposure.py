"""Which ports of a node are exposed: one rule, used by validation, parameters and outputs (EXPO-1..5, EXPO-13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowdrop_provider.document.node_types import NodeType

__all__ = ["exposed_input", "exposed_output", "overrides"]

#: Default exposure of the reserved ports (SCH-16).
RESERVED_INPUTS = {"trigger": True, "loop_back": False, "input": False, "tool": False, "tool_availability": False}
RESERVED_OUTPUTS = {"trigger": True, "error": False, "output": False, "tool": False}


def overrides(config: Mapping[str, Any], direction: str) -> dict[str, bool]:
    """Return the author's exposure choices for ``inputs`` or ``outputs`` by port (EXPO-2, EXPO-3).

    ``config.ports`` is stored as a list of ``{id, exposed?}`` in exports and as a map by port in the specification; an
    entry without ``exposed`` only orders ports (EXPO-17).
    """
    ports = config.get("ports")
    if not ports:
        return {}
    entries = ports.get(direction) if isinstance(ports, Mapping) else None
    if isinstance(entries, Mapping):
        pairs = [(name, entry) for name, entry in entries.items() if isinstance(entry, Mapping)]
    elif isinstance(entries, list):
        pairs = [(str(entry.get("id")), entry) for entry in entries if isinstance(entry, Mapping)]
    else:
        pairs = []
    return {name: entry["exposed"] for name, entry in pairs if isinstance(entry.get("exposed"), bool)}


def exposed_input(node_type: NodeType, port: str, chosen: Mapping[str, bool]) -> bool | None:
    """Return whether an input is exposed; ``None`` when the type does not declare it (R7.d).

    :param chosen: :func:`overrides` of the node for ``inputs``.
    """
    parameter = node_type.parameters.get(port)
    if parameter is not None and parameter.connectable:
        return chosen.get(port, parameter.exposed_by_default)
    if port in RESERVED_INPUTS:
        return chosen.get(port, node_type.reserved_port_exposure.get(port, RESERVED_INPUTS[port]))
    return None


def exposed_output(node_type: NodeType, port: str, chosen: Mapping[str, bool]) -> bool | None:
    """Return whether an output is exposed; ``None`` when the type does not declare it (R7.d, EXPO-11)."""
    declared = node_type.outputs.get(port)
    if declared is not None:
        return declared.exposed and chosen.get(port, declared.exposed_by_default)
    if port in RESERVED_OUTPUTS:
        return chosen.get(port, node_type.reserved_port_exposure.get(port, RESERVED_OUTPUTS[port]))
    return None
