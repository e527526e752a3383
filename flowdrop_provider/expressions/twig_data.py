"""Twig's filters on lists and maps, its functions and its tests.

A sorted or filtered list is a plain list again, where PHP would keep the old keys: JSON has no such lists, and every
consumer behind the template counts from zero.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import cmp_to_key
from typing import Any

from flowdrop_provider.expressions.dates import read_moment, read_zone
from flowdrop_provider.expressions.limits import evaluation_error
from flowdrop_provider.expressions.operators import compared, identical, largest, smallest, span
from flowdrop_provider.expressions.tree import MISSING, Item, Run, cut
from flowdrop_provider.expressions.values import (
    is_empty,
    item_of,
    to_integer,
    to_text,
    truthy,
)

__all__ = ["DATA_FILTERS", "FUNCTIONS", "LENIENT", "TESTS"]

#: PHP constants that templates pass to ``json_encode``; no other constant is in reach.
_CONSTANTS = {
    "JSON_HEX_TAG": 1,
    "JSON_HEX_AMP": 2,
    "JSON_HEX_APOS": 4,
    "JSON_HEX_QUOT": 8,
    "JSON_UNESCAPED_SLASHES": 64,
    "JSON_PRETTY_PRINT": 128,
    "JSON_UNESCAPED_UNICODE": 256,
    "JSON_THROW_ON_ERROR": 0,
}


def _values(run: Run, value: Any) -> list[Any]:
    items = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise evaluation_error("A list or a map is needed.")
    run.budget.items(len(items))
    return items


def _characters(run: Run, value: Any) -> Any:
    return _values(run, value) if isinstance(value, list | dict) else to_text(value)


def _first(run: Run, value: Any) -> Any:
    items = _characters(run, value)
    return items[0] if items else ""


def _last(run: Run, value: Any) -> Any:
    items = _characters(run, value)
    return items[-1] if items else ""


def _length(_run: Run, value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else len(to_text(value))


def _join(run: Run, value: Any, glue: Any = "", and_: Any = None, **named: Any) -> str:
    texts = [to_text(item) for item in _values(run, value)] if isinstance(value, list | dict) else []
    separator, final = to_text(glue), named.pop("and", and_)
    run.budget.text(sum(map(len, texts)) + len(texts) * len(separator))
    if final is None or len(texts) < 2:
        return separator.join(texts)
    return separator.join(texts[:-1]) + to_text(final) + texts[-1]


def _slice(_run: Run, value: Any, start: Any = 0, length: Any = None, preserve_keys: Any = False) -> Any:  # noqa: ARG001
    return cut(value if isinstance(value, list | dict) else to_text(value), to_integer(start), length)


def _keys(run: Run, value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value)
    return list(range(len(_values(run, value)))) if isinstance(value, list) else []


def _merge(run: Run, value: Any, *others: Any) -> Any:
    merged = value
    for other in others:
        if not isinstance(merged, list | dict) or not isinstance(other, list | dict):
            raise evaluation_error("Only lists and maps can be merged.")
        run.budget.items(len(merged) + len(other))
        merged = _merged(merged, other)
    return merged


def _merged(left: Any, right: Any) -> Any:
    if isinstance(left, list) and isinstance(right, list):
        return [*left, *right]
    if isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    if not left or not right:
        return left or right
    items = {str(index): item for index, item in enumerate(left)} if isinstance(left, list) else dict(left)
    extra = right.items() if isinstance(right, dict) else ((str(len(items) + at), item) for at, item in enumerate(right))
    return {**items, **dict(extra)}


def _rebuilt(value: Any, pairs: list[tuple[Any, Any]]) -> Any:
    return dict(pairs) if isinstance(value, dict) else [item for _, item in pairs]


def _pairs(run: Run, value: Any) -> list[tuple[Any, Any]]:
    _values(run, value)
    return list(value.items()) if isinstance(value, dict) else list(enumerate(value))


def _sort(run: Run, value: Any, arrow: Callable[..., Any] | None = None) -> Any:
    def order(left: tuple[Any, Any], right: tuple[Any, Any]) -> int:
        run.budget.charge()
        return compared(run, left[1], right[1]) if arrow is None else to_integer(arrow(left[1], right[1]))

    return _rebuilt(value, sorted(_pairs(run, value), key=cmp_to_key(order)))


def _reverse(run: Run, value: Any, preserve_keys: Any = False) -> Any:  # noqa: ARG001 -- lists have no keys to keep
    if not isinstance(value, list | dict):
        return to_text(value)[::-1]
    return _rebuilt(value, _pairs(run, value)[::-1])


def _filter(run: Run, value: Any, arrow: Callable[..., Any]) -> Any:
    return _rebuilt(value, [(key, item) for key, item in _pairs(run, value) if truthy(arrow(item, key))])


def _map(run: Run, value: Any, arrow: Callable[..., Any]) -> Any:
    return _rebuilt(value, [(key, arrow(item, key)) for key, item in _pairs(run, value)])


def _reduce(run: Run, value: Any, arrow: Callable[..., Any], initial: Any = None) -> Any:
    carry = initial
    for key, item in _pairs(run, value):
        carry = arrow(carry, item, key)
    return carry


def _find(run: Run, value: Any, arrow: Callable[..., Any]) -> Any:
    return next((item for key, item in _pairs(run, value) if truthy(arrow(item, key))), None)


def _column(run: Run, value: Any, name: Any) -> list[Any]:
    found = (item_of(item, name, MISSING) for item in _values(run, value))
    return [item for item in found if item is not MISSING]


def _batch(run: Run, value: Any, size: Any, fill: Any = None) -> list[list[Any]]:
    items, width = _values(run, value), to_integer(size)
    if width < 1:
        raise evaluation_error("The size of a batch is at least 1.")
    batches = [items[start : start + width] for start in range(0, len(items), width)]
    if batches and fill is not None:
        run.budget.items(width)
        batches[-1] += [fill] * (width - len(batches[-1]))
    return batches


def _default(_run: Run, value: Any, default: Any = "") -> Any:
    return default if value is MISSING or is_empty(value) else value


DATA_FILTERS: Mapping[str, Item] = {
    "batch": _batch,
    "column": _column,
    "default": _default,
    "filter": _filter,
    "find": _find,
    "first": _first,
    "join": _join,
    "keys": _keys,
    "last": _last,
    "length": _length,
    "map": _map,
    "merge": _merge,
    "reduce": _reduce,
    "reverse": _reverse,
    "slice": _slice,
    "sort": _sort,
}


def _cycle(run: Run, values: Any, position: Any) -> Any:
    items = _values(run, values)
    return items[to_integer(position) % len(items)] if items else None


def _constant(_run: Run, name: Any) -> int:
    if name not in _CONSTANTS:
        raise evaluation_error(f"There is no constant {name!r}.", f"Known: {', '.join(_CONSTANTS)}.")
    return _CONSTANTS[name]


def _date(run: Run, date: Any = None, timezone: Any = None) -> int:
    """A moment as a Unix timestamp, so that two dates compare as numbers and ``date`` formats it again."""
    moment = read_moment(date, run.now)
    if timezone is not None and isinstance(date, str) and moment.tzinfo is dt.timezone.utc:
        moment = moment.replace(tzinfo=read_zone(timezone))
    return int(moment.timestamp())


def _attribute(_run: Run, variable: Any, attribute: Any) -> Any:
    return item_of(variable, attribute, None)


FUNCTIONS: Mapping[str, Item] = {
    "attribute": _attribute,
    "constant": _constant,
    "cycle": _cycle,
    "date": _date,
    "max": largest,
    "min": smallest,
    "range": lambda run, low, high, step=1: span(run, low, high, step),
}


def _divisible(_run: Run, value: Any, by: Any) -> bool:
    return to_integer(value) % to_integer(by) == 0


TESTS: Mapping[str, Item] = {
    "defined": lambda _run, value: value is not MISSING,
    "divisible by": _divisible,
    "empty": lambda _run, value: value is MISSING or is_empty(value),
    "even": lambda _run, value: to_integer(value) % 2 == 0,
    "iterable": lambda _run, value: isinstance(value, list | dict),
    "mapping": lambda _run, value: isinstance(value, dict),
    "none": lambda _run, value: value is None or value is MISSING,
    "null": lambda _run, value: value is None or value is MISSING,
    "odd": lambda _run, value: to_integer(value) % 2 == 1,
    "same as": identical,
    "sequence": lambda _run, value: isinstance(value, list),
}

#: Filters and tests that may ask about something that does not exist.
LENIENT = frozenset({"default", "defined", "empty", "none", "null"})
