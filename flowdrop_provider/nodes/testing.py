"""The three nodes of FlowDrop's own test module: start, transform, log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowdrop_provider.nodes._php.texts import lower, upper
from flowdrop_provider.nodes._php.values import to_string
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["log_node_processor", "start_node_processor", "transform_node_processor"]

_MODULE = "flowdrop_node_test"
_BLANK = " \t\n\r\0\x0b"
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def _capitalise(text: str) -> str:
    """Return ``ucwords``: the first ASCII letter after white space is upper-cased."""
    previous = [" ", *text[:-1]]
    return "".join(upper(new) if old in " \t\r\n\f\v" else new for old, new in zip(previous, text, strict=True))


def _count_words(text: str) -> str:
    """Return ``str_word_count`` as text: words are ASCII letters with ``'`` and ``-`` inside."""
    letters = "".join(c if c.isascii() and (c.isalpha() or c in "'-") else " " for c in text)
    return str(len([word for word in letters.split() if word.strip("'-")]))


_TRANSFORMATIONS: dict[str, Callable[[str], str]] = {
    "uppercase": upper,
    "lowercase": lower,
    "reverse": lambda text: text[::-1],
    "count_words": _count_words,
    "capitalize": _capitalise,
    "trim": lambda text: text.strip(_BLANK),
}


def _text(value: Any, default: str = "") -> str:
    return to_string(default if value is None else value)


@processor(
    "start_node_processor",
    type_id="test_start",
    label="Test : Start",
    category="testing",
    description="Emits a message.",
    parameters=[
        param("data", connectable=True),
        param("message", configurable=True, default="Hello from Start Node!"),
    ],
    outputs=[output("data"), output("timestamp", "integer"), output("source", "string")],
    module=_MODULE,
    pure=False,
)
def start_node_processor(params: Params, context: NodeContext) -> Outputs:
    """Return the message, the moment in Unix seconds and the node's name."""
    moment = int(context.world.now().timestamp())
    return {"data": params["message"], "timestamp": moment, "source": "start_node_processor"}


@processor(
    "transform_node_processor",
    type_id="test_transform",
    label="Test : Transform",
    category="testing",
    description="Transforms a text.",
    parameters=[
        param("data", connectable=True),
        param("transformation_type", configurable=True, default="uppercase"),
        param("prefix", configurable=True, default=""),
        param("suffix", configurable=True, default=""),
    ],
    outputs=[
        output("transformed_data", "string"),
        output("original_data"),
        output("transformation_applied", "string"),
        output("timestamp", "integer"),
    ],
    module=_MODULE,
    pure=False,
)
def transform_node_processor(params: Params, context: NodeContext) -> Outputs:
    """Return prefix, transformed text and suffix joined; an unknown transformation leaves the text as it is."""
    kind = _text(params["transformation_type"])
    text = _TRANSFORMATIONS.get(kind, str)(_text(params["data"]))
    return {
        "transformed_data": f"{_text(params['prefix'])}{text}{_text(params['suffix'])}",
        "original_data": params["data"],
        "transformation_applied": kind,
        "timestamp": int(context.world.now().timestamp()),
    }


@processor(
    "log_node_processor",
    type_id="test_logger",
    label="Test : Logger",
    category="testing",
    description="Writes its input to the log.",
    parameters=[
        param("data", connectable=True),
        param("log_level", configurable=True, default="info"),
        param("include_timestamp", configurable=True, default=True),
    ],
    outputs=[output("data"), output("logged", "boolean"), output("log_level", "string"), output("timestamp", "integer")],
    module=_MODULE,
    pure=False,
)
def log_node_processor(params: Params, context: NodeContext) -> Outputs:
    """Log the data and hand it on."""
    level = _text(params["log_level"], "info")
    context.world.log.log(_LEVELS.get(level, 20), "%s", params["data"])
    moment = int(context.world.now().timestamp())
    return {"data": params["data"], "logged": True, "log_level": level, "timestamp": moment}
