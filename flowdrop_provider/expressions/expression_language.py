"""Symfony's expression language over JSON values (LANG-6, LANG-10)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flowdrop_provider.expressions.limits import evaluation_error, syntax_error
from flowdrop_provider.expressions.operators import EXPRESSION_LANGUAGE_INFIX, largest, smallest
from flowdrop_provider.expressions.parser import Dialect, parse_expression
from flowdrop_provider.expressions.tree import Expression, Run

__all__ = ["evaluate", "validate"]


#: Symfony's ``constant`` and ``enum`` reach into PHP code and have no meaning for data.
_DIALECT = Dialect(
    infix=EXPRESSION_LANGUAGE_INFIX,
    prefix=frozenset({"not", "!", "-", "+", "~"}),
    functions={"min": smallest, "max": largest},
)


@lru_cache(maxsize=512)
def _compiled(expression: str) -> Expression:
    try:
        return parse_expression(expression, _DIALECT)
    except RecursionError as error:
        raise syntax_error("The expression nests too deeply", expression, 0) from error


def validate(expression: str) -> None:
    """Check the syntax only; every name counts as declared (LANG-10).

    :raises ExpressionError: ``EXPR_SYNTAX``.
    """
    _compiled(expression)


def evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    """Return the expression's JSON value (LANG-6).

    :param variables: JSON values by name.
    :raises ExpressionError: ``EXPR_SYNTAX``, ``EXPR_EVALUATION`` (an unknown name too) or ``EXPR_LIMIT``.
    """
    run = Run(dict(variables), strict=True)
    try:
        return run.value_of(_compiled(expression))
    except RecursionError as error:
        raise evaluation_error("The expression or its data nests too deeply.") from error
