"""Date and time."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flowdrop_provider.nodes._php.dates import Zone, format_date, parse_zone
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["date_time"]

_DEFAULT_FORMAT = "Y-m-d H:i:s"


def _rendered(operation: str, now: dt.datetime, zone: Zone, formats: dict[str, str]) -> Any:
    if operation in ("timestamp", "unix"):
        return int(now.timestamp())
    if operation == "iso":
        return format_date(now, zone, "c")
    return format_date(now, zone, formats[operation]) if operation in formats else ""


@processor(
    "date_time",
    label="Date Time",
    category="processing",
    description="The current moment, formatted with PHP's date letters.",
    parameters=[
        param("datetime", connectable=True, description="Not read: the node always tells the current moment."),
        param("operation", "string", configurable=True, default="current"),
        param("format", "string", configurable=True, default=_DEFAULT_FORMAT),
        param("timezone", "string", configurable=True, default="UTC"),
        param("customFormat", "string", configurable=True, default=_DEFAULT_FORMAT),
    ],
    outputs=[
        output("datetime", ["string", "integer"]),
        output("timestamp", "integer"),
        output("format", "string"),
        output("timezone", "string"),
        output("operation", "string"),
        output("iso", "string"),
    ],
    pure=False,
)
def date_time(params: Params, context: NodeContext) -> Outputs:
    """Return the current moment; an unknown operation gives an empty text, an unknown time zone an error (measured)."""
    chosen = {
        "operation": "current",
        "format": _DEFAULT_FORMAT,
        "timezone": "UTC",
        "customFormat": _DEFAULT_FORMAT,
    }
    chosen |= {name: params[name] for name in chosen if params[name] is not None}
    now, zone = context.world.now(), parse_zone(chosen["timezone"])
    formats = {"current": chosen["format"], "custom": chosen["customFormat"]}
    return {
        "datetime": _rendered(chosen["operation"], now, zone, formats),
        "timestamp": int(now.timestamp()),
        "format": chosen["format"],
        "timezone": chosen["timezone"],
        "operation": chosen["operation"],
        "iso": format_date(now, zone, "c"),
    }
