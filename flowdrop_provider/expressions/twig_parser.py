"""Compiles Twig source into the statements of :mod:`~flowdrop_provider.expressions.twig_nodes`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from flowdrop_provider.expressions.lexer import Tokens, tokenize
from flowdrop_provider.expressions.limits import MAX_NESTING, MAX_SOURCE, syntax_error
from flowdrop_provider.expressions.operators import TWIG_INFIX
from flowdrop_provider.expressions.parser import Dialect, Parser
from flowdrop_provider.expressions.tree import Expression, Name
from flowdrop_provider.expressions.twig_data import DATA_FILTERS, FUNCTIONS, LENIENT, TESTS
from flowdrop_provider.expressions.twig_nodes import (
    Apply,
    Body,
    Do,
    For,
    If,
    Print,
    Set,
    SetBlock,
    Statement,
    Text,
    With,
)
from flowdrop_provider.expressions.twig_text import ESCAPES, TEXT_FILTERS

__all__ = ["compile_template"]

_DIALECT = Dialect(
    infix=TWIG_INFIX,
    prefix=frozenset({"not", "-", "+"}),
    functions=FUNCTIONS,
    filters={**TEXT_FILTERS, **DATA_FILTERS},
    tests=TESTS,
    lenient=LENIENT,
    otherwise="",
    templates=True,
)
_LINE_SPACE = " \t\0\x0b"
_OPEN = re.compile(r"\{([{%#])([-~]?)")
_CLOSE = {
    "{": re.compile(r"\s*(?:-\}\}\s*|~\}\}[ \t\0\x0b]*|\}\})"),
    "%": re.compile(r"\s*(?:-%\}\s*|~%\}[ \t\0\x0b]*|%\}\n?)"),
}
_COMMENT_END = re.compile(r"(?:-#\}\s*|~#\}[ \t\0\x0b]*|#\}\n?)")
_VERBATIM = re.compile(r"\s*verbatim\s*(?:-%\}\s*|~%\}[ \t\0\x0b]*|%\}\n?)")
_VERBATIM_END = re.compile(r"\{%([-~]?)\s*endverbatim\s*(?:-%\}\s*|~%\}[ \t\0\x0b]*|%\}\n?)")
_APPLIED = "\0applied"
_UNAVAILABLE = frozenset(
    {"block", "cache", "deprecated", "embed", "extends", "flush", "from", "guard", "import", "include"}
    | {"macro", "sandbox", "trans", "types", "use"}
)


class _Piece(NamedTuple):
    """Text, or a tag with its tokens; ``kind`` is ``text``, ``{`` or ``%``."""

    kind: str
    text: str
    tokens: Tokens | None
    position: int


def compile_template(source: str) -> Body:
    """Compile a template.

    :raises ExpressionError: ``EXPR_SYNTAX`` with line and column, also for tags, functions and filters Twig has but a
        data template may not use.
    """
    if len(source) > MAX_SOURCE:
        raise syntax_error(f"A template may have at most {MAX_SOURCE:,} characters", source, 0)
    return _Compiler(source, list(_pieces(source))).section().body


def _pieces(source: str) -> Iterator[_Piece]:
    position = 0
    while (match := _OPEN.search(source, position)) is not None:
        text = _trimmed(source[position : match.start()], match.group(2))
        if text:
            yield _Piece("text", text, None, position)
        kind = match.group(1)
        verbatim = _VERBATIM.match(source, match.end()) if kind == "%" else None
        if kind == "#":
            position = _end_of_comment(source, match)
        elif verbatim is not None:
            end = _VERBATIM_END.search(source, verbatim.end())
            if end is None:
                raise syntax_error("'verbatim' is never ended", source, match.start(), "Add {% endverbatim %}.")
            yield _Piece("text", _trimmed(source[verbatim.end() : end.start()], end.group(1)), None, verbatim.end())
            position = end.end()
        else:
            tokens = tokenize(source, match.end(), _CLOSE[kind])
            yield _Piece(kind, "", tokens, match.start())
            position = tokens.after
    if position < len(source):
        yield _Piece("text", source[position:], None, position)


def _trimmed(text: str, mark: str) -> str:
    return {"-": text.rstrip(), "~": text.rstrip(_LINE_SPACE)}.get(mark, text)


def _end_of_comment(source: str, opened: re.Match[str]) -> int:
    end = source.find("#}", opened.end())
    if end < 0:
        raise syntax_error("A comment is never closed", source, opened.start(), "Add the closing #}.")
    marked = end - 1 if end > opened.end() and source[end - 1] in "-~" else end
    match = _COMMENT_END.match(source, marked)
    return match.end() if match else end + 2


class _Section(NamedTuple):
    """A body, the tag that ended it (empty at the end of the template), and that tag's remaining tokens."""

    body: Body
    end: str
    parser: Parser


class _Compiler:
    """Turns pieces into statements; remembers the escaping strategy in force."""

    def __init__(self, source: str, pieces: list[_Piece]) -> None:
        self._source = source
        self._pieces = pieces
        self._index = 0
        self._nesting = 0
        self._strategy: str | None = "html"
        self._tags: dict[str, Callable[[Parser], Statement]] = {
            "apply": self._apply,
            "autoescape": self._autoescape,
            "do": self._do,
            "for": self._for,
            "if": self._if,
            "set": self._set,
            "with": self._with,
        }

    def section(self, *ends: str) -> _Section:
        """Read statements up to one of the ending tags, or to the end of the template when there are none."""
        opened = self._pieces[self._index - 1].position if self._index else 0
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise syntax_error(f"Tags may nest {MAX_NESTING} levels deep", self._source, opened)
        statements: list[Statement] = []
        while self._index < len(self._pieces):
            piece = self._pieces[self._index]
            self._index += 1
            parser = Parser(piece.tokens, _DIALECT) if piece.tokens else None
            if parser is None:
                statements.append(Text(piece.text))
            elif piece.kind == "{":
                statements.append(Print(_only(parser), self._strategy))
            elif (tag := parser.name()) in ends:
                self._nesting -= 1
                return _Section(Body(tuple(statements)), tag, parser)
            else:
                statements.append(self._tag(tag, parser, piece))
        if ends:
            raise syntax_error(f"Missing {{% {ends[-1]} %}}", self._source, opened)
        return _Section(Body(tuple(statements)), "", Parser(tokenize(""), _DIALECT))

    def _tag(self, tag: str, parser: Parser, piece: _Piece) -> Statement:
        if tag not in self._tags:
            what = "is not available to templates of a workflow" if tag in _UNAVAILABLE else "is not a known tag here"
            raise syntax_error(f"{tag!r} {what}", self._source, piece.position, f"Known: {', '.join(self._tags)}.")
        return self._tags[tag](parser)

    def _inside(self, end: str) -> Body:
        section = self.section(end)
        section.parser.finish()
        return section.body

    def _if(self, parser: Parser) -> Statement:
        branches: list[tuple[Expression, Body]] = []
        condition = _only(parser)
        while True:
            section = self.section("elseif", "else", "endif")
            branches.append((condition, section.body))
            if section.end != "elseif":
                break
            condition = _only(section.parser)
        section.parser.finish()
        return If(tuple(branches), self._inside("endif") if section.end == "else" else None)

    def _for(self, parser: Parser) -> Statement:
        names = _names(parser)
        if len(names) > 2:
            raise parser.error("A loop has one or two variables")
        parser.expect("in")
        items = _only(parser)
        section = self.section("else", "endfor")
        section.parser.finish()
        otherwise = self._inside("endfor") if section.end == "else" else None
        return For(names[0] if len(names) == 2 else None, names[-1], items, section.body, otherwise)

    def _set(self, parser: Parser) -> Statement:
        names = _names(parser)
        if not parser.accept("="):
            parser.finish()
            return SetBlock(names[0], self._inside("endset"))
        values = [parser.expression()]
        while parser.accept(","):
            values.append(parser.expression())
        if len(values) != len(names):
            raise parser.error("'set' needs as many values as names")
        parser.finish()
        return Set(tuple(names), tuple(values))

    def _autoescape(self, parser: Parser) -> Statement:
        outer, self._strategy = self._strategy, self._escaping(parser)
        parser.finish()
        body = self._inside("endautoescape")
        self._strategy = outer
        return body

    def _escaping(self, parser: Parser) -> str | None:
        if parser.current.kind == "end" or parser.accept("true"):
            return "html"
        if parser.accept("false"):
            return None
        strategy = parser.advance().text.strip("'\"")
        if strategy not in ESCAPES:
            raise parser.error(f"Unknown escaping strategy {strategy!r}", f"Known: {', '.join(ESCAPES)}, false.")
        return strategy

    def _apply(self, parser: Parser) -> Statement:
        filters = parser.filters(Name(_APPLIED))
        parser.finish()
        return Apply(_APPLIED, filters, self._inside("endapply"))

    def _with(self, parser: Parser) -> Statement:
        bare = parser.current.kind == "end" or parser.current.text == "only"
        variables = None if bare else parser.expression()
        only = parser.accept("only")
        parser.finish()
        return With(variables, only, self._inside("endwith"))

    def _do(self, parser: Parser) -> Statement:
        return Do(_only(parser))


def _only(parser: Parser) -> Expression:
    expression = parser.expression()
    parser.finish()
    return expression


def _names(parser: Parser) -> list[str]:
    names = [parser.name()]
    while parser.accept(","):
        names.append(parser.name())
    return names
