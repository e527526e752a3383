"""What is kept of a workflow that an editor sends (STORE-2..8, MAN-20): the author's work, not the canvas's.

The stored form is an export like any other, so that one reader serves both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flowdrop_provider.document.normalise import read_workflow
from flowdrop_provider.errors import DocumentError

__all__ = ["FLOW_ID", "flow_id_of", "stored_workflow"]

#: The shape of a workflow id that a store takes (STORE-9). It becomes a file name.
FLOW_ID = re.compile(r"^[a-z0-9_]{1,64}\Z")

_CANVAS_ONLY = ("selected", "dragging", "deletable", "nodeId")

#: What our own answers add to ``metadata`` and nobody authored.
_ANSWER_ONLY = ("airflow", "partial", "createdAt", "updatedAt")

_TEXTS = ("name", "description")
_KEPT = ("config", "parameter_schema", "output_schema", "input_ports", "output_ports", "status", "tags")


def flow_id_of(name: str, taken: Callable[[str], bool]) -> str:
    """Return a new workflow id made from a name, as Drupal makes machine names.

    :param taken: tells whether an id is in use.
    """
    base = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:56] or "workflow"
    number, found = 1, base
    while taken(found):
        number += 1
        found = f"{base}_{number}"
    return found


def stored_workflow(
    sent: Mapping[str, Any],
    before: Mapping[str, Any],
    id_: str,
    now: int,
    is_known: Callable[[str], bool],
) -> dict[str, Any]:
    """Return the form of a workflow that is kept; the same again for what is already in it.

    :param sent: what the editor sent; on an update what it left out stays as it was (STORE-4).
    :param before: the stored form, ``{}`` for a new workflow.
    :param now: Unix seconds.
    :param is_known: whether a node type id is one that this deployment has.
    :raises DocumentError: ``STORE_NAME``, ``STORE_SHAPE``, ``STORE_PARTIAL`` or ``STORE_BINDINGS``.
    """
    name = sent.get("name")
    if not isinstance(name, str) or not name.strip():
        raise DocumentError("A workflow needs a name.", code="STORE_NAME", locator="name")
    metadata = sent.get("metadata") if isinstance(sent.get("metadata"), Mapping) else None
    if metadata and metadata.get("partial"):
        raise DocumentError(
            "This is only the drawing of a workflow: saving it would lose the configuration of every node.",
            code="STORE_PARTIAL",
            locator="metadata.partial",
            hint="Load it again with an account that may read the DAG's code.",
        )
    # The reader refuses what is no workflow at all, with a place.
    read_workflow(sent)
    found: dict[str, Any] = {"id": id_}
    found |= {text: _chosen(sent, before, text, "") for text in _TEXTS}
    found["nodes"] = [_node(node, is_known) for node in _listed(_chosen(sent, before, "nodes", []))]
    found["edges"] = _listed(_chosen(sent, before, "edges", []))
    own = {key: value for key, value in (metadata or {}).items() if key not in _ANSWER_ONLY}
    found["metadata"] = own if metadata is not None else before.get("metadata", {})
    found |= {key: value for key in _KEPT if (value := _chosen(sent, before, key, None)) is not None}
    if isinstance(sent.get("interface"), Mapping):
        found |= _interface(sent["interface"])
    # STORE-8: never empty, and zeros before anybody published a contract.
    found["schema_version"] = before.get("schema_version") or "0.0.0"
    return {**found, "created": before.get("created", now), "changed": now, "uid": before.get("uid")}


def _chosen(sent: Mapping[str, Any], before: Mapping[str, Any], key: str, default: Any) -> Any:
    value = sent.get(key)
    return value if value is not None else before.get(key, default)


def _listed(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, Mapping) else list(value)


def _node(raw: Mapping[str, Any], is_known: Callable[[str], bool]) -> dict[str, Any]:
    """Return a node as it is kept: its type is named, not copied, unless nobody knows it (STORE-6, STORE-7)."""
    node = {key: value for key, value in raw.items() if key not in _CANVAS_ONLY}
    data = raw.get("data")
    if isinstance(data, Mapping):
        node["data"] = {key: value for key, value in data.items() if key not in _CANVAS_ONLY}
        anchor = read_workflow({"nodes": [raw], "edges": []}).nodes[0].node_type_id
        if anchor is not None and is_known(anchor):
            node["data"]["metadata"] = {"node_type_id": anchor}
    return node


def _interface(interface: Mapping[str, Any]) -> dict[str, Any]:
    """Return both port lists of an ``interface``, in the editor's spelling or in that of our own answers (MAN-20)."""
    found: dict[str, Any] = {}
    for side in ("input", "output"):
        stored = interface.get(f"{side}_ports")
        entries = stored if isinstance(stored, list) else [_port(entry, side) for entry in interface.get(f"{side}s") or ()]
        found[f"{side}_ports"] = [entry for entry in entries if entry]
    kept = ("parameter_schema", "output_schema")
    return found | {key: interface[key] for key in kept if isinstance(interface.get(key), Mapping)}


def _port(entry: Any, side: str) -> dict[str, Any] | None:
    """Return a manifest entry, ``None`` for a draft that is bound to nothing."""
    bindings = entry.get("bindings") if isinstance(entry, Mapping) else None
    bound = [binding for binding in bindings or () if isinstance(binding, Mapping)]
    if len(bound) > 1:
        raise DocumentError(
            f"The {side} {str(entry.get('id'))[:80]!r} is bound to {len(bound)} ports.",
            code="STORE_BINDINGS",
            locator=f"interface.{side}s",
            hint="Bind each entry to one port.",
        )
    if not bound:
        return None
    facts = {"name": entry.get("id"), "title": entry.get("name"), "description": entry.get("description")}
    place = {"node_id": bound[0].get("nodeId"), "port": bound[0].get("portId")}
    required = {"required": True} if entry.get("required") is True else {}
    return {key: value for key, value in (facts | place).items() if value} | required
