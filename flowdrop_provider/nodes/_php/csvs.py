"""``str_getcsv`` and ``fputcsv``: PHP's CSV, whose backslash hides a quote from its end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flowdrop_provider.nodes._php.values import to_string

__all__ = ["format_row", "parse_row"]

_BLANK = " \t\v\f"
_QUOTED = frozenset(',"\\\n\r\t ')


def parse_row(line: str) -> list[str | None]:
    """Return the cells of one line; an empty line is one null cell (measured)."""
    text = _without_line_end(line)
    if not text:
        return [None]
    cells: list[str | None] = []
    place: int | None = 0
    while place is not None:
        cell, place = _cell(text, place)
        cells.append(cell)
    return cells


def _without_line_end(line: str) -> str:
    if line.endswith("\r\n"):
        return line[:-2]
    return line[:-1] if line.endswith(("\r", "\n")) else line


def _cell(text: str, start: int) -> tuple[str, int | None]:
    """Return the cell at ``start`` and the place of the next one, ``None`` at the end of the line."""
    place = start
    while place < len(text) and text[place] in _BLANK:
        place += 1
    if place >= len(text) or text[place] != '"':
        end = text.find(",", start)
        return (text[start:], None) if end < 0 else (text[start:end], end + 1)
    quoted, place = _quoted_part(text, place + 1)
    end = text.find(",", place)
    return (quoted + text[place:], None) if end < 0 else (quoted + text[place:end], end + 1)


def _quoted_part(text: str, place: int) -> tuple[str, int]:
    pieces: list[str] = []
    while place < len(text):
        letter = text[place]
        if letter == "\\" and place + 1 < len(text):
            pieces.append(text[place : place + 2])
            place += 2
        elif letter != '"':
            pieces.append(letter)
            place += 1
        elif text.startswith('""', place):
            pieces.append('"')
            place += 2
        else:
            return "".join(pieces), place + 1
    return "".join(pieces), place


def format_row(cells: Iterable[Any]) -> str:
    """Return one line with its line feed; a cell with a comma, quote, backslash or white space is quoted (measured)."""
    return ",".join(_formatted(to_string(cell)) for cell in cells) + "\n"


def _formatted(text: str) -> str:
    if not _QUOTED.intersection(text):
        return text
    pieces: list[str] = []
    escaped = False
    for letter in text:
        pieces.append('""' if letter == '"' and not escaped else letter)
        escaped = letter == "\\"
    return '"' + "".join(pieces) + '"'
