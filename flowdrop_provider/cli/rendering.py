"""What people read: findings, plans, runs, as text or JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

from flowdrop_provider.errors import FlowDropError, ValidationFailed, printable

__all__ = ["job_line", "print_error", "print_finding", "print_json", "say", "short"]

#: What a terminal obeys, or cannot encode, and JSON leaves as it is.
_UNESCAPED = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_SYMBOLS = {"completed": "✓", "failed": "✗", "skipped": "→", "interrupted": "…"}


def print_json(value: Any) -> None:
    """Print a JSON document, readable, escaped only where a terminal would obey."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    print(_UNESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", text))


def say(text: str, file: Any = None) -> None:
    """Print one line in which nothing that a document holds moves the cursor or begins another line."""
    print(printable(text), file=file or sys.stdout, flush=True)


def print_error(error: FlowDropError, *, as_json: bool) -> None:
    """Print an error: as ``{"error": {...}, "errors": [...]}`` on standard output, or as text on standard error."""
    findings = error.findings if isinstance(error, ValidationFailed) else [error.as_dict()]
    if as_json:
        print_json({"status": "refused", "error": error.as_dict(), "errors": findings})
        return
    for finding in findings:
        print_finding("error", error.path or "", finding, file=sys.stderr)


def print_finding(kind: str, path: str, finding: Mapping[str, Any], file: Any = None) -> None:
    """Print one finding in the form that editors and CI systems understand: ``path:line: kind: message [CODE at place]``."""
    place = ":".join(str(part) for part in (path, finding["line"]) if part)
    locator = f" at {finding['locator']}" if finding["locator"] else ""
    prefix = f"{place}: " if place else ""
    say(f"{prefix}{kind}: {finding['message']} [{finding['code']}{locator}]", file)
    if finding["hint"]:
        say(f"    {finding['hint']}", file)


def job_line(job: Mapping[str, Any]) -> str:
    """Return one line about a job: symbol, node, status or reason, duration, short output."""
    symbol = _SYMBOLS.get(job["status"], "·")
    if job["status"] == "skipped":
        return f"{symbol} {job['node_id']:<28} skipped      {job['skip_reason']}"
    duration = (job["execution_time_us"] or 0) / 1000
    shown = job["error"]["message"] if job["error"] else job["output_data"]
    routed = " (routed)" if job["routed"] else ""
    return f"{symbol} {job['node_id']:<28} {job['status']:<12} {duration:9.2f} ms  {short(shown)}{routed}"


def short(value: Any, width: int = 90) -> str:
    """Return a value as one line of at most ``width`` characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 1]}…"
