"""Text in, text out, chat turns, splitting."""

from __future__ import annotations

import re
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.jsons import json_encode
from flowdrop_provider.nodes._php.texts import byte_length, cut, explode, split_bytes
from flowdrop_provider.nodes._php.values import compare, require, to_string, truthy
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["chat_input", "chat_output", "split_text", "text_input", "text_output"]

_SHAPES: dict[str, Any] = {"visual_type": "simple", "supported_visual_types": ("simple", "square", "default")}
_SENTENCE_END = re.compile(r"[.!?]+")
_BLANK_LINE = re.compile(r"\n\s*\n", re.ASCII)


@processor(
    "text_input",
    label="Text Input",
    category="inputs",
    description="A text: the one delivered to its port, or the one the author wrote.",
    parameters=[
        param("data", connectable=True),
        param("defaultValue", configurable=True, default="", title="Default text"),
        param("placeholder", configurable=True, default="Enter text..."),
    ],
    outputs=[output("text", "string")],
    **_SHAPES,
)
def text_input(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return ``data``, or the author's text when it is null or not wired; anything but a text is an error (measured)."""
    chosen = next((params[name] for name in ("data", "defaultValue") if params[name] is not None), "")
    return {"text": require("string", chosen, "The text")}


@processor(
    "text_output",
    label="Text Output",
    category="output",
    description="Shows a text, cut to a length.",
    parameters=[
        param("text", connectable=True),
        param("maxLength", configurable=True, default=1000, description="Bytes; a longer text gets an ellipsis."),
        param("format", configurable=True, default="plain"),
    ],
    outputs=[output("output", "string"), output("length", "integer")],
    terminal=True,
    **_SHAPES,
)
def text_output(params: Params, context: NodeContext) -> Outputs:
    """Return the text, or when it is empty (also ``"0"``) whatever input came first; lists print as JSON (measured)."""
    value = params["text"]
    if not truthy(value):
        value = next(iter(context.inputs.values()), "")
    text = (json_encode(value) or "") if isinstance(value, (list, dict)) else to_string(value)
    limit = 1000 if params["maxLength"] is None else params["maxLength"]
    if compare(byte_length(text), limit) > 0:
        text = cut(text, require("int", limit, "The maximum length")) + "..."
    return {"output": text, "length": byte_length(text)}


@processor(
    "chat_input",
    label="Chat Input",
    category="inputs",
    description="The turn a chat session hands to the workflow.",
    parameters=[param(name, connectable=True) for name in ("message", "history", "sessionId", "messageId")],
    outputs=[output(name) for name in ("message", "history", "sessionId", "messageId")],
    start=True,
    **_SHAPES,
)
def chat_input(params: Params, context: NodeContext) -> Outputs:
    """Return the turn: what the ports got, else what the run was started with."""
    names = ("message", "history", "sessionId", "messageId")
    return {name: context.initial_data.get(name) if params[name] is None else params[name] for name in names}


@processor(
    "chat_output",
    label="Chat Output",
    category="output",
    description="The message a chat session answers with.",
    parameters=[
        param("message", "string", configurable=True, connectable=True, default=""),
        param("format", configurable=True, default="text"),
        param("showTimestamp", configurable=True, default=False),
    ],
    outputs=[output("message", "string"), output("format", "string"), output("timestamp", ["integer", "null"])],
    terminal=True,
    visual_type="default",
    supported_visual_types=("default", "simple", "square"),
)
def chat_output(params: Params, context: NodeContext) -> Outputs:
    """Return the message, its format and, when asked for, the moment in Unix seconds (measured)."""
    return {
        "message": require("string", "" if params["message"] is None else params["message"], "The message"),
        "format": "text" if params["format"] is None else params["format"],
        "timestamp": int(context.world.now().timestamp()) if truthy(params["showTimestamp"]) else None,
    }


def _batches(parts: list[str], size: int) -> list[list[str]]:
    if size < 1:
        raise NodeError("The chunk size must be greater than 0.", code="invalid_parameter")
    return [parts[start : start + size] for start in range(0, len(parts), size)]


def _split(method: str, text: str, size: int, separator: str) -> list[str]:
    if method == "words":
        return [separator.join(batch) for batch in _batches(explode(separator, text), size)]
    if method == "characters":
        _batches([], size)
        return split_bytes(text, size)
    if method == "sentences":
        parts = [part for part in _SENTENCE_END.split(text) if part]
        return [". ".join(batch) + "." for batch in _batches(parts, size)]
    if method == "paragraphs":
        parts = [part for part in _BLANK_LINE.split(text) if part]
        return ["\n\n".join(batch) for batch in _batches(parts, size)]
    return []


@processor(
    "split_text",
    label="Split Text",
    category="processing",
    description="Splits a text into chunks of words, bytes, sentences or paragraphs.",
    parameters=[
        param("text", "string", connectable=True),
        param("method", "string", configurable=True, default="words"),
        param("chunkSize", configurable=True, default=100),
        param("separator", "string", configurable=True, default=" "),
    ],
    outputs=[
        output("chunks", "array"),
        output("method", "string"),
        output("chunk_size", "integer"),
        output("total_chunks", "integer"),
    ],
)
def split_text(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the chunks; an unknown method gives none, a size below 1 or an empty separator is an error (measured)."""
    method = "words" if params["method"] is None else params["method"]
    size = 100 if params["chunkSize"] is None else params["chunkSize"]
    separator = " " if params["separator"] is None else params["separator"]
    text = require("string", "" if params["text"] is None else params["text"], "The text")
    chunks = _split(method, text, require("int", size, "The chunk size"), separator)
    return {"chunks": chunks, "method": method, "chunk_size": size, "total_chunks": len(chunks)}
