from __future__ import annotations

from pathlib import Path

import pytest

from devtools.pytest_figures import figures, print_figures
from devtools.pytest_rules import SHARED, print_rules, pytest_runtest_makereport

__all__ = ["figures", "pytest_runtest_makereport", "pytest_terminal_summary"]


def pytest_terminal_summary(terminalreporter) -> None:
    print_figures(terminalreporter)
    print_rules(terminalreporter)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real exports and measured vectors; absent on machines that only have the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent: real exports and measured vectors are not part of the repository")
    return SHARED
