"""``flowdrop process`` and ``flowdrop nodes``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from flowdrop_provider.cli.rendering import print_json
from flowdrop_provider.cli.values import json_argument
from flowdrop_provider.document.node_type_files import node_type_folder
from flowdrop_provider.document.node_types import NodeTypeCatalogue
from flowdrop_provider.engine.process import process_node
from flowdrop_provider.errors import LaunchError, NodeError
from flowdrop_provider.library.workshop import declared_by
from flowdrop_provider.nodes.registry import all_processors, shipped_catalogue

__all__ = ["catalogue", "process"]


def process(arguments: argparse.Namespace) -> int:
    """Run one node and print ``{"output"}`` or ``{"error"}``, or the same for each line of standard input."""
    site = node_type_folder(arguments.node_types, declared_by) if arguments.node_types else None
    known = shipped_catalogue().extended(site=site)
    if arguments.jsonl:
        for line in sys.stdin:
            if line.strip():
                print(json.dumps(_line(line, known), ensure_ascii=False), flush=True)
        return 0
    if not arguments.node_type:
        raise LaunchError("Name a node type, or pass --jsonl.", code="USAGE", hint="flowdrop nodes lists them.")
    config = json_argument(arguments.config, "--config") or {}
    inputs = json_argument(arguments.inputs, "--inputs") or {}
    answer = _answer(arguments.node_type, config, inputs, known)
    print_json(answer)
    return 0 if "output" in answer else 1


def _line(line: str, known: NodeTypeCatalogue) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"id": None, **_malformed(f"The line is not JSON: {error}.")}
    if not isinstance(request, dict) or not isinstance(request.get("node_type"), str):
        own = request.get("id") if isinstance(request, dict) else None
        return {"id": own, **_malformed('The line must be an object with a "node_type".')}
    try:
        config, inputs = _object(request.get("config")), _object(request.get("inputs"))
    except TypeError as error:
        return {"id": request.get("id"), **_malformed(f"The {error}.")}
    return {"id": request.get("id"), **_answer(request["node_type"], config, inputs, known)}


def _malformed(message: str) -> dict[str, Any]:
    return {"error": {"code": "malformed_request", "message": message, "retryable": False}}


def _object(value: Any) -> Mapping[str, Any]:
    """Return a map; a list counts by position, because PHP knows only one kind of array."""
    if value is None:
        return {}
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    if not isinstance(value, dict):
        raise TypeError("config and inputs must be objects")
    return value


def _answer(node_type: str, config: Mapping[str, Any], inputs: Mapping[str, Any], known: NodeTypeCatalogue) -> dict[str, Any]:
    from flowdrop_provider.nodes.local_world import local_world

    try:
        return {"output": process_node(node_type, config, inputs, world=local_world(), catalogue=known)}
    except NodeError as error:
        return {"error": {"code": error.code, "message": error.message, "retryable": error.retryable}}


def catalogue(arguments: argparse.Namespace) -> int:
    """Print the shipped node types."""
    rows = [_row(item) for item in all_processors()]
    if arguments.json:
        print_json({"nodes": rows})
        return 0
    for row in sorted(rows, key=lambda item: (item["category"], item["id"])):
        inputs = ", ".join(port["name"] for port in row["inputs"]) or "-"
        outputs = ", ".join(port["name"] for port in row["outputs"]) or "-"
        print(f"{row['category']:<14} {row['id']:<28} {row['runs']:<9} {inputs} -> {outputs}")
    print(f"{len(rows)} node types.")
    return 0


def _row(item: Any) -> dict[str, Any]:
    node_type = item.node_type
    return {
        "id": node_type.id,
        "processor": item.id,
        "aliases": list(item.aliases),
        "label": node_type.label,
        "category": node_type.category,
        "description": node_type.description,
        "runs": item.runs,
        "pure": item.pure,
        "side_effects": node_type.side_effects,
        "inputs": [
            {"name": name, "schema": dict(parameter.schema_), "required": parameter.required}
            for name, parameter in node_type.parameters.items()
            if parameter.connectable
        ],
        "outputs": [
            {"name": name, "schema": dict(port.schema_), "exposed": port.exposed and port.exposed_by_default}
            for name, port in node_type.outputs.items()
        ],
        "parameters": [
            {
                "name": name,
                "schema": dict(parameter.schema_),
                "default": parameter.effective_default,
                "configurable": parameter.configurable,
                "connectable": parameter.connectable,
                "required": parameter.required,
            }
            for name, parameter in node_type.parameters.items()
        ],
    }
