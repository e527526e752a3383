"""A pytest plugin: what tests measure is printed at the end of the run, where people see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["figures", "print_figures"]

_lines: list[str] = []


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Give a test a function that notes one line of measured figures."""
    name = request.node.name

    def note(line: str) -> None:
        _lines.append(f"{name}: {line}")

    return note


def print_figures(terminalreporter: Any) -> None:
    """Print what was measured."""
    if _lines:
        terminalreporter.section("measured")
    for line in _lines:
        terminalreporter.line(line)
