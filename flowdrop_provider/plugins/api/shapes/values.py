"""Parts of large values, and the differences between two values; by JSON Pointer (RFC 6901), always bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flowdrop_provider.plugins.api.errors import ApiError

__all__ = ["MAX_DIFFERENCES", "differences", "part_of", "resolve"]

MAX_DIFFERENCES = 200
_MAX_RANGE = 65_536
_MAX_SHOWN = 2_000


def resolve(value: Any, pointer: str) -> Any:
    """Return the value at a JSON Pointer; ``""`` is the whole.

    :raises ApiError: 400 ``POINTER_INVALID``, or 404 ``VALUE_NOT_FOUND``.
    """
    if pointer and not pointer.startswith("/"):
        raise ApiError(400, "POINTER_INVALID", "A path is a JSON Pointer: empty, or '/name/0/other'.")
    for step in pointer.split("/")[1:] if pointer else ():
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and len(name) < 10 and int(name) < len(value):
            value = value[int(name)]
        else:
            raise ApiError(404, "VALUE_NOT_FOUND", f"There is nothing at {pointer[:200]!r}.")
    return value


def part_of(value: Any, offset: int, limit: int) -> dict[str, Any]:
    """Return a range of a value: characters of a text, items of a list, members of an object; anything else whole.

    :param offset: of the first character, item or member.
    :param limit: how many, at most 65,536.
    """
    start, end = max(offset, 0), max(offset, 0) + min(max(limit, 1), _MAX_RANGE)
    kind = _kind(value)
    if isinstance(value, dict):
        part: Any = dict(list(value.items())[start:end])
    elif isinstance(value, str | list):
        part = value[start:end]
    else:
        return {"type": kind, "value": value, "total": 1, "offset": 0, "has_more": False}
    return {"type": kind, "value": part, "total": len(value), "offset": start, "has_more": end < len(value)}


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    names = ((str, "string"), (list, "array"), (dict, "object"))
    return next((name for kind, name in names if isinstance(value, kind)), "number")


def differences(left: Any, right: Any) -> tuple[list[dict[str, Any]], bool]:
    """Return ``[{path, left, right}]`` with what differs (absent sides have no key), and whether that is all."""
    found: list[dict[str, Any]] = []
    for difference in _walk(left, right, ""):
        if len(found) == MAX_DIFFERENCES:
            return found, False
        found.append(difference)
    return found, True


def _walk(left: Any, right: Any, path: str) -> Iterator[dict[str, Any]]:
    if isinstance(left, dict) and isinstance(right, dict):
        for name in sorted(left.keys() | right.keys()):
            yield from _member(left, right, name, f"{path}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(left, list) and isinstance(right, list):
        pairs = (dict(enumerate(left)), dict(enumerate(right)))
        for index in range(max(len(left), len(right))):
            yield from _member(*pairs, index, f"{path}/{index}")
    elif type(left) is not type(right) or left != right:
        yield {"path": path, "left": _shown(left), "right": _shown(right)}


def _member(left: dict[Any, Any], right: dict[Any, Any], name: Any, path: str) -> Iterator[dict[str, Any]]:
    if name not in right:
        yield {"path": path, "left": _shown(left[name])}
    elif name not in left:
        yield {"path": path, "right": _shown(right[name])}
    else:
        yield from _walk(left[name], right[name], path)


def _shown(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False)
    return value if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
