from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent

#: Whether to measure in the size of the published figures; `make bench` does, `make test` only sees that nothing got worse.
FULL = os.environ.get("FLOWDROP_BENCH") == "full"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.benchmark)


def milliseconds(work: Callable[[], object]) -> float:
    """Wall time of one call, the garbage collector held still."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        work()
        return (time.perf_counter() - start) * 1000
    finally:
        gc.enable()


@pytest.fixture
def paired():
    """Time two pieces of work in turn and return their medians and the median of the ratios, pair by pair."""

    def measure(work: Callable[[], object], baseline: Callable[[], object], rounds: int = 7) -> tuple[float, float, float]:
        work()
        baseline()
        pairs = [(milliseconds(work), milliseconds(baseline)) for _ in range(rounds)]
        ours, theirs = zip(*pairs, strict=True)
        ratio = statistics.median(a / b for a, b in pairs)
        return statistics.median(ours), statistics.median(theirs), ratio

    return measure


@pytest.fixture(scope="module")
def airflow_home(tmp_path_factory):
    """A home of its own, so that kept outlines are those of this benchmark."""
    home = tmp_path_factory.mktemp("bench-home")
    before = os.environ.get("AIRFLOW_HOME")
    os.environ["AIRFLOW_HOME"] = str(home)
    yield home
    if before is None:
        del os.environ["AIRFLOW_HOME"]
    else:
        os.environ["AIRFLOW_HOME"] = before
