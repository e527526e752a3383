"""PHP regular expressions (PCRE2) whose running time is bounded.

A user's pattern is matched by PCRE2 itself, so its meaning is PHP's; the library's own match limit stops patterns that
would backtrack for ever.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions.limits import LIMIT, evaluation_error

__all__ = ["compile_delimited", "full_match", "part_match", "searches"]

_MAX_PATTERN = 5_000
#: PHP's ``pcre.backtrack_limit``.
_BOUNDS = "(*LIMIT_MATCH=1000000)(*LIMIT_DEPTH=100000)(*LIMIT_HEAP=20000)"
_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
_INLINE_FLAGS = frozenset("imsx")


def compile_delimited(pattern: str) -> Any:
    """Compile PHP's delimited form (``/abc/i``); flags ``i m s x u A U`` are understood.

    :raises ExpressionError: ``EXPR_EVALUATION`` when the pattern is malformed.
    """
    body = pattern.lstrip()
    if not body or body[0].isalnum() or body[0] == "\\":
        raise evaluation_error(
            f"The regular expression {pattern[:80]!r} has no delimiters.", "Write it between slashes: /pattern/."
        )
    end = body.rfind(_CLOSING.get(body[0], body[0]))
    if end < 1:
        raise evaluation_error(f"The regular expression {pattern[:80]!r} has no closing delimiter.")
    return _compile(body[1:end], body[end + 1 :].strip())


@lru_cache(maxsize=256)
def _compile(body: str, flags: str) -> Any:
    import pcre2

    unknown = set(flags) - _INLINE_FLAGS - set("uAU")
    if unknown:
        raise evaluation_error(f"Unknown regular expression flag {min(unknown)!r}.")
    if len(body) > _MAX_PATTERN:
        raise evaluation_error(f"A regular expression may have at most {_MAX_PATTERN:,} characters.")
    inline = "".join(sorted(_INLINE_FLAGS & set(flags))) + ("U" if "U" in flags else "")
    prefix = f"(?{inline})" if inline else ""
    anchored = rf"\G(?:{prefix}{body}{chr(10) if 'x' in flags else ''})" if "A" in flags else prefix + body
    options = pcre2.UNICODE if "u" in flags else pcre2.UNICODE | pcre2.ASCII
    try:
        return pcre2.compile(_BOUNDS + anchored, int(options))
    except (pcre2.PatternError, pcre2.LibraryError, ValueError) as error:
        raise evaluation_error(f"The regular expression is not valid: {error}.") from error


def searches(compiled: Any, text: str) -> bool:
    """Whether a compiled pattern matches anywhere in a text.

    :raises ExpressionError: ``EXPR_LIMIT`` when matching takes too many steps.
    """
    import pcre2

    try:
        return compiled.search(text) is not None
    except UnicodeEncodeError:
        # Half a surrogate pair is no text to PCRE; PHP finds no match in it either.
        return False
    except pcre2.LibraryError as error:
        raise ExpressionError(f"The regular expression was stopped: {error}.", code=LIMIT) from error


def full_match(body: str, text: str) -> bool:
    """Whether an undelimited pattern (RFC 9485, as JSONPath's ``match`` takes) covers a whole text."""
    return searches(_compile(rf"(?:{body})\z", "uA"), text)


def part_match(body: str, text: str) -> bool:
    """Whether an undelimited pattern (RFC 9485, as JSONPath's ``search`` takes) matches part of a text."""
    return searches(_compile(body, "u"), text)
