"""Plain data of any export shape to a :class:`~flowdrop_provider.document.models.Workflow`.

Both generations of Drupal configuration, the editor's and the API's JSON, and bundles end up in the same models. Nothing is
derived here and nothing refused that validation can name better: a missing id becomes ``""``, PHP's empty ``{}`` a list.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from flowdrop_provider.document.handles import long_handle
from flowdrop_provider.document.models import Edge, ManifestEntry, Node, Position, TriggerConfig, Workflow
from flowdrop_provider.errors import DocumentError

__all__ = ["is_workflow", "looks_like_bundle", "read_trigger", "read_workflow"]

BUNDLE_FORMAT = "flowdrop.bundle/v1"

#: Entries that are read at all: four times what validation allows (R5), so that its findings say by how much that is passed.
_MOST = {
    "nodes": (2_000, "R5_TOO_MANY_NODES"),
    "edges": (4_000, "R5_TOO_MANY_EDGES"),
    "input_ports": (1_000, "DOC_TOO_MANY_PORTS"),
    "output_ports": (1_000, "DOC_TOO_MANY_PORTS"),
}


def is_workflow(data: Any) -> bool:
    """Return whether plain data has the shape of a workflow document."""
    return isinstance(data, Mapping) and "nodes" in data and ("edges" in data or "connections" in data or "id" in data)


def looks_like_bundle(data: Any) -> bool:
    """Return whether plain data is a ``flowdrop.bundle/*`` envelope."""
    return isinstance(data, Mapping) and str(data.get("format", "")).startswith("flowdrop.bundle/")


def read_workflow(data: Mapping[str, Any], *, path: str | None = None) -> Workflow:
    """Return the workflow in ``data``.

    :param data: one workflow's map, without any envelope.
    :param path: the file it came from, for errors.
    :raises DocumentError: ``DOC_SHAPE`` when nodes or edges are not lists of maps; ``R5_TOO_MANY_NODES``, ``R5_TOO_MANY_EDGES``
        or ``DOC_TOO_MANY_PORTS`` when there are so many that none is looked at.
    """
    nodes = _maps(data.get("nodes"), "nodes", path)
    edges = _maps(data.get("edges", data.get("connections")), "edges", path)
    metadata = _map(data.get("metadata"))
    return Workflow(
        id=_text(data.get("id")),
        name=_text(data.get("name", data.get("label"))),
        description=_text(data.get("description")),
        nodes=[_node(node, index) for index, node in enumerate(nodes)],
        edges=[_edge(edge, index) for index, edge in enumerate(edges)],
        metadata=metadata,
        input_ports=_manifest(data, "input", path),
        output_ports=_manifest(data, "output", path),
        parameter_schema=_map(data.get("parameter_schema")),
        output_schema=_map(data.get("output_schema")),
        enabled=data.get("status") is not False,
        uid=data["uid"] if isinstance(data.get("uid"), int) else None,
        created=_stamp(data.get("created", metadata.get("createdAt"))),
        changed=_stamp(data.get("changed", metadata.get("updatedAt"))),
        schema_version=_text(data.get("schema_version")),
        generation=_generation(data, nodes),
    )


def _generation(data: Mapping[str, Any], nodes: list[Mapping[str, Any]]) -> str:
    """Return ``2`` for Drupal 2.x configuration, ``1`` for 1.x, ``editor`` for the editor's and the API's JSON."""
    if "schema_version" in data or any("node_type_id" in _map(_map(node.get("data")).get("metadata")) for node in nodes):
        return "2"
    return "1" if "uuid" in data or "langcode" in data else "editor"


def read_trigger(data: Mapping[str, Any]) -> TriggerConfig:
    """Return the trigger configuration in ``data``; a value of the wrong type counts as absent."""
    names = ("id", "label", "workflow_id", "node_id", "event_type")
    known: dict[str, Any] = {
        **{name: _text(data.get(name)) for name in names},
        "enabled": data.get("status", data.get("enabled")) is not False,
        "conditions": _map(data.get("conditions")),
        "orchestrator_settings": _map(data.get("orchestrator_settings")),
    }
    return TriggerConfig(**{**data, **known})


#: JSON's names of what may stand where an object must (R6.a).
_JSON_NAMES = {str: "string", bool: "boolean", int: "number", float: "number", list: "array"}


def _node(raw: Mapping[str, Any], index: int) -> Node:
    data = _map(raw.get("data"))
    metadata = _map(data.get("metadata"))
    config = data.get("config")
    return Node(
        id=_text(raw.get("id")),
        node_type_id=_anchor(metadata),
        label=_text(data.get("label")),
        config=_map(config),
        malformed_config="" if config in (None, []) else _JSON_NAMES.get(type(config), ""),
        position=_position(raw.get("position")),
        measured=dict(raw["measured"]) if isinstance(raw.get("measured"), Mapping) else None,
        visual_type=_text(_map(config).get("nodeType") or metadata.get("type") or raw.get("type")),
        extensions=_map(data.get("extensions")),
        index=index,
    )


def _anchor(metadata: Mapping[str, Any]) -> str | None:
    """Return the node type id: never from the node's own id, which goes stale when a node is swapped."""
    for key in ("node_type_id", "id", "executor_plugin"):
        value = metadata.get(key)
        if isinstance(value, str) and value:
            return value.rsplit(":", 1)[-1] if key == "executor_plugin" else value
    return None


def _position(raw: Any) -> Position | None:
    if not isinstance(raw, Mapping):
        return None
    x, y = (_number(raw.get(axis)) for axis in ("x", "y"))
    return Position(x=x, y=y) if x is not None and y is not None else None


def _number(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _edge(raw: Mapping[str, Any], index: int) -> Edge:
    data = _map(raw.get("data"))
    source, target = _text(raw.get("source")), _text(raw.get("target"))
    leaves = _text(raw.get("sourceHandle", raw.get("source_handle")))
    enters = _text(raw.get("targetHandle", raw.get("target_handle")))
    return Edge(
        id=_text(raw.get("id")),
        source=source,
        target=target,
        source_handle=long_handle(leaves, source, "output"),
        target_handle=long_handle(enters, target, "input"),
        spelling=(leaves, enters),
        declared_type=data.get("edgeType") or ("tool" if data.get("isToolConnection") is True else None),
        type_hint=_text(_map(data.get("metadata")).get("edgeType")),
        condition=data.get("condition"),
        index=index,
    )


def _manifest(data: Mapping[str, Any], side: str, path: str | None) -> list[ManifestEntry]:
    stored = data.get(f"{side}_ports")
    interface = _map(data.get("interface")).get(f"{side}s")
    for listed in (_list(stored), _list(interface)):
        _check_count(listed, f"{side}_ports", path)
    entries = _list(stored) or [_from_interface(entry) for entry in _list(interface)]
    return [_manifest_entry(entry) for entry in entries if isinstance(entry, Mapping)]


def _from_interface(entry: Any) -> dict[str, Any]:
    """Map an API ``interface`` entry to the stored manifest shape (MAN-20)."""
    raw = _map(entry)
    bindings = [binding for binding in _list(raw.get("bindings")) if isinstance(binding, Mapping)]
    binding = bindings[0] if len(bindings) == 1 else {}
    bound = {"node_id": binding.get("nodeId"), "port": binding.get("portId")}
    return {**raw, "name": raw.get("id"), "title": raw.get("name"), **bound}


def _manifest_entry(raw: Mapping[str, Any]) -> ManifestEntry:
    return ManifestEntry(
        name=_text(raw.get("name")),
        node_id=_text(raw.get("node_id")),
        port=_text(raw.get("port")),
        title=_text(raw.get("title")),
        description=_text(raw.get("description")),
        examples=_list(raw.get("examples")),
        required=raw.get("required") is True,
    )


def _maps(value: Any, what: str, path: str | None) -> list[Mapping[str, Any]]:
    """Return a list of maps; PHP writes an empty list as ``{}`` and a list with holes as a map."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        _check_count(value, what, path)
    if value is None or (isinstance(value, list) and all(isinstance(item, Mapping) for item in value)):
        return value or []
    wrong = next((i for i, item in enumerate(value) if not isinstance(item, Mapping)), 0) if isinstance(value, list) else None
    locator = what if wrong is None else f"{what}.{wrong}"
    raise DocumentError(f"{what.capitalize()} must be a list of objects.", code="DOC_SHAPE", locator=locator, path=path)


def _check_count(found: list[Any], what: str, path: str | None) -> None:
    most, code = _MOST[what]
    if len(found) > most:
        message = f"The workflow has {len(found):,} {what.replace('_', ' ')}; more than {most:,} are not even looked at."
        raise DocumentError(message, code=code, locator=what, path=path)


def _map(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _stamp(value: Any) -> int | str | None:
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None
