"""What the DAG processor spends on 500 exports per cycle: by bundle, by one loader over a folder, by one file each.

The DAG processor forks a process per file, parses it and serializes its DAGs; the same is done here, one file after the other.
Outside of `make bench` it is 100 exports.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.benchmarks.conftest import FULL
from tests.flows import chain, write

COUNT = 500 if FULL else 100


pytestmark = pytest.mark.usefixtures("airflow_home")


def parse_in_a_fork(file: Path) -> int:
    """Parse one DAG file and serialize what it gives, in a process of its own; return how many DAGs."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        found = 0
        try:
            from airflow.dag_processing.dagbag import DagBag
            from airflow.serialization.serialized_objects import DagSerialization

            bag = DagBag(str(file))
            for dag in bag.dags.values():
                DagSerialization.to_dict(dag)
            found = len(bag.dags)
        finally:
            os.write(writing, str(found).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        count = int(stream.read() or 0)
    os.waitpid(child, 0)
    return count


def a_cycle(files: list[Path]) -> tuple[float, int]:
    start = time.perf_counter()
    dags = sum(parse_in_a_fork(file) for file in files)
    return time.perf_counter() - start, dags


@pytest.mark.slow
def test_one_cycle_over_all_exports(tmp_path, figures):
    import airflow.dag_processing.dagbag
    import airflow.serialization.serialized_objects  # noqa: F401 - imported once, before the forks, as the processor does

    from flowdrop_provider.bundles.folder import FlowDropFolderBundle

    flows = write(tmp_path / "flows", *(chain(f"wf_{number}", 10) for number in range(COUNT)))
    start = time.perf_counter()
    bundle = FlowDropFolderBundle(name="bench", path=str(flows))
    bundle.initialize()
    refreshed = time.perf_counter() - start
    by_bundle = sorted(bundle.path.glob("*.py"))

    loader = "from flowdrop_provider.dag_factory import build_airflow_dags\n\n"
    one = tmp_path / "one.py"
    one.write_text(f"{loader}globals().update(build_airflow_dags({str(flows)!r}))\n")
    singles = tmp_path / "singles"
    singles.mkdir()
    for file in flows.glob("*.json"):
        (singles / f"{file.stem}.py").write_text(f"{loader}globals().update(build_airflow_dags({str(file)!r}))\n")

    layouts = {
        f"bundle, {len(by_bundle)} loaders": by_bundle,
        "one loader over the folder": [one],
        "one file each": sorted(singles.glob("*.py")),
    }
    times = {}
    for name, files in layouts.items():
        a_cycle(files)
        times[name], dags = a_cycle(files)
        assert dags == COUNT
    start = time.perf_counter()
    bundle.refresh()
    again = time.perf_counter() - start
    for name, seconds in times.items():
        figures(f"{name}: {seconds:.2f} s per cycle")
    figures(f"bundle refresh, everything new: {refreshed:.2f} s; nothing changed: {again * 1000:.0f} ms")
    assert min(times.values()) < times["one file each"], "a file each costs most"
