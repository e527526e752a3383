"""The iterator behind ``foreach``: which item is next, and what the rounds gave (SG-4, SG-5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Iteration"]


@dataclass(slots=True)
class Iteration:
    """The position of one ``foreach``; the engine keeps it between rounds and in checkpoints.

    :ivar items: the items, re-indexed.
    :ivar index: 0-based index of the current item; ``-1`` before the first.
    :ivar collected: results of the finished rounds, in order.
    :ivar started: whether the items were taken; they are taken once (SG-4).
    """

    items: list[Any] = field(default_factory=list)
    index: int = -1
    collected: list[Any] = field(default_factory=list)
    started: bool = False

    @property
    def active(self) -> bool:
        """Whether there is a current item."""
        return self.started and 0 <= self.index < len(self.items)

    def start(self, items: Any) -> None:
        """Take the items: a list as it is, a map's values, anything else as the only item."""
        if isinstance(items, list):
            self.items = list(items)
        elif isinstance(items, Mapping):
            # A PHP array with keys: its values are re-indexed.
            self.items = list(items.values())
        else:
            self.items = [items]
        self.started, self.index = True, 0

    def collect(self, result: Any) -> None:
        """Keep the result of the current round and go on to the next item."""
        self.collected.append(result)
        self.index += 1

    def to_data(self) -> dict[str, Any]:
        """Return plain data for a checkpoint."""
        return {"items": self.items, "index": self.index, "collected": self.collected, "started": self.started}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Iteration:
        """Return the iteration that :meth:`to_data` described."""
        return cls(list(data["items"]), int(data["index"]), list(data["collected"]), bool(data["started"]))
