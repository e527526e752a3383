"""FlowDrop's small languages: two that extract from data, two that transform it.

============================  ==============  ===========================================================
engine id                     kind            what it is
============================  ==============  ===========================================================
``jsonpath``                  extraction      RFC 9535; a path without a leading ``$`` is a property path
``property_path``             extraction      ``a.b[0]``
``expression_language``       transformation  Symfony's expression language
``twig``                      transformation  Twig templates; the result is always text
============================  ==============  ===========================================================

An extraction engine queries the context by path; a transformation engine sees the context's keys as variables (LANG-1).
Everything that is wrong with an expression is an :class:`~flowdrop_provider.errors.ExpressionError`: ``EXPR_SYNTAX`` when
it does not parse or compile, ``EXPR_EVALUATION`` when it has no value, ``EXPR_LIMIT`` when it takes too much,
``EXPR_ENGINE_UNKNOWN`` when there is no such engine.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable, Mapping
from typing import Any

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions import expression_language, jsonpath, property_path, twig
from flowdrop_provider.expressions.jsonpath import is_jsonpath

__all__ = [
    "ENGINES",
    "EXTRACTION_ENGINES",
    "TRANSFORMATION_ENGINES",
    "evaluate",
    "extract_all",
    "is_jsonpath",
    "validate",
]

EXTRACTION_ENGINES = ("jsonpath", "property_path")
TRANSFORMATION_ENGINES = ("expression_language", "twig")
ENGINES = (*EXTRACTION_ENGINES, *TRANSFORMATION_ENGINES)

_VALIDATORS: Mapping[str, Callable[[str], None]] = {
    "jsonpath": jsonpath.validate,
    "property_path": property_path.validate,
    "expression_language": expression_language.validate,
    "twig": twig.validate,
}


def _require(engine: object) -> str:
    if isinstance(engine, str) and engine in ENGINES:
        return engine
    close = difflib.get_close_matches(str(engine), ENGINES, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(ENGINES)}."
    raise ExpressionError(f"There is no expression engine {str(engine)[:60]!r}.", code="EXPR_ENGINE_UNKNOWN", hint=hint)


def validate(engine: object, expression: str) -> None:
    """Check an expression without evaluating it (LANG-10..13, R11); an empty one is valid (LANG-3).

    :raises ExpressionError: ``EXPR_ENGINE_UNKNOWN`` or ``EXPR_SYNTAX``.
    """
    known = _require(engine)
    if expression.strip():
        _VALIDATORS[known](expression)


def evaluate(engine: object, expression: str, context: Any, *, default: Any = None, now: dt.datetime | None = None) -> Any:
    """Return what an expression gives for a context.

    :param context: any JSON value. Transformation engines see a map's keys as variables and anything else as ``data``
        (LANG-4); extraction engines parse a text that is JSON first (LANG-16).
    :param default: what ``jsonpath`` gives when nothing matches (LANG-9).
    :param now: the moment templates call now.
    :raises ExpressionError: see the module docstring; the engine is checked before anything is evaluated (LANG-2).
    """
    known = _require(engine)
    if known in EXTRACTION_ENGINES:
        return _extract(known, expression, context, default)
    if not expression.strip():
        return None
    variables = context if isinstance(context, Mapping) else {"data": context}
    if known == "twig":
        return twig.render(expression, variables, now=now)
    return expression_language.evaluate(expression, variables)


def _extract(engine: str, path: str, context: Any, default: Any) -> Any:
    if not path.strip():
        return context
    if engine == "jsonpath" and is_jsonpath(path):
        return jsonpath.read(path, context, default)
    return property_path.read(path, jsonpath.read_context(context))


def extract_all(engine: object, path: str, context: Any) -> list[Any]:
    """Return everything an extraction engine finds, always as a list (LANG-19).

    :raises ExpressionError: ``EXPR_ENGINE_UNKNOWN`` or ``EXPR_LIMIT``.
    """
    if _require(engine) == "jsonpath" and is_jsonpath(path):
        return jsonpath.read_all(path, context)
    return property_path.read_all(path, jsonpath.read_context(context))
