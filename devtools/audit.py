"""Look for known weaknesses of the pinned packages: ``python -m devtools.audit``.

It needs ``pip-audit`` and an advisory database that can be reached. Where one of them is missing it says so and fails: silence
would look like a clean bill of health.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence

from devtools.hashes import FILE

__all__ = ["audit", "verdict"]

CLEAN, FOUND, UNKNOWN = 0, 1, 2
#: What pip-audit's messages say when nobody answered it.
_UNREACHABLE = (
    "ConnectionError",
    "ServiceError",
    "Max retries",
    "NameResolution",
    "Could not connect",
    "ProxyError",
    "timed out",
)


def verdict(code: int, output: str) -> tuple[int, str]:
    """Return our exit code and what to say about a run of pip-audit."""
    if code == 0:
        return CLEAN, "No known weakness in the pinned packages."
    if any(sign in output for sign in _UNREACHABLE):
        return UNKNOWN, "NOT CHECKED: no advisory database can be reached from here."
    return FOUND, "There are known weaknesses, or pip-audit failed; see above."


def audit(command: Sequence[str]) -> tuple[int, str]:
    """Run pip-audit and judge it."""
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout, end="")
    return verdict(done.returncode, done.stdout)


def main() -> int:
    """Audit the locked packages; 0 clean, 1 weaknesses, 2 not checked."""
    if importlib.util.find_spec("pip_audit") is None:
        print("NOT CHECKED: pip-audit is not installed. Add it with: pip install pip-audit", file=sys.stderr)
        return UNKNOWN
    options = ("--require-hashes", "--disable-pip", "--progress-spinner", "off", "-r", str(FILE))
    code, text = audit([sys.executable, "-m", "pip_audit", *options])
    print(text, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
