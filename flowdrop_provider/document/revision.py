"""The revision of a workflow: a content hash of its executable part (DESIGN 4, INT-7).

Moving a node, renaming it or changing a note changes the drawing and not the revision; changing a template does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from typing import Any

from flowdrop_provider.document.exposure import overrides
from flowdrop_provider.document.models import Edge, Node, Workflow

__all__ = ["executable_part", "revision_of", "structural_version"]

#: Configuration that only decides how a node looks.
_PRESENTATION = frozenset({"nodeType", "instanceDescription", "placeholder"})


def revision_of(workflow: Workflow, notes: Collection[str] = ()) -> str:
    """Return the SHA-256 of the canonical executable part, 64 lower-case hex digits.

    :param notes: ids of nodes whose live type never executes; like nodes without a type they do not count.
    """
    text = json.dumps(executable_part(workflow, notes), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def structural_version(workflow: Workflow, notes: Collection[str] = ()) -> str:
    """Return the first 16 hex digits of the revision, FlowDrop's ``workflowVersion`` (INT-7)."""
    return revision_of(workflow, notes)[:16]


def executable_part(workflow: Workflow, notes: Collection[str] = ()) -> dict[str, Any]:
    """Return what decides a run, as plain data: nodes and edges sorted by identity, the interface, the run settings."""
    nodes = [node for node in workflow.nodes if node.node_type_id and node.id not in notes]
    edges = [edge for edge in workflow.edges if edge.source not in notes and edge.target not in notes]
    return {
        "id": workflow.id,
        "nodes": [_node(node) for node in sorted(nodes, key=lambda node: node.id)],
        "edges": sorted(_edge(edge) for edge in edges),
        "inputs": [(entry.name, entry.node_id, entry.port, entry.required) for entry in workflow.input_ports],
        "outputs": [(entry.name, entry.node_id, entry.port) for entry in workflow.output_ports],
        "parameter_schema": workflow.parameter_schema,
        "output_schema": workflow.output_schema,
        "settings": workflow.settings,
    }


def _node(node: Node) -> dict[str, Any]:
    config = {name: value for name, value in node.config.items() if name not in _PRESENTATION}
    # The order of ports is cosmetic (EXPO-17); which of them are shown is not.
    shown = {side: chosen for side in ("inputs", "outputs") if (chosen := overrides(config, side))}
    config.pop("ports", None)
    if shown:
        config["ports"] = shown
    return {"id": node.id, "type": node.node_type_id, "config": config}


def _edge(edge: Edge) -> tuple[str, ...]:
    declared = edge.declared_type if isinstance(edge.declared_type, str) else ""
    return (edge.source, edge.source_handle, edge.target, edge.target_handle, declared)
