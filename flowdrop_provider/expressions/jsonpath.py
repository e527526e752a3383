"""JSONPath by RFC 9535 (python-jsonpath in strict mode), with bounded work.

A path is JSONPath when it begins with ``$`` (LANG-14). Reading never raises for a path or a document (LANG-9); only
passing the work limit does, because an answer cut short would be a wrong answer.
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions.limits import Budget, syntax_error

if TYPE_CHECKING:
    from jsonpath import JSONPath, JSONPathEnvironment

__all__ = ["charge", "is_jsonpath", "read", "read_all", "read_context", "validate"]

_MAX_PATH = 2_000
_MAX_DEPTH = 100
_spent: ContextVar[Budget] = ContextVar("flowdrop_jsonpath_budget")


def is_jsonpath(path: str) -> bool:
    """Whether a path is JSONPath: it begins with ``$`` (LANG-14)."""
    return path.strip().startswith("$")


def charge() -> None:
    """Spend one step of the query under way."""
    _spent.get().charge()


@cache
def _environment() -> JSONPathEnvironment:
    from flowdrop_provider.expressions.jsonpath_bounds import BoundedEnvironment

    return BoundedEnvironment(_MAX_DEPTH)


@lru_cache(maxsize=512)
def _compiled(path: str) -> JSONPath:
    from jsonpath import CompoundJSONPath, JSONPathError

    text = path.strip()
    if len(text) > _MAX_PATH:
        raise syntax_error(f"A JSONPath may have at most {_MAX_PATH:,} characters", text, 0)
    try:
        compiled = _environment().compile(text)
    except (JSONPathError, RecursionError, ValueError, IndexError) as error:
        token = getattr(error, "token", None)
        message = str(error.args[0]) if error.args else "it nests too deeply"
        raise syntax_error(f"The JSONPath does not parse: {message}", text, getattr(token, "index", 0) or 0) from error
    if isinstance(compiled, CompoundJSONPath):
        raise syntax_error("Two joined paths are not RFC 9535", text, 0)
    return compiled


def validate(path: str) -> None:
    """Check a path; one that does not begin with ``$`` is not JSONPath and passes (LANG-12).

    :raises ExpressionError: ``EXPR_SYNTAX``.
    """
    if is_jsonpath(path):
        _compiled(path)


def read_context(data: Any) -> Any:
    """Return the document behind a text: parsed when it is JSON (``null`` is null), else the text itself (LANG-16)."""
    if not isinstance(data, str):
        return data
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data


def read_all(path: str, data: Any) -> list[Any]:
    """Return every match in order; none for a path that does not parse (LANG-9).

    :raises ExpressionError: ``EXPR_LIMIT`` when the query visits too much.
    """
    from jsonpath import JSONPathError

    document = read_context(data)
    token = _spent.set(Budget())
    try:
        compiled = _compiled(path)
        if not isinstance(document, list | dict):
            return [] if compiled.segments else [document]
        return [match.obj for match in compiled.finditer(document)]
    except (JSONPathError, RecursionError):
        return []
    except ExpressionError as error:
        if error.code == "EXPR_SYNTAX":
            return []
        raise
    finally:
        _spent.reset(token)


def read(path: str, data: Any, default: Any = None) -> Any:
    """Return the match, the list of matches, or the default when nothing matches (LANG-9, LANG-15).

    One match of a path without wildcard, filter or slice is returned as it is; otherwise the result is a list.
    """
    matches = read_all(path, data)
    if not matches:
        return default
    return matches if len(matches) > 1 or _selects_many(path) else matches[0]


def _selects_many(path: str) -> bool:
    from jsonpath.selectors import IndexSelector, NameSelector

    single = (NameSelector, IndexSelector)
    return any(not isinstance(selector, single) for segment in _compiled(path).segments for selector in segment.selectors)
