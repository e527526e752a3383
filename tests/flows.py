"""Small workflow documents for tests, written as one reads them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any


def node(node_id: str, node_type: str | None = None, label: str = "", **config: Any) -> dict[str, Any]:
    """A node; its type is the part of the id before the first dot unless given."""
    type_id = node_type or node_id.split(".")[0]
    return {
        "id": node_id,
        "type": "universalNode",
        "position": {"x": 0, "y": 0},
        "data": {"label": label or node_id, "config": config, "metadata": {"node_type_id": type_id}},
    }


def edge(spec: str, edge_id: str | None = None, **data: Any) -> dict[str, Any]:
    """An edge from ``"a.1:text > b.1:input"``."""
    (source, source_port), (target, target_port) = (end.strip().rsplit(":", 1) for end in spec.split(">"))
    found = {
        "id": edge_id or spec.replace(" ", ""),
        "source": source,
        "target": target,
        "sourceHandle": f"{source}-output-{source_port}",
        "targetHandle": f"{target}-input-{target_port}",
    }
    return {**found, "data": data} if data else found


def flow(flow_id: str, nodes: list[dict[str, Any]], edges: list[str | dict[str, Any]] = (), **extra: Any) -> dict[str, Any]:
    """A workflow document in the editor's JSON shape."""
    drawn = [edge(item) if isinstance(item, str) else item for item in edges]
    return {"id": flow_id, "name": flow_id.replace("_", " "), "nodes": nodes, "edges": drawn, **extra}


def write(folder: Path, *documents: dict[str, Any]) -> Path:
    """Write documents as ``<id>.json`` into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for document in documents:
        (folder / f"{document['id']}.json").write_text(json.dumps(document))
    return folder


def chain(flow_id: str, length: int, **extra: Any) -> dict[str, Any]:
    """A pure chain: a text input, then text processors one after the other."""
    nodes = [node("text_input.1", defaultValue="hello")]
    nodes += [node(f"text_processor.{number}", operation="uppercase") for number in range(1, length)]
    names = [item["id"] for item in nodes]
    edges = [f"{before}:text > {after}:text" for before, after in itertools.pairwise(names)]
    return flow(flow_id, nodes, edges, **extra)
