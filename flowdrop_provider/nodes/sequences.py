"""Number sequences and repeated values."""

from __future__ import annotations

from typing import Any

from flowdrop_provider.errors import ExpressionError, NodeError
from flowdrop_provider.expressions.values import numeric
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["range_", "repeat"]

_MAX_ITEMS = 100_000
#: Room for the last step of a fractional sequence: 0 to 1 by 0.1 has eleven items.
_SLACK = 1e-9


@processor(
    "range",
    label="Range",
    category="tools",
    description="A sequence of numbers, both ends included (1 to 10).",
    parameters=[
        param("start", configurable=True, connectable=True, default=1, title="Start"),
        param("end", configurable=True, connectable=True, required=True, title="End"),
        param("step", configurable=True, connectable=True, default=1, title="Step"),
    ],
    outputs=[output(name, "number") for name in ("start", "end", "step")]
    + [output("items", "array"), output("count", "integer")],
)
def range_(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the numbers from start to end, downwards when the end is smaller; the step's sign does not matter.

    :raises NodeError: ``wrong_type`` for what is not a number, ``invalid_step`` for zero, ``limit_exceeded``.
    """
    start, end = _number("start", params["start"]), _number("end", params["end"])
    step = abs(_number("step", params["step"]))
    if step == 0:
        raise NodeError("The step must not be zero.", code="invalid_step")
    count = _bounded(abs(end - start) / step + _SLACK) + 1
    signed = step if end >= start else -step
    items = [start + index * signed for index in range(count)]
    return {"start": start, "end": end, "step": step, "items": items, "count": count}


def _bounded(count: float) -> int:
    if count >= _MAX_ITEMS:
        raise NodeError(f"A sequence has at most {_MAX_ITEMS:,} items.", code="limit_exceeded")
    return int(count)


def _number(name: str, value: Any) -> int | float:
    try:
        number = numeric(1 if value is None else value)
    except ExpressionError:
        number = None
    if number is None:
        raise NodeError(f"The {name} must be a number.", code="wrong_type")
    return number


@processor(
    "repeat",
    label="Repeat",
    category="tools",
    description="A list that holds one value several times.",
    parameters=[
        param("value", configurable=True, connectable=True, title="Value"),
        param("count", configurable=True, connectable=True, required=True, title="Count"),
    ],
    outputs=[output("items", "array"), output("value"), output("count", "integer")],
)
def repeat(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the list; a count below one gives an empty one.

    :raises NodeError: ``wrong_type`` for what is not a whole number, ``limit_exceeded``.
    """
    number = _number("count", params["count"])
    if number != int(number):
        raise NodeError("The count must be a whole number.", code="wrong_type")
    count = max(_bounded(number), 0)
    return {"items": [params["value"]] * count, "value": params["value"], "count": count}
