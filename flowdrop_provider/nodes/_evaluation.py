"""What the expression-bearing nodes share: dynamic ports, and expression errors as node-level errors (LANG-29)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flowdrop_provider.errors import ExpressionError, NodeError
from flowdrop_provider.expressions.values import to_text
from flowdrop_provider.nodes.api import Params

__all__ = ["dynamic_values", "naming", "port_definitions", "require_text"]


def port_definitions(value: Any) -> list[Mapping[str, Any]]:
    """Return the named port definitions of a ``dynamicInputs`` or ``dynamicOutputs`` value, in declared order.

    Drupal writes an empty list as an empty map, and an entry without a name declares nothing.
    """
    entries = value if isinstance(value, list) else []
    return [entry for entry in entries if isinstance(entry, Mapping) and isinstance(entry.get("name"), str) and entry["name"]]


def dynamic_values(params: Params) -> dict[str, Any]:
    """Return the dynamic inputs by name in declared order; an unwired one is null (CFG-15)."""
    return {port["name"]: params.get(port["name"]) for port in port_definitions(params.get("dynamicInputs"))}


@contextmanager
def naming(place: str, engine: Any) -> Iterator[None]:
    """Turn an expression error into a node-level error that names the place and the engine (LANG-21, LANG-22, LANG-25)."""
    try:
        yield
    except ExpressionError as error:
        raise NodeError(
            f"{place} failed in the engine {engine!r}: {error.message}",
            code="expression_failed",
            details={"place": place, "engine": str(engine), "reason": error.code},
            hint=error.hint,
        ) from error


def require_text(params: Params, name: str) -> str:
    """Return a parameter as text: null is empty, a number or boolean becomes text, a list or map is refused.

    :raises NodeError: ``wrong_type``.
    """
    value = params[name]
    if isinstance(value, list | dict):
        raise NodeError(f"The {name} must be a text.", code="wrong_type", hint="Turn it into JSON first.")
    return to_text(value)
