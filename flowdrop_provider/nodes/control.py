"""Flow control of the first generation: condition node, loop node, fallback, stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php import regexes
from flowdrop_provider.nodes._php.arrays import values
from flowdrop_provider.nodes._php.texts import ends_with, lower
from flowdrop_provider.nodes._php.values import compare, is_numeric, require, to_float, to_string, truthy
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, StopRun, output, param, processor

__all__ = ["conditional", "default_fallback", "loop", "stop"]

#: Seconds all pauses of one loop node may take; a longer wait belongs in a delay node, which frees the worker.
_LONGEST_PAUSE = 60.0


_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "equals": lambda text, wanted: text == wanted,
    "not_equals": lambda text, wanted: text != wanted,
    "contains": lambda text, wanted: wanted in text,
    "not_contains": lambda text, wanted: wanted not in text,
    "starts_with": str.startswith,
    "ends_with": ends_with,
}
_NUMBER_TESTS: dict[str, Callable[[int], bool]] = {
    "greater_than": lambda order: order > 0,
    "less_than": lambda order: order < 0,
    "greater_than_or_equal": lambda order: order >= 0,
    "less_than_or_equal": lambda order: order <= 0,
}
_VALUE_TESTS: dict[str, Callable[[Any], bool]] = {
    "is_empty": lambda value: not truthy(value),
    "is_not_empty": truthy,
    "is_null": lambda value: value is None,
    "is_not_null": lambda value: value is not None,
}
CONDITION_OPERATORS = [*_TEXT_TESTS, *_NUMBER_TESTS, *_VALUE_TESTS, "regex_match"]


def evaluate_condition(value: Any, operator: str, wanted: Any, *, case_sensitive: bool) -> bool:
    """Return the result of one ``conditional`` operator (measured); an unknown operator is a node-level error."""
    if operator in _VALUE_TESTS:
        return _VALUE_TESTS[operator](value)
    if operator in _NUMBER_TESTS:
        return is_numeric(value) and is_numeric(wanted) and _NUMBER_TESTS[operator](compare(value, wanted))
    text = to_string(value) if case_sensitive else lower(to_string(value))
    if operator == "regex_match":
        return _matches(to_string(wanted), text)
    if operator not in _TEXT_TESTS:
        message = f"Unknown operator: {operator}."
        raise NodeError(message, code="unknown_operator", hint=f"Use one of {', '.join(CONDITION_OPERATORS)}.")
    return bool(_TEXT_TESTS[operator](text, to_string(wanted) if case_sensitive else lower(to_string(wanted))))


def _matches(pattern: str, text: str) -> bool:
    try:
        return regexes.matches(pattern, text)
    except regexes.BadPatternError:
        return False


def _first_present(params: Params) -> Any:
    return next((params[name] for name in ("value", "text", "data") if params[name] is not None), None)


@processor(
    "conditional",
    label="Conditional",
    category="control",
    description="Tests a value and tells the branch to follow; it gates no edge (first generation).",
    parameters=[
        param("value", connectable=True),
        param("text", connectable=True),
        param("data", connectable=True),
        param("operator", "string", configurable=True, default="equals"),
        param("compareValue", configurable=True, default=""),
        param("caseSensitive", "boolean", configurable=True, default=False),
        param("defaultBranch", configurable=True, default="false"),
        param("description", "string", configurable=True, default=""),
    ],
    outputs=[
        output("condition_evaluated", "boolean"),
        output("condition_result", "boolean"),
        output("branch_to_follow", "string"),
        output("operator", "string"),
        output("input_value"),
        output("compare_value"),
        output("case_sensitive", "boolean"),
        output("default_branch", "string"),
        output("execution_metadata", "object"),
    ],
    visual_type="conditional",
    supported_visual_types=("conditional", "default"),
)
def conditional(params: Params, context: NodeContext) -> Outputs:
    """Return the result and, where it is false, the configured default branch (measured)."""
    operator = "equals" if params["operator"] is None else params["operator"]
    wanted = "" if params["compareValue"] is None else params["compareValue"]
    default = "false" if params["defaultBranch"] is None else params["defaultBranch"]
    sensitive = bool(params["caseSensitive"])
    value = _first_present(params)
    result = evaluate_condition(value, operator, wanted, case_sensitive=sensitive)
    moment = int(context.world.now().timestamp())
    return {
        "condition_evaluated": True,
        "condition_result": result,
        "branch_to_follow": "true" if result else default,
        "operator": operator,
        "input_value": value,
        "compare_value": wanted,
        "case_sensitive": sensitive,
        "default_branch": default,
        "execution_metadata": {"timestamp": moment, "condition_type": "conditional", "flow_control": True},
    }


@processor(
    "loop",
    label="Loop",
    category="control",
    description="Lists the items of its input one by one (first generation; it repeats no other node).",
    parameters=[
        param("data", connectable=True),
        param("maxIterations", configurable=True, default=10),
        param("condition", configurable=True, default="", description="Echoed, never evaluated."),
        param("delay", configurable=True, default=0, description="Milliseconds before each item."),
    ],
    outputs=[
        output("results", "array"),
        output("iterations", "integer"),
        output("max_iterations", "integer"),
        output("condition", "string"),
    ],
    aliases=["loop_executor"],
)
def loop(params: Params, context: NodeContext) -> Outputs:
    """Return ``{iteration, item, timestamp}`` for each item up to ``maxIterations`` (measured)."""
    limit = 10 if params["maxIterations"] is None else params["maxIterations"]
    data = params["data"] if isinstance(params["data"], (list, dict)) else []
    results: list[dict[str, Any]] = []
    pause = _pause(params["delay"], len(data))
    for item in values(data):
        if compare(len(results), limit) >= 0:
            break
        if pause:
            time.sleep(pause)
        moment = int(context.world.now().timestamp())
        results.append({"iteration": len(results) + 1, "item": item, "timestamp": moment})
    condition = "" if params["condition"] is None else params["condition"]
    return {"results": results, "iterations": len(results), "max_iterations": limit, "condition": condition}


def _pause(delay: Any, items: int) -> float:
    """Return the seconds to wait before each item; a delay that is no whole number of milliseconds is an error."""
    if compare(0 if delay is None else delay, 0) <= 0:
        return 0.0
    milliseconds = delay if isinstance(delay, str) and is_numeric(delay) else require("int", delay, "The delay")
    seconds = to_float(milliseconds) / 1000
    if seconds * items > _LONGEST_PAUSE:
        message = f"The pauses add up to more than {_LONGEST_PAUSE:g} seconds."
        raise NodeError(message, code="limit_exceeded", hint="Use a delay node.")
    return seconds


@processor(
    "default_fallback",
    label="Default Fallback",
    category="control",
    description="Does nothing; an end for branches nobody handles.",
    parameters=[param("description", configurable=True, default="")],
)
def default_fallback(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return no outputs."""
    return {}


@processor(
    "stop",
    label="Stop",
    category="control",
    description="Ends the run as completed; whatever has not started yet is abandoned.",
    parameters=[param("value", connectable=True, configurable=True)],
    outputs=[output("value")],
    terminal=True,
    visual_type="terminal",
    supported_visual_types=("terminal", "default", "simple"),
)
def stop(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Raise :class:`StopRun` with the value as this node's output (ERR-5)."""
    raise StopRun({"value": params["value"]})
