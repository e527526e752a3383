"""Data to JSON text and back, the tolerant way too."""

from __future__ import annotations

import json
import re
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["data_to_json", "json_to_data"]

_FENCE = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
_OPENING = re.compile(r"[\[{]")
#: Places of a text where the tolerant mode tries to read JSON; each try may read the rest of the text.
_MAX_TRIES = 50


@processor(
    "data_to_json",
    label="Data to JSON",
    category="data",
    description="Writes data as JSON text.",
    parameters=[param("data", connectable=True)],
    outputs=[output("json", "string"), output("success", "boolean", exposed=False)],
)
def data_to_json(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the data as compact JSON text, characters and slashes as they are.

    :raises NodeError: ``not_json`` for a value JSON does not have (ERR-6).
    """
    try:
        text = json.dumps(params["data"], ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise NodeError("The data cannot be written as JSON.", code="not_json") from error
    return {"json": text, "success": True}


@processor(
    "json_to_data",
    label="JSON to Data",
    category="data",
    description="Reads JSON text; the tolerant mode also finds it in a code fence or between other text.",
    parameters=[
        param("json", connectable=True),
        param("parse_mode", configurable=True, default="strict", enum=("strict", "tolerant", "lenient"), title="Parsing"),
    ],
    outputs=[output("data"), output("success", "boolean", exposed=False), output("parse_source", "string", exposed=False)],
    supported_visual_types=("default", "simple"),
)
def json_to_data(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the data; text that holds none gives null and ``success`` false.

    ``parse_source`` tells where it was: ``raw``, ``fenced``, ``embedded``, ``data`` (it was no text) or ``none``.
    """
    text = params["json"]
    if not isinstance(text, str):
        return {"data": text, "success": text is not None, "parse_source": "none" if text is None else "data"}
    found, value, source = _parsed(text, "raw")
    if not found and params["parse_mode"] in ("tolerant", "lenient"):
        found, value, source = _searched(text)
    return {"data": value, "success": found, "parse_source": source}


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _parsed(text: str, source: str) -> tuple[bool, Any, str]:
    try:
        return True, _DECODER.decode(text.strip().removeprefix("\ufeff")), source
    except (ValueError, RecursionError):
        return False, None, "none"


def _searched(text: str) -> tuple[bool, Any, str]:
    for _, fence in zip(range(_MAX_TRIES), _FENCE.finditer(text), strict=False):
        found = _parsed(fence.group(1), "fenced")
        if found[0]:
            return found
    for _, opening in zip(range(_MAX_TRIES), _OPENING.finditer(text), strict=False):
        try:
            return True, _DECODER.raw_decode(text, opening.start())[0], "embedded"
        except (ValueError, RecursionError):
            continue
    return False, None, "none"
