"""Findings: what validation says, each with a code, a place, a line and a way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

__all__ = ["MAX_FINDINGS", "Finding", "Report", "did_you_mean"]

#: Findings listed of each kind; a hostile document could have hundreds of thousands.
MAX_FINDINGS = 2_000
#: Names compared in one report: each comparison costs up to a tenth of a millisecond.
_MAX_COMPARED = 10_000
_MAX_TEXT = 1_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    :ivar locator: the specification's place, such as ``node.if_else.1.config.operator`` or ``edge.3``.
    :ivar pointer: path into the document's plain data, from which the line is found.
    """

    code: str
    message: str
    locator: str
    hint: str | None = None
    pointer: tuple[str | int, ...] = ()
    line: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return ``{code, message, locator, line, hint}``."""
        return {
            "code": self.code,
            "message": self.message,
            "locator": self.locator,
            "line": self.line,
            "hint": self.hint,
        }


@dataclass(slots=True)
class Report:
    """All findings of one document; errors refuse it, warnings never do (STORE-5)."""

    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    _compared: int = 0

    @property
    def valid(self) -> bool:
        """Whether the document may be compiled and launched."""
        return not self.errors

    def error(self, code: str, message: str, locator: str, *pointer: str | int, hint: str | None = None) -> None:
        """Add an error."""
        if len(self.errors) <= MAX_FINDINGS:
            _add(self.errors, Finding(code, _cut(message), _cut(locator), hint, pointer))

    def warn(self, code: str, message: str, locator: str, *pointer: str | int, hint: str | None = None) -> None:
        """Add a warning."""
        if len(self.warnings) <= MAX_FINDINGS:
            _add(self.warnings, Finding(code, _cut(message), _cut(locator), hint, pointer))

    def suggest(self, wrong: str, known: Iterable[str]) -> str | None:
        """Return :func:`did_you_mean`, as long as this report has not compared too many names."""
        # One more than may be compared tells that there are too many; the rest need not be listed.
        names = list(islice(known, _MAX_COMPARED - self._compared + 1))
        if self._compared + len(names) > _MAX_COMPARED:
            return None
        self._compared += len(names)
        return did_you_mean(wrong, names)

    def with_lines(self, line_of: Any) -> Report:
        """Return a copy whose findings carry lines; ``line_of(pointer)`` gives a 1-based line or ``None``."""
        return Report(
            [replace(finding, line=line_of(finding.pointer)) for finding in self.errors],
            [replace(finding, line=line_of(finding.pointer)) for finding in self.warnings],
        )


def _add(findings: list[Finding], finding: Finding) -> None:
    if len(findings) < MAX_FINDINGS:
        findings.append(finding)
    elif len(findings) == MAX_FINDINGS:
        message = f"There are more than {MAX_FINDINGS:,} findings; the rest is not listed."
        findings.append(Finding("MORE_FINDINGS", message, "workflow"))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"


def did_you_mean(wrong: str, known: Iterable[str]) -> str | None:
    """Return ``Did you mean 'x'?`` for the closest known name, or ``None`` when nothing is close."""
    close = difflib.get_close_matches(wrong[:100], [name for name in known if len(name) <= 100], n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else None
