"""One running Airflow for all integration tests of a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.harness import AirflowHarness

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def airflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowHarness]:
    """Start Airflow once, in a folder and on ports of its own; see :class:`devtools.harness.AirflowHarness`."""
    harness = AirflowHarness(tmp_path_factory.mktemp("airflow"))
    harness.start()
    yield harness
    harness.stop()
