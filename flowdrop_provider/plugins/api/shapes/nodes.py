"""Node types, categories and port types in FlowDrop's published shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flowdrop_provider.document.exposure import RESERVED_INPUTS, RESERVED_OUTPUTS
from flowdrop_provider.document.node_types import NodeType

__all__ = ["categories", "data_type", "node_metadata", "port_config"]

#: Data types of ports: id, name, description, colour token, group.
_DATA_TYPES = (
    ("trigger", "Trigger", "Runs the next node", "gray-500", "basic"),
    ("mixed", "Mixed", "Any value", "teal-500", "basic"),
    ("string", "Text", "Text", "emerald-500", "basic"),
    ("number", "Number", "A number", "blue-600", "numeric"),
    ("boolean", "Yes or no", "True or false", "purple-600", "logical"),
    ("array", "List", "A list of values", "amber-500", "collection"),
    ("json", "Object", "An object with named values", "orange-500", "complex"),
    ("messages", "Messages", "Messages of a conversation", "indigo-500", "complex"),
    ("dataframe", "Table", "Rows with the same columns", "cyan-500", "complex"),
    ("file", "File", "A file by reference", "red-500", "file"),
    ("tool", "Tool", "What an agent may call", "pink-500", "special"),
    ("loop_back", "Next round", "Back to the beginning of a loop", "gray-500", "special"),
)

_NOTHING: Mapping[str, Any] = {}
_BY_SCHEMA_TYPE = {"integer": "number", "object": "json"}
_VISUALS = frozenset({"note", "simple", "square", "tool", "gateway", "terminal", "default"})
_FORM_TYPES = frozenset({"string", "number", "boolean", "array", "object", "integer"})
_TYPE_OF_VALUE = ((bool, "boolean"), (int, "integer"), (float, "number"), (list, "array"), (dict, "object"))
_KNOWN = frozenset(entry[0] for entry in _DATA_TYPES)
_RESERVED_TYPES = {"trigger": "trigger", "loop_back": "loop_back", "tool": "tool", "tool_availability": "tool"}

#: What the editor's palette calls a category, in its order.
_CATEGORY_ICONS = {
    "trigger": "mdi:lightning-bolt",
    "input": "mdi:import",
    "inputs": "mdi:import",
    "output": "mdi:export",
    "outputs": "mdi:export",
    "prompts": "mdi:message-text",
    "processing": "mdi:cog",
    "logic": "mdi:source-branch",
    "control": "mdi:directions-fork",
    "data": "mdi:database",
    "network": "mdi:web",
    "tools": "mdi:tools",
    "helpers": "mdi:lifebuoy",
}


def data_type(schema: Mapping[str, Any]) -> str:
    """Return the port data type of a JSON Schema fragment; ``mixed`` when it says nothing definite."""
    declared = schema.get("type")
    names = [name for name in (declared if isinstance(declared, list) else [declared]) if name not in (None, "null")]
    name = _BY_SCHEMA_TYPE.get(str(names[0]), str(names[0])) if len(names) == 1 else "mixed"
    return name if name in _KNOWN else "mixed"


def _port(name: str, side: str, type_: str, schema: Mapping[str, Any] = _NOTHING, *, required: bool = False) -> dict[str, Any]:
    return {
        "id": name,
        "name": str(schema.get("title") or name),
        "type": side,
        "dataType": type_,
        "required": required,
        "description": str(schema.get("description") or ""),
    }


def _reserved(node_type: NodeType, side: str, defaults: Mapping[str, bool]) -> list[dict[str, Any]]:
    shown = [name for name, exposed in defaults.items() if node_type.reserved_port_exposure.get(name, exposed)]
    return [_port(name, side, _RESERVED_TYPES.get(name, "json" if name == "error" else "mixed")) for name in shown]


def _config_schema(node_type: NodeType) -> dict[str, Any]:
    settings = {name: item for name, item in node_type.parameters.items() if item.configurable and not item.internal}
    properties = {
        name: {**item.schema_, "type": _form_type(item.schema_, item.effective_default), "default": item.effective_default}
        for name, item in settings.items()
    }
    return {"type": "object", "properties": properties, "required": [name for name, item in settings.items() if item.required]}


def _visual(name: str) -> str:
    """Return a visual type of the published list; the editor draws all others as ``default`` (measured)."""
    return name if name in _VISUALS else "default"


def _form_type(schema: Mapping[str, Any], default: Any) -> str:
    """Return the one type that the editor's form shows a setting as: the first declared one, else that of its default."""
    declared = schema.get("type")
    names = [name for name in (declared if isinstance(declared, list) else [declared]) if name in _FORM_TYPES]
    if names:
        return str(names[0])
    return next((name for kind, name in _TYPE_OF_VALUE if isinstance(default, kind)), "string")


def node_metadata(node_type: NodeType) -> dict[str, Any]:
    """Return a node type as the editor's palette and canvas read it."""
    inputs = [
        _port(name, "input", data_type(item.schema_), item.schema_, required=item.required)
        for name, item in node_type.parameters.items()
        if item.connectable and not item.internal and item.exposed_by_default
    ]
    outputs = [
        _port(name, "output", data_type(item.schema_), item.schema_)
        for name, item in node_type.outputs.items()
        if item.exposed and item.exposed_by_default
    ]
    return {
        "id": node_type.id,
        "node_type_id": node_type.id,
        "name": node_type.label or node_type.id,
        "type": _visual(node_type.visual_type),
        "supportedTypes": list(dict.fromkeys(_visual(name) for name in node_type.supported_visual_types)),
        "description": node_type.description,
        "category": node_type.category,
        "icon": node_type.icon,
        "color": node_type.color,
        "version": node_type.version,
        "enabled": node_type.enabled,
        "tags": list(node_type.tags),
        "executor_plugin": node_type.executor_plugin,
        "inputs": [*inputs, *_reserved(node_type, "input", RESERVED_INPUTS)],
        "outputs": [*outputs, *_reserved(node_type, "output", RESERVED_OUTPUTS)],
        "config": {name: item.effective_default for name, item in node_type.parameters.items() if item.configurable},
        "configSchema": _config_schema(node_type),
    }


def categories(node_types: Iterable[NodeType]) -> list[dict[str, Any]]:
    """Return the categories that node types really have, in the palette's order."""
    present = {node_type.category for node_type in node_types if node_type.category}
    order = [*(name for name in _CATEGORY_ICONS if name in present), *sorted(present - _CATEGORY_ICONS.keys())]
    return [
        {
            "name": name,
            "label": name.replace("_", " ").title(),
            "icon": _CATEGORY_ICONS.get(name, "mdi:cube-outline"),
            "color": "var(--color-ref-gray-500)",
            "description": "",
            "weight": 10 * position,
        }
        for position, name in enumerate(order)
    ]


def port_config() -> dict[str, Any]:
    """Return the port data types and which of them fit; ``mixed`` fits everything."""
    kinds = [
        {"id": id_, "name": name, "description": text, "color": f"var(--color-ref-{color})", "category": group, "enabled": True}
        for id_, name, text, color, group in _DATA_TYPES
    ]
    values = [entry[0] for entry in _DATA_TYPES if entry[0] not in ("mixed", *_RESERVED_TYPES.values())]
    rules = [{"from": "mixed", "to": name} for name in values] + [{"from": name, "to": "mixed"} for name in values]
    return {"version": "1.0.0", "defaultDataType": "mixed", "dataTypes": kinds, "compatibilityRules": rules}
