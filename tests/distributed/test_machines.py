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


@pytest.mark.parametrize(
    ("service", "sees", "allowed"),
    [
        ("worker-1", "Its nodes are failed with worker_lost; when it wakes up, it is told to stop them.", {"completed", LOST}),
        ("scheduler", "Nodes under way go on; nothing new starts meanwhile.", {"completed", LOST}),
    ],
)
def test_stands_still(bench, service, sees, allowed):
    with bench.effects.holding("http_request.1", 120):
        runs = bench.start(f"stopped-{service}", "faults_steps", 8)
        bench.busy(runs, "http_request.1")
        process = bench.server.services[service]
        assert signal_session(process, signal.SIGSTOP)
        time.sleep(5)
    time.sleep(35)
    signal_session(process, signal.SIGCONT)
    bench.judge(f"stop-{service}", f"SIGSTOP of {service} for 40 s", sees, runs, allowed)


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
            "",
            runs,
            {"completed", LOST},
        )


def test_the_place_for_large_values_is_full(bench):
    with _full(bench.server.object_store):
        runs = bench.start("values-full", "faults_steps", 8)
        bench.judge(
            "values-full",
            "the storage for large values is full (a tmpfs of 4 kB)",
            "",
            runs,
            {"completed", LOST},
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


@pytest.mark.parametrize(
    ("service", "offset", "sees"),
    [
        ("worker-1", "+3600", "Times in the records of that worker are wrong, nothing else."),
        ("worker-1", "-3600", "Times in the records of that worker are wrong, nothing else."),
        (
            "scheduler",
            "+120",
            "Nodes under way look lost to the scheduler: failed with worker_lost, or started again if they may be.",
        ),
        ("scheduler", "-120", "Nothing new starts until the scheduler's clock is where it was."),
    ],
)
def test_a_clock_steps(bench, clock, service, offset, sees):
    clock(service)
    with bench.effects.holding("http_request.1", 120):
        runs = bench.start(f"clock-{service}{offset}", "faults_steps", 6)
        bench.busy(runs, "http_request.1")
        clock(service, offset)
        time.sleep(8)
    bench.judge(
        f"clock-{service}{offset}", f"the clock of {service} steps by {offset} s (libfaketime)", sees, runs, {"completed", LOST}
    )
