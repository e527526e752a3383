"""What the operators of both languages do, and how tightly each language binds them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flowdrop_provider.expressions import regex
from flowdrop_provider.expressions.limits import evaluation_error
from flowdrop_provider.expressions.tree import MISSING, Callback, Expression, Get, Run
from flowdrop_provider.expressions.values import (
    compare,
    finite,
    strictly_equal,
    to_integer,
    to_number,
    to_text,
    truthy,
)

__all__ = [
    "EXPRESSION_LANGUAGE_INFIX",
    "PREFIX",
    "TWIG_INFIX",
    "Infix",
    "Prefix",
    "compared",
    "identical",
    "largest",
    "smallest",
    "span",
]

_LONGEST_SHIFT = 63
#: A character that a pattern looks at costs as much as this many that are copied.
_MATCHING_COST = 4
#: Exact up to here; PHP's own result beyond 64 bits is a float anyway.
_LARGEST_RESULT_BITS = 256


@dataclass(frozen=True, slots=True)
class Infix:
    """A binary operator: the higher ``precedence``, the tighter it binds."""

    precedence: int
    apply: Callable[[Run, Any, Any], Any]
    right: bool = False
    lazy: bool = False


@dataclass(frozen=True, slots=True)
class Prefix:
    """A unary operator."""

    precedence: int
    apply: Callable[[Run, Any], Any]


def _divide(_run: Run, left: Any, right: Any) -> Any:
    dividend, divisor = to_number(left), to_number(right)
    if divisor == 0:
        raise evaluation_error("Division by zero.")
    if isinstance(dividend, int) and isinstance(divisor, int) and dividend % divisor == 0:
        return finite(dividend // divisor)
    return finite(dividend / divisor)


def _modulo(_run: Run, left: Any, right: Any) -> Any:
    dividend, divisor = to_integer(left), to_integer(right)
    if divisor == 0:
        raise evaluation_error("Modulo by zero.")
    rest = abs(dividend) % abs(divisor)
    return -rest if dividend < 0 else rest


def _power(_run: Run, left: Any, right: Any) -> Any:
    base, exponent = to_number(left), to_number(right)
    whole = isinstance(base, int) and isinstance(exponent, int) and exponent >= 0
    if whole and (abs(base) <= 1 or base.bit_length() * exponent <= _LARGEST_RESULT_BITS):  # type: ignore[union-attr]
        return finite(base**exponent)
    try:
        return finite(math.pow(base, exponent))
    except (OverflowError, ValueError) as error:
        raise evaluation_error("The result is not a finite number.") from error


def _shift(count: Any) -> int:
    amount = to_integer(count)
    if not 0 <= amount <= _LONGEST_SHIFT:
        raise evaluation_error(f"A shift moves by 0 to {_LONGEST_SHIFT} bits.")
    return amount


def _concatenate(run: Run, left: Any, right: Any) -> str:
    first, second = to_text(left), to_text(right)
    run.budget.text(len(first) + len(second))
    return first + second


def span(run: Run, start: Any, end: Any, step: Any = 1) -> list[Any]:
    """Return PHP's ``range``: numbers or single letters from ``start`` to ``end``, both included, in either direction.

    :raises ExpressionError: when the step is zero or the list is too long.
    """
    if isinstance(start, str) and isinstance(end, str) and start[:1].isalpha() and end[:1].isalpha():
        return [chr(code) for code in span(run, ord(start[0]), ord(end[0]), step)]
    first, last, size = to_number(start), to_number(end), abs(to_number(step))
    if size == 0:
        raise evaluation_error("The step of a range must not be zero.")
    count = int(abs(last - first) / size + 1e-9) + 1
    run.budget.items(count)
    signed = size if last >= first else -size
    return [first + index * signed for index in range(count)]


def _contains_loosely(run: Run, needle: Any, haystack: Any) -> bool:
    """Twig's ``in``: part of a text, or loosely equal to an item of a list or map."""
    if isinstance(haystack, str):
        return not isinstance(needle, list | dict | None) and to_text(needle) in haystack
    if not isinstance(haystack, list | dict):
        return False
    run.budget.charge(len(haystack))
    return any(compared(run, needle, item) == 0 for item in _items(haystack))


def _contains_strictly(run: Run, needle: Any, haystack: Any) -> bool:
    if not isinstance(haystack, list | dict):
        raise evaluation_error("The right side of 'in' must be a list or a map.")
    run.budget.charge(len(haystack))
    return any(identical(run, needle, item) for item in _items(haystack))


def compared(run: Run, left: Any, right: Any) -> int:
    """Return PHP's ``<=>`` of two values, charged for all that comparing may visit."""
    run.budget.weigh(left, right)
    return compare(left, right)


def identical(run: Run, left: Any, right: Any) -> bool:
    """Return PHP's ``===`` of two values, charged like :func:`compared`."""
    run.budget.weigh(left, right)
    return strictly_equal(left, right)


def _items(container: Any) -> Any:
    return container.values() if isinstance(container, dict) else container


def _matches(run: Run, subject: Any, pattern: Any) -> bool:
    run.budget.text(_MATCHING_COST * len(to_text(subject)))
    return regex.searches(regex.compile_delimited(to_text(pattern)), to_text(subject))


def _coalesce(run: Run, left: Expression, right: Expression) -> Any:
    value = run.find(left)
    return run.value_of(right) if value is None or value is MISSING else value


def _strict_coalesce(run: Run, left: Expression, right: Expression) -> Any:
    root = left
    while isinstance(root, Get):
        root = root.target
    run.value_of(root)
    return _coalesce(run, left, right)


def _tested(items: Any, test: Any) -> Iterator[bool]:
    if not isinstance(items, list | dict) or not isinstance(test, Callback):
        raise evaluation_error("'has some' and 'has every' compare a list or map with an arrow function.")
    return (truthy(test(item)) for item in _items(items))


def _extreme(run: Run, values: tuple[Any, ...], sign: int) -> Any:
    single = len(values) == 1 and isinstance(values[0], list | dict)
    items = list(_items(values[0])) if single else list(values)
    if not items:
        raise evaluation_error("At least one value is needed.")
    best = items[0]
    for item in items[1:]:
        run.budget.charge()
        if compared(run, item, best) * sign > 0:
            best = item
    return best


def smallest(run: Run, *values: Any) -> Any:
    """Return the smallest of the values, or of the items of one list or map (``min`` of both languages)."""
    return _extreme(run, values, -1)


def largest(run: Run, *values: Any) -> Any:
    """Return the largest of the values, or of the items of one list or map (``max`` of both languages)."""
    return _extreme(run, values, 1)


_AND = Infix(15, lambda run, left, right: truthy(run.value_of(left)) and truthy(run.value_of(right)), lazy=True)
_OR = Infix(10, lambda run, left, right: truthy(run.value_of(left)) or truthy(run.value_of(right)), lazy=True)

_SHARED: Mapping[str, Infix] = {
    "or": _OR,
    "xor": Infix(12, lambda _run, left, right: truthy(left) != truthy(right)),
    "and": _AND,
    "==": Infix(20, lambda run, left, right: compared(run, left, right) == 0),
    "!=": Infix(20, lambda run, left, right: compared(run, left, right) != 0),
    "===": Infix(20, identical),
    "!==": Infix(20, lambda run, left, right: not identical(run, left, right)),
    "<": Infix(20, lambda run, left, right: compared(run, left, right) < 0),
    ">": Infix(20, lambda run, left, right: compared(run, left, right) > 0),
    "<=": Infix(20, lambda run, left, right: compared(run, left, right) <= 0),
    ">=": Infix(20, lambda run, left, right: compared(run, left, right) >= 0),
    "matches": Infix(20, _matches),
    "starts with": Infix(20, lambda _run, left, right: to_text(left).startswith(to_text(right))),
    "ends with": Infix(20, lambda _run, left, right: to_text(left).endswith(to_text(right))),
    "..": Infix(25, span),
    "+": Infix(30, lambda _run, left, right: finite(to_number(left) + to_number(right))),
    "-": Infix(30, lambda _run, left, right: finite(to_number(left) - to_number(right))),
    "~": Infix(40, _concatenate),
    "*": Infix(60, lambda _run, left, right: finite(to_number(left) * to_number(right))),
    "/": Infix(60, _divide),
    "%": Infix(60, _modulo),
    "**": Infix(200, _power, right=True),
}

_BITS: Mapping[str, Callable[[Run, Any, Any], Any]] = {
    "or": lambda _run, left, right: to_integer(left) | to_integer(right),
    "xor": lambda _run, left, right: to_integer(left) ^ to_integer(right),
    "and": lambda _run, left, right: to_integer(left) & to_integer(right),
}

EXPRESSION_LANGUAGE_INFIX: Mapping[str, Infix] = {
    **_SHARED,
    "||": _OR,
    "&&": _AND,
    "|": Infix(16, _BITS["or"]),
    "^": Infix(17, _BITS["xor"]),
    "&": Infix(18, _BITS["and"]),
    "in": Infix(20, _contains_strictly),
    "not in": Infix(20, lambda run, left, right: not _contains_strictly(run, left, right)),
    "contains": Infix(20, lambda _run, left, right: to_text(right) in to_text(left)),
    "<<": Infix(25, lambda _run, left, right: finite(to_integer(left) << _shift(right))),
    ">>": Infix(25, lambda _run, left, right: to_integer(left) >> _shift(right)),
    "??": Infix(1, _strict_coalesce, right=True, lazy=True),
}

TWIG_INFIX: Mapping[str, Infix] = {
    **_SHARED,
    "b-or": Infix(16, _BITS["or"]),
    "b-xor": Infix(17, _BITS["xor"]),
    "b-and": Infix(18, _BITS["and"]),
    "<=>": Infix(20, compared),
    "in": Infix(20, _contains_loosely),
    "not in": Infix(20, lambda run, left, right: not _contains_loosely(run, left, right)),
    "has some": Infix(20, lambda _run, left, right: any(_tested(left, right))),
    "has every": Infix(20, lambda _run, left, right: all(_tested(left, right))),
    "//": Infix(60, lambda run, left, right: math.floor(_divide(run, left, right))),
    "??": Infix(300, _coalesce, right=True, lazy=True),
}

PREFIX: Mapping[str, Prefix] = {
    "not": Prefix(50, lambda _run, value: not truthy(value)),
    "!": Prefix(50, lambda _run, value: not truthy(value)),
    "-": Prefix(500, lambda _run, value: finite(-to_number(value))),
    "+": Prefix(500, lambda _run, value: to_number(value)),
    "~": Prefix(500, lambda _run, value: ~to_integer(value)),
}
