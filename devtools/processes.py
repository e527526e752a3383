"""Start long-lived programs so that they can all be found and stopped again.

Every program gets a session of its own: a Ctrl-C in the terminal does not reach it (we stop things in our order), and whatever
it forks stays findable by its session id, even after the parent is gone. Where ``setpriv`` (util-linux) exists, the kernel also
tells a program when we die, so that a ``kill -9`` of the demo leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


class ServiceError(RuntimeError):
    """A program did not start, or ended when it should not have; the message ends with the tail of its log."""


@dataclass(frozen=True)
class Service:
    """One started program: its ``name``, its process (leader of its own session) and the file that takes its output."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raise :class:`ServiceError` with the tail of the log when the program is no longer running."""
        code = self.process.poll()
        if code is not None:
            raise ServiceError(f"{self.name} ended with code {code}.\n{tail(self.log)}\nThe whole log: {self.log}")


def spawn(
    name: str,
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    stop_signal: str = "TERM",
    privileges: Sequence[str] = (),
) -> Service:
    """Start ``command`` in a session of its own, output appended to ``log``.

    ``stop_signal`` reaches it when this process dies; ``privileges`` are ``setpriv`` options (PostgreSQL drops root with them).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*_setpriv("--pdeathsig", stop_signal, *privileges), *command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Service(name, process, log)


def _setpriv(*options: str) -> list[str]:
    program = shutil.which("setpriv")
    return [program, *options, "--"] if program else []


def stop(services: Collection[Service], *, signal_number: int = signal.SIGTERM, grace: float = 6.0) -> None:
    """Ask every service to end, wait up to ``grace`` seconds for all of them together, then kill what is left of them."""
    for service in services:
        if service.process.poll() is None:
            service.process.send_signal(signal_number)
    deadline = time.monotonic() + grace
    for service in services:
        _wait(service.process, deadline - time.monotonic())
    kill(in_sessions({service.process.pid for service in services}))
    for service in services:
        service.process.wait()


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(timeout=max(0.0, seconds))
    except subprocess.TimeoutExpired:
        return


def kill(processes: Collection[psutil.Process]) -> None:
    """Kill these processes and wait until they are gone."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=5)


def in_sessions(sessions: Collection[int]) -> list[psutil.Process]:
    """Return the processes, zombies apart, whose session id is one of ``sessions``."""
    return [process for process in psutil.process_iter() if _session(process) in sessions]


def signal_session(service: Service, signal_number: int) -> int:
    """Send a signal to a program and everything it started, and return how many processes that were."""
    found = in_sessions({service.process.pid})
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal_number)
    return len(found)


def _session(process: psutil.Process) -> int | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else os.getsid(process.pid)
    except (OSError, psutil.Error):
        return None


def works_in(process: psutil.Process, folder: Path) -> bool:
    """Whether a process has its working directory in ``folder``: process and session ids are reused, that is not."""
    try:
        return Path(process.cwd()).is_relative_to(folder)
    except psutil.Error:
        return False


def tail(log: Path, lines: int = 20) -> str:
    """Return the last ``lines`` lines of a log, or an empty text when there is none."""
    if not log.is_file():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
