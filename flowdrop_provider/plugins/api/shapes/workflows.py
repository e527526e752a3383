"""A workflow as the editor loads it (STORE-14, measured): every node of type ``universalNode``, with id, metadata and ports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flowdrop_provider.document.handles import long_handle
from flowdrop_provider.document.models import Edge, Node, Workflow
from flowdrop_provider.document.node_types import NodeTypeCatalogue
from flowdrop_provider.plugins.api.drawings import Drawing
from flowdrop_provider.plugins.api.shapes.nodes import node_metadata

__all__ = ["workflow_from_document", "workflow_from_drawing"]


def workflow_from_document(workflow: Workflow, catalogue: NodeTypeCatalogue, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the workflow object of a document.

    :param facts: what Airflow knows: ``{"revision", "createdAt", "updatedAt", "dag_id", "paused", ...}``.
    """
    used = _used_ports((edge.source, edge.source_handle, edge.target, edge.target_handle) for edge in workflow.edges)
    declared = {node.id: _declared_ports(node.config) for node in workflow.nodes}
    nodes = [_document_node(node, catalogue) for node in workflow.nodes]
    for node in nodes:
        _add_used_ports(node, used, declared.get(node["id"], frozenset()))
    metadata = {**workflow.metadata, **_metadata(facts, workflow.schema_version), "tags": workflow.tags}
    found = _object(workflow.id, workflow.name, workflow.description, nodes, [_document_edge(edge) for edge in workflow.edges])
    interface = _interface(workflow)
    return {
        **found,
        "metadata": metadata,
        **({"interface": interface} if interface else {}),
        "created": workflow.created or 0,
        "changed": workflow.changed or 0,
        "uid": workflow.uid,
    }


def workflow_from_drawing(drawing: Drawing, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the workflow object of a drawing: everything but the nodes' configuration, which a drawing does not hold."""
    from flowdrop_provider.nodes.registry import shipped_catalogue

    edges = [_drawn_edge(edge) for edge in drawing.flow.get("edges", ())]
    used = _used_ports((edge["source"], edge["sourceHandle"], edge["target"], edge["targetHandle"]) for edge in edges)
    nodes = [_drawn_node(node, shipped_catalogue()) for node in drawing.nodes.values()]
    for node in nodes:
        _add_used_ports(node, used, frozenset())
    name = str(facts.get("dag_id") or "")
    found = _object(drawing.workflow_id or name, drawing.name or name, "", nodes, edges)
    return {**found, "metadata": {**_metadata(facts, ""), "partial": True}, "created": 0, "changed": 0, "uid": None}


def _object(id_: str, name: str, description: str, nodes: list[Any], edges: list[Any]) -> dict[str, Any]:
    return {"id": id_, "name": name, "description": description, "nodes": nodes, "edges": edges}


def _metadata(facts: Mapping[str, Any], schema_version: str) -> dict[str, Any]:
    return {
        "version": "1.0.0",
        "format": "flowdrop",
        "schemaVersion": schema_version or "0.0.0",
        "createdAt": facts.get("createdAt"),
        "updatedAt": facts.get("updatedAt"),
        "airflow": {name: value for name, value in facts.items() if name not in ("createdAt", "updatedAt")},
    }


def _type_metadata(node_type_id: str | None, catalogue: NodeTypeCatalogue, label: str, visual: str) -> dict[str, Any]:
    known = catalogue.get(node_type_id) if node_type_id else None
    found = node_metadata(known) if known is not None else _unknown_type(node_type_id or "", label)
    return {**found, "type": visual} if visual and visual in (*found["supportedTypes"], "note") else found


def _unknown_type(node_type_id: str, label: str) -> dict[str, Any]:
    return {
        "id": node_type_id,
        "node_type_id": node_type_id,
        "name": label or node_type_id,
        "type": "default",
        "supportedTypes": ["default"],
        "description": "",
        "category": "",
        "inputs": [],
        "outputs": [],
    }


def _canvas_node(id_: str, position: tuple[float, float], data: dict[str, Any], measured: Any) -> dict[str, Any]:
    node = {
        "id": id_,
        "type": "universalNode",
        "position": {"x": position[0], "y": position[1]},
        "data": {**data, "nodeId": id_},
        "deletable": True,
    }
    return {**node, "measured": measured} if measured else node


def _document_node(node: Node, catalogue: NodeTypeCatalogue) -> dict[str, Any]:
    data: dict[str, Any] = {
        "label": node.label or node.id,
        "config": node.config,
        "metadata": _type_metadata(node.node_type_id, catalogue, node.label, node.visual_type),
    }
    if node.extensions:
        data["extensions"] = node.extensions
    position = (node.position.x, node.position.y) if node.position is not None else (0.0, 240.0 * node.index)
    return _canvas_node(node.id, position, data, node.measured)


def _drawn_node(node: Mapping[str, Any], catalogue: NodeTypeCatalogue) -> dict[str, Any]:
    label = str(node.get("label") or node["id"])
    config = {"content": node["content"]} if node.get("content") else {}
    metadata = _type_metadata(node.get("type"), catalogue, label, str(node.get("visual") or ""))
    measured = {"width": node["w"], "height": node.get("h")} if node.get("w") else None
    position = (float(node.get("x") or 0), float(node.get("y") or 0))
    return _canvas_node(str(node["id"]), position, {"label": label, "config": config, "metadata": metadata}, measured)


def _document_edge(edge: Edge) -> dict[str, Any]:
    found = {
        "id": edge.id,
        "source": edge.source,
        "target": edge.target,
        "sourceHandle": edge.source_handle,
        "targetHandle": edge.target_handle,
    }
    return {**found, "data": {"edgeType": edge.declared_type}} if edge.declared_type else found


def _drawn_edge(edge: Mapping[str, Any]) -> dict[str, Any]:
    source, target = str(edge["source"]), str(edge["target"])
    return {
        "id": str(edge.get("id") or f"{source}-{target}"),
        "source": source,
        "target": target,
        "sourceHandle": long_handle(str(edge.get("source_port") or ""), source, "output"),
        "targetHandle": long_handle(str(edge.get("target_port") or ""), target, "input"),
    }


def _used_ports(edges: Iterable[tuple[str, str, str, str]]) -> set[tuple[str, str, str]]:
    """Return ``(node id, side, port)`` of every end of an edge."""
    used = set()
    for source, source_handle, target, target_handle in edges:
        used.add((source, "output", source_handle.partition("-output-")[2]))
        used.add((target, "input", target_handle.partition("-input-")[2]))
    return used


def _declared_ports(config: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Return the ports that the author declared on the node itself; the editor draws those from the configuration."""
    found = set()
    for name, side in (("dynamicInputs", "input"), ("dynamicOutputs", "output"), ("branches", "output")):
        entries = config.get(name)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, Mapping) and entry.get("name"):
                found.add((side, str(entry["name"])))
    return frozenset(found)


def _add_used_ports(node: dict[str, Any], used: set[tuple[str, str, str]], declared: frozenset[tuple[str, str]]) -> None:
    """Give a node the ports that its edges use and its type does not show: without them the edge is not drawn (measured)."""
    metadata = node["data"]["metadata"]
    for node_id, side, port in sorted(used):
        if node_id != node["id"] or not port or (side, port) in declared:
            continue
        ports = metadata[f"{side}s"]
        if all(known["id"] != port for known in ports):
            kind = port if port in ("trigger", "loop_back", "tool") else "mixed"
            ports.append({"id": port, "name": port, "type": side, "dataType": kind, "required": False, "description": ""})


def _interface(workflow: Workflow) -> dict[str, Any]:
    """Return the declared inputs and outputs; ``{}`` when there are none, so that the key is left out (STORE-14)."""
    if not (workflow.input_ports or workflow.output_ports):
        return {}
    return {
        "input_ports": [entry.model_dump() for entry in workflow.input_ports],
        "output_ports": [entry.model_dump() for entry in workflow.output_ports],
        "parameter_schema": workflow.parameter_schema,
        "output_schema": workflow.output_schema,
    }
