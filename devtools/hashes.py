"""Write ``requirements-locked.txt``: the pins of ``constraints.txt`` with the SHA-256 of each archive.

``python -m devtools.hashes`` asks pip, under every Python we support, which archive it would take for each pin and what its
hash is; nothing is installed. It asks for pins that the file lacks, with ``--all`` for each. Then
``pip install --require-hashes -r requirements-locked.txt`` takes no other file of the same name and version.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from devtools.pins import PYTHONS, ROOT, normal

__all__ = ["FILE", "PLATFORMS", "known", "lines", "locked", "read_report"]

FILE = ROOT / "requirements-locked.txt"
#: Kinds of machines whose archives are locked: newest C library first, as pip prefers them.
PLATFORMS = {
    machine: [f"manylinux_2_{minor}_{machine}" for minor in range(40, 16, -1)] + [f"manylinux2014_{machine}"]
    for machine in ("x86_64", "aarch64")
}
_HEADER = """\
# Written by `python -m devtools.hashes` from constraints.txt: every archive that pip takes under CPython 3.10 to 3.13 on Linux
# with glibc, x86-64 and 64-bit ARM. Other systems take other archives of the same versions and are not covered: use
# constraints.txt there. Install with `pip install --require-hashes --only-binary :all: --no-deps -r requirements-locked.txt`.
"""


def read_report(report: Mapping[str, object]) -> dict[str, set[str]]:
    """Return ``{"name==version": {sha256, ...}}`` of a report of pip."""
    found: dict[str, set[str]] = {}
    items = report["install"]
    assert isinstance(items, list)
    for item in items:
        metadata, archive = item["metadata"], item["download_info"]["archive_info"]
        found[f"{normal(metadata['name'])}=={metadata['version']}"] = {archive["hashes"]["sha256"]}
    return found


def locked(python: str, machine: str, constraints: Path) -> dict[str, set[str]]:
    """Ask the pip of ``python`` (``3.11``) for the archives of all pins on a kind of machine.

    :raises subprocess.CalledProcessError: a pin has no wheel there.
    """
    platforms = [part for name in PLATFORMS[machine] for part in ("--platform", name)]
    target = ("--python-version", f"{python}.0", "--only-binary", ":all:", "--target", "unused", *platforms)
    command = [
        f"python{python}",
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--ignore-installed",
        "--no-deps",
        "--quiet",
        "--report",
        "-",
    ]
    done = subprocess.run([*command, *target, "-r", str(constraints)], check=True, stdout=subprocess.PIPE)
    return read_report(json.loads(done.stdout))


def known(text: str) -> dict[str, set[str]]:
    """Return ``{"name==version": {sha256, ...}}`` of what :func:`lines` wrote."""
    found: dict[str, set[str]] = defaultdict(set)
    pin = ""
    for line in text.splitlines():
        if line.startswith("    --hash=sha256:"):
            found[pin].add(line.removesuffix(" \\").rpartition(":")[2])
        elif line and not line.startswith("#"):
            pin = line.removesuffix(" \\").partition(";")[0].strip()
    return found


def lines(constraints: Iterable[str], hashes: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the pins with their hashes.

    :raises KeyError: a pin without any; the file would be refused as a whole.
    """
    found = []
    for line in constraints:
        if line and not line.startswith("#"):
            known = sorted(hashes[line.partition(";")[0].strip()])
            found.append(" \\\n".join([line, *(f"    --hash=sha256:{digest}" for digest in known)]))
    return found


def main(arguments: Sequence[str]) -> int:
    """Ask under each Python and write the file; exit code 1 when one is missing or a pin has no archive."""
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    hashes = defaultdict(set, known(FILE.read_text()) if FILE.exists() and "--all" not in arguments else {})
    unknown = [line for line in pins if not line.startswith("#") and line.partition(";")[0].strip() not in hashes]
    try:
        for pin, digest in _asked(unknown) if unknown else ():
            hashes[pin].add(digest)
        FILE.write_text(_HEADER + "\n".join(lines(pins, hashes)) + "\n")
    except (OSError, KeyError, subprocess.CalledProcessError) as error:
        print(f"The archives of all pins must be there to lock them: {error!r}", file=sys.stderr)
        return 1
    return 0


def _asked(pins: Iterable[str]) -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "pins.txt"
        wanted.write_text("\n".join(pins))
        for python in PYTHONS:
            for machine in PLATFORMS:
                for pin, digests in locked(python, machine, wanted).items():
                    yield from ((pin, digest) for digest in digests)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
