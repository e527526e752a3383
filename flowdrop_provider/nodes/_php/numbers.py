"""Arithmetic: 64-bit integers that overflow into floats, numeric strings, and PHP's rounding (8.2/8.3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.values import INT_MAX, INT_MIN, gettype, numeric_value, to_float

__all__ = ["add", "array_product", "array_sum", "divide", "php_round", "power", "subtract"]


def _operand(value: Any, symbol: str) -> int | float:
    """Return the number an arithmetic operand stands for; a text that is not one raises a node-level error."""
    if value is None or isinstance(value, bool):
        return int(bool(value))
    if isinstance(value, (int, float)):
        return value
    number = numeric_value(value, leading=True) if isinstance(value, str) else None
    if number is None:
        raise NodeError(f"{gettype(value)} is not a number for {symbol!r}.", code="unsupported_operand")
    return number


def _fit(exact: float, wide: Callable[[], float]) -> int | float:
    """Return the integer when it fits 64 bits, else the float that PHP overflows into."""
    overflows = isinstance(exact, int) and not INT_MIN <= exact <= INT_MAX
    return wide() if overflows else exact


def add(left: Any, right: Any) -> int | float:
    """Return ``$left + $right`` for anything but two arrays."""
    a, b = _operand(left, "+"), _operand(right, "+")
    return _fit(a + b, lambda: float(a) + float(b))


def subtract(left: Any, right: Any) -> int | float:
    """Return ``$left - $right``."""
    a, b = _operand(left, "-"), _operand(right, "-")
    return _fit(a - b, lambda: float(a) - float(b))


def divide(left: Any, right: Any) -> int | float:
    """Return ``$left / $right``: an integer when it divides exactly; a zero divisor is the caller's business."""
    a, b = _operand(left, "/"), _operand(right, "/")
    if b == 0:
        raise NodeError("Division by zero.", code="division_by_zero")
    if isinstance(a, int) and isinstance(b, int) and a % b == 0:
        return _fit(a // b, lambda: float(a) / float(b))
    return a / b


def power(left: Any, right: Any) -> int | float:
    """Return ``$left ** $right``; beyond 64 bits a float, INF when too large, NAN for a root of a negative number."""
    a, b = _operand(left, "**"), _operand(right, "**")
    if isinstance(a, int) and isinstance(b, int) and b >= 0 and (abs(a) <= 1 or b * abs(a).bit_length() <= 128):
        # The bound keeps a hostile exponent from building a number of a million digits.
        return _fit(a**b, lambda: _float_power(float(a), float(b)))
    return _float_power(float(a), float(b))


def _float_power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        odd = exponent % 2 == 1 and math.copysign(1.0, base) < 0
        return (-math.inf if odd else math.inf) if base == 0 else math.nan


def _summand(value: Any) -> int | float | None:
    """Return what ``array_sum`` counts a value as; ``None`` for arrays, which it skips."""
    if isinstance(value, (list, dict)):
        return None
    if isinstance(value, str):
        return numeric_value(value, leading=True) or 0
    return int(value) if isinstance(value, bool) else (value or 0)


def array_sum(items: list[Any]) -> int | float:
    """Return ``array_sum``: a text counts by its leading number, nested arrays are skipped."""
    total: int | float = 0
    for item in items:
        number = _summand(item)
        total = total if number is None else add(total, number)
    return total


def array_product(items: list[Any]) -> int | float:
    """Return ``array_product``, with the same coercions as :func:`array_sum`."""
    product: int | float = 1
    for item in items:
        number = _summand(item)
        if number is not None:
            exact, factor = product * number, product
            product = _fit(exact, lambda a=factor, b=number: float(a) * float(b))  # type: ignore[misc]
    return product


def php_round(value: float, places: int) -> float:
    """Return ``round($value, $places)``: half away from zero, with PHP 8.3's pre-rounding (``1.005`` gives ``1.01``)."""
    if isinstance(value, int) and places >= 0:
        return float(value)
    number = to_float(value)
    if not math.isfinite(number) or number == 0.0:
        return number
    safe_places = 14 - math.floor(math.log10(abs(number)))
    if safe_places > places > safe_places - 15:
        shifted = _half_up(_scale(number, max(safe_places, -60)))
        shifted = shifted / _ten(min(60, abs(places - safe_places)))
    else:
        shifted = _scale(number, places)
        if abs(shifted) >= 1e15 or not math.isfinite(shifted):
            return number
    return _unscale(_half_up(shifted), places)


def _half_up(value: float) -> float:
    return float(math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5))


def _ten(places: int) -> float:
    return 10.0**places if places <= 308 else math.inf


def _scale(value: float, places: int) -> float:
    return value * _ten(places) if places >= 0 else value / _ten(-places)


def _unscale(value: float, places: int) -> float:
    if abs(places) < 23:
        return value / _ten(places) if places > 0 else value * _ten(-places)
    return float(f"{value:.6f}e{-places}")
