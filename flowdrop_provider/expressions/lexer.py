"""Splits an expression of either language into tokens.

Both languages share literals and names and differ only in punctuation; operators spelled as words (``not in``, ``starts
with``) stay names here, because a map may have a key of that name and only the parser knows which is meant.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from flowdrop_provider.expressions.limits import syntax_error

__all__ = ["Token", "Tokens", "tokenize", "unescape"]

_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"[0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_STRING = re.compile(r"'[^'\\]*(?:\\.[^'\\]*)*'|\"[^\"\\]*(?:\\.[^\"\\]*)*\"", re.DOTALL)
_NAME = re.compile(r"b-(?:and|or|xor)\b|[^\W\d]\w*")
_PUNCTUATION = re.compile(
    r"===|!==|<=>|\.\.\.|\*\*|\.\.|==|!=|<=|>=|=>|<<|>>|&&|\|\||\?\?|\?\.|\?:|//|[-+*/%~<>=!?:.,|&^()\[\]{}]"
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "b": "\b"}
_PAIRS = {")": "(", "]": "[", "}": "{"}


class Token(NamedTuple):
    """One token: ``kind`` is ``number``, ``string``, ``name``, ``punctuation`` or ``end``; ``text`` is as written."""

    kind: str
    text: str
    position: int


class Tokens(NamedTuple):
    """The tokens up to (and with) an ``end`` token, and where the text goes on behind the closing delimiter."""

    items: list[Token]
    source: str
    after: int


def tokenize(source: str, start: int = 0, closing: re.Pattern[str] | None = None) -> Tokens:
    """Return the tokens from ``start`` to the closing delimiter, or to the end of the text when there is none to find.

    :raises ExpressionError: ``EXPR_SYNTAX`` for an unknown character, an open bracket or text, a missing delimiter.
    """
    tokens: list[Token] = []
    brackets: list[Token] = []
    position = start
    while True:
        end = closing.match(source, position) if closing and not brackets else None
        if end is None:
            position = _skip_space(source, position)
        if end is not None or position >= len(source):
            break
        token = _next(source, position)
        _balance(token, brackets, source)
        tokens.append(token)
        position += len(token.text)
    if brackets:
        raise syntax_error(f"The bracket {brackets[-1].text!r} is never closed", source, brackets[-1].position)
    if closing and end is None:
        raise syntax_error("A template tag is never closed", source, max(start - 2, 0), "Add the closing }} or %}.")
    tokens.append(Token("end", "", min(position, len(source))))
    return Tokens(tokens, source, end.end() if end else len(source))


def _skip_space(source: str, position: int) -> int:
    match = _SPACE.match(source, position)
    return match.end() if match else position


def _next(source: str, position: int) -> Token:
    for kind, pattern in (("number", _NUMBER), ("name", _NAME), ("string", _STRING), ("punctuation", _PUNCTUATION)):
        match = pattern.match(source, position)
        if match:
            return Token(kind, match.group(), position)
    what = "A text is never closed" if source[position] in "'\"" else f"Unexpected character {source[position]!r}"
    raise syntax_error(what, source, position)


def _balance(token: Token, brackets: list[Token], source: str) -> None:
    if token.kind != "punctuation":
        return
    if token.text in "([{":
        brackets.append(token)
    elif token.text in _PAIRS and (not brackets or brackets.pop().text != _PAIRS[token.text]):
        raise syntax_error(f"Unexpected {token.text!r}", source, token.position)


def unescape(text: str) -> str:
    """Return what an escaped text stands for (PHP's ``stripcslashes``)."""

    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] == "x" and len(code) > 1:
            return chr(int(code[1:], 16))
        return chr(int(code, 8) % 256) if code[0] in "01234567" else _ESCAPES.get(code, code)

    return _ESCAPE.sub(replace, text) if "\\" in text else text
