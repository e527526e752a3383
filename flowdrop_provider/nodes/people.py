"""Questions to people: the node asks on its first execution and gives the answer when it is resumed (ERR-4, INT-1, INT-4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._answers import answered, checked, invalid
from flowdrop_provider.nodes._branches import choose_branch
from flowdrop_provider.nodes._messages import call_id
from flowdrop_provider.nodes._php.jsons import json_decode
from flowdrop_provider.nodes._php.values import to_string
from flowdrop_provider.nodes.api import Interrupt, NodeContext, Outputs, Params, output, param, processor

__all__ = ["choice_input", "confirmation", "decline_synthesize", "form_input", "text_input_interrupt"]

_TRUE_FALSE = [{"name": "True", "value": True}, {"name": "False", "value": False}]
_MESSAGE = param("message", configurable=True, connectable=True, required=True, title="Message", format="multiline")
_ANSWERED = [output("response_time", ["number", "null"]), output("user_id")]
_ASKS: dict[str, Any] = {"category": "human_in_loop", "module": "flowdrop_interrupt", "runs": "person"}
_DECLINED = "The user declined this tool call."


@processor(
    "confirmation",
    label="Confirmation",
    description="Asks a person yes or no.",
    parameters=[
        _MESSAGE,
        param("confirm_label", configurable=True, title="Label of yes"),
        param("cancel_label", configurable=True, title="Label of no"),
        param("branches", ["array", "object"], configurable=True, default=_TRUE_FALSE, format="hidden"),
    ],
    outputs=[output("confirmed", "boolean"), *_ANSWERED, output("active_branches", always_hidden=True)],
    supported_visual_types=("default", "simple", "gateway"),
    **_ASKS,
)
def confirmation(params: Params, context: NodeContext) -> Outputs:
    """Return ``confirmed`` and follow the branch of its value; an answer other than true or false is ``invalid_answer``."""
    schema = {"type": "boolean"}
    if context.resume is None:
        labels = ((True, params["confirm_label"] or "Yes"), (False, params["cancel_label"] or "No"))
        options = [{"value": value, "label": to_string(label)} for value, label in labels]
        raise Interrupt("confirmation", to_string(params["message"]), schema=schema, options=options)
    confirmed = checked(context.resume.get("value"), schema)
    active = choose_branch(confirmed, params["branches"], _TRUE_FALSE)
    return {"confirmed": confirmed, **answered(context.resume), "active_branches": active}


def _options(given: Any) -> list[dict[str, Any]]:
    """Return the choices as ``{value, label, description?}``; a bare value is its own label.

    :raises NodeError: ``invalid_options`` when there is none to choose from.
    """
    entries = list(given.values()) if isinstance(given, Mapping) else given if isinstance(given, list) else []
    options = [entry if isinstance(entry, Mapping) else {"value": entry} for entry in entries]
    found = [
        {**option, "value": option["value"], "label": to_string(option.get("label") or option["value"])}
        for option in options
        if isinstance(option.get("value"), str | int | float)
    ]
    if not found:
        raise NodeError("There is nothing to choose from.", code="invalid_options", hint="Give a list of {value, label}.")
    return found


def _choice_schema(params: Params, options: list[dict[str, Any]]) -> dict[str, Any]:
    one: dict[str, Any] = {"enum": [option["value"] for option in options]}
    if not params["multiple"]:
        return one
    bounds = {"minItems": params["min_selections"], "maxItems": params["max_selections"]}
    limits = {name: bound for name, bound in bounds.items() if bound}
    return {"type": "array", "items": one, "uniqueItems": True, **limits}


@processor(
    "choice_input",
    label="Choice Input",
    description="Asks a person to choose from options.",
    parameters=[
        _MESSAGE,
        param("options", configurable=True, connectable=True, required=True, title="Options"),
        param("multiple", "boolean", configurable=True, default=False, title="Several"),
        param("min_selections", "integer", configurable=True, minimum=0),
        param("max_selections", "integer", configurable=True, minimum=0),
    ],
    outputs=[output("selected"), output("selection_count", "integer"), *_ANSWERED],
    supported_visual_types=("default", "simple"),
    **_ASKS,
)
def choice_input(params: Params, context: NodeContext) -> Outputs:
    """Return ``selected``, one value or with ``multiple`` a list; anything not offered is ``invalid_answer``."""
    options = _options(params["options"])
    schema = _choice_schema(params, options)
    if context.resume is None:
        raise Interrupt("choice", to_string(params["message"]), schema=schema, options=options)
    selected = checked(context.resume.get("value"), schema)
    return {"selected": selected, "selection_count": len(selected) if params["multiple"] else 1, **answered(context.resume)}


@processor(
    "text_input_interrupt",
    label="Text Input (Interrupt)",
    description="Asks a person for a text.",
    parameters=[
        _MESSAGE,
        param("default_value", configurable=True, connectable=True, title="Default text"),
        param("placeholder", configurable=True),
        param("multiline", "boolean", configurable=True, default=False),
        param("min_length", "integer", configurable=True, minimum=0, description="Characters."),
        param("max_length", "integer", configurable=True, minimum=0, description="Characters."),
    ],
    outputs=[output("text", "string"), output("length", "integer"), *_ANSWERED],
    supported_visual_types=("default", "simple"),
    **_ASKS,
)
def text_input_interrupt(params: Params, context: NodeContext) -> Outputs:
    """Return the text and its length in characters; too short or too long is ``invalid_answer``."""
    bounds = {"minLength": params["min_length"], "maxLength": params["max_length"]}
    schema = {"type": "string", **{name: bound for name, bound in bounds.items() if bound}}
    if context.resume is None:
        shown = {"placeholder": params["placeholder"], "multiline": bool(params["multiline"])}
        raise Interrupt("text", to_string(params["message"]), schema=schema, default=params["default_value"], context=shown)
    text = checked(context.resume.get("value"), schema)
    return {"text": text, "length": len(text), **answered(context.resume)}


@processor(
    "form_input",
    label="Form Input",
    description="Asks a person to fill a form.",
    parameters=[
        _MESSAGE,
        param("schema", configurable=True, connectable=True, required=True, title="JSON Schema of the form"),
        param("default_values", configurable=True, connectable=True),
    ],
    outputs=[output("data", "object"), *_ANSWERED],
    **_ASKS,
)
def form_input(params: Params, context: NodeContext) -> Outputs:
    """Return the form's data; data that breaks the form's schema is ``invalid_answer``."""
    schema = json_decode(params["schema"]) if isinstance(params["schema"], str) else params["schema"]
    if not isinstance(schema, Mapping):
        raise NodeError("The form needs a JSON Schema.", code="invalid_schema")
    if context.resume is None:
        default = params["default_values"] if isinstance(params["default_values"], Mapping) else None
        raise Interrupt("form", to_string(params["message"]), schema=schema, default=default)
    data = checked(context.resume.get("value"), schema)
    if not isinstance(data, Mapping):
        raise invalid("The answer is no form data.")
    return {"data": dict(data), **answered(context.resume)}


@processor(
    "decline_synthesize",
    label="Decline Synthesize",
    category="human_in_loop",
    description="Answers each declined tool call with a refusal, so that the conversation stays paired.",
    module="flowdrop_interrupt",
    parameters=[
        param("tool_calls", configurable=True, connectable=True, title="Tool calls"),
        param("decline_message", configurable=True, connectable=True, exposed=False, title="Refusal"),
    ],
    outputs=[output("messages", "array"), output("synthesized_any", "boolean")],
    supported_visual_types=("default", "simple"),
)
def decline_synthesize(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return one ``tool`` message per call that has an id; what is no call, or has no id, is left out."""
    calls = params["tool_calls"] if isinstance(params["tool_calls"], list) else []
    content = params["decline_message"] if isinstance(params["decline_message"], str) else ""
    identities = [identity for call in calls if (identity := call_id(call))]
    messages = [{"role": "tool", "tool_call_id": identity, "content": content or _DECLINED} for identity in identities]
    return {"messages": messages, "synthesized_any": bool(messages)}
