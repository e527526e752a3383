"""Which licences the packages have that come along with ours: ``python -m devtools.licences`` lists them and judges.

What is looked at is the installed metadata of the runtime dependencies, however deep; what only tests, the documentation or the
demo need is nobody's who installs the package.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement

from devtools.pins import normal

__all__ = ["ALLOWED", "EXCEPTIONS", "PACKAGE", "field_of", "licence_of", "refused", "runtime"]

PACKAGE = "airflow-provider-flowdrop"

#: Licences (SPDX) that oblige whoever installs us to nothing but naming the authors, or, weak copyleft, to publish changes of
#: those files themselves.
ALLOWED = frozenset(
    {"Apache-2.0", "MIT", "MIT-0", "MIT-CMU", "BSD-2-Clause", "BSD-3-Clause", "BSD", "0BSD", "ISC", "PSF-2.0", "Python-2.0",
     "CNRI-Python", "MPL-2.0", "Unlicense", "Zlib", "ZPL-2.1", "HPND"}
)  # fmt: skip

#: Packages whose metadata says something else or nothing, each with the reason why they may stay.
EXCEPTIONS: dict[str, str] = {
    "text-unidecode": "Artistic License or GPL, as one likes; Airflow needs it for slugs, and we neither change nor bundle it.",
}

_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "zlib/libpng License": "Zlib",
}
#: How people write them where an SPDX expression belongs.
_SPELLINGS = {
    "apache 2.0": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache license v2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "mit license": "MIT",
    "the mit license": "MIT",
    "bsd license": "BSD",
    "3-clause bsd": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "mpl 2.0": "MPL-2.0",
    "psf": "PSF-2.0",
    "psfl": "PSF-2.0",
}


def runtime(package: str = PACKAGE) -> dict[str, Distribution]:
    """Return the installed distributions that a package needs to run, itself included, by normal name."""
    found: dict[str, Distribution] = {}
    pending: list[tuple[str, frozenset[str]]] = [(package, frozenset())]
    seen = set()
    while pending:
        name, extras = pending.pop()
        if (normal(name), extras) in seen:
            continue
        seen.add((normal(name), extras))
        try:
            found[normal(name)] = distribution(name)
        except PackageNotFoundError:
            # A requirement of another platform, or of an extra that is not installed.
            continue
        pending += [(needed.name, frozenset(needed.extras)) for needed in requirements(found[normal(name)], extras)]
    return found


def requirements(installed: Distribution, extras: Iterable[str] = ()) -> Iterator[Requirement]:
    """Yield the requirements of a distribution that count on this machine, those of the extras included."""
    environments = [{"extra": extra} for extra in ("", *extras)]
    for line in installed.requires or ():
        needed = Requirement(line)
        if needed.marker is None or any(needed.marker.evaluate(environment) for environment in environments):
            yield needed


def field_of(installed: Distribution, name: str) -> str:
    """Return a field of the metadata, ``""`` when it is absent."""
    return str(next(iter(installed.metadata.get_all(name) or ()), ""))


def licence_of(installed: Distribution) -> str:
    """Return the licence as an SPDX expression where the metadata can be read as one, else what it says, ``""`` for nothing."""
    expression = field_of(installed, "License-Expression")
    if expression:
        return expression
    classifiers = installed.metadata.get_all("Classifier") or ()
    named = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: ")]
    known = sorted({_CLASSIFIERS[name] for name in named if name in _CLASSIFIERS})
    text = field_of(installed, "License").strip()
    told = _SPELLINGS.get(text.lower(), text if len(text) < 60 else "")
    # A classifier that says "BSD" says less than the text beside it.
    if told and (not known or known == ["BSD"]):
        return told
    return " OR ".join(known) or " OR ".join(name for name in named if name != "OSI Approved")


def is_allowed(expression: str) -> bool:
    """Return whether somebody may choose allowed licences only; ``AND`` asks for all, ``OR`` for one."""
    plain = re.sub(r"[()]", " ", expression)
    return any(
        all(part.strip().split(" WITH ")[0] in ALLOWED for part in choice.split(" AND ")) for choice in plain.split(" OR ")
    )


def refused(distributions: dict[str, Distribution]) -> dict[str, str]:
    """Return the packages whose licence is not allowed and that are no exception, with what their metadata says."""
    licences = {name: licence_of(installed) for name, installed in distributions.items() if name not in EXCEPTIONS}
    return {name: licence for name, licence in licences.items() if not is_allowed(licence)}


def main() -> int:
    """List every package with its licence; exit code 1 when one is not allowed."""
    distributions = runtime()
    wrong = refused(distributions)
    for name, installed in sorted(distributions.items()):
        note = "NOT ALLOWED" if name in wrong else EXCEPTIONS.get(name, "")
        print(f"{name}=={installed.version}\t{licence_of(installed)}\t{note}".rstrip())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
