"""Write ``constraints.txt``: one tested version of every package, for each Python we support.

``python -m devtools.pins`` resolves the project with all its extras under every supported Python found on this machine and
merges the answers. A package that differs between Pythons (or exists for some only) gets an environment marker.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
_BUILD_TOOLS = ("editables", "hatchling")
_HEADER = "# Written by `python -m devtools.pins`: one set of versions for Python 3.10 to 3.13 on Linux.\n"


def requirements(pyproject: str) -> list[str]:
    """Return every requirement of the project, of its extras and of its build, from the text of pyproject.toml."""
    import tomllib  # not in Python 3.10, which only the other functions here have to run on

    project = tomllib.loads(pyproject)["project"]
    extras = [item for extra in project["optional-dependencies"].values() for item in extra]
    third_party = [item for item in extras if not item.startswith(project["name"])]
    return sorted({*project["dependencies"], *third_party, *_BUILD_TOOLS})


def resolve(python: str, wanted: Sequence[str]) -> dict[str, str]:
    """Ask the pip of ``python`` (``3.11``) for a consistent set; returns name (lower case, dashes) to version.

    The set must also install on the first release of that Python, 3.11.0: distributions keep early ones for years, and some
    packages want a later one. pip answers for another Python from wheels only, and needs a folder it will not write to.
    """
    target = ("--python-version", f"{python}.0", "--only-binary", ":all:", "--target", "unused")
    command = [f"python{python}", "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    report = json.loads(subprocess.run([*command, *target, *wanted], check=True, stdout=subprocess.PIPE).stdout)
    return {normal(item["metadata"]["name"]): item["metadata"]["version"] for item in report["install"]}


def normal(name: str) -> str:
    """Return a package name as comparisons want it: lower case, dashes."""
    return re.sub(r"[-_.]+", "-", name).lower()


def merge(pins: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Merge ``{python: {name: version}}`` into constraint lines, marked where a pin is not the same everywhere."""
    lines = []
    for name in sorted({name for found in pins.values() for name in found}):
        by_version: dict[str, list[str]] = defaultdict(list)
        for python, found in pins.items():
            if name in found:
                by_version[found[name]].append(python)
        lines += [f"{name}=={number}{_marker(pythons, list(pins))}" for number, pythons in by_version.items()]
    return lines


def _marker(pythons: Sequence[str], every: Sequence[str]) -> str:
    """Return the environment marker for some of the Pythons in ``every`` (ascending), empty when it is all of them."""
    if list(pythons) == list(every):
        return ""
    if list(pythons) == list(every[-len(pythons) :]):
        return f' ; python_version >= "{pythons[0]}"'
    return " ; " + " or ".join(f'python_version == "{python}"' for python in pythons)


def main() -> int:
    """Resolve under each Python and write ``constraints.txt``; exit code 1 when an interpreter is missing."""
    wanted = requirements((ROOT / "pyproject.toml").read_text())
    try:
        pins = {python: resolve(python, wanted) for python in PYTHONS}
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"Every supported Python must be installed to write the pins: {error}", file=sys.stderr)
        return 1
    (ROOT / "constraints.txt").write_text(_HEADER + "\n".join(merge(pins)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
