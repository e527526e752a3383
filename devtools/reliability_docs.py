"""Writes the table of faults in ``docs/reliability.md``: ``python -m devtools.reliability_docs``.

The suite (``make test-distributed``) writes a JSON line for each fault it has injected; the newest one of a fault counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["PAGE", "RESULTS", "faults_table", "newest", "with_table"]

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reliability.md"
RESULTS = ROOT / ".flowdrop" / "reliability.jsonl"
START, END = "<!-- faults: written by devtools.reliability_docs -->", "<!-- end of faults -->"
_COLUMNS = ("fault", "what the user sees", "runs", "right", "how they ended", "effects", "attempts", "repeated", "lost", "s")


def newest(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Return the newest line of each fault, in the order in which the faults came first."""
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        row = json.loads(line)
        found[row["fault"]] = row
    return list(found.values())


def faults_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the faults as a Markdown table, and below it when they were injected."""
    known = list(rows)
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---|---|" + "---:|" * 2 + "---|" + "---:|" * 5]
    lines += [f"| {' | '.join(_cells(row))} |" for row in known]
    total = {name: sum(row[name] for row in known) for name in ("runs", "right", "effects", "attempts", "repeated", "lost")}
    days = sorted({str(row["at"])[:10] for row in known})
    told = (
        f"{len(known)} faults, {total['runs']} runs, {total['right']} ended right, {total['effects']} side effects, "
        f"{total['attempts']} attempts recorded, {total['repeated']} repeated, {total['lost']} lost."
    )
    when = " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "never"
    return "\n".join([*lines, "", told, f"Measured {when}; repeat it with `make test-distributed`."])


def _cells(row: Mapping[str, Any]) -> list[str]:
    ends = ", ".join(f"{count} {_word(how)}" for how, count in row["ends"].items())
    numbers = (row["effects"], row["attempts"], row["repeated"], row["lost"], row["seconds"])
    return [row["title"], row["sees"], str(row["runs"]), str(row["right"]), ends, *map(str, numbers)]


def _word(how: str) -> str:
    status, _, error = how.partition(" (")
    return f"{status} (`{error.rstrip(')')}`)" if error else status


def with_table(text: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a page with its table of faults renewed."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{faults_table(rows)}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), newest(RESULTS.read_text("utf-8").splitlines())), "utf-8")
