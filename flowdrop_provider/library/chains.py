"""A hash chain over events: each carries a digest of itself and of everything before it, so that a change shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["CHAIN", "START", "broken_event", "chained"]

#: The member that holds an event's digest: of the digest before it and of the event without this member.
CHAIN = "chain"

#: What the first event's digest is taken with.
START = "0" * 64


def chained(events: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield each event with its digest.

    :param events: JSON objects; a digest they carry already is left out.
    """
    before = START
    for event in events:
        own = _own(event)
        before = _digest(before, own)
        yield {**own, CHAIN: before}


def broken_event(events: Iterable[Mapping[str, Any]]) -> tuple[int | None, int, str]:
    """Return the number of the first event that is not what it was (from 1), the number of events, the last digest."""
    before, count = START, 0
    for count, event in enumerate(events, start=1):
        before = _digest(before, _own(event))
        if event.get(CHAIN) != before:
            return count, count, before
    return None, count, before


def _own(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != CHAIN}


def _digest(before: str, event: Mapping[str, Any]) -> str:
    text = json.dumps(event, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()
