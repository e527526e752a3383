"""Which parts of a node's configuration are expressions, and which of them are wrong (R11, LANG-25).

Kept beside the languages, so that saving, validating and running a node agree on what counts as an expression.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions import validate

__all__ = ["LITERAL_PREFIX", "SENTINELS", "Configured", "configured_expressions", "invalid_expressions", "is_sentinel"]

#: Shaper sources that never reach the engine (LANG-25).
SENTINELS = ("_NOW_", "_NULL_", "_EMPTY_ARRAY_", "_EMPTY_OBJECT_")
LITERAL_PREFIX = "_LITERAL:"
_DEFAULT_ENGINES = {"data_extractor": "jsonpath", "data_mapper": "expression_language", "data_shaper": "property_path"}
_MAX_WALK = 20


class Configured(NamedTuple):
    """One expression in a configuration; ``path`` is dotted and relative to the configuration."""

    path: str
    engine: Any
    expression: str


def is_sentinel(source: str) -> bool:
    """Whether a shaper source stands for a fixed value (LANG-25)."""
    return source in SENTINELS or source.startswith(LITERAL_PREFIX)


def configured_expressions(processor: str, config: Mapping[str, Any]) -> list[Configured]:
    """Return the expressions a node of this processor is configured with; ``[]`` for any other processor."""
    engine = config.get("engine") or _DEFAULT_ENGINES.get(processor)
    if processor == "data_extractor":
        return _texts("path", engine, config.get("path"))
    if processor == "prompt_template":
        return _texts("template", "twig", config.get("template"))
    if processor == "data_mapper":
        return list(_mapper(engine, config.get("dynamicOutputs")))
    if processor == "data_shaper":
        return list(_shaper("mapping", engine, config.get("mapping"), 0))
    return []


def _texts(path: str, engine: Any, value: Any) -> list[Configured]:
    return [Configured(path, engine, value)] if isinstance(value, str) else []


def _mapper(engine: Any, outputs: Any) -> Iterator[Configured]:
    for index, port in enumerate(outputs if isinstance(outputs, list) else []):
        if isinstance(port, Mapping):
            yield from _texts(f"dynamicOutputs.{index}.value", engine, port.get("value"))


def _shaper(path: str, engine: Any, source: Any, depth: int) -> Iterator[Configured]:
    if isinstance(source, str) and not is_sentinel(source):
        yield Configured(path, engine, source)
    if not isinstance(source, Mapping) or depth > _MAX_WALK:
        return
    for key, inner in source.items():
        yield from _shaper(f"{path}.{key}", engine, inner, depth + 1)


def invalid_expressions(processor: str, config: Mapping[str, Any]) -> list[tuple[str, ExpressionError]]:
    """Return the configuration path and the error of every expression that its engine rejects (R11)."""
    found: list[tuple[str, ExpressionError]] = []
    for path, engine, expression in configured_expressions(processor, config):
        try:
            validate(engine, expression)
        except ExpressionError as error:
            found.append((path, error))
    return found
