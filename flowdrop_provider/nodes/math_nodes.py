"""The calculator."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cmp_to_key, reduce
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php import numbers
from flowdrop_provider.nodes._php.arrays import entries, normal_key, values
from flowdrop_provider.nodes._php.values import compare, loose_equals, require, to_float
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["calculator"]

_MAX_PRECISION = 400


def _positional(items: Any) -> list[Any]:
    """Return elements 0..n-1 of the PHP array; a missing key reads as null, so a map subtracts to 0 (measured)."""
    array = dict(entries(items))
    return [array.get(place) for place in range(len(array))]


def _divide_all(items: Any) -> int | float:
    first, *rest = _positional(items)
    result = first
    for divisor in rest:
        if loose_equals(divisor, 0):
            return math.inf
        result = numbers.divide(result, divisor)
    return numbers.add(result, 0)


def _square_root(items: Any) -> float:
    value = float(require("number", _positional(items)[0], "The value"))
    return math.sqrt(value) if value >= 0 else math.nan


def _extreme(sign: int) -> Callable[[Any], Any]:
    def pick(items: Any) -> Any:
        return reduce(lambda best, item: item if sign * compare(item, best) > 0 else best, values(items))

    return pick


def _median(items: Any) -> float:
    ordered = sorted(values(items), key=cmp_to_key(compare))
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(require("number", ordered[middle], "The median"))
    return numbers.divide(numbers.add(ordered[middle - 1], ordered[middle]), 2)


def _mode(items: Any) -> float:
    counts: dict[Any, int] = {}
    for item in values(items):
        if isinstance(item, (int, str)) and not isinstance(item, bool):
            counts[normal_key(item)] = counts.get(normal_key(item), 0) + 1
    if not counts:
        raise NodeError("The mode needs whole numbers or texts.", code="invalid_type")
    return to_float(max(counts, key=lambda key: counts[key]))


_OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "add": lambda items: numbers.array_sum(values(items)),
    "subtract": lambda items: reduce(numbers.subtract, _positional(items)),
    "multiply": lambda items: numbers.array_product(values(items)),
    "divide": _divide_all,
    "power": lambda items: numbers.power(*_positional(items)[:2]),
    "sqrt": _square_root,
    "average": lambda items: numbers.divide(numbers.array_sum(values(items)), len(items)),
    "min": _extreme(-1),
    "max": _extreme(1),
    "median": _median,
    "mode": _mode,
}


@processor(
    "calculator",
    label="Calculator",
    category="processing",
    description="Adds, subtracts, multiplies, divides, and finds roots, averages and extremes.",
    parameters=[
        param("values", connectable=True, title="Values"),
        param("operation", "string", configurable=True, connectable=True, default="add"),
        param("precision", "integer", configurable=True, connectable=True, default=2),
    ],
    outputs=[
        output("result", "number"),
        output("operation", "string"),
        output("values", "array"),
        output("precision", "integer"),
    ],
)
def calculator(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the rounded result as a float; fewer than two values count as ``[0, 0]``, also for a root (measured).

    A division by zero gives INF and the root of a negative number NAN, as in PHP; neither is JSON, so the run reports
    it as this node's error (ERR-6).
    """
    operation = "add" if params["operation"] is None else params["operation"]
    precision = require("int", 2 if params["precision"] is None else params["precision"], "The precision")
    items = require("array", [] if params["values"] is None else params["values"], "The list of values")
    if len(items) < 2:
        items = [0, 0]
    compute = _OPERATIONS.get(operation)
    raw = compute(items) if compute else 0.0
    number = require("number", raw, "The result")
    result = numbers.php_round(number, max(-_MAX_PRECISION, min(precision, _MAX_PRECISION)))
    return {"result": result, "operation": operation, "values": items, "precision": precision}
