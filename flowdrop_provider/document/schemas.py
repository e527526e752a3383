"""The part of JSON Schema that FlowDrop enforces on values: exact types and simple constraints.

Shared by the rules on saved configuration (R6.d-i) and on resolved parameters (CFG-10, CFG-11). It is not a JSON Schema
validator on purpose: the rules fix which keywords count, their order, and that the first violation alone is reported.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

__all__ = ["first_violation", "identical", "matches_type"]

_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


def matches_type(value: Any, declared: Any) -> bool:
    """Return whether ``value`` has a declared JSON type, without coercion; an unknown name passes (CFG-11)."""
    names = declared if isinstance(declared, list) else [declared]
    tests = [_TYPES.get(name) if isinstance(name, str) else None for name in names]
    return any(test is None or test(value) for test in tests)


#: The keywords that say more of a value than its type and its choices.
_REFINING = frozenset({"minimum", "maximum", "minLength", "maxLength", "pattern", "format"})


def first_violation(value: Any, schema: Mapping[str, Any], *, formats: bool = False) -> tuple[str, str] | None:
    """Return ``(constraint, sentence)`` of the first violated keyword, or ``None``.

    Order: type, enum, minimum, maximum, minLength, maxLength, pattern (R6.d), then ``format`` when ``formats`` (CFG-12).
    Null is never validated (CFG-10, R6.i). A pattern that does not compile never refuses (R6.h).
    """
    if value is None:
        return None
    if "type" in schema and not matches_type(value, schema["type"]):
        return "type", f"must be of type {_names(schema['type'])}, not {_type_name(value)}"
    enum = schema.get("enum")
    if isinstance(enum, list) and enum and not any(identical(value, item) for item in enum):
        return "enum", f"must be one of {', '.join(map(repr, enum[:12]))}, not {_short(value)}"
    if _REFINING.isdisjoint(schema):
        return None  # Of most parameters only the type is said, and every execution of a node asks about all of them.
    return _bounds(value, schema) or _lengths(value, schema) or (_format(value, schema) if formats else None)


def identical(left: Any, right: Any) -> bool:
    """Return whether two JSON values are the same without coercion: ``1`` is neither ``true`` nor ``"1"`` (R6.e, MAN-16)."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _names(declared: Any) -> str:
    return " or ".join(declared) if isinstance(declared, list) else str(declared)


def _type_name(value: Any) -> str:
    return next((name for name, test in _TYPES.items() if test(value)), type(value).__name__)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _bounds(value: Any, schema: Mapping[str, Any]) -> tuple[str, str] | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(low, int | float) and value < low:
        return "minimum", f"must be at least {low}, not {value}"
    if isinstance(high, int | float) and value > high:
        return "maximum", f"must be at most {high}, not {value}"
    return None


def _lengths(value: Any, schema: Mapping[str, Any]) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return None
    low, high, pattern = schema.get("minLength"), schema.get("maxLength"), schema.get("pattern")
    if isinstance(low, int) and len(value) < low:
        return "minLength", f"must have at least {low} characters, not {len(value)}"
    if isinstance(high, int) and len(value) > high:
        return "maxLength", f"must have at most {high} characters, not {len(value)}"
    if isinstance(pattern, str) and not _matches(pattern, value):
        return "pattern", f"must match the pattern {pattern!r}"
    return None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None


def _matches(pattern: str, value: str) -> bool:
    # Patterns come from processors, never from a document: the node types it brings have no schemas of their own.
    compiled = _compiled(pattern)
    return compiled is None or compiled.search(value) is not None


def _is_date_time(value: str) -> bool:
    try:
        dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return False
    return "T" in value or "t" in value


def _is_date(value: str) -> bool:
    try:
        dt.date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_uri(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return bool(parts.scheme) and bool(parts.netloc or parts.path)


_FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": _is_date_time,
    "date": _is_date,
    "uri": _is_uri,
    "url": _is_uri,
    "email": lambda value: re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) is not None,
    "uuid": lambda value: re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value) is not None,
}


def _format(value: Any, schema: Mapping[str, Any]) -> tuple[str, str] | None:
    test = _FORMATS.get(str(schema.get("format")))
    if test is None or not isinstance(value, str) or test(value):
        return None
    return "format", f"must be a valid {schema['format']}, not {_short(value)}"
