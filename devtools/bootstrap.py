"""Build the virtual environment, with nothing but a Python of 3.10 to 3.13: ``python devtools/bootstrap.py <venv> <extra>``.

Only the standard library may be used here. A stamp in the environment says what it was built from, so that an up-to-date one
costs a tenth of a second; an outdated one is brought up to date, not thrown away.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What "dev" installs holds all that "demo" needs.
_SATISFIED_BY = {"demo": ("demo", "dev"), "dev": ("dev",)}
_TICK = 10.0


class BootstrapError(RuntimeError):
    """The environment cannot be built; the message says what to do."""


def main(arguments: list[str]) -> int:
    """Make sure that the environment ``arguments[0]`` holds the project with the extra ``arguments[1]``."""
    folder, extra = Path(arguments[0]), arguments[1]
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            ensure(folder, extra)
    except BootstrapError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def ensure(folder: Path, extra: str) -> None:
    """Create or update the environment in ``folder`` when its stamp is not the current one; may raise BootstrapError."""
    current = fingerprint(ROOT)
    if any(_read(_stamp(folder, name)) == current for name in _SATISFIED_BY[extra]):
        return
    if not _runs(folder / "bin" / "python"):
        _create(folder)
    _install(folder, extra)
    _stamp(folder, extra).write_text(current)


def fingerprint(root: Path) -> str:
    """Return a hash over what decides the content of the environment: the pins and the project's declaration."""
    content = b"".join((root / name).read_bytes() for name in ("constraints.txt", "pyproject.toml"))
    # An editable installation points to this folder; a copied environment must not keep pointing to the old one.
    return hashlib.sha256(content + os.fsencode(root)).hexdigest()


def _stamp(folder: Path, extra: str) -> Path:
    return folder / f"flowdrop-{extra}.stamp"


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _runs(python: Path) -> bool:
    try:
        return subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _create(folder: Path) -> None:
    if importlib.util.find_spec("ensurepip") is None:
        _install_venv_package()
    print(f"Creating a virtual environment with Python {sys.version.split()[0]} ...", flush=True)
    venv.create(folder, clear=True, with_pip=True, symlinks=True)


def _install_venv_package() -> None:
    """Debian ships ``venv`` without what fills it; root can add that, others are told how."""
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if os.geteuid() != 0:
        raise BootstrapError(f"Python's venv module is incomplete. Please run:\n\n    sudo apt-get install -y {package}\n")
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", package]):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise BootstrapError(f"{' '.join(command)} failed:\n{result.stderr}")


def _install(folder: Path, extra: str) -> None:
    log = folder / "install.log"
    print("Installing FlowDrop, Airflow and PostgreSQL into it (a minute or two) ...", flush=True)
    log.unlink(missing_ok=True)
    # The build backend comes from our pins as well, which needs no isolated build environment.
    _pip(folder, log, "hatchling", "editables")
    _pip(folder, log, "--no-build-isolation", "--editable", f"{ROOT}[{extra}]")


def _pip(folder: Path, log: Path, *arguments: str) -> None:
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "-c", str(ROOT / "constraints.txt"), *arguments]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        _wait_telling(process)
    if process.returncode:
        last_lines = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BootstrapError(f"pip failed:\n{last_lines}\nThe whole log: {log}")


def _wait_telling(process: subprocess.Popen[bytes]) -> None:
    began = time.monotonic()
    while process.returncode is None:
        try:
            process.wait(timeout=_TICK)
        except subprocess.TimeoutExpired:
            print(f"  ... {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
