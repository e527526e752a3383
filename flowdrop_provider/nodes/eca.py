"""The two ECA nodes of the first generation: an action that only logs, and a condition that gates nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flowdrop_provider.nodes._php.arrays import values
from flowdrop_provider.nodes._php.texts import lower
from flowdrop_provider.nodes._php.values import loose_equals, require, strict_equals, to_float, to_string, truthy
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.data_operations import field_of

__all__ = ["eca_action", "eca_condition"]

Facts = Mapping[str, Any]


@processor(
    "eca_action",
    label="ECA Action",
    category="eca",
    description="Names an action of the site's ECA module; it is logged, never performed.",
    parameters=[
        *(param(name, connectable=True) for name in ("data", "entity", "user", "parameters")),
        param("actionType", configurable=True, default="log_action"),
        param("actionConfig", configurable=True, default={}),
        param("ecaContext", configurable=True, default={}),
        param("description", configurable=True, default=""),
    ],
    outputs=[
        output("action_type", "string"),
        output("action_result", "object"),
        output("success", "boolean"),
        output("output"),
        output("errors", "array"),
    ],
)
def eca_action(params: Params, context: NodeContext) -> Outputs:
    """Log the action and report success, as the original does."""
    kind = to_string(params["actionType"])
    context.world.log.info("ECA action %s", kind)
    result: dict[str, Any] = {"success": True, "output": {}, "errors": []}
    return {"action_type": kind, "action_result": result, **result}


def _has_field(facts: Facts) -> bool:
    entity, name = facts.get("entity"), facts.get("field_name")
    return isinstance(entity, dict) and isinstance(name, str) and name in entity


_VALUE_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": strict_equals,
    "not_equals": lambda value, wanted: not strict_equals(value, wanted),
    "contains": lambda value, wanted: to_string(wanted) in to_string(value),
    "starts_with": lambda value, wanted: to_string(value).startswith(to_string(wanted)),
    "ends_with": lambda value, wanted: to_string(value).endswith(to_string(wanted)),
}


def _field_value(facts: Facts) -> bool:
    test = _VALUE_TESTS.get(str(facts.get("operator") or "equals"))
    value = field_of(facts.get("entity"), to_string(facts.get("field_name")))
    return test is not None and test(value, facts.get("expected_value"))


def _of(owner: str, name: str, facts: Facts) -> Any:
    return field_of(facts.get(owner), name)


def _has_role(facts: Facts) -> bool:
    roles = _of("user", "roles", facts)
    return isinstance(roles, (list, dict)) and any(strict_equals(role, facts.get("role")) for role in values(roles))


def _texts(facts: Facts, first: str, second: str) -> tuple[str, str]:
    left, right = to_string(facts.get(first)), to_string(facts.get(second))
    return (left, right) if truthy(facts.get("case_sensitive", True)) else (lower(left), lower(right))


def _string_equals(facts: Facts) -> bool:
    left, right = _texts(facts, "value1", "value2")
    return left == right


def _string_contains(facts: Facts) -> bool:
    haystack, needle = _texts(facts, "haystack", "needle")
    return needle in haystack


def _numbers(facts: Facts) -> tuple[float, float]:
    return to_float(facts.get("value1")), to_float(facts.get("value2"))


def _list_contains(facts: Facts) -> bool:
    items = facts.get("list")
    return isinstance(items, (list, dict)) and any(loose_equals(item, facts.get("item")) for item in values(items))


_CONDITIONS: dict[str, Callable[[Facts], bool]] = {
    "entity_has_field": _has_field,
    "entity_field_value": _field_value,
    "user_has_role": _has_role,
    "user_is_authenticated": lambda facts: to_float(_of("user", "uid", facts)) > 0,
    "entity_is_published": lambda facts: strict_equals(_of("entity", "status", facts), 1),
    "entity_is_new": lambda facts: not truthy(_of("entity", "id", facts)),
    "entity_has_bundle": lambda facts: strict_equals(_of("entity", "bundle", facts), facts.get("bundle")),
    "entity_has_entity_type": lambda facts: strict_equals(_of("entity", "type", facts), facts.get("entity_type")),
    "string_equals": _string_equals,
    "string_contains": _string_contains,
    "number_equals": lambda facts: _numbers(facts)[0] == _numbers(facts)[1],
    "number_greater_than": lambda facts: _numbers(facts)[0] > _numbers(facts)[1],
    "number_less_than": lambda facts: _numbers(facts)[0] < _numbers(facts)[1],
    "list_contains": _list_contains,
    "list_is_empty": lambda facts: not truthy(facts.get("list")),
    "data_is_empty": lambda facts: not truthy(facts.get("data")),
    "data_is_not_empty": lambda facts: truthy(facts.get("data")),
}


@processor(
    "eca_condition",
    label="ECA Condition",
    category="eca",
    description="Tests an entity, a user or a value the way the site's ECA module does; it gates no edge.",
    parameters=[
        *(param(name, connectable=True) for name in ("data", "entity", "user", "parameters")),
        param("conditionType", configurable=True, default="data_is_not_empty"),
        param("conditionConfig", configurable=True, default={}),
        param("ecaContext", configurable=True, default={}),
        param("defaultBranch", configurable=True, default="false"),
        param("description", configurable=True, default=""),
    ],
    outputs=[
        output("condition_evaluated", "boolean"),
        output("condition_result", "boolean"),
        output("branch_to_follow", "string"),
        output("condition_type", "string"),
        output("condition_config", "object"),
        output("eca_context", "object"),
        output("default_branch", "string"),
        output("execution_metadata", "object"),
    ],
    visual_type="conditional",
    supported_visual_types=("conditional", "default"),
)
def eca_condition(params: Params, context: NodeContext) -> Outputs:
    """Return the result; entity and user come from the context and the ports, everything else from the configuration."""
    kind = to_string(params["conditionType"])
    settings = require("array", params["conditionConfig"] or {}, "The condition's configuration")
    site: dict[str, Any] = {**_object(params["ecaContext"]), **context.inputs}
    facts: dict[str, Any] = {**_object(settings), **{name: site[name] for name in ("entity", "user") if name in site}}
    test = _CONDITIONS.get(kind)
    result = test is not None and test(facts)
    default = "false" if params["defaultBranch"] is None else params["defaultBranch"]
    moment = int(context.world.now().timestamp())
    metadata = {"timestamp": moment, "condition_type": "eca_condition", "flow_control": True, "eca_integration": True}
    return {
        "condition_evaluated": True,
        "condition_result": result,
        "branch_to_follow": "true" if result else default,
        "condition_type": kind,
        "condition_config": settings,
        "eca_context": site,
        "default_branch": default,
        "execution_metadata": metadata,
    }


def _object(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
