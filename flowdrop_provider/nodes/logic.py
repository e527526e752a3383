"""Gateways: nodes whose ``active_branches`` decide which edges are followed (BR-1..5, LANG-27, LANG-28)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._branches import choose_branch, default_branch
from flowdrop_provider.nodes._php import regexes
from flowdrop_provider.nodes._php.texts import ends_with, lower
from flowdrop_provider.nodes._php.values import require, strict_equals, to_string, truthy, type_error
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["a_or_b", "boolean_gateway", "gateway", "if_else", "switch_gateway"]

_ACTIVE = output("active_branches", description="Names of the branches to follow; read by the engine (BR-1).")
_TRUE_FALSE = [{"name": "True", "value": True}, {"name": "False", "value": False}]
_A_B = [{"name": "A", "value": "a"}, {"name": "B", "value": "b"}]
_BRANCH_LIST = ["array", "object"]
_GATEWAY: dict[str, Any] = {"visual_type": "gateway", "supported_visual_types": ("gateway",)}


def _decided(active: Any, value: Any, context: NodeContext) -> Outputs:
    """Return what every gateway returns (measured)."""
    moment = int(context.world.now().timestamp())
    metadata = {"timestamp": moment, "gateway_type": "branch", "flow_control": True}
    return {"active_branches": active, "input_value": value, "execution_metadata": metadata}


_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "equals": lambda text, match: text == match,
    "not_equals": lambda text, match: text != match,
    "contains": lambda text, match: match in text,
    "starts_with": str.startswith,
    "ends_with": ends_with,
}


def text_condition(text: str, operator: str, match: str, *, case_sensitive: bool) -> bool:
    """Return whether ``text`` fulfils the condition; LANG-28's closed set of operators, anything else fails the node.

    A regular expression is a delimited PCRE; without case sensitivity it gets the flag ``i`` and is never rewritten.
    """
    if operator == "regex":
        return regexes.matches(match if case_sensitive else f"{match}i", text)
    test = _TEXT_TESTS.get(operator)
    if test is None:
        known = ", ".join([*_TEXT_TESTS, "regex"])
        raise NodeError(f"Unknown operator: {operator}.", code="unknown_operator", hint=f"Use one of {known}.")
    return bool(test(text, match) if case_sensitive else test(lower(text), lower(match)))


@processor(
    "if_else",
    label="If/Else",
    category="logic",
    description="Compares a text and follows the branch True or False.",
    parameters=[
        param("data", connectable=True, title="Text"),
        param("matchText", "string", configurable=True, default="", title="Match text"),
        param("operator", "string", configurable=True, default="equals", enum=[*_TEXT_TESTS, "regex"]),
        param("caseSensitive", "boolean", configurable=True, default=False, title="Case sensitive"),
        param("branches", _BRANCH_LIST, configurable=True, default=_TRUE_FALSE, format="hidden"),
    ],
    outputs=[_ACTIVE],
    **_GATEWAY,
)
def if_else(params: Params, context: NodeContext) -> Outputs:
    """Follow True or False; a delivered null compares as the empty text, a missing ``data`` is an error (measured)."""
    data = params["data"]
    if data is None and "data" not in context.inputs:
        raise NodeError("Nothing is delivered to the port 'data'.", code="missing_parameter")
    if not isinstance(data, str | None):
        raise type_error("The port 'data'", "string", data)
    result = text_condition(
        data or "", params["operator"] or "equals", params["matchText"] or "", case_sensitive=bool(params["caseSensitive"])
    )
    return _decided(choose_branch(result, params["branches"], _TRUE_FALSE), data, context)


@processor(
    "boolean_gateway",
    label="Boolean Gateway",
    category="logic",
    description="Follows the branch True or False.",
    parameters=[
        param("value", connectable=True),
        param("branches", _BRANCH_LIST, configurable=True, default=_TRUE_FALSE, format="hidden"),
    ],
    outputs=[_ACTIVE],
    **_GATEWAY,
)
def boolean_gateway(params: Params, context: NodeContext) -> Outputs:
    """Follow the branch of the value's PHP truth: the text ``false`` is true, ``"0"`` and ``[]`` are false (measured)."""
    active = choose_branch(truthy(params["value"]), params["branches"], _TRUE_FALSE)
    return _decided(active, params["value"], context)


@processor(
    "a_or_b",
    label="A/B",
    category="logic",
    description="Follows one of two branches at random.",
    parameters=[
        param("data", connectable=True, description="Not read; an edge here orders the node."),
        param("weight_a", "number", configurable=True, default=50.0, minimum=0),
        param("weight_b", "number", configurable=True, default=50.0, minimum=0),
        param("branches", _BRANCH_LIST, configurable=True, default=_A_B, format="hidden"),
    ],
    outputs=[_ACTIVE],
    pure=False,
    **_GATEWAY,
)
def a_or_b(params: Params, context: NodeContext) -> Outputs:
    """Draw ``weight_a : weight_b``; two weights of zero draw fairly."""
    weight_a, weight_b = (50.0 if params[name] is None else float(params[name]) for name in ("weight_a", "weight_b"))
    if weight_a + weight_b <= 0:
        weight_a = weight_b = 50.0
    drawn = "a" if context.world.rng.random() * (weight_a + weight_b) < weight_a else "b"
    return _decided(choose_branch(drawn, params["branches"], _A_B), None, context)


@processor(
    "switch_gateway",
    label="Switch Gateway",
    category="logic",
    description="Follows the branch whose value is the given value.",
    parameters=[
        param("expression", connectable=True),
        param("branches", _BRANCH_LIST, configurable=True, default=[{"name": "Default", "value": "default"}]),
        param("default_branch", "string", configurable=True, default="default"),
    ],
    outputs=[_ACTIVE],
    **_GATEWAY,
)
def switch_gateway(params: Params, context: NodeContext) -> Outputs:
    """Follow the first branch of the same type and value; else the default branch, else fail (LANG-27)."""
    value = params["expression"]
    branches = [item for item in params["branches"] or [] if isinstance(item, dict) and _named(item)]
    for branch in branches:
        if "value" in branch and strict_equals(value, branch["value"]):
            return _decided(branch["name"], value, context)
    return _decided(default_branch(params["default_branch"], branches, value), value, context)


def _named(branch: dict[str, Any]) -> bool:
    return isinstance(branch.get("name"), str) and bool(branch["name"].strip())


@processor(
    "gateway",
    label="Gateway",
    category="control",
    description="Follows every branch whose condition equals the value (first generation).",
    parameters=[
        param("value", connectable=True),
        param("branches", configurable=True, default=[], format="hidden"),
        param("defaultBranch", configurable=True, default=""),
        param("description", "string", configurable=True, default=""),
    ],
    outputs=[_ACTIVE],
    **_GATEWAY,
)
def gateway(params: Params, context: NodeContext) -> Outputs:
    """Follow the branches whose ``condition.value`` equals the value as text (measured), or whose ``value`` does (BR-4)."""
    value = params["value"]
    branches = [] if params["branches"] is None else require("array", params["branches"], "The list of branches")
    default = require("string", params["defaultBranch"] or "", "The default branch")
    entries = [
        require("array", branch, "A branch") for branch in (branches if isinstance(branches, list) else branches.values())
    ]
    active = [_name(branch) for branch in entries if _gateway_matches(value, branch)]
    if not active and truthy(default):
        active = [default] if not entries else [default_branch(default, [b for b in entries if isinstance(b, dict)], value)]
    if not active and entries:
        raise NodeError("No branch matches the value, and there is no default branch.", code="no_branch")
    return _decided(active, value, context)


def _name(branch: Any) -> Any:
    return branch.get("name") if isinstance(branch, dict) else None


def _gateway_matches(value: Any, branch: Any) -> bool:
    if isinstance(branch, dict) and "value" in branch and "condition" not in branch:
        return choose_branch(value, [{**branch, "name": "match"}], [], missing="") == "match"
    condition = branch.get("condition") if isinstance(branch, dict) else None
    wanted = condition.get("value") if isinstance(condition, dict) else None
    return to_string(value) == to_string(wanted)
