"""The comparison in an environment of its own: ``python -m tests.benchmarks.peers [options of measure]``.

The tools are installed beside the project's environment, not into it; Airflow and all else they share come from there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PLACE = ROOT / ".flowdrop" / "peers"
PINS = Path(__file__).with_name("constraints.txt")


def ensure() -> Path:
    """Return the Python of the environment, which is made when it is missing or its pins have changed."""
    python, stamp = PLACE / "bin" / "python", PLACE / "pins.txt"
    if stamp.exists() and stamp.read_bytes() == PINS.read_bytes():
        return python
    print("Installing the tools to compare with ...", file=sys.stderr, flush=True)
    venv.create(PLACE, clear=True, with_pip=True, symlinks=True)
    packages = next(PLACE.glob("lib/python*/site-packages"))
    (packages / "project.pth").write_text(sysconfig.get_path("purelib") + "\n")
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "-r", PINS], check=True)
    # Two of them install their own tests as a package of this name, which would hide ours.
    shutil.rmtree(packages / "tests", ignore_errors=True)
    stamp.write_bytes(PINS.read_bytes())
    return python


def main(arguments: list[str]) -> int:
    """Run the comparison and return its exit code."""
    home = {"AIRFLOW_HOME": str(PLACE / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    quiet = {"AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING", "PYTHONPATH": str(ROOT)}
    command = [ensure(), "-m", "tests.benchmarks.peers.measure", *arguments]
    return subprocess.run(command, env={**os.environ, **home, **quiet}, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
