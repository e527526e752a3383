"""The data shaper: a clean structure out of mixed data, checked against a JSON Schema on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.errors import ExpressionError, NodeError
from flowdrop_provider.expressions import ENGINES, evaluate, jsonpath
from flowdrop_provider.expressions.configured import LITERAL_PREFIX, is_sentinel
from flowdrop_provider.expressions.limits import LIMIT
from flowdrop_provider.expressions.schemas import schema_errors
from flowdrop_provider.nodes._evaluation import naming
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["data_shaper"]

_MAX_DEPTH = 20
_MAX_ITEMS = 10_000


@processor(
    "data_shaper",
    label="Data Shaper",
    category="data",
    description="Builds a clean structure from mixed data by field mappings, with optional JSON Schema validation.",
    parameters=[
        param("data", connectable=True),
        param("mapping", configurable=True, default={}, title="Mapping", description="Target field to source expression."),
        param("engine", configurable=True, default="property_path", enum=ENGINES, title="Engine"),
        param("schema", configurable=True, default={}, title="JSON Schema"),
        param("validationMode", configurable=True, default="soft", enum=("soft", "hard", "strict"), title="Validation"),
    ],
    outputs=[output("data"), output("valid", "boolean"), output("errors", "array"), output("mappedFields", "array")],
)
def data_shaper(params: Params, context: NodeContext) -> Outputs:
    """Return the shaped data, its schema errors, and the dotted names of the fields that got a value.

    A source is an expression, a sentinel (LANG-25), a map of further fields, or a map with ``_source`` (an expression
    whose value becomes the context) and ``_each`` (the fields of every item of that value).

    :raises NodeError: ``expression_failed`` naming source and engine; ``schema_violation`` unless validation is soft.
    """
    shaper = _Shaper(params["engine"], context.world.now)
    mapping, schema = _as_map(params["mapping"], "mapping"), _as_map(params["schema"], "schema")
    shaped = shaper.fields(mapping, jsonpath.read_context(params["data"]), "", 0)
    errors = _schema_errors(shaped, schema) if schema else []
    if errors and params["validationMode"] in ("hard", "strict"):
        raise NodeError(f"The shaped data breaks its schema: {errors[0]}", code="schema_violation", details={"errors": errors})
    return {"data": shaped, "valid": not errors, "errors": errors, "mappedFields": shaper.mapped}


def _as_map(value: Any, name: str) -> Mapping[str, Any]:
    if isinstance(value, str) and value.strip():
        value = jsonpath.read_context(value)
    if not value:
        return {}
    if not isinstance(value, Mapping):
        raise NodeError(f"The {name} must be a map.", code="invalid_configuration")
    return value


@dataclass(slots=True)
class _Shaper:
    engine: str
    now: Callable[[], Any]
    mapped: list[str] = field(default_factory=list)

    def fields(self, mapping: Mapping[str, Any], data: Any, path: str, depth: int) -> dict[str, Any]:
        if depth > _MAX_DEPTH:
            raise NodeError(f"A mapping may nest {_MAX_DEPTH} levels deep.", code="invalid_configuration")
        shaped: dict[str, Any] = {}
        for target, source in mapping.items():
            if target in ("_source", "_each"):
                continue
            name = f"{path}.{target}" if path else str(target)
            shaped[str(target)] = self.value(source, data, name, depth)
            if shaped[str(target)] is not None and name not in self.mapped:
                self.mapped.append(name)
        return shaped

    def value(self, source: Any, data: Any, path: str, depth: int) -> Any:
        if isinstance(source, str):
            return self.sentinel(source) if is_sentinel(source) else self.expression(source, data)
        if not isinstance(source, Mapping):
            return source
        if "_source" not in source:
            return self.fields(source, data, path, depth + 1)
        inner = self.value(source["_source"], data, path, depth + 1)
        if "_each" in source:
            return self.each(source["_each"], inner, path, depth)
        return self.fields(source, inner, path, depth + 1) if len(source) > 1 else inner

    def each(self, source: Any, items: Any, path: str, depth: int) -> list[Any]:
        rows = list(items.values()) if isinstance(items, dict) else items if isinstance(items, list) else []
        if len(rows) > _MAX_ITEMS:
            raise NodeError(f"'_each' handles at most {_MAX_ITEMS:,} items.", code="limit_exceeded")
        return [self.value(source, row, path, depth + 1) for row in rows]

    def expression(self, source: str, data: Any) -> Any:
        with naming(f"The source {source!r}", self.engine):
            return evaluate(self.engine, source, data, now=self.now())

    def sentinel(self, source: str) -> Any:
        if source.startswith(LITERAL_PREFIX):
            return source.removeprefix(LITERAL_PREFIX)
        known: dict[str, Any] = {"_NULL_": None, "_EMPTY_ARRAY_": [], "_EMPTY_OBJECT_": {}}
        return known[source] if source in known else self.now().isoformat(timespec="seconds")


def _schema_errors(value: Any, schema: Mapping[str, Any]) -> list[str]:
    try:
        return schema_errors(value, schema)
    except ExpressionError as error:
        code = "limit_exceeded" if error.code == LIMIT else "invalid_configuration"
        raise NodeError(error.message, code=code, hint=error.hint) from error
