"""Nodes that extract, map and combine data with expressions."""

from __future__ import annotations

from typing import Any

from flowdrop_provider.expressions import (
    EXTRACTION_ENGINES,
    TRANSFORMATION_ENGINES,
    evaluate,
    extract_all,
    is_jsonpath,
    property_path,
)
from flowdrop_provider.nodes._evaluation import dynamic_values, naming, port_definitions
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["data_extractor", "data_mapper", "get_workflow_data", "merge"]


@processor(
    "data_mapper",
    label="Data Mapper",
    category="processing",
    description="Maps several inputs to several outputs, each by an expression.",
    parameters=[
        param("dynamicInputs", configurable=True, default=[], title="Inputs"),
        param("dynamicOutputs", configurable=True, default=[], title="Outputs"),
        param("engine", configurable=True, default="expression_language", enum=TRANSFORMATION_ENGINES, title="Engine"),
    ],
)
def data_mapper(params: Params, context: NodeContext) -> Outputs:
    """Return one value for each declared output: all of them, or a node-level error naming the port (LANG-21).

    An output without an expression is null (LANG-3).
    """
    engine, variables = params["engine"], dynamic_values(params)
    mapped: Outputs = {}
    for port in port_definitions(params["dynamicOutputs"]):
        with naming(f"The output {port['name']!r}", engine):
            mapped[port["name"]] = _mapped(engine, port.get("value"), variables, context)
    return mapped


def _mapped(engine: Any, expression: Any, variables: dict[str, Any], context: NodeContext) -> Any:
    if not isinstance(expression, str):
        return expression
    return evaluate(engine, expression, variables, now=context.world.now())


@processor(
    "data_extractor",
    label="Data Extractor",
    category="data",
    description="Takes a value out of data by JSONPath or property path.",
    parameters=[
        param("data", connectable=True),
        param("path", "string", configurable=True, default="", title="Path", description="$.items[0].name or items[0].name"),
        param("engine", configurable=True, default="jsonpath", enum=EXTRACTION_ENGINES, title="Engine"),
        param("extract_all", "boolean", configurable=True, default=False, title="Extract all matches"),
        param("default", configurable=True, title="Default", description="Delivered when nothing is found."),
    ],
    outputs=[
        output("data"),
        output("success", "boolean"),
        output("match_count", "integer"),
        output("is_jsonpath", "boolean"),
        output("path", "string"),
        output("engine", "string"),
    ],
)
def data_extractor(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return what the path finds: the first match, or every match as a list with ``extract_all`` (LANG-19, LANG-23).

    Null counts as not found: the default is delivered and ``success`` is false, while false, 0 and empty text are found
    (LANG-24). The empty path returns the data unchanged and reports no match (LANG-3). An expression *error* fails the
    node and never delivers the default (LANG-22).
    """
    path, engine = params["path"] or "", params["engine"]
    facts = {"path": path, "engine": engine, "is_jsonpath": is_jsonpath(path)}
    if not path.strip():
        return {"data": params["data"], "success": True, "match_count": 0, **facts}
    with naming(f"The path {path!r}", engine):
        if params["extract_all"]:
            return _all_matches(engine, path, params) | facts
        return _first_match(engine, path, params) | facts


def _all_matches(engine: str, path: str, params: Params) -> Outputs:
    found = extract_all(engine, path, params["data"])
    missed = not found and engine == "jsonpath" and is_jsonpath(path)
    return {"data": params["default"] if missed else found, "success": bool(found), "match_count": len(found)}


def _first_match(engine: str, path: str, params: Params) -> Outputs:
    if engine == "jsonpath" and is_jsonpath(path):
        matches = extract_all(engine, path, params["data"])
        value, count = (matches[0] if matches else None), len(matches)
    else:
        value, count = evaluate(engine, path, params["data"]), 1
    if value is None:
        return {"data": params["default"], "success": False, "match_count": 0}
    return {"data": value, "success": True, "match_count": count}


@processor(
    "merge",
    label="Merge",
    category="processing",
    description="Combines several named inputs into one list or one map.",
    parameters=[
        param("dynamicInputs", configurable=True, default=[], title="Inputs"),
        param("output_mode", "string", configurable=True, default="array", enum=("array", "object"), title="Combine as"),
    ],
    outputs=[output("merged", ["array", "object"])],
)
def merge(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the inputs in declared order; an unwired one is null, so that positions stay where the author put them."""
    values = dynamic_values(params)
    return {"merged": values if params["output_mode"] == "object" else list(values.values())}


@processor(
    "get_workflow_data",
    label="Get Workflow Data",
    category="data",
    description="Reads the data that the run was started with.",
    parameters=[
        param("path", "string", configurable=True, default="", title="Path", description="Empty takes everything."),
        param("default_value", configurable=True, title="Default"),
    ],
    outputs=[
        output("data"),
        output("exists", "boolean"),
        output("initial_data", "object"),
        output("path", "string"),
        output("workflow_id", "string"),
        output("pipeline_id", "string"),
        output("execution_id", "string"),
    ],
    state_aware=True,
)
def get_workflow_data(params: Params, context: NodeContext) -> Outputs:
    """Return the value at a property path of the initial data; a path that is not there delivers the default (LANG-20)."""
    path, initial = params["path"] or "", dict(context.initial_data)
    exists = property_path.exists(path, initial)
    return {
        "data": property_path.read(path, initial) if exists else params["default_value"],
        "exists": exists,
        "initial_data": initial,
        "path": path,
        "workflow_id": context.workflow_id,
        "pipeline_id": context.run_id,
        "execution_id": context.run_id,
    }
