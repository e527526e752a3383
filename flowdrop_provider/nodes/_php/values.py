"""Scalars: truth, casts, number strings, ``==`` and ``<=>`` (PHP 8, strict types), on JSON values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.arrays import count, entries
from flowdrop_provider.nodes._php.texts import encode

__all__ = [
    "INT_MAX",
    "INT_MIN",
    "compare",
    "gettype",
    "is_numeric",
    "loose_equals",
    "numeric_value",
    "require",
    "strict_equals",
    "to_float",
    "to_int",
    "to_string",
    "truthy",
    "type_error",
]

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
#: PHP gives up on deep comparisons too ("Nesting level too deep"); this is well within Python's own stack.
_MAX_DEPTH = 100

_NUMERIC = re.compile(r"[ \t\n\r\v\f]*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)([ \t\n\r\v\f]*)", re.ASCII)
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "array": (list, dict),
    "number": (int, float),
}


def type_error(what: str, expected: str, value: Any) -> NodeError:
    """Return the node-level error for a value of the wrong type (PHP's ``TypeError``)."""
    message = f"{what} must be {expected}, {gettype(value)} given."
    return NodeError(message, code="invalid_type", details={"expected": expected, "given": gettype(value)})


def require(kind: str, value: Any, what: str) -> Any:
    """Return ``value`` when it has PHP's type ``kind`` under strict types, else raise a node-level error.

    :param kind: ``string``, ``int``, ``float`` (takes integers too), ``bool``, ``array`` or ``number``.
    """
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "bool"):
        raise type_error(what, kind, value)
    return value


def gettype(value: Any) -> str:
    """Return PHP's ``gettype`` name: ``NULL boolean integer double string array``."""
    names = {type(None): "NULL", bool: "boolean", int: "integer", float: "double", str: "string"}
    return names.get(type(value), "array")


def truthy(value: Any) -> bool:
    """Return ``(bool) $value``: false for null, false, 0, 0.0, "", "0" and the empty array."""
    return value not in ("0", "", 0, None) if not isinstance(value, (list, dict)) else bool(value)


def to_string(value: Any) -> str:
    """Return ``(string) $value``; an array is ``Array``, a float has at most 14 digits (measured)."""
    if isinstance(value, str):
        return value
    if value is None or value is False:
        return ""
    if value is True:
        return "1"
    if isinstance(value, float):
        return float_to_string(value, 14)
    return str(value) if isinstance(value, int) else "Array"


def float_to_string(value: float, digits: int, *, shortest: bool = False, exponent: str = "E") -> str:
    """Print a float like C's ``%G`` with PHP's spelling (``1.0E+25``); ``shortest`` prints the digits that round-trip."""
    if math.isinf(value) or math.isnan(value):
        return "NAN" if math.isnan(value) else ("INF" if value > 0 else "-INF")
    mantissa, _, power = (f"{value!r}e" if shortest else f"{value:.{digits - 1}e}").partition("e")
    sign, number, point = _digits_and_point(mantissa, power.rstrip("e"))
    if not number:
        return f"{sign}0"
    if point > digits or point < -3:
        tail = number[1:] or "0"
        return f"{sign}{number[0]}.{tail}{exponent}{'-' if point < 1 else '+'}{abs(point - 1)}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{number}"
    padded = number.ljust(point, "0")
    return f"{sign}{padded[:point]}" + (f".{padded[point:]}" if padded[point:] else "")


def _digits_and_point(mantissa: str, power: str) -> tuple[str, str, int]:
    """Split a printed number into sign, significant digits and the place of the point before them."""
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    point = len(whole) + int(power or 0)
    number = whole + fraction
    point -= len(number) - len(number.lstrip("0"))
    return sign, number.strip("0"), point


def numeric_value(text: str, *, leading: bool = False) -> int | float | None:
    """Return the number a numeric string stands for, or ``None``; ``leading`` accepts ``5 apples`` as 5."""
    match = _NUMERIC.match(text)
    if match is None or (not leading and match.end() != len(text)):
        return None
    digits = match[1]
    if digits.lstrip("+-").isdigit():
        number = _bounded_int(digits)
        return number if INT_MIN <= number <= INT_MAX else float(digits)
    return float(digits)


def _bounded_int(digits: str) -> int:
    # int() of a very long text is quadratic; anything beyond 20 digits is a float to PHP anyway.
    return int(digits) if len(digits) <= 20 else (INT_MAX + 1) * (-1 if digits[0] == "-" else 1) * 2


def is_numeric(value: Any) -> bool:
    """Return PHP's ``is_numeric``: numbers and numeric strings, never booleans or null."""
    if isinstance(value, str):
        return numeric_value(value) is not None
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def to_float(value: Any) -> float:
    """Return ``(float) $value``; text counts by its leading number, arrays by emptiness."""
    if isinstance(value, str):
        return float(numeric_value(value, leading=True) or 0)
    if isinstance(value, (list, dict)):
        return float(bool(value))
    return float(value or 0)


def to_int(value: Any) -> int:
    """Return ``(int) $value``: truncates, wraps around 64 bits, and is 0 for INF and NAN."""
    number = numeric_value(value, leading=True) if isinstance(value, str) else value
    if isinstance(number, float):
        whole = int(number) if math.isfinite(number) else 0
    else:
        whole = int(bool(number)) if isinstance(number, (list, dict)) else int(number or 0)
    return (whole - INT_MIN) % 2**64 + INT_MIN


def loose_equals(left: Any, right: Any, depth: int = 0) -> bool:
    """Return PHP 8's ``$left == $right``."""
    if isinstance(left, (list, dict)) and isinstance(right, (list, dict)):
        return _arrays_equal(left, right, depth)
    return compare(left, right, depth) == 0


def _arrays_equal(left: Any, right: Any, depth: int) -> bool:
    _check_depth(depth)
    other = dict(entries(right))
    if count(left) != len(other):
        return False
    return all(key in other and loose_equals(value, other[key], depth + 1) for key, value in entries(left))


def strict_equals(left: Any, right: Any, depth: int = 0) -> bool:
    """Return ``$left === $right``: same type and value, arrays with the same pairs in the same order."""
    if isinstance(left, (list, dict)) and isinstance(right, (list, dict)):
        _check_depth(depth)
        pairs, others = entries(left), entries(right)
        return len(pairs) == len(others) and all(
            a[0] == b[0] and strict_equals(a[1], b[1], depth + 1) for a, b in zip(pairs, others, strict=True)
        )
    return type(left) is type(right) and bool(left == right)


def compare(left: Any, right: Any, depth: int = 0) -> int:
    """Return PHP 8's ``$left <=> $right``: -1, 0 or 1; uncomparable values count as greater."""
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        return _compare_loose_types(left, right)
    if isinstance(left, (list, dict)) or isinstance(right, (list, dict)):
        return _compare_arrays(left, right, depth)
    if isinstance(left, str) and isinstance(right, str):
        return _compare_texts(left, right)
    if isinstance(left, str):
        return -_compare_number_to_text(right, left)
    if isinstance(right, str):
        return _compare_number_to_text(left, right)
    return _order(left, right)


def _compare_loose_types(left: Any, right: Any) -> int:
    if isinstance(left, str) and right is None:
        return _order(left != "", False)
    if left is None and isinstance(right, str):
        return _order(False, right != "")
    return _order(truthy(left), truthy(right))


def _compare_texts(left: str, right: str) -> int:
    first, second = numeric_value(left), numeric_value(right)
    if first is None or second is None:
        return _order(encode(left), encode(right))
    return _order(first, second)


def _compare_number_to_text(number: float, text: str) -> int:
    value = numeric_value(text)
    return _order(to_string(number), text) if value is None else _order(number, value)


def _compare_arrays(left: Any, right: Any, depth: int) -> int:
    if not isinstance(right, (list, dict)):
        return 1
    if not isinstance(left, (list, dict)):
        return -1
    _check_depth(depth)
    if count(left) != count(right):
        return _order(count(left), count(right))
    other: Mapping[Any, Any] = dict(entries(right))
    for key, value in entries(left):
        if key not in other:
            return 1
        found = compare(value, other[key], depth + 1)
        if found:
            return found
    return 0


def _check_depth(depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise NodeError("The values to compare are nested too deeply.", code="too_deep")


def _order(left: Any, right: Any) -> int:
    if left == right:
        return 0
    return -1 if left < right else 1
