"""``flowdrop audit``: chain the lines of an exported trail, and find out later whether one was changed."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from flowdrop_provider.cli.rendering import print_json
from flowdrop_provider.errors import DocumentError

__all__ = ["broken_line", "chained", "seal", "verify"]

#: The member that holds a line's digest: of the digest before it and of the line without this member.
CHAIN = "chain"
_START = "0" * 64


def chained(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield each event with its digest.

    :param lines: NDJSON; empty lines are left out.
    :raises DocumentError: a line is no JSON object.
    """
    before = _START
    for event in _events(lines):
        event.pop(CHAIN, None)
        before = _digest(before, event)
        yield {**event, CHAIN: before}


def broken_line(lines: Iterable[str]) -> tuple[int | None, int, str]:
    """Return the number of the first line that is not what it was (from 1), the number of lines, the last digest."""
    before, count = _START, 0
    for count, event in enumerate(_events(lines), start=1):
        told = event.pop(CHAIN, None)
        before = _digest(before, event)
        if told != before:
            return count, count, before
    return None, count, before


def _events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate((line for line in lines if line.strip()), start=1):
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise DocumentError(f"Line {number} is no JSON object.", code="DOC_MALFORMED", hint="Give one event a line.")
        yield event


def _digest(before: str, event: dict[str, Any]) -> str:
    text = json.dumps(event, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()


def seal(arguments: argparse.Namespace) -> int:
    """Print the events of a file with their digests; the last one goes to standard error, to be kept elsewhere."""
    last = _START
    for event in chained(_read(arguments.file)):
        last = event[CHAIN]
        print(json.dumps(event, ensure_ascii=False))
    print(last, file=sys.stderr)
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Say whether a sealed file is whole; 1 when it is not."""
    line, count, last = broken_line(_read(arguments.file))
    complete = line is None and arguments.digest in ("", last)
    if arguments.json:
        print_json({"intact": complete, "lines": count, "first_changed_line": line, "digest": last})
    elif line is not None:
        print(f"Line {line} was changed, or one before it was added or taken away.")
    else:
        print(f"{count} lines, {'intact' if complete else 'but another end than the digest says'}: {last}")
    return 0 if complete else 1


def _read(path: Path) -> list[str]:
    try:
        # Not splitlines(): a text in a line may hold separators that only Python counts as ends of lines.
        return path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(
            f"{path} cannot be read: {error}", code="DOC_UNREADABLE", hint="Give a file of UTF-8 lines."
        ) from error
