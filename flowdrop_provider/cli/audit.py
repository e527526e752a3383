"""``flowdrop audit``: chain the lines of an exported trail, and find out later whether one was changed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from flowdrop_provider.cli.rendering import print_json
from flowdrop_provider.errors import DocumentError
from flowdrop_provider.library.chains import CHAIN, START, broken_event, chained

__all__ = ["seal", "verify"]


def _events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate((line for line in lines if line.strip()), start=1):
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise DocumentError(f"Line {number} is no JSON object.", code="DOC_MALFORMED", hint="Give one event a line.")
        yield event


def seal(arguments: argparse.Namespace) -> int:
    """Print the events of a file with their digests; the last one goes to standard error, to be kept elsewhere."""
    last = START
    for event in chained(_events(_read(arguments.file))):
        last = event[CHAIN]
        print(json.dumps(event, ensure_ascii=False))
    print(last, file=sys.stderr)
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Say whether a sealed file is whole; 1 when it is not."""
    line, count, last = broken_event(_events(_read(arguments.file)))
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
