"""Texts to data and data to texts: JSON, CSV, XML, YAML, key=value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.arrays import Key, entries, keys, normal_key, to_json, values
from flowdrop_provider.nodes._php.csvs import format_row, parse_row
from flowdrop_provider.nodes._php.jsons import json_decode, json_encode
from flowdrop_provider.nodes._php.texts import byte_length
from flowdrop_provider.nodes._php.values import compare, gettype, require, to_string, truthy
from flowdrop_provider.nodes._php.xmls import parse_xml, to_xml
from flowdrop_provider.nodes._php.yamls import emit_yaml, parse_yaml
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.data_operations import field_of

__all__ = ["message_to_data", "structured_output"]

_BLANK = " \t\n\r\0\x0b"


def _parse_json(text: str) -> Any:
    value = json_decode(text)
    return value if truthy(value) else []


def _parse_csv(text: str) -> Any:
    """Return the rows that have as many cells as the header; a cell never spans lines (measured)."""
    header, *rows = (parse_row(line) for line in text.strip(_BLANK).split("\n"))
    names = [normal_key("" if name is None else name) for name in header]
    return [to_json(dict(zip(names, row, strict=True))) for row in rows if len(row) == len(names)]


def _parse_yaml(text: str) -> Any:
    value = parse_yaml(text)
    return require("array", value if truthy(value) else [], "The YAML document")


def _parse_pairs(text: str) -> Any:
    found: dict[Key, str] = {}
    for line in text.split("\n"):
        name, sign, value = line.strip(_BLANK).partition("=")
        if sign:
            found[normal_key(name.strip(_BLANK))] = value.strip(_BLANK)
    return to_json(found)


_PARSERS: dict[str, Callable[[str], Any]] = {
    "json": _parse_json,
    "csv": _parse_csv,
    "xml": parse_xml,
    "yaml": _parse_yaml,
    "key_value": _parse_pairs,
}


@processor(
    "message_to_data",
    label="Message to Data",
    category="processing",
    description="Reads data out of a text: JSON, CSV, XML, YAML or key=value lines.",
    parameters=[
        param("message", connectable=True),
        param("format", configurable=True, default="json"),
        param("extractFields", configurable=True, default=[], description="Keep only these top-level fields."),
    ],
    outputs=[
        output("data", ["array", "object"]),
        output("format", "string"),
        output("extracted_fields", "array"),
        output("original_message", "string"),
    ],
)
def message_to_data(params: Params, context: NodeContext) -> Outputs:
    """Return the data; a text that does not parse gives an empty list, one that is a single value an error (measured).

    Without a YAML reader (see ``World.yaml``) YAML gives an empty list (measured).
    """
    kind = "json" if params["format"] is None else require("string", params["format"], "The format")
    message = params["message"] if truthy(params["message"]) else ""
    parser = None if kind == "yaml" and not context.world.yaml else _PARSERS.get(kind)
    data = parser(require("string", message, "The message")) if parser else []
    wanted = [] if params["extractFields"] is None else params["extractFields"]
    if truthy(wanted):
        names = values(wanted) if isinstance(wanted, (list, dict)) else []
        data = to_json(_kept(data, names))
    require("array", data, "The data in the message")
    return {"data": data, "format": kind, "extracted_fields": wanted, "original_message": message}


def _kept(data: Any, names: list[Any]) -> list[tuple[Key, Any]]:
    keyed = [(normal_key(name), name) for name in names if isinstance(name, (str, int)) and not isinstance(name, bool)]
    return [(key, found) for key, name in keyed if (found := field_of(data, name)) is not None]


def _to_csv(data: Any) -> str:
    """Return records with a header line, or one flat record; nothing for nothing (measured)."""
    if not data:
        return ""
    first = field_of(data, 0)
    if not isinstance(first, (list, dict)):
        return format_row(keys(data)) + format_row(values(data))
    lines = [format_row(keys(first))]
    lines += [format_row(values(require("array", row, "A row of the data"))) for row in values(data)]
    return "".join(lines)


def _to_pretty_json(data: Any) -> str | bool:
    text = json_encode(data, pretty=True)
    return False if text is None else text


_WRITERS: dict[str, Callable[[Any], Any]] = {"json": _to_pretty_json, "xml": to_xml, "yaml": emit_yaml, "csv": _to_csv}


def _violations(data: Any, schema: Any) -> list[str]:
    """Return what breaks the field rules ``required, type, min_length, max_length`` (this is no JSON Schema)."""
    found: list[str] = []
    for field, rules in entries(require("array", schema, "The schema")):
        rule = dict(entries(rules))
        value = field_of(data, field)
        if truthy(rule.get("required")) and value is None:
            found.append(f"Required field '{field}' is missing")
        if value is not None:
            found += _broken_rules(field, value, rule)
    return found


def _broken_rules(field: Key, value: Any, rule: dict[Any, Any]) -> list[str]:
    found: list[str] = []
    wanted = rule.get("type")
    if wanted is not None and gettype(value) != wanted:
        found.append(f"Field '{field}' should be {to_string(wanted)}, got {gettype(value)}")
    if not isinstance(value, str):
        return found
    for name, sign, word, kind in (("min_length", -1, "short", "minimum"), ("max_length", 1, "long", "maximum")):
        limit = rule.get(name)
        if limit is not None and compare(byte_length(value), limit) == sign:
            found.append(f"Field '{field}' is too {word} ({kind} {to_string(limit)} characters)")
    return found


@processor(
    "structured_output",
    label="Structured Output",
    category="output",
    description="Writes data as JSON, XML, YAML or CSV, and checks its fields.",
    parameters=[
        param("data", connectable=True),
        param("format", "string", configurable=True, default="json"),
        param("schema", configurable=True, default=[]),
        param("validate", configurable=True, default=True),
    ],
    outputs=[
        output("output", "string"),
        output("data", ["array", "object"]),
        output("format", "string"),
        output("validation_errors", "array"),
        output("is_valid", "boolean"),
    ],
)
def structured_output(params: Params, context: NodeContext) -> Outputs:
    """Return the text and what the fields break; breaking a rule is no error, an unknown format gives "" (measured)."""
    kind = "json" if params["format"] is None else params["format"]
    data = require("array", params["data"] if truthy(params["data"]) else [], "The port 'data'")
    validate = True if params["validate"] is None else truthy(params["validate"])
    errors = _violations(data, params["schema"]) if validate and truthy(params["schema"]) else []
    try:
        writer = _WRITERS["json" if kind == "yaml" and not context.world.yaml else kind] if kind in _WRITERS else None
        text = writer(data) if writer else ""
    except RecursionError:
        raise NodeError("The data is nested too deeply.", code="too_deep") from None
    return {"output": text, "data": data, "format": kind, "validation_errors": errors, "is_valid": not errors}
