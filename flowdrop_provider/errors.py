"""Every exception this package raises on purpose.

::

    FlowDropError
    ├── DocumentError        an export cannot be read: too large, malformed, unsafe          DOC_*
    ├── ValidationFailed     a document breaks rules of the VAL family (all findings inside)  VALIDATION_FAILED
    ├── CompilationError     a valid document has no execution plan (CMP-1)                   CMP_*
    ├── LaunchError          the inputs of a run were refused; nothing was created (MAN-15)   LAUNCH_*
    ├── SnapshotError        a run cannot start from what an earlier one left (INT-14, INT-15)  SNAPSHOT_*
    ├── ExpressionError      an expression does not parse or cannot be evaluated (LANG-29)    EXPR_*
    ├── NodeError            a node-level error: becomes an error output (ERR-1)              node codes
    └── ConfigurationError   the deployment's settings do not allow this                      CONF_*

An exception carries a stable ``code``, a one-sentence ``message``, the ``locator`` of the place in the document
(``node.if_else.1.config.operator``), and a ``hint`` that says what to do next. Anything else that escapes from a
processor is a defect, not a node-level error, and fails the run with its cause (ERR-3).
"""

from __future__ import annotations

import re
from typing import Any

__all__ = [
    "CompilationError",
    "ConfigurationError",
    "DocumentError",
    "ExpressionError",
    "FlowDropError",
    "LaunchError",
    "NodeError",
    "SnapshotError",
    "ValidationFailed",
    "printable",
]

#: What ends a line, moves a cursor, turns the direction of writing or is no text: documents may hold it, logs must not.
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return a text as one line that a terminal or a log can show: control and direction characters spelled out."""
    return _UNSHOWN.sub(lambda found: ascii(found.group())[1:-1], text)


class FlowDropError(Exception):
    """Base class: an error with a stable code, a place and a way out.

    :param message: one sentence for a person, without the code.
    :param code: stable upper-case identifier; never reused for another meaning (API-8).
    :param locator: dotted place in the document, or ``None``.
    :param hint: what to do about it, or ``None``.
    :param path: the file that was read, or ``None``.
    :param line: 1-based line in that file, or ``None``.
    """

    default_code = "FLOWDROP_ERROR"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        locator: str | None = None,
        hint: str | None = None,
        path: str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.locator = locator
        self.hint = hint
        self.path = path
        self.line = line

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line) if part is not None)
        parts = [f"{place}: " if place else "", self.message, f" [{self.code}"]
        parts.append(f" at {self.locator}]" if self.locator else "]")
        if self.hint:
            parts.append(f" {self.hint}")
        # Names of the document's author are in it, and it becomes lines of logs.
        return printable("".join(parts))

    def as_dict(self) -> dict[str, Any]:
        """Return the finding shape that the command line and the API print (``code, message, locator, line, hint``)."""
        return {
            "code": self.code,
            "message": self.message,
            "locator": self.locator,
            "line": self.line,
            "hint": self.hint,
        }


class DocumentError(FlowDropError):
    """An export cannot be read: it is too large, malformed, or uses something unsafe."""

    default_code = "DOC_UNREADABLE"


class ValidationFailed(FlowDropError):  # noqa: N818 - it says what happened, findings are inside
    """A document breaks validation rules; :attr:`findings` holds every error, in no defined order.

    :param findings: finding dictionaries (``code, message, locator, line, hint``), at least one.
    """

    default_code = "VALIDATION_FAILED"

    def __init__(self, message: str, findings: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.findings = findings


class CompilationError(FlowDropError):
    """The one failure type of compilation; the stage's own error is its ``__cause__`` (CMP-1)."""

    default_code = "CMP_FAILED"


class LaunchError(FlowDropError):
    """The inputs of a run were refused before anything was created (MAN-13, MAN-15, MAN-16)."""

    default_code = "LAUNCH_REFUSED"


class SnapshotError(FlowDropError):
    """A run cannot start from what an earlier one left; no run exists then (INT-14, INT-15).

    :param findings: everything that speaks against it, ``{code, message, node_id?}`` each.
    """

    default_code = "SNAPSHOT_INVALID"

    def __init__(self, message: str, *, findings: list[dict[str, Any]] | None = None, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.findings = findings or []


class ExpressionError(FlowDropError):
    """An expression does not parse, asks for something forbidden, or cannot be evaluated."""

    default_code = "EXPR_FAILED"


class ConfigurationError(FlowDropError):
    """The deployment's settings are missing or wrong for what was asked."""

    default_code = "CONF_INVALID"


class NodeError(FlowDropError):
    """A node-level error (ERR-1): the job fails, and an error edge may route it (ERR-7).

    :param message: what went wrong, for the workflow's author.
    :param code: stable lower-case identifier such as ``missing_parameter`` or ``http_status``.
    :param retryable: whether trying again may help (ERR-2).
    :param details: JSON object with more facts, or ``None`` (ERR-7 omits it then).
    """

    default_code = "node_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retryable: bool = False,
        details: dict[str, Any] | None = None,
        locator: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, code=code, locator=locator, hint=hint)
        self.retryable = retryable
        self.details = details
