from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools.pytest_figures import collect_figures, figures, print_figures
from devtools.pytest_rules import SHARED, collect_rules, print_rules, pytest_runtest_makereport

if TYPE_CHECKING:
    from devtools.harness import AirflowHarness

__all__ = ["figures", "pytest_runtest_logreport", "pytest_runtest_makereport", "pytest_terminal_summary"]

# Processes that run tests side by side must not write the same configuration of Airflow at the same time.
if "AIRFLOW_HOME" in os.environ and (worker := os.environ.get("PYTEST_XDIST_WORKER")):
    os.environ["AIRFLOW_HOME"] = str(Path(os.environ["AIRFLOW_HOME"]) / worker)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    collect_figures(report)
    collect_rules(report)


def pytest_terminal_summary(terminalreporter) -> None:
    print_figures(terminalreporter)
    print_rules(terminalreporter)


@pytest.fixture(scope="session", autouse=True)
def files_of_nodes_stay_out_of_the_checkout(tmp_path_factory) -> None:
    os.environ.setdefault("FLOWDROP_FILE_ROOT", str(tmp_path_factory.mktemp("flowdrop-files")))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real exports and measured vectors; absent on machines that only have the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent: real exports and measured vectors are not part of the repository")
    return SHARED


@pytest.fixture(scope="session")
def airflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowHarness]:
    """Start Airflow once a session, in a folder and on ports of its own; see :class:`devtools.harness.AirflowHarness`."""
    from devtools.harness import AirflowHarness

    harness = AirflowHarness(tmp_path_factory.mktemp("airflow"))
    harness.start()
    yield harness
    harness.stop()
