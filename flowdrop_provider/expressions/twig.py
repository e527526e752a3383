"""Twig templates over JSON values (LANG-7, LANG-13).

The template language of FlowDrop's newer documents: text with ``{{ value }}``, ``{% if %}``, ``{% for %}``, ``{% set %}``,
filters and tests. It is interpreted here, step by step and against a budget. A template therefore reaches the values it
was given and the functions in :mod:`~flowdrop_provider.expressions.twig_text` and
:mod:`~flowdrop_provider.expressions.twig_data`, and nothing of Python: there is no object whose attributes it could walk.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flowdrop_provider.expressions.limits import evaluation_error, syntax_error
from flowdrop_provider.expressions.tree import Run
from flowdrop_provider.expressions.twig_nodes import Body, Page
from flowdrop_provider.expressions.twig_parser import compile_template

__all__ = ["render", "validate"]


@lru_cache(maxsize=256)
def _compiled(template: str) -> Body:
    try:
        return compile_template(template)
    except RecursionError as error:
        raise syntax_error("The template nests too deeply", template, 0) from error


def validate(template: str) -> None:
    """Compile only (LANG-13).

    :raises ExpressionError: ``EXPR_SYNTAX`` with line and column.
    """
    _compiled(template)


def render(template: str, variables: Mapping[str, Any], *, now: dt.datetime | None = None) -> str:
    """Return the rendered text; values are HTML-escaped unless ``|raw``, a missing variable is empty (LANG-7).

    :param variables: JSON values by name.
    :param now: the aware moment that ``date`` calls now; the clock's by default.
    :raises ExpressionError: ``EXPR_SYNTAX`` when the template does not compile, ``EXPR_EVALUATION`` or ``EXPR_LIMIT``
        when it does not render.
    """
    body = _compiled(template)
    page = Page(Run(dict(variables), strict=False, now=now or dt.datetime.now(dt.timezone.utc)))
    try:
        body.render(page)
    except RecursionError as error:
        raise evaluation_error("The template or its data nests too deeply.") from error
    return "".join(page.parts)
