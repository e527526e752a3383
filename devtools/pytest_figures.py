"""A pytest plugin: what tests measure is printed at the end of the run, where people see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["collect_figures", "figures", "print_figures"]

_lines: list[str] = []


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Give a test a function that notes one line of measured figures."""
    node = request.node

    def note(line: str) -> None:
        # A property of the report reaches the process that prints, also from a worker process.
        node.user_properties.append(("figures", f"{node.name}: {line}"))

    return note


def collect_figures(report: pytest.TestReport) -> None:
    """Keep what a test noted."""
    if report.when == "call":
        _lines.extend(str(value) for name, value in report.user_properties if name == "figures")


def print_figures(terminalreporter: Any) -> None:
    """Print what was measured."""
    if _lines:
        terminalreporter.section("measured")
    for line in _lines:
        terminalreporter.line(line)
