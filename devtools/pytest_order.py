"""A pytest plugin (``-p devtools.pytest_order``): quick tests first, so that a broken one shows within seconds."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

_SLOWEST_LAST = ("slow", "integration", "browser", "benchmark")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by the most expensive marker of each test; within one cost the order stays as it was."""
    items.sort(key=lambda item: cost(marker.name for marker in item.iter_markers()))


def cost(marker_names: Iterable[str]) -> int:
    """Return 0 for a test without an expensive marker, else the place of its most expensive one (1 is the cheapest)."""
    return max((_SLOWEST_LAST.index(name) + 1 for name in marker_names if name in _SLOWEST_LAST), default=0)
