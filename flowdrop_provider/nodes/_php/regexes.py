"""``preg_match`` and ``preg_match_all`` on PCRE2, bounded in time and memory.

PHP delimits a pattern (``/foo/i``) and matches bytes unless ``u`` is given. The limits below are PHP's defaults; they hold
per match, and :data:`DEADLINE` holds for all matches of one call, because an export is not trusted.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.arrays import to_json
from flowdrop_provider.nodes._php.texts import encode, text_or_fragment

__all__ = ["DEADLINE", "BadPatternError", "compile_pattern", "match_all", "match_first", "matches"]

#: Seconds all matches of one call may take together.
DEADLINE = 5.0
#: ``pcre.backtrack_limit`` is PHP's own default; the heap limit (KiB) keeps a recursive pattern small.
_LIMITS = b"(*LIMIT_MATCH=1000000)(*LIMIT_HEAP=20000)"
_MAX_PATTERN, _MAX_MATCHES = 32_768, 100_000
_BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}
#: PCRE2's option bits (pcre2.h); the binding names only the first five and drops bits above its own, so ``A`` is written
#: into the pattern instead. ``X`` and ``S`` change nothing since PCRE2.
_MODIFIERS = {
    "i": 0x8, "m": 0x400, "s": 0x20, "x": 0x80, "u": 0x80000,
    "A": 0, "D": 0x10, "U": 0x40000, "J": 0x40, "n": 0x2000, "X": 0, "S": 0, "\n": 0, "\r": 0, " ": 0,
}  # fmt: skip
_VERBS = re.compile(rb"(?:\(\*[A-Z][A-Z0-9_]*(?:=\d+)?\))*")
_ESCAPE = re.compile(rb"\\Q.*?(?:\\E|\Z)|\\x\{([0-9a-fA-F]{1,6})\}|\\x([0-9a-fA-F]{0,2})|\\([uU])|\\.", re.DOTALL)


class BadPatternError(NodeError):
    """A regular expression that PHP refuses to compile."""

    default_code = "invalid_pattern"


@lru_cache(maxsize=256)
def compile_pattern(delimited: str) -> Any:
    """Return the compiled PCRE2 pattern of ``/body/modifiers``; raise :class:`BadPatternError` for anything PHP refuses."""
    import pcre2

    body, modifiers = _split(delimited)
    options = 0
    for letter in modifiers:
        if letter not in _MODIFIERS:
            raise BadPatternError(f"Unknown modifier {letter!r} in the regular expression.")
        options |= _MODIFIERS[letter]
    if len(body) > _MAX_PATTERN:
        raise BadPatternError(f"The regular expression is longer than {_MAX_PATTERN} characters.")
    try:
        # The interpreter honours the match limit step by step; the JIT counts differently and has a small stack.
        return pcre2.compile(_LIMITS + _portable(encode(body), modifiers), options, jit=False)
    except pcre2.LibraryError as error:
        raise BadPatternError(f"The regular expression does not compile: {error}.") from error


def _portable(body: bytes, modifiers: str) -> bytes:
    """Return the body as the binding needs it: escapes rewritten, ``A`` as an anchor after any ``(*VERB)``."""
    portable = _ESCAPE.sub(_portable_escape, body)
    if "A" not in modifiers:
        return portable
    start = _VERBS.match(portable).end()  # type: ignore[union-attr]
    # In extended syntax the body may end with a comment, which a line feed closes.
    return portable[:start] + rb"\G(?:" + portable[start:] + (b"\n)" if "x" in modifiers else b")")


def _portable_escape(match: re.Match[bytes]) -> bytes:
    r"""Rewrite ``\x`` for the binding, which compiles with ECMAScript escapes, and refuse ``\u`` as PHP does."""
    if match[3] is not None:
        raise BadPatternError(f"PCRE2 does not support \\{match[3].decode()} in a regular expression.")
    digits = match[1] if match[1] is not None else match[2]
    if digits is None:
        return match[0]
    return b"\\o{%o}" % int(digits or b"0", 16)


def _split(delimited: str) -> tuple[str, str]:
    """Split ``/body/modifiers``; brackets pair and nest, a backslash hides a delimiter."""
    text = delimited.lstrip(" \t\n\r\v\f")
    if not text:
        raise BadPatternError("The regular expression is empty.")
    opening = text[0]
    if (opening.isascii() and opening.isalnum()) or opening in "\\\0" or not opening.isascii():
        raise BadPatternError("A regular expression starts with a delimiter such as / or #, not a letter, digit or backslash.")
    closing = _BRACKETS.get(opening, opening)
    end = _end_of_body(text, opening, closing)
    if end is None:
        raise BadPatternError(f"The regular expression has no ending delimiter {closing!r}.", hint="Write it as /foo/i.")
    return text[1:end], text[end + 1 :]


def _end_of_body(text: str, opening: str, closing: str) -> int | None:
    depth, place = 1, 1
    while place < len(text):
        letter = text[place]
        if letter == "\\":
            place += 1
        elif letter == closing:
            depth -= 1
            if not depth:
                return place
        elif letter == opening:
            depth += 1
        place += 1
    return None


def matches(delimited: str, subject: str) -> bool:
    """Return ``preg_match(...) === 1``; a match limit reached counts as no match, a bad pattern raises."""
    return bool(_search(delimited, subject, 1))


def match_first(delimited: str, subject: str) -> list[Any] | dict[str, Any]:
    """Return the groups of the first match, ``[]`` when there is none; named groups come by name and by number."""
    found = _search(delimited, subject, 1)
    return found[0] if found else []


def match_all(delimited: str, subject: str) -> list[Any]:
    """Return the groups of every match (``PREG_SET_ORDER``)."""
    return _search(delimited, subject, _MAX_MATCHES)


def _search(delimited: str, subject: str, limit: int) -> list[Any]:
    import pcre2

    pattern = compile_pattern(delimited)
    names = {number: name for name, number in pattern.groupindex.items()}
    found: list[Any] = []
    try:
        for match in _bounded(pattern.finditer(encode(subject)), limit):
            found.append(_groups(match, names))  # noqa: PERF401 - what was found before an error counts
    except pcre2.LibraryError:
        # PHP reports a reached limit or a subject that is not UTF-8 as "no further match".
        return found
    return found


def _bounded(found: Iterator[Any], limit: int) -> Iterator[Any]:
    end = time.monotonic() + DEADLINE
    for number, match in enumerate(found, start=1):
        yield match
        if number >= limit:
            if limit > 1:
                raise NodeError(f"The regular expression matches more than {limit} times.", code="limit_exceeded")
            return
        if time.monotonic() > end:
            raise NodeError(f"The regular expression took longer than {DEADLINE:g} seconds.", code="timeout")


def _groups(match: Any, names: dict[int, str]) -> list[Any] | dict[str, Any]:
    """Return one match as PHP does: unmatched groups are empty texts, trailing ones are missing."""
    spans = [match[0], *match.groups()]
    while len(spans) > 1 and spans[-1] is None:
        spans.pop()
    groups: dict[int | str, Any] = {}
    for number, data in enumerate(spans):
        text = text_or_fragment(data or b"")
        if number in names:
            groups[names[number]] = text
        groups[number] = text
    return to_json(groups)
