"""Pages of lists: offset paging as the specification has it (API-5, API-6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["MAX_LIMIT", "Page", "page_of", "page_size"]

MAX_LIMIT = 100
_DEFAULT = 50
#: No list is as long; a database takes no number above 64 bits.
_FAREST = 10**9
T = TypeVar("T")


def page_size(limit: int | None) -> int:
    """Return how many rows a page has: what was asked for, corrected silently to 1..100 (API-6)."""
    return min(max(limit if limit is not None else _DEFAULT, 1), MAX_LIMIT)


@dataclass(frozen=True, slots=True)
class Page:
    """A corrected page request: the limit is 1..100, the offset not negative; both are corrected silently (API-6)."""

    limit: int
    offset: int

    @classmethod
    def asked(cls, limit: int | None, offset: int | None) -> Page:
        """Return the page a caller asked for, corrected."""
        return cls(page_size(limit), min(max(offset or 0, 0), _FAREST))

    def cut(self, items: Sequence[T]) -> Sequence[T]:
        """Return the part of a complete list."""
        return items[self.offset : self.offset + self.limit]


def page_of(items: Sequence[Any], total: int, page: Page, **more: Any) -> dict[str, Any]:
    """Return the paginated envelope (API-5)."""
    return {
        "success": True,
        "data": list(items),
        "pagination": {
            "total": total,
            "limit": page.limit,
            "offset": page.offset,
            "has_more": page.offset + page.limit < total,
        },
        **more,
    }
