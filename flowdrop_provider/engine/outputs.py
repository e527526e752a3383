"""What leaves a node: exposure, branches, the JSON check, and the unified ``output`` port."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from flowdrop_provider.document.exposure import exposed_output, overrides
from flowdrop_provider.document.node_types import NodeType
from flowdrop_provider.errors import NodeError

__all__ = [
    "CONTROL_OUTPUTS",
    "MAX_OUTPUT_DEPTH",
    "active_branches",
    "branch_names",
    "check_json",
    "strip_hidden",
    "unified_output",
]

#: Never stripped (EXPO-12).
CONTROL_OUTPUTS = frozenset({"active_branches", "state_update"})

#: Nesting of what a node gives; deeper values could be neither recorded nor handed on.
MAX_OUTPUT_DEPTH = 200


def strip_hidden(node_type: NodeType, config: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs without declared hidden ports; undeclared keys pass (DATA-8, EXPO-11..14)."""
    chosen = overrides(config, "outputs")
    return {
        name: value
        for name, value in outputs.items()
        if name in CONTROL_OUTPUTS or name not in node_type.outputs or exposed_output(node_type, name, chosen)
    }


def unified_output(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of the reserved ``output`` port: exposed outputs without ``_`` keys and ``trigger`` (DATA-9)."""
    return {
        name: value
        for name, value in outputs.items()
        if not name.startswith("_") and name != "trigger" and name not in CONTROL_OUTPUTS
    }


def branch_names(node_type: NodeType, config: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the branches the node carries, trimmed and lower-cased (BR-2, BR-4)."""
    parameter = node_type.parameters.get("branches")
    default = parameter.effective_default if parameter is not None else None
    stored = config.get("branches", default)
    entries = stored.values() if isinstance(stored, Mapping) else stored
    if not isinstance(entries, list) and not isinstance(stored, Mapping):
        return frozenset()
    names = (entry.get("name") for entry in entries if isinstance(entry, Mapping))
    return frozenset(name.strip().lower() for name in names if isinstance(name, str) and name.strip())


def active_branches(outputs: Mapping[str, Any]) -> frozenset[str]:
    """Return the emitted active branches, trimmed and lower-cased; a bare string is one name, never split (BR-3)."""
    emitted = outputs.get("active_branches")
    names = [emitted] if isinstance(emitted, str) else emitted if isinstance(emitted, list) else []
    return frozenset(name.strip().lower() for name in names if isinstance(name, str) and name.strip())


def check_json(value: Any, *, node_id: str, node_type_id: str) -> None:
    """Refuse outputs with a leaf that is not a JSON value.

    :raises NodeError: ``output_not_serializable``, naming the node, its type, the dotted path and the offending type (ERR-6);
        ``output_too_deep`` beyond :data:`MAX_OUTPUT_DEPTH` levels.
    """
    found = _violation(value)
    if found is None:
        return
    path, type_name = found
    if type_name == _TOO_DEEP:
        raise NodeError(
            f"The output {path.partition('.')[0]!r} of node {node_id!r} is nested deeper than {MAX_OUTPUT_DEPTH} levels.",
            code="output_too_deep",
        )
    raise NodeError(
        f"The output {path!r} of node {node_id!r} ({node_type_id}) is a {type_name}, which is not a JSON value.",
        code="output_not_serializable",
        details={"path": path, "type": type_name},
    )


_TOO_DEEP = "too deep"


def _violation(root: Any) -> tuple[str, str] | None:
    stack: list[tuple[str, Any, int]] = [("", root, 0)]
    while stack:
        path, value, depth = stack.pop()
        kind = type(value)
        if kind is str or kind is int or kind is bool or value is None:
            continue
        if depth > MAX_OUTPUT_DEPTH:
            return path, _TOO_DEEP
        if kind is dict:
            for key, item in value.items():
                if type(key) is not str:
                    return _join(path, key), f"{type(key).__name__} key"
                stack.append((_join(path, key), item, depth + 1))
        elif kind is list:
            stack.extend((_join(path, index), item, depth + 1) for index, item in enumerate(value))
        elif kind is not float:
            return path, kind.__name__
        elif not math.isfinite(value):
            return path, str(value)
    return None


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)
