"""Install the programs that some tests use and pip has not: ``python -m devtools.system_packages chromium redis-server``.

Tests whose program is missing skip with a message, so nothing here makes a test run fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

# The commands by which a program counts as installed, whatever put it there.
_COMMANDS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "redis-server": ("redis-server", "valkey-server"),
    "php-cli": ("php",),
    "php-codesniffer": ("phpcs",),
    "prometheus": ("promtool",),
}


# Packages that bring no command: what to run to see whether they are there.
_PROBES = {"php-curl": ("php", "-r", "exit(extension_loaded('curl') ? 0 : 1);")}


def missing(packages: Sequence[str]) -> list[str]:
    """Return those Debian packages whose program is not on the PATH, or whose extension the program does not load."""
    return [package for package in packages if not _is_there(package)]


def _is_there(package: str) -> bool:
    probe = _PROBES.get(package)
    if probe is None:
        return any(map(shutil.which, _COMMANDS.get(package, (package,))))
    return bool(shutil.which(probe[0])) and subprocess.run(probe, capture_output=True, check=False).returncode == 0


def main(packages: Sequence[str]) -> int:
    """Install what is missing when we may, say what to type when we may not; always returns 0."""
    wanted = missing(packages)
    if not wanted:
        return 0
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"Not installed: {', '.join(wanted)}. The tests that use them will skip. To run them as well:")
        print(f"    sudo apt-get install -y --no-install-recommends {' '.join(wanted)}")
        return 0
    print(f"Installing {', '.join(wanted)} for the tests ...", flush=True)
    if not _apt("update") or not _apt("install", "-y", "--no-install-recommends", *wanted):
        print(f"That did not work; the tests that use {', '.join(wanted)} will skip.")
    return 0


def _apt(*arguments: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-qq", *arguments]
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
