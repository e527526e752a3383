"""Operator-precedence parser for both languages; a :class:`Dialect` holds everything in which they differ.

Symfony's expression language and Twig are parsed by precedence tables in PHP too, so the tables in
:mod:`~flowdrop_provider.expressions.operators` *are* their grammar.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions.lexer import Token, Tokens, tokenize, unescape
from flowdrop_provider.expressions.limits import MAX_NESTING, MAX_SOURCE, syntax_error
from flowdrop_provider.expressions.operators import PREFIX, Infix
from flowdrop_provider.expressions.tree import (
    Arrow,
    Binary,
    Call,
    Conditional,
    Expression,
    Get,
    Item,
    ListOf,
    Literal,
    MapOf,
    Name,
    Slice,
    Unary,
)
from flowdrop_provider.expressions.values import truthy

__all__ = ["Dialect", "Parser", "parse_expression"]

T = TypeVar("T")

_CONSTANTS = {"true": True, "false": False, "null": None, "none": None}
_TWO_WORDS = {("not", "in"), ("starts", "with"), ("ends", "with"), ("has", "some"), ("has", "every")}
_TEST_PRECEDENCE = 100
_INTERPOLATION = re.compile(r"(?<!\\)#\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one language has: operators, functions, and (Twig only) filters and tests.

    :ivar lenient: filters and tests that may see that their operand does not exist.
    :ivar otherwise: the value of ``a ? b`` when ``a`` is false.
    """

    infix: Mapping[str, Infix]
    prefix: frozenset[str]
    functions: Mapping[str, Item]
    filters: Mapping[str, Item] = field(default_factory=dict)
    tests: Mapping[str, Item] = field(default_factory=dict)
    lenient: frozenset[str] = frozenset()
    otherwise: str | None = None
    templates: bool = False


def parse_expression(source: str, dialect: Dialect) -> Expression:
    """Parse a text that is one expression.

    :raises ExpressionError: ``EXPR_SYNTAX`` with line and column.
    """
    if len(source) > MAX_SOURCE:
        raise syntax_error(f"An expression may have at most {MAX_SOURCE:,} characters", source, 0)
    parser = Parser(tokenize(source), dialect)
    tree = parser.expression()
    parser.finish()
    return tree


class Parser:
    """Reads one expression after another from a list of tokens."""

    def __init__(self, tokens: Tokens, dialect: Dialect, nesting: int = 0) -> None:
        self._tokens = tokens.items
        self._source = tokens.source
        self._dialect = dialect
        self._index = 0
        self._nesting = nesting

    # -- reading tokens ---------------------------------------------------------------------------------------------

    @property
    def current(self) -> Token:
        """The token to read next."""
        return self._tokens[self._index]

    def _ahead(self, distance: int) -> Token:
        return self._tokens[min(self._index + distance, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """Read a token."""
        token = self.current
        if token.kind != "end":
            self._index += 1
        return token

    def accept(self, text: str) -> bool:
        """Read a token if it is this punctuation or word."""
        if self.current.text == text and self.current.kind in ("punctuation", "name"):
            self._index += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Read this punctuation or word, or fail."""
        if not self.accept(text):
            raise self.error(f"Expected {text!r}")

    def name(self) -> str:
        """Read a name."""
        if self.current.kind != "name":
            raise self.error("Expected a name")
        return self.advance().text

    def finish(self) -> None:
        """Fail unless everything is read."""
        if self.current.kind != "end":
            raise self.error("Expected the end")

    def error(self, message: str, hint: str | None = None) -> ExpressionError:
        """Return a syntax error at the current token."""
        found = "the end" if self.current.kind == "end" else repr(self.current.text[:40])
        return syntax_error(f"{message}, found {found}", self._source, self.current.position, hint)

    # -- operators --------------------------------------------------------------------------------------------------

    def expression(self, precedence: int = 0) -> Expression:
        """Read an expression whose operators bind at least as tightly as ``precedence``."""
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise self.error(f"An expression may nest {MAX_NESTING} levels deep")
        left = self._operand()
        while (operator := self._infix()) is not None and operator[1] >= precedence:
            left = self._apply(left, operator[0])
        if precedence == 0:
            left = self._conditional(left)
        self._nesting -= 1
        return left

    def _infix(self) -> tuple[str, int] | None:
        token = self.current
        if token.kind not in ("punctuation", "name"):
            return None
        if self._dialect.tests and token.text == "is" and token.kind == "name":
            return "is", _TEST_PRECEDENCE
        words = (token.text, self._ahead(1).text)
        operator = " ".join(words) if words in _TWO_WORDS else token.text
        known = self._dialect.infix.get(operator)
        return None if known is None else (operator, known.precedence)

    def _apply(self, left: Expression, operator: str) -> Expression:
        for _ in operator.split():
            self.advance()
        if operator == "is":
            return self._test(left)
        known = self._dialect.infix[operator]
        right = self.expression(known.precedence + (not known.right))
        return Binary(known.apply, left, right, known.lazy)

    def _test(self, operand: Expression) -> Expression:
        negated = self.accept("not")
        name = self.name()
        two_words = f"{name} {self.current.text}"
        if two_words in self._dialect.tests:
            self.advance()
            name = two_words
        call = self._call("test", self._dialect.tests, name, [operand])
        return Unary(lambda _run, value: not truthy(value), call) if negated else call

    def _conditional(self, test: Expression) -> Expression:
        if self.accept("?:"):
            return Conditional(test, None, self.expression())
        if not self.accept("?"):
            return test
        then = self.expression()
        otherwise = self.expression() if self.accept(":") else Literal(self._dialect.otherwise)
        return Conditional(test, then, otherwise)

    # -- operands ---------------------------------------------------------------------------------------------------

    def _operand(self) -> Expression:
        token = self.current
        if token.kind in ("punctuation", "name") and token.text in self._dialect.prefix:
            self.advance()
            operator = PREFIX[token.text]
            return Unary(operator.apply, self.expression(operator.precedence))
        arrow = self._arrow() if self._dialect.templates else None
        return arrow or self._postfix(self._primary())

    def _primary(self) -> Expression:
        token = self.advance()
        if token.kind == "number":
            return Literal(_number(token.text))
        if token.kind == "string":
            return self._text(token)
        if token.kind == "name":
            return self._named(token.text)
        opened: dict[str, Callable[[], Expression]] = {"(": self._group, "[": self._list, "{": self._map}
        if token.kind == "punctuation" and token.text in opened:
            return opened[token.text]()
        self._index -= token.kind != "end"
        raise self.error("Expected a value")

    def _named(self, name: str) -> Expression:
        if self.current.text == "(" and self.current.kind == "punctuation":
            return self._call("function", self._dialect.functions, name, [])
        if name.lower() in _CONSTANTS and name in (name.lower(), name.upper()):
            return Literal(_CONSTANTS[name.lower()])
        return Name(name)

    def _group(self) -> Expression:
        inner = self.expression()
        self.expect(")")
        return inner

    def _list(self) -> Expression:
        return ListOf(tuple(self._separated("]", self.expression)))

    def _map(self) -> Expression:
        return MapOf(tuple(self._separated("}", self._pair)))

    def _pair(self) -> tuple[Expression, Expression]:
        token = self.current
        if token.kind == "name":
            self.advance()
            if self._dialect.templates and self.current.text in (",", "}"):
                return Literal(token.text), Name(token.text)
            key: Expression = Literal(token.text)
        elif token.kind in ("number", "string") or token.text == "(":
            key = self._primary()
        else:
            raise self.error("Expected a key")
        self.expect(":")
        return key, self.expression()

    def _separated(self, closing: str, read: Callable[[], T]) -> Iterable[T]:
        while not self.accept(closing):
            yield read()
            if not self.accept(",") and self.current.text != closing:
                raise self.error(f"Expected ',' or {closing!r}")

    def _text(self, token: Token) -> Expression:
        body = token.text[1:-1]
        if not self._dialect.templates or token.text[0] == "'" or "#{" not in body:
            return Literal(unescape(body))
        join = self._dialect.infix["~"].apply
        parts = _INTERPOLATION.split(body)
        tree: Expression = Literal(unescape(parts[0]))
        for index, part in enumerate(parts[1:], start=1):
            piece = Literal(unescape(part)) if index % 2 == 0 else self._inner(part)
            tree = Binary(join, tree, piece)
        return tree

    def _inner(self, source: str) -> Expression:
        parser = Parser(tokenize(source), self._dialect, self._nesting)
        tree = parser.expression()
        parser.finish()
        return tree

    def _arrow(self) -> Expression | None:
        if self.current.kind == "name" and self._ahead(1).text == "=>":
            names = [self.name()]
        elif self.current.text == "(" and self._arrow_follows():
            self.advance()
            names = list(self._separated(")", self.name))
        else:
            return None
        self.expect("=>")
        return Arrow(tuple(names), self.expression())

    def _arrow_follows(self) -> bool:
        distance = 1
        while self._ahead(distance).kind == "name" or self._ahead(distance).text == ",":
            distance += 1
        return self._ahead(distance).text == ")" and self._ahead(distance + 1).text == "=>"

    # -- what follows an operand ------------------------------------------------------------------------------------

    def _postfix(self, target: Expression) -> Expression:
        while self.current.kind == "punctuation":
            if self.current.text in (".", "?."):
                target = self._member(target, optional=self.advance().text == "?.")
            elif self.accept("["):
                target = self._subscript(target)
            elif self._dialect.filters and self.accept("|"):
                target = self._call("filter", self._dialect.filters, self.name(), [target])
            else:
                break
        return target

    def filters(self, operand: Expression) -> Expression:
        """Read ``name|other(1)``, the filters of an ``apply`` tag, around an operand."""
        first = self._call("filter", self._dialect.filters, self.name(), [operand])
        return self._postfix(first)

    def _member(self, target: Expression, *, optional: bool) -> Expression:
        token = self.advance()
        if token.kind not in ("name", "number"):
            self._index -= token.kind != "end"
            raise self.error("Expected a key after the dot")
        if self.current.text == "(":
            raise self.error("Methods cannot be called", "Data has keys and indexes only; use a function or a filter.")
        for part in token.text.split("."):
            target = Get(target, Literal(part), optional)
        return target

    def _subscript(self, target: Expression) -> Expression:
        if not self._dialect.templates or self.current.text != ":":
            key = self.expression()
            if not (self._dialect.templates and self.current.text == ":"):
                self.expect("]")
                return Get(target, key)
        else:
            key = Literal(0)
        self.expect(":")
        length = None if self.current.text == "]" else self.expression()
        self.expect("]")
        return Slice(target, key, length)

    def _call(self, kind: str, known: Mapping[str, Item], name: str, first: list[Expression]) -> Expression:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            known_names = f"Known: {', '.join(sorted(known))}. What a site's own modules add exists only in Drupal."
            hint = f"Did you mean {close[0]!r}?" if close else known_names
            raise self.error(f"Unknown {kind} {name!r}", hint)
        positional, named = self._arguments() if self.accept("(") else ([], {})
        return Call(name, known[name], (*first, *positional), named, name in self._dialect.lenient)

    def _arguments(self) -> tuple[list[Expression], dict[str, Expression]]:
        positional: list[Expression] = []
        named: dict[str, Expression] = {}
        for name, value in self._separated(")", self._argument):
            if name is not None:
                named[name] = value
            else:
                positional.append(value)
        return positional, named

    def _argument(self) -> tuple[str | None, Expression]:
        if self._dialect.templates and self.current.kind == "name" and self._ahead(1).text in ("=", ":"):
            name = self.name()
            self.advance()
            return name, self.expression()
        return None, self.expression()


def _number(text: str) -> int | float:
    plain = text.replace("_", "")
    return int(plain) if plain.isdigit() and len(plain) < 19 else float(plain)
