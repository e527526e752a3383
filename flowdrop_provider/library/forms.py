"""What of a declared input's JSON Schema may reach Airflow.

Airflow gives a parameter's schema to ``jsonschema`` as it is: when a scheduled DAG is built, when a run is started and in every
task. That library fetches what ``$ref`` names (files and internal addresses included) and matches ``pattern`` with Python's
unbounded expressions, so an author's schema passes through here. What a launch has to fulfil is decided by the engine (MAN-16);
this is for Airflow's form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from flowdrop_provider.errors import printable

__all__ = ["ANSWER_FIELD", "FORM_TYPES", "form_schema", "form_text"]

#: Schema types that Airflow's trigger form knows; FlowDrop's own lanes become "anything".
FORM_TYPES = frozenset({"string", "integer", "number", "boolean", "array", "object", "null"})

#: What the only field of a form is called that asks a person for one value.
ANSWER_FIELD = "answer"

#: Formats that the form knows or that are checked in no time.
_FORMATS = frozenset({"date", "date-time", "time", "multiline", "email", "uuid"})
_MAX_CHOICES = 1_000
_MAX_NESTING = 3


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_choices(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= _MAX_CHOICES


def _is_display(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())


#: Keywords that pass, each with the test of its value.
_KEYWORDS: dict[str, Callable[[Any], bool]] = {
    "title": lambda value: isinstance(value, str),
    "description": lambda value: isinstance(value, str),
    "section": lambda value: isinstance(value, str),
    "format": lambda value: isinstance(value, str) and value in _FORMATS,
    "enum": _is_choices,
    "examples": _is_choices,
    "values_display": _is_display,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _is_count),
}


def form_schema(fragment: Mapping[str, Any], _level: int = 0) -> dict[str, Any]:
    """Return the harmless part of a JSON Schema: plain keywords whose values have the right type, and the known types."""
    found = {name: value for name, value in fragment.items() if name in _KEYWORDS and _KEYWORDS[name](value)}
    types = fragment.get("type")
    names = [name for name in (types if isinstance(types, list) else [types]) if isinstance(name, str) and name in FORM_TYPES]
    if names:
        found["type"] = names
    items = fragment.get("items")
    if isinstance(items, Mapping) and _level < _MAX_NESTING:
        found["items"] = form_schema(items, _level + 1)
    return found


def form_text(text: str, most: int = 250) -> str:
    """Return a name as Airflow's tables take it: one line of at most ``most`` characters, no control characters."""
    shown = printable(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
