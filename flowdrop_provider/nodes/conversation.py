"""The conversation buffer: a message list in memory that many runs append to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._conversation import append_messages
from flowdrop_provider.nodes._messages import content_text
from flowdrop_provider.nodes._php.jsons import json_encode
from flowdrop_provider.nodes._scopes import SCOPES, place_of
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.memory_store import MISSING, MemoryStore, Place, memory_of

__all__ = ["conversation_buffer"]

_OPERATIONS = ("add", "clear", "get", "truncate")
#: Settings that only a first-generation document has; they bring that generation's outputs.
_FIRST_GENERATION = frozenset({"operation", "maxMessages", "includeMetadata", "format"})
_BACKENDS = ("static", "cached", "entity")


@processor(
    "conversation_buffer",
    label="Conversation Buffer",
    category="memory",
    description="Appends messages to a conversation in memory and returns all of it.",
    module="flowdrop_memory",
    parameters=[
        param("message", connectable=True, title="Message", description="One message, a list of them, or a text."),
        param("content", connectable=True, title="Content"),
        param("role", configurable=True, connectable=True, title="Role"),
        param("key", configurable=True, connectable=True, default="chat_history", title="Key"),
        param("scope", "string", configurable=True, default="session", enum=SCOPES, title="Scope"),
        param("max_messages", "integer", configurable=True, default=0, minimum=0, description="0 keeps all."),
        param("backend", "string", configurable=True, default="static", description="The deployment's store serves all."),
        param("operation", "string", configurable=True, default="add", enum=_OPERATIONS),
        param("maxMessages", "integer", configurable=True, default=10, minimum=0),
        param("includeMetadata", configurable=True, default=True),
        param("format", "string", configurable=True, default="array", enum=("array", "json", "text")),
    ],
    outputs=[
        output("messages", "array"),
        output("count", "integer"),
        output("appended", "integer", exposed=False, description="Messages that became new entries."),
        output("appended_any", "boolean"),
        output("key", "string", always_hidden=True),
        output("scope", "string", always_hidden=True),
        output("resolved_scope_id", "string", always_hidden=True),
        output("buffer", description="First generation: the messages in the chosen format."),
        output("operation", "string", exposed=False),
        output("buffer_size", "integer", exposed=False),
        output("max_messages", "integer", exposed=False),
        output("include_metadata", exposed=False),
        output("format", "string", exposed=False),
    ],
    runs="store",
    side_effects=True,
    confirmation={"policy": "skip"},
)
def conversation_buffer(params: Params, context: NodeContext) -> Outputs:
    """Append, and return the whole conversation and how many messages were new (MEM-1..3, MEM-10..14).

    Without a message it only reads. A refused scope gives an empty buffer and drops the turn (MEM-7). Documents of the first
    generation, known by their settings, also get that generation's outputs and operations.
    """
    first = not _FIRST_GENERATION.isdisjoint(context.config)
    place = place_of(context, params["scope"] or "session", params["key"] if params["key"] is not None else "chat_history")
    limit = (params["maxMessages"] if first else params["max_messages"]) or 0
    operation = (params["operation"] or "add") if first else "add"
    incoming = _incoming(params) if operation == "add" else []
    messages, added = _changed(context, place, incoming, operation=operation, limit=limit) if place else ([], 0)
    outputs: Outputs = {
        "messages": messages,
        "count": len(messages),
        "appended": added,
        "appended_any": added > 0,
        "key": params["key"],
        "scope": params["scope"],
        "resolved_scope_id": place.scope_id if place else "",
    }
    return {**outputs, **_first_generation(params, operation, messages, limit)} if first else outputs


def _incoming(params: Params) -> list[Any]:
    """Return the messages to append: the structured ones, else the content under the role (``user`` by default)."""
    message, role = params["message"], params["role"] if isinstance(params["role"], str) and params["role"] else "user"
    if isinstance(message, list):
        return message
    if isinstance(message, Mapping):
        return [{"role": role, **message}] if message else []
    text = content_text(params["content"] if message is None else message)
    return [{"role": role, "content": text}] if text else []


def _changed(
    context: NodeContext, place: Place, incoming: list[Any], *, operation: str, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Read, change and write the buffer under its lock; a lock that does not come never loses the turn (MEM-12)."""
    store = memory_of(context.world)
    with store.locked(place) as held:
        if not held:
            context.world.log.warning("The conversation %s is busy; this turn is appended without its lock.", place.key)
        messages, added = append_messages(_stored(store, place), incoming)
        if operation == "clear":
            messages = []
        kept = messages[-limit:] if limit > 0 else messages
        if incoming or operation in ("clear", "truncate"):
            store.put(place, kept)
    return kept, added


def _stored(store: MemoryStore, place: Place) -> list[Any]:
    found = store.get(place)
    if found is MISSING:
        return []
    if not isinstance(found, list):
        raise NodeError(f"The memory key {place.key!r} holds no conversation.", code="not_a_conversation")
    return found


def _first_generation(params: Params, operation: str, messages: list[dict[str, Any]], limit: int) -> Outputs:
    kind = params["format"] or "array"
    texts = {"json": lambda: json_encode(messages, pretty=True) or json.dumps(messages), "text": lambda: _as_lines(messages)}
    return {
        "buffer": texts[kind]() if kind in texts else messages,
        "operation": operation,
        "buffer_size": len(messages),
        "max_messages": limit,
        "include_metadata": params["includeMetadata"],
        "format": kind,
    }


def _as_lines(messages: list[dict[str, Any]]) -> str:
    return "\n".join(f"{message['role']}: {message['content']}" for message in messages)
