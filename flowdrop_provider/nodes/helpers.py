"""Messages for the people who run a workflow: the log, and Drupal's message area."""

from __future__ import annotations

import logging
from typing import Any

from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["logger", "messenger"]

#: Drupal's levels (RFC 5424) as Python's.
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "alert": logging.CRITICAL,
    "emergency": logging.CRITICAL,
}
_TYPES = {"status": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_SHAPES: dict[str, Any] = {"supported_visual_types": ("default", "simple", "square"), "confirmation": {"policy": "skip"}}
_MAX_LOGGED = 10_000


@processor(
    "logger",
    label="Logger",
    category="helpers",
    description="Writes a message to the task's log.",
    parameters=[
        param("message", connectable=True),
        param("level", configurable=True, default="debug", enum=tuple(_LEVELS), title="Level"),
        param("channel", "string", configurable=True, default="flowdrop", title="Channel"),
    ],
    outputs=[output("message"), output("level", "string"), output("channel", "string"), output("logged", "boolean")],
    pure=False,
    **_SHAPES,
)
def logger(params: Params, context: NodeContext) -> Outputs:
    """Log the message and hand it on; ``logged`` is true."""
    level, channel = params["level"] or "debug", params["channel"] or "flowdrop"
    context.world.log.log(_LEVELS[level], "[%s] %s", channel, _shown(params["message"]))
    return {"message": params["message"], "level": level, "channel": channel, "logged": True}


def _shown(message: Any) -> str:
    # One line a record: a message must not be able to forge further log lines.
    return str(message)[:_MAX_LOGGED].replace("\r", "\\r").replace("\n", "\\n")


@processor(
    "messenger",
    label="Messenger",
    category="helpers",
    description="Shows a message in Drupal; elsewhere the task's log is where people look.",
    parameters=[
        param("message", connectable=True),
        param("type", configurable=True, default="status", enum=tuple(_TYPES), title="Type"),
    ],
    outputs=[output("message"), output("type", "string"), output("displayed", "boolean")],
    pure=False,
    **_SHAPES,
)
def messenger(params: Params, context: NodeContext) -> Outputs:
    """Log the message and hand it on; ``displayed`` is false, since nobody looks at a page while this runs."""
    kind = params["type"] or "status"
    context.world.log.log(_TYPES[kind], "%s", _shown(params["message"]))
    return {"message": params["message"], "type": kind, "displayed": False}
