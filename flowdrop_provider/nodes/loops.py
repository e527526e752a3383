"""Loops and run state: ``foreach``, ``iterator_start`` and ``state_storage``."""

from __future__ import annotations

from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.iteration import Iteration

__all__ = ["foreach", "iterator_start", "state_storage"]


@processor(
    "foreach",
    label="ForEach Loop",
    category="logic",
    description="Goes through a list: each round the body runs with the current item, and its result is collected.",
    module="flowdrop_stategraph",
    runs="loop",
    parameters=[
        param("items", connectable=True, description="The list; a single value counts as a list of one."),
        param("loop_back", connectable=True, description="Where the body's result comes back."),
        param("item_result", connectable=True, exposed=False, description="The round's result, where loop_back carries none."),
        param("maxIterations", "integer", configurable=True, minimum=1, description="Most rounds to run; no limit when empty."),
    ],
    outputs=[
        output("current_item"),
        output("current_index", "integer"),
        output("is_first", "boolean"),
        output("is_last", "boolean"),
        output("has_more", "boolean"),
        output("total_count", "integer"),
        output("loop_active", "boolean"),
        output("collected_results", "array"),
        output("state_update", "object"),
    ],
)
def foreach(params: Params, context: NodeContext) -> Outputs:
    """Emit the next item, or the collected results when there is none (SG-4, SG-5).

    Only a round that has an item emits ``current_item`` and its companions; an empty list completes at once.

    :raises NodeError: ``missing_parameter`` when no items were ever delivered.
    """
    iteration = context.iteration or Iteration()
    if not iteration.started:
        if params["items"] is None:
            raise NodeError("ForEach needs a list of items.", code="missing_parameter", details={"parameter": "items"})
        iteration.start(params["items"])
    else:
        iteration.collect(params["item_result"] if params["item_result"] is not None else params["loop_back"])
    limit = params["maxIterations"]
    if limit is not None and iteration.index >= limit:
        iteration.index = len(iteration.items)
    return _emitted(iteration)


def _emitted(iteration: Iteration) -> Outputs:
    total = len(iteration.items)
    if not iteration.active:
        return {
            "has_more": False,
            "total_count": total,
            "loop_active": False,
            "collected_results": list(iteration.collected),
        }
    return {
        "current_item": iteration.items[iteration.index],
        "current_index": iteration.index,
        "is_first": iteration.index == 0,
        "is_last": iteration.index == total - 1,
        "has_more": iteration.index < total - 1,
        "total_count": total,
        "loop_active": True,
    }


@processor(
    "iterator_start",
    label="Iterator Start",
    category="logic",
    description="Takes the first item of a list (older workflows; ForEach replaces it).",
    module="flowdrop_stategraph",
    parameters=[param("items", connectable=True, required=True)],
    outputs=[
        output("current_item"),
        output("current_index", "integer"),
        output("has_more", "boolean"),
        output("total_count", "integer"),
    ],
)
def iterator_start(params: Params, context: NodeContext) -> Outputs:
    """Emit the first item of the list; an empty list emits no item."""
    del context
    iteration = Iteration()
    iteration.start(params["items"])
    found = _emitted(iteration)
    return {name: found[name] for name in ("current_item", "current_index", "has_more", "total_count") if name in found}


_OPERATIONS = ("get", "set", "delete", "increment", "decrement", "append")


@processor(
    "state_storage",
    label="State Storage",
    category="logic",
    description="Keeps values in the run's state, for other nodes and later rounds.",
    module="flowdrop_stategraph",
    runs="state",
    state_aware=True,
    parameters=[
        param("operation", "string", configurable=True, required=True, default="get", enum=_OPERATIONS),
        param("key", "string", configurable=True, connectable=True),
        param("value", configurable=True, connectable=True),
        param("default", configurable=True, connectable=True, exposed=False),
        param("amount", "number", configurable=True, connectable=True, exposed=False, default=1),
        param("__data__", "object"),
    ],
    outputs=[
        output("value"),
        output("exists", "boolean"),
        output("key", "string"),
        output("operation", "string"),
        output("state_update", "object", exposed=False),
    ],
)
def state_storage(params: Params, context: NodeContext) -> Outputs:
    """Read or change one value of the run's state; a change is a ``state_update`` of ``data`` (SG-1, SG-3).

    :raises NodeError: ``missing_parameter`` without a key, ``not_a_number`` or ``not_a_list`` for a value of another kind.
    """
    del context
    key, operation = params["key"], params["operation"]
    if not key:
        raise NodeError("State Storage needs a key.", code="missing_parameter", details={"parameter": "key"})
    data = params["__data__"] or {}
    exists, current = key in data, data.get(key)
    shown: dict[str, Any] = {"key": key, "operation": operation}
    if operation == "get":
        return {"value": current if exists else params["default"], "exists": exists, **shown}
    value = _changed(operation, current, params)
    return {"value": value, "exists": exists, **shown, "state_update": {"data": {key: value}}}


def _changed(operation: str, current: Any, params: Params) -> Any:
    if operation == "set":
        return params["value"]
    if operation == "delete":
        return None
    if operation == "append":
        if current is not None and not isinstance(current, list):
            raise NodeError(f"The value of {params['key']!r} is no list.", code="not_a_list")
        return [*(current or []), params["value"]]
    base = current if current is not None else params["default"] if params["default"] is not None else 0
    if isinstance(base, bool) or not isinstance(base, int | float):
        raise NodeError(f"The value of {params['key']!r} is no number.", code="not_a_number")
    return base + params["amount"] if operation == "increment" else base - params["amount"]
