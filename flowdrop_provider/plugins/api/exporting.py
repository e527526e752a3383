"""Runs and jobs to take away: one run as a bundle whose parts can be verified, many jobs as NDJSON or CSV."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flowdrop_provider import __version__
from flowdrop_provider.plugins.api.reading import RunView
from flowdrop_provider.plugins.api.shapes.traces import job_row, run_facts

__all__ = ["BUNDLE_FORMAT", "CSV_COLUMNS", "MAX_EXPORTED", "as_csv", "as_ndjson", "canonical", "csv_line", "run_bundle"]

BUNDLE_FORMAT = "flowdrop-run-bundle/1"

#: Jobs in one export of many; go on with the cursor that the last line or header names.
MAX_EXPORTED = 10_000

CSV_COLUMNS = (
    "pipeline_id", "dag_id", "run_id", "id", "node_id", "node_type_id", "label", "status", "skip_reason", "queued", "started",
    "completed", "execution_time_us", "retry_count", "error_code", "error_message",
)  # fmt: skip

#: What makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

Pages = Callable[[str | None], tuple[list[dict[str, Any]], str | None]]


def canonical(value: Any) -> bytes:
    """Return the one spelling of a JSON value that hashes are taken of: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode(
        "utf-8", "surrogatepass"
    )


def run_bundle(view: RunView) -> dict[str, Any]:
    """Return a run with everything that is recorded of it, and the SHA-256 of each part over its canonical JSON.

    ``digest`` is the SHA-256 over the canonical JSON of ``hashes``: who keeps it can tell a changed bundle.
    """
    parts = {
        "run": run_facts(view),
        "drawing": dict(view.drawing.flow),
        "jobs": [job_row(job, values=True) for job in view.jobs],
        "summary": dict(view.summary),
    }
    hashes = {name: hashlib.sha256(canonical(part)).hexdigest() for name, part in parts.items()}
    return {
        "format": BUNDLE_FORMAT,
        "exported": dt.datetime.now(dt.timezone.utc).isoformat(),
        "exporter": f"airflow-provider-flowdrop {__version__}",
        "complete": view.finished,
        "revision": view.drawing.revision,
        **parts,
        "hashes": hashes,
        "digest": hashlib.sha256(canonical(hashes)).hexdigest(),
    }


def _rows(pages: Pages) -> Iterator[dict[str, Any]]:
    """Yield the rows of all pages, :data:`MAX_EXPORTED` at most; a last row names the cursor when there are more."""
    cursor, count = None, 0
    while True:
        rows, cursor = pages(cursor)
        yield from rows
        count += len(rows)
        if cursor is None:
            return
        if count >= MAX_EXPORTED:
            yield {"next_cursor": cursor}
            return


def as_ndjson(pages: Pages) -> Iterator[str]:
    """Yield one JSON object a line; after :data:`MAX_EXPORTED` jobs a last line ``{"next_cursor": ...}``."""
    for row in _rows(pages):
        yield json.dumps(row, ensure_ascii=False, default=str) + "\n"


def as_csv(pages: Pages) -> Iterator[str]:
    """Yield the lines of a CSV file (RFC 4180) with :data:`CSV_COLUMNS`; cells that a spreadsheet would run are quoted."""
    yield csv_line(CSV_COLUMNS)
    for row in _rows(pages):
        if "next_cursor" in row:
            return
        error = row.get("error") or {}
        facts = {**row, "error_code": error.get("code"), "error_message": error.get("message")}
        yield csv_line([facts.get(name) for name in CSV_COLUMNS])


def csv_line(cells: Iterable[Any]) -> str:
    """Return a line of a CSV file; cells that a spreadsheet would take for a formula get a quote before them."""
    output = io.StringIO()
    csv.writer(output).writerow([_cell(value) for value in cells])
    return output.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    # Some programs pass over white space before a formula.
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text
