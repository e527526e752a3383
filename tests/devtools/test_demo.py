"""``make demo``, typed as a visitor types it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from devtools.demo import HOME, _parser, stop_running
from devtools.processes import works_in

ROOT = Path(__file__).resolve().parents[2]
running = [pytest.mark.integration, pytest.mark.slow]
in_order = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """One folder for all tests here: what the first start leaves, the later ones find."""
    return tmp_path_factory.mktemp("demo")


def make_demo(home: Path, *options: str, **variables: str) -> list[str]:
    arguments = " ".join((*options, "--home", str(home)))
    settings = [f"{name}={value}" for name, value in variables.items()]
    return ["make", "demo", f"VENV={sys.prefix}", f"DEMO_ARGS={arguments}", *settings]


def left_running(home: Path) -> list[str]:
    return [" ".join(process.cmdline()) for process in psutil.process_iter() if works_in(process, home)]


def start_and_wait(command: list[str], wanted: str, log: Path) -> subprocess.Popen[bytes]:
    """Start a command in a terminal's process group of its own and wait until it has written ``wanted``."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    deadline = time.monotonic() + 120
    while wanted not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return process


class TestRunning:
    pytestmark = [*running, in_order]

    def test_once_shows_a_run_and_leaves_nothing(self, home):
        result = subprocess.run(make_demo(home, "--once"), cwd=ROOT, capture_output=True, text=True, check=False)

        assert result.returncode == 0, result.stdout + result.stderr
        assert "the run completed" in result.stdout
        assert re.search(r"^  ✓ \S.* ms  ", result.stdout, re.MULTILINE)
        assert re.search(r"Log in as +admin / \S{12,}", result.stdout)
        assert left_running(home) == []

    @pytest.mark.long
    def test_ctrl_c_ends_a_demo_that_stays_up(self, home, tmp_path):
        log = tmp_path / "output"
        process = start_and_wait(make_demo(home), "Ctrl-C", log)
        assert left_running(home)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)

        assert "nothing left running" in log.read_text()
        assert left_running(home) == []

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    @pytest.mark.long
    def test_a_signal_during_the_start_leaves_nothing(self, home, tmp_path, number):
        log = tmp_path / "output"
        command = [sys.executable, "-m", "devtools.demo", "--home", str(home)]
        process = start_and_wait(command, "PostgreSQL is up", log)
        time.sleep(1)
        process.send_signal(number)

        assert process.wait(timeout=60) == 0
        assert left_running(home) == []

    @pytest.mark.long
    def test_a_detached_demo_stays_until_it_is_stopped(self, home):
        started = subprocess.run(make_demo(home, DETACH="1"), cwd=ROOT, capture_output=True, text=True, check=False)
        assert started.returncode == 0, started.stdout + started.stderr
        assert left_running(home)
        second = subprocess.run(make_demo(home, "--once"), cwd=ROOT, capture_output=True, text=True, check=False)
        stopped = subprocess.run(make_demo(home, "--stop"), cwd=ROOT, capture_output=True, text=True, check=False)

        assert "already runs in this folder" in second.stderr
        assert second.returncode != 0
        assert "has stopped" in stopped.stdout
        assert left_running(home) == []

    def test_a_workflow_that_does_not_exist_is_said_to_be_missing(self, home, tmp_path, monkeypatch):
        from devtools import demo

        monkeypatch.setattr(demo, "_WORKFLOW_TIMEOUT", 3.0)
        assert demo.main(["--once", "--home", str(home), "--dag-id", "flowdrop_nowhere"]) == 1
        assert left_running(home) == []


def test_stopping_when_nothing_runs_is_no_error(tmp_path, capsys):
    assert stop_running(tmp_path / "nowhere") == 0
    assert "No demo is running" in capsys.readouterr().out


def test_everything_the_demo_writes_is_ignored_by_git():
    assert HOME.is_relative_to(ROOT / ".flowdrop")
    assert "/.flowdrop/" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_demo_runs_the_greeting_unless_told_otherwise():
    options = _parser().parse_args(["--conf", '{"message": "hi"}'])

    assert (options.dag_id, options.conf) == ("flowdrop_conditional_greeting", {"message": "hi"})
