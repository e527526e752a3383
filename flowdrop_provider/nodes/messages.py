"""Conversations: assembling, normalizing, and turning text into messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.nodes._evaluation import dynamic_values
from flowdrop_provider.nodes._messages import call_id, coerced, content_text, declared_calls, interrupted_result
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["conversation_normalize", "message_assemble", "text_to_message"]

_ROLES = ("user", "assistant", "system", "tool")


@processor(
    "message_assemble",
    label="Assemble Messages",
    category="processing",
    description="Joins several message inputs into one list, in the order of the ports.",
    parameters=[param("dynamicInputs", configurable=True, default=[], title="Inputs")],
    outputs=[output("messages", "array")],
    tool_exposed=True,
)
def message_assemble(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return all messages in declared input order; an input without a value adds nothing (MEM-4)."""
    messages: list[Any] = []
    for value in dynamic_values(params).values():
        if isinstance(value, list):
            messages.extend(value)
        elif value is not None:
            messages.append(value)
    return {"messages": messages}


@processor(
    "conversation_normalize",
    label="Normalize Conversation",
    category="processing",
    description="Makes a message list fit for a model: flat messages, paired tool results, system messages first.",
    parameters=[param("messages", connectable=True, default=[])],
    outputs=[output("messages", "array"), output("dropped", "integer", exposed=False)],
    tool_exposed=True,
)
def conversation_normalize(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the normalized list and how many entries pairing dropped (MEM-5).

    Order: flat shape, system messages to the front, tool pairing. Pairing keeps a result only behind its own call, so no
    list can start with one and a second pass changes nothing.
    """
    entries = params["messages"] if isinstance(params["messages"], list) else []
    flat = [message for message in map(coerced, entries) if message is not None]
    system = [message for message in flat if message["role"] == "system"]
    dialogue = [message for message in flat if message["role"] != "system"]
    pairing = _Pairing(_results(dialogue))
    paired = [kept for message in dialogue for kept in pairing.turn(message)]
    results = sum(message["role"] == "tool" for message in dialogue)
    return {"messages": system + paired, "dropped": pairing.dropped + results - pairing.placed}


def _results(messages: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the tool results by call id, those only that come after their call."""
    declared: set[str] = set()
    results: dict[str, list[dict[str, Any]]] = {}
    for message in messages:
        declared.update(identity for call in declared_calls(message) if (identity := call_id(call)))
        identity = message.get("tool_call_id")
        if message["role"] == "tool" and isinstance(identity, str) and identity in declared:
            results.setdefault(identity, []).append(message)
    return results


@dataclass(slots=True)
class _Pairing:
    """The repair pass: each call once, each with exactly one result right behind its turn."""

    results: Mapping[str, list[dict[str, Any]]]
    dropped: int = 0
    placed: int = 0
    seen: set[str] = field(default_factory=set)

    def turn(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        calls = declared_calls(message)
        if message["role"] == "tool":
            return []
        if not calls:
            return [message]
        fresh = [call for call in calls if self.is_fresh(call)]
        self.dropped += len(calls) - len(fresh)
        rest = {key: value for key, value in message.items() if key != "tool_calls"}
        turn = {**rest, "tool_calls": fresh} if fresh else rest
        if not fresh and not message["content"]:
            return []
        return [turn, *(self.result(identity) for call in fresh if (identity := call_id(call)))]

    def is_fresh(self, call: Any) -> bool:
        identity = call_id(call)
        if identity is None or identity in self.seen:
            return False
        self.seen.add(identity)
        return True

    def result(self, identity: str) -> dict[str, Any]:
        found = self.results.get(identity)
        if not found:
            return interrupted_result(identity)
        self.placed += 1
        return found[0]


@processor(
    "text_to_message",
    label="Text to Message",
    category="processing",
    description="Makes a chat message of a text and a role.",
    parameters=[
        param("text", configurable=True, connectable=True, title="Text"),
        param("role", configurable=True, connectable=True, default="user", title="Role", description=", ".join(_ROLES)),
        param("tool_call_id", configurable=True, connectable=True, title="Tool call id"),
    ],
    outputs=[output("messages", "array"), output("message", "object")],
    tool_exposed=True,
)
def text_to_message(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return one message, as a list and as an object; empty content gives an empty list and object (MEM-16).

    A role outside the known four is ``user``; only a ``tool`` message carries a call id, and only one that is not blank.
    """
    content = content_text(params["text"])
    if not content:
        return {"messages": [], "message": {}}
    role = params["role"] if params["role"] in _ROLES else "user"
    message: dict[str, Any] = {"role": role, "content": content}
    identity = params["tool_call_id"]
    if role == "tool" and isinstance(identity, str) and identity.strip():
        message["tool_call_id"] = identity.strip()
    return {"messages": [message], "message": dict(message)}
