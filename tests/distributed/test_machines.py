"""Machines that stand still, have a full disk, or a wrong clock."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from devtools.processes import signal_session

pytestmark = [pytest.mark.slow, pytest.mark.distributed]

LOST = "failed (worker_lost)"


FROZEN = {
    "worker-1": "Its nodes are failed with worker_lost. When it wakes up, what it would still write down is refused.",
    "scheduler": "Nodes under way go on; nothing new starts meanwhile.",
}


@pytest.mark.parametrize("service", FROZEN)
def test_stands_still(bench, service):
    with bench.effects.holding("http_request.1", 120):
        runs = bench.start(f"stopped-{service}", "faults_steps", 8)
        bench.busy(runs, "http_request.1")
        process = bench.server.services[service]
        assert signal_session(process, signal.SIGSTOP)
        time.sleep(5)
    time.sleep(35)
    signal_session(process, signal.SIGCONT)
    bench.judge(f"stop-{service}", f"SIGSTOP of {service} for 40 s", FROZEN[service], runs, {"completed", LOST})


@contextmanager
def _full(folder: Path) -> Iterator[None]:
    """Lay a full disk over a folder."""
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "full", str(folder)], check=False).returncode
    ):
        pytest.skip("a small tmpfs cannot be mounted here")
    try:
        with suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 1024)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_the_disk_for_logs_is_full(bench):
    with _full(bench.server.machine("worker-1") / "logs"):
        runs = bench.start("logs-full", "faults_steps", 8)
        bench.judge(
            "logs-full",
            "the disk for task logs of a worker is full (a tmpfs of 4 kB)",
            "What that worker takes fails before it begins, as worker_lost: its side effects do not happen.",
            runs,
            {"completed", LOST},
        )


def test_the_place_for_large_values_is_full(bench):
    with _full(bench.server.object_store):
        runs = bench.start("values-full", "faults_steps", 8)
        bench.judge(
            "values-full",
            "the storage for large values is full (a tmpfs of 4 kB)",
            "The node that made a large value fails with value_not_stored; an error edge may take it.",
            runs,
            {"failed (value_not_stored)"},
        )


@pytest.fixture
def clock(bench, tmp_path):
    """Give a function that starts a service with a clock of its own, and one that sets it."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        pytest.skip("libfaketime is not installed: apt-get install faketime")
    file, touched = tmp_path / "clock", []

    def put(service: str, offset: str = "+0") -> None:
        file.write_text(offset)
        if service not in touched:
            touched.append(service)
            bench.server.variables[service] = {
                "LD_PRELOAD": str(library),
                "FAKETIME_TIMESTAMP_FILE": str(file),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
            bench.server.kill_service(service)
            bench.server.start_service(service)

    yield put
    for service in touched:
        del bench.server.variables[service]
        bench.server.kill_service(service)
        bench.server.start_service(service)


NODES = ("http_request.1", "text_processor.1", "http_request.2", "text_output.1")
# The scheduler is not among them: libfaketime 0.9.10 makes its sleep fail (EINVAL), so it ends by itself.
STEPS = {
    ("worker-1", "+3600"): "Times in the records of that worker are wrong, nothing else.",
    ("worker-1", "-3600"): "Times in the records of that worker are wrong, nothing else.",
}


@pytest.mark.parametrize(("service", "offset"), STEPS)
def test_a_clock_steps(bench, clock, service, offset):
    clock(service)
    with bench.effects.holding("http_request.1", 120):
        runs = bench.start(f"clock-{service}{offset}", "faults_steps", 6)
        bench.busy(runs, "http_request.1")
        clock(service, offset)
        time.sleep(8)
    title = f"the clock of {service} steps by {offset} s (libfaketime)"
    bench.judge(f"clock-{service}{offset}", title, STEPS[service, offset], runs, {"completed", LOST})

    assert any(abs(bench.started(run, node_id) - time.time()) > 3000 for run in runs for node_id in NODES), "it did step"
