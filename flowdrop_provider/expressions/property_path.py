"""Property paths: ``customer.orders[0].total`` over JSON maps and lists.

Dots and brackets mean the same (LANG-17): ``a.b[0]``, ``a[b].0`` and ``[a][b][0]`` are one path. Reading never raises
(LANG-8): what cannot be read is absent.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions.limits import MAX_SOURCE, syntax_error
from flowdrop_provider.expressions.values import item_of

__all__ = ["exists", "parse", "read", "read_all", "validate"]

_SEGMENT = re.compile(r"\[([^\[\]]*)\]\??|([^.\[\]]+)")
_ABSENT = object()
_QUOTES = ("'", '"')


@lru_cache(maxsize=512)
def parse(path: str) -> tuple[str, ...]:
    """Return the path's keys; the empty path has none.

    :raises ExpressionError: ``EXPR_SYNTAX`` for an empty segment, a stray bracket or a dangling dot (LANG-11).
    """
    text = path.strip()
    keys: list[str] = []
    position = 0
    if len(text) > MAX_SOURCE:
        raise syntax_error(f"A path may have at most {MAX_SOURCE:,} characters", text, 0)
    while position < len(text):
        dotted = bool(keys) and text[position] == "."
        match = _SEGMENT.match(text, position + dotted)
        key = _key(match) if match else ""
        if match is None or not key or not (dotted or not keys or match.group(1) is not None):
            raise syntax_error(f"The path {text[:80]!r} does not parse", text, position, "Write it like a.b[0].c.")
        keys.append(key)
        position = match.end()
    return tuple(keys)


def _key(match: re.Match[str]) -> str:
    inner = match.group(1)
    if inner is None:
        return match.group(2).removesuffix("?")
    return inner[1:-1] if len(inner) > 1 and inner[0] == inner[-1] and inner[0] in _QUOTES else inner


def validate(path: str) -> None:
    """Check a path with the reader's own parser (LANG-11).

    :raises ExpressionError: ``EXPR_SYNTAX``.
    """
    parse(path)


def _find(data: Any, path: str) -> Any:
    try:
        keys = parse(path)
    except ExpressionError:
        return _ABSENT
    for key in keys:
        data = item_of(data, key, _ABSENT)
        if data is _ABSENT:
            return _ABSENT
    return data


def read(path: str, data: Any) -> Any:
    """Return the value at the path, or ``None`` when it cannot be read (LANG-8)."""
    found = _find(data, path)
    return None if found is _ABSENT else found


def read_all(path: str, data: Any) -> list[Any]:
    """Return the value as a list: itself when it is one, wrapped otherwise, empty for null and no match (LANG-19)."""
    found = read(path, data)
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def exists(path: str, data: Any) -> bool:
    """Whether there is anything at the path, null included; the empty path always is (LANG-20)."""
    return _find(data, path) is not _ABSENT
