"""Where memory nodes keep values: the protocol, and the store of one process.

A value lives at a *place*: scope, scope id and key. Stores keep JSON texts, so a reader never shares an object with a
writer, and a value that JSON cannot carry is refused when it is written.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, Protocol, cast

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.world import World

__all__ = ["LOCK_WAIT", "MISSING", "InProcessMemory", "MemoryStore", "Place", "decoded", "encoded", "memory_of"]

#: What :meth:`MemoryStore.get` returns for a place that holds nothing; null is a value.
MISSING: Any = object()
#: Seconds a change waits for another one of the same place before it goes on without the lock (MEM-12).
LOCK_WAIT = 5.0
#: Bytes of JSON one place may hold.
MAX_VALUE = 1_000_000


class Place(NamedTuple):
    """The address of a value; ``scope_id`` is empty for scopes that need no identity."""

    scope: str
    scope_id: str
    key: str


class MemoryStore(Protocol):
    """Keeps JSON values by place, shared by every node of the deployment that uses the same store."""

    def get(self, place: Place) -> Any:
        """Return the value, or :data:`MISSING` when there is none or its time is over."""
        ...

    def put(self, place: Place, value: Any, ttl: float = 0) -> None:
        """Keep a value for ``ttl`` seconds, 0 for ever; raise :class:`NodeError` ``value_too_large`` or ``not_json``."""
        ...

    def delete(self, place: Place) -> bool:
        """Forget a value; return whether there was one."""
        ...

    def locked(self, place: Place, wait: float = LOCK_WAIT) -> AbstractContextManager[bool]:
        """Hold a place for a read-modify-write; gives whether the lock was got within ``wait`` seconds (MEM-12)."""
        ...


def encoded(value: Any) -> str:
    """Return a value as the JSON text a store keeps.

    :raises NodeError: ``not_json`` or ``value_too_large``.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise NodeError("Memory keeps JSON values only.", code="not_json") from error
    if size > MAX_VALUE:
        raise NodeError(f"The value takes {size:,} bytes; memory keeps {MAX_VALUE:,} at most.", code="value_too_large")
    return text


def decoded(text: str) -> Any:
    """Return the value of a stored JSON text."""
    return json.loads(text)


def memory_of(world: World) -> MemoryStore:
    """Return the run's memory, or raise a node-level error with a way out."""
    return cast(
        "MemoryStore", world.require("memory", "memory store", "Set [flowdrop] memory_conn_id to a database connection.")
    )


class InProcessMemory:
    """The store of ``flowdrop run`` and of tests: it lasts as long as the process.

    :param clock: seconds that only grow; a test passes its own to let values expire.
    :param max_places: values kept at most; one more is a node-level error, so that a loop cannot fill the machine.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, max_places: int = 100_000) -> None:
        self._clock = clock
        self._max_places = max_places
        self._values: dict[Place, tuple[str, float | None]] = {}
        self._locks: dict[Place, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, place: Place) -> Any:
        """Return the value or :data:`MISSING`."""
        with self._guard:
            text, ends = self._values.get(place, ("", 0.0))
            if ends is not None and ends <= self._clock():
                self._values.pop(place, None)
                return MISSING
        return decoded(text)

    def put(self, place: Place, value: Any, ttl: float = 0) -> None:
        """Keep a value; see :meth:`MemoryStore.put`."""
        text = encoded(value)
        with self._guard:
            if place not in self._values and len(self._values) >= self._max_places:
                raise NodeError(f"Memory holds {self._max_places:,} values already.", code="memory_full")
            self._values[place] = (text, self._clock() + ttl if ttl > 0 else None)

    def delete(self, place: Place) -> bool:
        """Forget a value; see :meth:`MemoryStore.delete`."""
        found = self.get(place) is not MISSING
        with self._guard:
            self._values.pop(place, None)
        return found

    @contextmanager
    def locked(self, place: Place, wait: float = LOCK_WAIT) -> Iterator[bool]:
        """Hold a place; see :meth:`MemoryStore.locked`."""
        with self._guard:
            lock = self._locks.setdefault(place, threading.Lock())
        held = lock.acquire(timeout=wait)
        try:
            yield held
        finally:
            if held:
                lock.release()
