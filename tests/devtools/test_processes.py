from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from devtools.processes import ServiceError, in_sessions, spawn, stop, tail, works_in

STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
print("ready", flush=True)
time.sleep(60)
"""


def start(folder: Path, source: str):
    return spawn("script", [sys.executable, "-c", source], cwd=folder, env=os.environ, log=folder / "script.log")


def wait_for(condition, seconds: float = 10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_stopping_ends_a_program_and_its_children_even_when_they_refuse(tmp_path):
    service = start(tmp_path, STUBBORN)
    wait_for(lambda: tail(service.log).count("ready") == 2)
    assert len(in_sessions({service.process.pid})) == 2

    stop([service], grace=0.2)

    assert in_sessions({service.process.pid}) == []


def test_a_program_that_ended_is_reported_with_its_last_words(tmp_path):
    service = start(tmp_path, "raise SystemExit('the database is on fire')")
    service.process.wait()

    with pytest.raises(ServiceError, match="the database is on fire"):
        service.check()


def test_a_program_ends_with_the_process_that_started_it(tmp_path):
    starter = (
        "import os, sys, time, pathlib; from devtools.processes import spawn;"
        "folder = pathlib.Path(sys.argv[1]);"
        "service = spawn('sleep', ['sleep', '60'], cwd=folder, env=os.environ, log=folder / 'sleep.log');"
        "print(service.process.pid, flush=True); time.sleep(0.5); os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).resolve().parents[2]
    output = subprocess.run([sys.executable, "-c", starter, str(tmp_path)], cwd=root, capture_output=True, check=False).stdout

    wait_for(lambda: not in_sessions({int(output)}))


def test_a_process_is_known_by_its_folder(tmp_path):
    service = start(tmp_path, "import time; time.sleep(60)")
    process = psutil.Process(service.process.pid)
    try:
        assert works_in(process, tmp_path)
        assert not works_in(process, tmp_path / "other")
    finally:
        stop([service])
    assert not works_in(process, tmp_path)
