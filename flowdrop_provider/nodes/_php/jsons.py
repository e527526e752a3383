r"""``json_encode`` and ``json_decode`` with PHP's spelling: ``\/``, ``\u00e9``, four spaces, empty arrays as ``[]``."""

from __future__ import annotations

import json
import math
from typing import Any

from flowdrop_provider.nodes._php.arrays import entries, to_json
from flowdrop_provider.nodes._php.values import INT_MAX, INT_MIN, float_to_string

__all__ = ["json_decode", "json_encode"]

_MAX_DEPTH = 512


class _UnencodableError(ValueError):
    """A value ``json_encode`` refuses: INF, NAN, a text that is not UTF-8, or too deep a nesting."""


def json_encode(value: Any, *, pretty: bool = False) -> str | None:
    """Return the JSON text, or ``None`` where PHP's ``json_encode`` returns ``false``."""
    try:
        return _encode(value, pretty, 0)
    except (_UnencodableError, RecursionError):
        return None


def _encode(value: Any, pretty: bool, depth: int) -> str:
    if isinstance(value, str):
        return _encode_text(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _UnencodableError
        return float_to_string(value, 17, shortest=True, exponent="e")
    if isinstance(value, (list, dict)):
        if depth >= _MAX_DEPTH:
            raise _UnencodableError
        return _encode_array(value, pretty, depth)
    return json.dumps(value)


def _encode_text(text: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _UnencodableError
    # Python escapes DEL, PHP does not.
    inner = "\x7f".join(json.dumps(part)[1:-1] for part in text.split("\x7f"))
    return '"' + inner.replace("/", "\\/") + '"'


def _encode_array(value: list[Any] | dict[str, Any], pretty: bool, depth: int) -> str:
    array = to_json(entries(value))
    if not array:
        return "[]"
    if isinstance(array, list):
        opening, closing, parts = "[", "]", [_encode(item, pretty, depth + 1) for item in array]
    else:
        colon = ": " if pretty else ":"
        opening, closing = "{", "}"
        parts = [_encode_text(key) + colon + _encode(item, pretty, depth + 1) for key, item in array.items()]
    if not pretty:
        return f"{opening}{','.join(parts)}{closing}"
    inner, outer = "\n" + "    " * (depth + 1), "\n" + "    " * depth
    return f"{opening}{inner}{f',{inner}'.join(parts)}{outer}{closing}"


def json_decode(text: str) -> Any:
    """Return the decoded value with objects as arrays; ``None`` for ``null`` and for anything invalid or too deep."""
    if _too_deep(text):
        return None
    try:
        value = json.loads(text, parse_int=_parse_int, parse_constant=_refuse, object_pairs_hook=_pairs)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is an error to PHP
    except (ValueError, RecursionError):
        return None
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> Any:
    return to_json(entries(dict(pairs)))


def _parse_int(digits: str) -> int | float:
    if len(digits) > 20:
        return float(digits)
    number = int(digits)
    return number if INT_MIN <= number <= INT_MAX else float(digits)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _too_deep(text: str) -> bool:
    """Return whether brackets outside strings open more than 512 levels; a cheap scan before the recursive parser."""
    if text.count("[") + text.count("{") <= _MAX_DEPTH:
        return False
    depth, inside, escaped = 0, False, False
    for character in text:
        if inside:
            inside = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            if depth > _MAX_DEPTH:
                return True
        elif character in "]}":
            depth -= 1
    return False
