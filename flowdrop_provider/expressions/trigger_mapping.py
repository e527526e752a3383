"""Values in a trigger's mapping: literals, or paths into the event's payload (LANG-18)."""

from __future__ import annotations

from typing import Any

from flowdrop_provider.expressions import evaluate

__all__ = ["resolve"]

_LITERAL = "literal:"
_QUOTES = ("'", '"')


def resolve(value: str, payload: Any) -> Any:
    """Return the literal a mapping value spells, or what its path finds in the payload (``None`` when nothing).

    ``literal:rest`` and a text in matching quotes are literals; only trigger mappings read values like this (LANG-18).
    """
    if value.startswith(_LITERAL):
        return value.removeprefix(_LITERAL)
    if len(value) > 1 and value[0] == value[-1] and value[0] in _QUOTES:
        return value[1:-1]
    return evaluate("jsonpath", value, payload)
