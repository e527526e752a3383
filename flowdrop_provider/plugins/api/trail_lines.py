"""An audit trail as lines: NDJSON that ``flowdrop audit verify`` checks, CSV for people, CEF for a SIEM."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flowdrop_provider import __version__
from flowdrop_provider.library.chains import CHAIN, chained
from flowdrop_provider.plugins.api.exporting import csv_line

__all__ = ["FORMATS", "TRAIL_COLUMNS", "as_cef", "as_trail_csv", "as_trail_ndjson"]

TRAIL_COLUMNS = (
    "at", "kind", "event", "user", "dag_id", "run_id", "pipeline_id", "task_id", "revision", "type", "via", "input_sha256",
    "details", CHAIN,
)  # fmt: skip

#: Custom fields of CEF: our member by number, with the label that tells what it is.
_CUSTOM = {1: ("dag_id", "DAG"), 2: ("run_id", "Run"), 3: ("revision", "Revision"), 4: ("input_sha256", "Input SHA-256"),
    5: ("details", "Details"), 6: (CHAIN, "Chain")}  # fmt: skip

Entries = Iterable[Mapping[str, Any]]


def as_trail_ndjson(entries: Entries) -> Iterator[str]:
    """Yield one JSON object a line, each with its digest."""
    for entry in chained(entries):
        yield json.dumps(entry, ensure_ascii=False) + "\n"


def as_trail_csv(entries: Entries) -> Iterator[str]:
    """Yield the lines of a CSV file (RFC 4180) with :data:`TRAIL_COLUMNS`; details are JSON."""
    yield csv_line(TRAIL_COLUMNS)
    for entry in chained(entries):
        shown = {**entry, "details": json.dumps(entry["details"], ensure_ascii=False) if entry.get("details") else ""}
        yield csv_line([shown.get(name) for name in TRAIL_COLUMNS])


def as_cef(entries: Entries) -> Iterator[str]:
    """Yield one line of ArcSight's Common Event Format (version 0) an entry."""
    for entry in chained(entries):
        head = "|".join(map(_head, ("FlowDrop", "airflow-provider-flowdrop", __version__, entry["event"], entry["event"])))
        fields = {"rt": _milliseconds(entry["at"]), "cat": entry["kind"], "suser": entry.get("user"), **_custom(entry)}
        extension = " ".join(f"{name}={_extension(value)}" for name, value in fields.items() if value not in (None, ""))
        yield f"CEF:0|{head}|3|{extension}\n"


def _custom(entry: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, (name, label) in _CUSTOM.items():
        value = entry.get(name)
        if value:
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            found |= {f"cs{number}Label": label, f"cs{number}": shown}
    return found


def _milliseconds(at: str | None) -> int | None:
    return int(dt.datetime.fromisoformat(at).timestamp() * 1000) if at else None


def _head(value: Any) -> str:
    text = str(value).replace("\\", "\\\\").replace("|", "\\|")
    return " ".join(text.splitlines())


def _extension(value: Any) -> str:
    text = str(value).replace("\\", "\\\\").replace("=", "\\=")
    return "\\n".join(text.splitlines())


#: By the word in the address: the lines, their media type, and how a file of them ends.
FORMATS: dict[str, tuple[Callable[[Entries], Iterator[str]], str, str]] = {
    "ndjson": (as_trail_ndjson, "application/x-ndjson", "ndjson"),
    "csv": (as_trail_csv, "text/csv; charset=utf-8", "csv"),
    "cef": (as_cef, "text/plain; charset=utf-8", "cef"),
}
