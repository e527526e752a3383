"""PHP arrays: one ordered map, which JSON splits into lists and objects.

A *PHP array* in the functions below is a plain ``dict`` whose keys are ``int`` or ``str`` the way PHP would keep them
(``"5"`` is 5, ``"05"`` stays text). :func:`entries` reads JSON into pairs, :func:`to_json` writes a map back: as a list
when its keys are 0..n-1 in order, as an object otherwise (measured: a filtered list comes out as an object).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

__all__ = ["Key", "count", "entries", "keys", "merge", "normal_key", "php_slice", "slice_map", "to_json", "values"]

Key: TypeAlias = int | str
_INTEGER_KEY = re.compile(r"(?:0|-?[1-9][0-9]{0,18})")


def normal_key(key: Key) -> Key:
    """Return the key PHP would store: a canonical 64-bit decimal string becomes an integer."""
    if isinstance(key, str) and _INTEGER_KEY.fullmatch(key) and -(2**63) <= int(key) < 2**63:
        return int(key)
    return key


def entries(value: Any) -> list[tuple[Key, Any]]:
    """Return the (key, value) pairs of a JSON list or object; nothing for anything else."""
    if isinstance(value, Mapping):
        return [(normal_key(key), item) for key, item in value.items()]
    return list(enumerate(value)) if isinstance(value, list) else []


def keys(value: Any) -> list[Key]:
    """Return the keys of a JSON list or object."""
    return [key for key, _ in entries(value)]


def values(value: Any) -> list[Any]:
    """Return the values of a JSON list or object, reindexed (``array_values``)."""
    return list(value.values()) if isinstance(value, Mapping) else list(value)


def count(value: Any) -> int:
    """Return the number of elements of a list or object."""
    return len(value)


def to_json(pairs: Mapping[Any, Any] | Iterable[tuple[Key, Any]]) -> list[Any] | dict[str, Any]:
    """Return a PHP array as JSON: a list when the keys are 0..n-1 in order (or none), else an object."""
    array = dict(pairs)
    if all(key == place and not isinstance(key, str) for place, key in enumerate(array)):
        return list(array.values())
    return {str(key): item for key, item in array.items()}


def merge(*arrays: Any) -> dict[Key, Any]:
    """Return ``array_merge``: integer keys are renumbered, later text keys win in the earlier place."""
    merged: dict[Key, Any] = {}
    place = 0
    for array in arrays:
        for key, item in entries(array):
            if isinstance(key, int):
                merged[place] = item
                place += 1
            else:
                merged[key] = item
    return merged


def php_slice(total: int, offset: int, length: int | None) -> slice:
    """Return the Python slice for ``array_slice($a, $offset, $length)`` over ``total`` elements."""
    start = max(0, total + offset) if offset < 0 else min(offset, total)
    if length is None:
        stop = total
    else:
        stop = total + length if length < 0 else start + length
    return slice(start, max(start, min(stop, total)))


def slice_map(value: Any, offset: int, length: int | None = None) -> list[Any] | dict[str, Any]:
    """Return ``array_slice`` of a list or object: text keys stay, integer keys are renumbered."""
    pairs = entries(value)
    chosen = pairs[php_slice(len(pairs), offset, length)]
    return to_json(merge({str(key): item for key, item in chosen}))
