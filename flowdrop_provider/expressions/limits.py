"""Bounds for everything an untrusted expression may spend.

Exports are drawn by people who are not DAG authors, so each evaluation carries one :class:`Budget`: steps, seconds, text
and list sizes, nesting. The bounds are far above what the known exports use and far below what hurts a worker.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.errors import ExpressionError

__all__ = [
    "EVALUATION",
    "LIMIT",
    "MAX_DEPTH",
    "MAX_ITEMS",
    "MAX_NESTING",
    "MAX_SECONDS",
    "MAX_SOURCE",
    "MAX_STEPS",
    "MAX_TEXT",
    "SYNTAX",
    "Budget",
    "evaluation_error",
    "syntax_error",
]

SYNTAX = "EXPR_SYNTAX"
EVALUATION = "EXPR_EVALUATION"
LIMIT = "EXPR_LIMIT"

#: Characters of one expression or template.
MAX_SOURCE = 200_000
#: Evaluated syntax nodes, loop rounds and visited items of one evaluation.
MAX_STEPS = 500_000
#: Wall-clock seconds of one evaluation; a backstop for what the step count does not see.
MAX_SECONDS = 5.0
#: Characters of one text, and of one rendered template.
MAX_TEXT = 2_000_000
#: Items of one list an expression may build.
MAX_ITEMS = 100_000
#: Levels of brackets, blocks and operators while parsing: each costs Python frames.
MAX_NESTING = 50
#: Levels of a syntax tree while evaluating, long operator chains included.
MAX_DEPTH = 200

_STEPS_PER_CLOCK_LOOK = 1024


def syntax_error(message: str, source: str, position: int, hint: str | None = None) -> ExpressionError:
    """Return the error for text that does not parse, with its 1-based line and column in the message."""
    line = source.count("\n", 0, position) + 1
    column = position - source.rfind("\n", 0, position)
    return ExpressionError(f"{message} (line {line}, column {column})", code=SYNTAX, hint=hint)


def evaluation_error(message: str, hint: str | None = None) -> ExpressionError:
    """Return the error for an expression that parses but has no value."""
    return ExpressionError(message, code=EVALUATION, hint=hint)


def _exceeded(what: str) -> ExpressionError:
    return ExpressionError(
        f"The expression was stopped: {what}.", code=LIMIT, hint="Split the work over several nodes, or handle less data."
    )


@dataclass(slots=True)
class Budget:
    """What is left to spend; every method raises :class:`ExpressionError` ``EXPR_LIMIT`` when a bound is passed."""

    steps: int = MAX_STEPS
    depth: int = 0
    deadline: float = field(default_factory=lambda: time.monotonic() + MAX_SECONDS)
    _until_clock: int = _STEPS_PER_CLOCK_LOOK

    def charge(self, steps: int = 1) -> None:
        """Spend steps."""
        self.steps -= steps
        if self.steps < 0:
            raise _exceeded(f"it takes more than {MAX_STEPS:,} steps")
        self._until_clock -= steps
        if self._until_clock < 0:
            self._until_clock = _STEPS_PER_CLOCK_LOOK
            if time.monotonic() > self.deadline:
                raise _exceeded(f"it takes more than {MAX_SECONDS:g} seconds")

    def enter(self) -> None:
        """Go one level down the syntax tree; the caller counts :attr:`depth` down again."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _exceeded(f"it nests deeper than {MAX_DEPTH} levels")

    def weigh(self, *values: Any) -> None:
        """Ask before walking all of some values: templates can build lists that contain one list a million times."""
        pending = [value for value in values if isinstance(value, list | dict)]
        while pending:
            value = pending.pop()
            self.charge(1 + len(value))
            items = value.values() if isinstance(value, dict) else value
            pending.extend(item for item in items if isinstance(item, list | dict))

    def text(self, length: int) -> None:
        """Ask before building a text of ``length`` characters."""
        if length > MAX_TEXT:
            raise _exceeded(f"it builds a text longer than {MAX_TEXT:,} characters")
        self.charge(1 + length // 256)

    def items(self, count: int) -> None:
        """Ask before building a list of ``count`` items."""
        if count > MAX_ITEMS:
            raise _exceeded(f"it builds a list longer than {MAX_ITEMS:,} items")
        self.charge(1 + count // 16)
