"""Filter, sort, group and reshape lists of records."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.arrays import Key, entries, merge, normal_key, slice_map, to_json, values
from flowdrop_provider.nodes._php.numbers import add
from flowdrop_provider.nodes._php.values import (
    compare,
    loose_equals,
    numeric_value,
    require,
    to_int,
    to_string,
    truthy,
    type_error,
)
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["data_operations"]

#: Comparing every item with every other one is quadratic; this many take about a second.
_MAX_PAIRWISE = 1500

_CONDITIONS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": loose_equals,
    "not_equals": lambda item, value: not loose_equals(item, value),
    "contains": lambda item, value: to_string(value) in to_string(item),
    "greater_than": lambda item, value: compare(item, value) > 0,
    "less_than": lambda item, value: compare(item, value) < 0,
    "greater_than_or_equal": lambda item, value: compare(item, value) >= 0,
    "less_than_or_equal": lambda item, value: compare(item, value) <= 0,
    "is_empty": lambda item, _: not truthy(item),
    "is_not_empty": lambda item, _: truthy(item),
}


def field_of(item: Any, key: Key, missing: Any = None) -> Any:
    """Return ``$item[$key] ?? $missing``; only lists and objects have fields."""
    if not isinstance(item, (list, dict)):
        return missing
    found = dict(entries(item)).get(normal_key(key))
    return missing if found is None else found


def _filter(data: Any, key: str, value: Any, condition: str) -> Any:
    """Keep the items that fulfil the condition, and their keys: a list with gaps becomes an object (measured)."""
    test = _CONDITIONS.get(condition)
    if test is None:
        return data
    return to_json((place, item) for place, item in entries(data) if test(field_of(item, key), value))


def _sort(data: Any, key: str, value: Any, _: str) -> Any:
    sign = -1 if value == "desc" and isinstance(value, str) else 1
    fields = [(field_of(item, key, ""), item) for item in values(data)]

    def order(left: tuple[Any, Any], right: tuple[Any, Any]) -> int:
        return sign * compare(left[0], right[0])

    return [item for _, item in sorted(fields, key=cmp_to_key(order))]


def array_key(value: Any) -> Key:
    """Return the key PHP makes of a value: true is 1, null is "", a float is cut; an array is a node-level error."""
    if isinstance(value, (list, dict)):
        raise type_error("A group's key", "a text or a number", value)
    if isinstance(value, (bool, float)):
        return to_int(value)
    return normal_key("" if value is None else value)


def _group(data: Any, key: str, *_: Any) -> Any:
    groups: dict[Key, list[Any]] = {}
    for item in values(data):
        groups.setdefault(array_key(field_of(item, key, "")), []).append(item)
    return to_json(groups)


def _map(data: Any, key: str, value: Any, _: str) -> Any:
    def assign(item: Any) -> Any:
        return to_json({**dict(entries(item)), normal_key(key): value}) if isinstance(item, (list, dict)) else item

    return to_json((place, assign(item)) for place, item in entries(data))


def _reduce(data: Any, key: str, value: Any, _: str) -> Any:
    carry = value
    for item in values(data):
        number = field_of(item, key, 0)
        if isinstance(carry, (list, dict)) and isinstance(number, (list, dict)):
            carry = to_json(_union(carry, number))
        else:
            carry = add(carry, number)
    return carry


def _union(left: Any, right: Any) -> dict[Key, Any]:
    """Return PHP's ``$left + $right`` of two arrays: the left one wins, new keys follow."""
    mine = dict(entries(left))
    return {**mine, **{key: item for key, item in entries(right) if key not in mine}}


def _unique(data: Any, key: str, *_: Any) -> Any:
    if not truthy(key):
        return to_json(_distinct(entries(data)))
    seen: set[str] = set()
    kept: list[Any] = []
    for item in values(data):
        mark = _mark(field_of(item, key, ""))
        if mark not in seen:
            seen.add(mark)
            kept.append(item)
    return kept


def _mark(value: Any) -> str:
    """Return a text that tells 1, 1.0, "1" and true apart, as ``in_array(..., true)`` does."""
    try:
        return json.dumps(value)
    except RecursionError:
        raise NodeError("The values to compare are nested too deeply.", code="too_deep") from None


def _distinct(pairs: list[tuple[Key, Any]]) -> list[tuple[Key, Any]]:
    """Return the first pair of each value under ``==``."""
    if all(isinstance(item, (str, int, float)) and not isinstance(item, bool) for _, item in pairs):
        firsts: dict[Any, tuple[Key, Any]] = {}
        for pair in pairs:
            number = numeric_value(pair[1]) if isinstance(pair[1], str) else pair[1]
            firsts.setdefault(pair[1] if number is None else ("number", number), pair)
        return list(firsts.values())
    if len(pairs) > _MAX_PAIRWISE:
        message = f"More than {_MAX_PAIRWISE} items that are not all texts or numbers."
        raise NodeError(message, code="limit_exceeded", hint="Name the key to compare.")
    kept: list[tuple[Key, Any]] = []
    for key, item in pairs:
        if not any(loose_equals(item, other) for _, other in kept):
            kept.append((key, item))
    return kept


def _slice(data: Any, key: Any, value: Any, _: str) -> Any:
    return slice_map(data, to_int(key), to_int(value))


def _merge(data: Any, *_: Any) -> Any:
    return to_json(merge(*(item for item in values(data) if isinstance(item, (list, dict)))))


_KEYED: dict[str, Callable[[Any, str, Any, str], Any]] = {"filter": _filter, "sort": _sort, "group": _group, "map": _map}
_UNKEYED: dict[str, Callable[..., Any]] = {"reduce": _reduce, "unique": _unique, "slice": _slice, "merge": _merge}


def _operate(operation: str, data: Any, key: Any, value: Any, condition: str) -> Any:
    if operation in ("slice", "merge"):
        return _UNKEYED[operation](data, key, value, condition)
    if operation not in _KEYED and operation not in _UNKEYED:
        return []
    require("string", key, "The key")
    if operation in _KEYED:
        return _KEYED[operation](data, key, value, condition) if truthy(key) else data
    return _UNKEYED[operation](data, key, value, condition)


@processor(
    "data_operations",
    label="Data Operations",
    category="processing",
    description="Filters, sorts, groups, maps, reduces, slices and merges a list of records.",
    parameters=[
        param("data", connectable=True),
        param("operation", "string", configurable=True, default="filter"),
        param("key", configurable=True, default="", description="The field; for slice, the offset."),
        param("value", configurable=True, default="", description="What to compare with; for slice, the length."),
        param("condition", "string", configurable=True, default="equals"),
    ],
    outputs=[
        output("result", ["array", "object"]),
        output("operation", "string"),
        output("input_count", "integer"),
        output("output_count", "integer"),
    ],
)
def data_operations(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the result of the operation; an unknown one gives an empty list, a reduction to a number fails (measured)."""
    operation = "filter" if params["operation"] is None else params["operation"]
    data = require("array", [] if params["data"] is None else params["data"], "The port 'data'")
    key, value = ("" if params[name] is None else params[name] for name in ("key", "value"))
    condition = "equals" if params["condition"] is None else params["condition"]
    result = require("array", _operate(operation, data, key, value, condition), "The result")
    return {"result": result, "operation": operation, "input_count": len(data), "output_count": len(result)}
