"""How JSON values behave in FlowDrop's expressions: the way PHP treats them.

Both transformation engines come from PHP, so truth, equality, order, arithmetic and conversion to text follow PHP 8.
Values are JSON values only (``None``, ``bool``, ``int``, ``float``, ``str``, ``list``, ``dict`` with text keys); nothing
here ever touches an attribute of a Python object.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from flowdrop_provider.expressions.limits import evaluation_error

__all__ = [
    "compare",
    "describe",
    "encode_json",
    "finite",
    "is_empty",
    "is_number",
    "item_of",
    "key_text",
    "loosely_equal",
    "numeric",
    "strictly_equal",
    "to_integer",
    "to_number",
    "to_text",
    "truthy",
]

_NUMERIC = re.compile(r"[ \t\n\r\v\f]*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_INT_LIMIT = 2**63
_DIGITS_OF_A_FLOAT = 400

#: Bits of PHP's ``json_encode`` flags that templates use.
_JSON_FLAGS = {"hex_tag": 1, "hex_amp": 2, "hex_apos": 4, "hex_quot": 8, "slashes": 64, "pretty": 128, "unicode": 256}


def describe(value: Any) -> str:
    """Return a value's type in FlowDrop's words (``text``, ``list``, ``map`` ...)."""
    names = {type(None): "null", bool: "boolean", int: "number", float: "number", list: "list", dict: "map"}
    return names.get(type(value), "text" if isinstance(value, str) else "unsupported value")


def is_number(value: Any) -> bool:
    """Whether a value is a JSON number (booleans are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def truthy(value: Any) -> bool:
    """PHP truth: null, false, 0, 0.0, empty text, ``"0"`` and empty lists and maps are false."""
    return bool(value) and value != "0"


def is_empty(value: Any) -> bool:
    """Twig's emptiness: null, false, empty text, empty list or map. Zero and ``"0"`` are not empty."""
    return value is None or value is False or (isinstance(value, str | list | dict) and len(value) == 0)


def to_text(value: Any) -> str:
    """PHP's conversion to text: true is ``1``, false and null are empty, a list or map is ``Array``.

    Returns a plain ``str`` even for markup, so that a converted text is escaped again.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or value is False:
        return ""
    if value is True:
        return "1"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, list | dict):
        return "Array"
    raise evaluation_error(f"A {describe(value)} has no text form.")


def _float_text(value: float) -> str:
    text = f"{value:.14G}"
    if "E" not in text:
        return text
    mantissa, exponent = text.split("E")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{exponent[0]}{exponent[1:].lstrip('0')}"


def finite(value: float) -> int | float:
    """Return a number as PHP keeps it: a whole number beyond 64 bits becomes a float; infinity is an error."""
    if isinstance(value, int):
        if -_INT_LIMIT <= value < _INT_LIMIT:
            return value
        value = float(value) if value.bit_length() < 1024 else math.inf
    if not math.isfinite(value):
        raise evaluation_error("The result is not a finite number.")
    return value


def _parse_number(text: str) -> int | float:
    if len(text) > _DIGITS_OF_A_FLOAT or not text.lstrip("+-").isdigit():
        return finite(float(text))
    return finite(int(text))


def numeric(value: Any) -> int | float | None:
    """Return the number a value stands for: a number itself or a wholly numeric text (``is_numeric``), else ``None``.

    A text too large for a float is not a number here, as PHP then compares the digits as text.
    """
    if is_number(value):
        return finite(value)
    if not isinstance(value, str):
        return None
    match = _NUMERIC.match(value)
    if match is None or value[match.end() :].strip(" \t\n\r\v\f") or math.isinf(float(match.group(1))):
        return None
    return _parse_number(match.group(1))


def to_number(value: Any) -> int | float:
    """Return an arithmetic operand: null is 0, booleans count, a text needs a leading number.

    :raises ExpressionError: for a list, a map, or a text that does not start with a number.
    """
    if value is None or isinstance(value, bool):
        return int(value or 0)
    if is_number(value):
        return finite(value)
    match = _NUMERIC.match(value) if isinstance(value, str) else None
    if match is None:
        raise evaluation_error(f"A number is needed, not a {describe(value)}.")
    return _parse_number(match.group(1))


def to_integer(value: Any) -> int:
    """Return a whole number, truncated towards zero."""
    return int(to_number(value))


def loosely_equal(left: Any, right: Any) -> bool:
    """PHP 8 ``==``."""
    return compare(left, right) == 0


def strictly_equal(left: Any, right: Any) -> bool:
    """PHP ``===``: same type and same value; ``1`` and ``1.0`` and ``true`` are all different."""
    if isinstance(left, str) and isinstance(right, str):
        return str.__eq__(left, right)
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(strictly_equal, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(strictly_equal(left[key], right[key]) for key in left)
    return bool(left == right)


def compare(left: Any, right: Any) -> int:
    """PHP 8 ``<=>``: -1, 0 or 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return _sign(truthy(left), truthy(right))
    if left is None or right is None:
        return _compare_null(left, right)
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return _compare_arrays(left, right)
    first, second = numeric(left), numeric(right)
    if first is not None and second is not None:
        return _sign(first, second)
    return _sign(to_text(left), to_text(right))


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def _compare_null(left: Any, right: Any) -> int:
    if isinstance(left, str) or isinstance(right, str):
        return _sign(left or "", right or "")
    return _sign(truthy(left), truthy(right))


def _compare_arrays(left: Any, right: Any) -> int:
    if not isinstance(right, list | dict):
        return 1
    if not isinstance(left, list | dict):
        return -1
    if len(left) != len(right):
        return _sign(len(left), len(right))
    first, second = _as_map(left), _as_map(right)
    for key, value in first.items():
        if key not in second:
            return 1
        order = compare(value, second[key])
        if order:
            return order
    return 0


def _as_map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {str(index): item for index, item in enumerate(value)}


def key_text(key: Any) -> str:
    """Return a map key as PHP normalises it: ``true`` is ``1``, ``1.7`` is ``1``, null is empty."""
    if isinstance(key, bool | float):
        return str(int(finite(key)))
    if isinstance(key, list | dict):
        raise evaluation_error(f"A {describe(key)} cannot be a key.")
    return to_text(key)


def item_of(container: Any, key: Any, missing: Any) -> Any:
    """Return a map's or list's item, or ``missing``: absent key, index out of range, or not a container at all."""
    if isinstance(container, dict):
        return container.get(key_text(key), missing)
    if not isinstance(container, list):
        return missing
    text = key_text(key)
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) >= len(container):
        return missing
    return container[int(text)]


def encode_json(value: Any, flags: int = 0) -> str:
    """PHP's ``json_encode``: slashes and non-ASCII characters escaped unless the flag bits say otherwise.

    :raises ExpressionError: for anything that is not a JSON value.
    """
    pretty = bool(flags & _JSON_FLAGS["pretty"])
    try:
        text = json.dumps(
            value,
            ensure_ascii=not flags & _JSON_FLAGS["unicode"],
            allow_nan=False,
            indent=4 if pretty else None,
            separators=(",", ": " if pretty else ":"),
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise evaluation_error("The value cannot be written as JSON.") from error
    if not flags & _JSON_FLAGS["slashes"]:
        text = text.replace("/", "\\/")
    return _hex_escaped(text, flags)


def _hex_escaped(text: str, flags: int) -> str:
    for name, characters in (("hex_tag", "<>"), ("hex_amp", "&"), ("hex_apos", "'")):
        if flags & _JSON_FLAGS[name]:
            for character in characters:
                text = text.replace(character, f"\\u{ord(character):04X}")
    return text.replace('\\"', "\\u0022") if flags & _JSON_FLAGS["hex_quot"] else text
