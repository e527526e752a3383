"""A site's ``flowdrop_node_type.*`` files to node types, joined with what the processors declare.

A file decides the site half (configurable, connectable, required, default, exposure, confirmation); the processor's
declaration decides the schemas and what the node *is*. First-generation files only carry defaults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flowdrop_provider.document.node_types import RESERVED_PARAMETERS, NodeType, Output, Parameter
from flowdrop_provider.document.parsing import parse_file
from flowdrop_provider.document.schemas import first_violation
from flowdrop_provider.errors import DocumentError

__all__ = ["is_node_type", "node_type_folder", "php_empty", "read_node_type"]

#: ``executor_plugin`` id -> the shipped node type of that processor, or ``None`` when nobody provides it.
ProcessorLookup = Callable[[str], "NodeType | None"]

_FILE = "flowdrop_node_type.flowdrop_node_type.{}.yml"
#: What may stand in such a file name; an id from a document never leads anywhere else.
_MACHINE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,160}")


def is_node_type(data: Any) -> bool:
    """Return whether plain data is a node type of either generation or of the API."""
    if not isinstance(data, Mapping) or "id" not in data or "nodes" in data:
        return False
    return "executor_plugin" in data or ("inputs" in data and "outputs" in data)


def read_node_type(data: Mapping[str, Any], declared_by: ProcessorLookup) -> NodeType:
    """Return the node type a file describes.

    :param data: the file's map.
    :param declared_by: finds the shipped type behind an ``executor_plugin`` id.
    """
    executor = str(data.get("executor_plugin") or data["id"])
    parts = executor.split(":")
    shipped = declared_by(executor)
    base = shipped or NodeType(id=str(data["id"]), processor=parts[1] if len(parts) > 1 else executor, available=False)
    fields: dict[str, Any] = {
        "id": str(data["id"]),
        "executor_plugin": executor,
        "derivative": parts[2] if len(parts) > 2 else None,
        "parameters": _parameters(data, base),
        "outputs": _outputs(data, base),
        **_presentation(data),
    }
    if isinstance(data.get("confirmation"), Mapping):
        fields["confirmation"] = dict(data["confirmation"])
    exposure = data.get("reserved_port_exposure")
    if isinstance(exposure, Mapping):
        fields["reserved_port_exposure"] = {port: shown for port, shown in exposure.items() if isinstance(shown, bool)}
    for key in ("unified_input_exposed", "unified_output_exposed", "tool_exposed"):
        if isinstance(data.get(key), bool):
            fields[key] = data[key]
    return base.model_copy(update=fields)


def _presentation(data: Mapping[str, Any]) -> dict[str, Any]:
    names = {"label": "label", "name": "label", "description": "description", "category": "category", "icon": "icon",
             "color": "color", "version": "version", "plugin_version": "version", "visual_type": "visual_type"}  # fmt: skip
    found: dict[str, Any] = {field: data[key] for key, field in names.items() if isinstance(data.get(key), str)}
    if isinstance(data.get("enabled"), bool):
        found["enabled"] = data["enabled"]
    for key in ("tags", "supported_visual_types"):
        if isinstance(data.get(key), list):
            found[key] = tuple(str(item) for item in data[key])
    return found


def _parameters(data: Mapping[str, Any], base: NodeType) -> dict[str, Parameter]:
    stored = data.get("parameters")
    if not isinstance(stored, Mapping):
        return _first_generation_parameters(data, base)
    found = {name: parameter for name, parameter in base.parameters.items() if parameter.internal}
    for name, raw in stored.items():
        if isinstance(raw, Mapping):
            found[name] = _parameter(name, raw, base.parameters.get(name))
    return found


def _parameter(name: str, raw: Mapping[str, Any], declared: Parameter | None) -> Parameter:
    schema = declared.schema_ if declared else {}
    return Parameter(
        name=name,
        schema_=schema,
        configurable=raw.get("configurable") is True,
        connectable=raw.get("connectable") is True and name not in RESERVED_PARAMETERS,
        required=raw.get("required") is True,
        default=php_empty(raw.get("default"), schema),
        exposed_by_default=raw.get("exposed_by_default") is not False,
    )


def _first_generation_parameters(data: Mapping[str, Any], base: NodeType) -> dict[str, Parameter]:
    # Shipped 1.x defaults disagree with their processors (reference 1c): only values the processor accepts count.
    defaults = data.get("config") if isinstance(data.get("config"), Mapping) else {}
    found = dict(base.parameters)
    for name, value in (defaults or {}).items():
        known = found.get(name)
        if known is not None and known.configurable and _acceptable(value, known.schema_):
            found[name] = known.model_copy(update={"default": php_empty(value, known.schema_)})
    return found


def _acceptable(value: Any, schema: Mapping[str, Any]) -> bool:
    return value is not None and first_violation(php_empty(value, schema), schema) is None


def php_empty(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return ``value`` with PHP's ambiguous empty array read as the schema's type: ``{}`` as a list, ``[]`` as a map."""
    if value in ({}, []) and not isinstance(value, bool):
        if schema.get("type") == "array":
            return []
        if schema.get("type") == "object":
            return {}
    return value


def _outputs(data: Mapping[str, Any], base: NodeType) -> dict[str, Output]:
    stored = data.get("outputs")
    if not isinstance(stored, Mapping) or not isinstance(data.get("parameters"), Mapping):
        return dict(base.outputs)
    found = {}
    for name, raw in stored.items():
        declared = base.outputs.get(name)
        flags = raw if isinstance(raw, Mapping) else {}
        found[name] = Output(
            name=name,
            schema_=declared.schema_ if declared else {},
            exposed=flags.get("exposed") is not False,
            exposed_by_default=flags.get("exposed_by_default") is not False,
        )
    return found


def node_type_folder(folder: Path, declared_by: ProcessorLookup) -> Callable[[str], NodeType | None]:
    """Return a look-up that reads ``flowdrop_node_type.flowdrop_node_type.<id>.yml`` of ``folder`` when it is asked for.

    A worker that runs one workflow reads only the types that workflow names. The look-up raises :class:`DocumentError` for a
    file that cannot be read or is no node type.
    """

    def look_up(node_type_id: str) -> NodeType | None:
        if _MACHINE_NAME.fullmatch(node_type_id) is None:
            return None
        path = folder / _FILE.format(node_type_id)
        if not path.is_file():
            return None
        data = parse_file(path)
        if not is_node_type(data):
            raise DocumentError("The file is no node type.", code="DOC_NOT_A_NODE_TYPE", path=str(path))
        return read_node_type(data, declared_by)

    return look_up
