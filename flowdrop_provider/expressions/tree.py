"""The syntax tree both languages share: each node knows how to find its value.

``evaluate`` gives a JSON value. ``resolve`` is the lenient reading behind ``??``, ``default`` and ``is defined``: it gives
:data:`MISSING` where a variable, key or index does not exist, and never raises for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions.limits import Budget, evaluation_error
from flowdrop_provider.expressions.values import describe, item_of, key_text, to_integer, truthy

__all__ = [
    "MISSING",
    "Arrow",
    "Binary",
    "Call",
    "Callback",
    "Conditional",
    "Expression",
    "Get",
    "Item",
    "ListOf",
    "Literal",
    "MapOf",
    "Name",
    "Run",
    "Slice",
    "Unary",
    "cut",
]


#: Items or characters a filter handles for one step.
_CHEAP_ITEMS = 64


class _Missing:
    """The one value that stands for "there is nothing here"."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()


@dataclass(slots=True)
class Run:
    """One evaluation: the variables in reach, what is left of the budget, and how strict the language is.

    :ivar strict: unknown variables and items of non-containers are errors (expression language), not empty (Twig).
    :ivar now: the moment ``date('now')`` means.
    """

    scope: dict[str, Any]
    strict: bool
    budget: Budget = field(default_factory=Budget)
    now: Any = None

    def value_of(self, node: Expression) -> Any:
        """Return a node's value, charged to the budget."""
        self.budget.charge()
        self.budget.enter()
        try:
            return node.evaluate(self)
        finally:
            self.budget.depth -= 1

    def find(self, node: Expression) -> Any:
        """Return a node's value or :data:`MISSING`, charged to the budget."""
        self.budget.charge()
        self.budget.enter()
        try:
            return node.resolve(self)
        finally:
            self.budget.depth -= 1


class Expression(Protocol):
    """A node of the tree."""

    def evaluate(self, run: Run) -> Any:
        """Return the value."""
        ...

    def resolve(self, run: Run) -> Any:
        """Return the value, or :data:`MISSING`."""
        ...


class _Node:
    """A node that always has a value."""

    __slots__ = ()

    def evaluate(self, run: Run) -> Any:
        raise NotImplementedError

    def resolve(self, run: Run) -> Any:
        return self.evaluate(run)


@dataclass(frozen=True, slots=True)
class Literal(_Node):
    """A number, text, boolean or null written in the expression."""

    value: Any

    def evaluate(self, run: Run) -> Any:  # noqa: ARG002 -- every node has the same method
        """Return the written value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Name(_Node):
    """A variable."""

    name: str

    def evaluate(self, run: Run) -> Any:
        """Return the variable's value; an unknown one is an error only in the expression language (LANG-6)."""
        value = self.resolve(run)
        if value is MISSING and run.strict:
            raise evaluation_error(
                f"There is no variable {self.name!r}.", f"Known here: {', '.join(sorted(run.scope)[:20]) or 'none'}."
            )
        return None if value is MISSING else value

    def resolve(self, run: Run) -> Any:
        """Return the variable's value or :data:`MISSING`."""
        return run.scope.get(self.name, MISSING)


@dataclass(frozen=True, slots=True)
class Get(_Node):
    """``target.key`` or ``target[key]``, of maps and lists only; ``optional`` is ``?.``."""

    target: Expression
    key: Expression
    optional: bool = False

    @property
    def forgives_null(self) -> bool:
        """Whether an earlier ``?.`` of the chain lets a null pass."""
        return self.optional or (isinstance(self.target, Get) and self.target.forgives_null)

    def evaluate(self, run: Run) -> Any:
        """Return the item; absent is null. A non-container is an error in the expression language."""
        if not run.strict:
            value = self.resolve(run)
            return None if value is MISSING else value
        target = run.value_of(self.target)
        if target is None and self.forgives_null:
            return None
        key = run.value_of(self.key)
        if not isinstance(target, list | dict):
            raise evaluation_error(f"A {describe(target)} has no item {key_text(key)!r}.")
        return item_of(target, key, None)

    def resolve(self, run: Run) -> Any:
        """Return the item or :data:`MISSING`."""
        return item_of(run.find(self.target), run.value_of(self.key), MISSING)


@dataclass(frozen=True, slots=True)
class Slice(_Node):
    """``target[start:length]``."""

    target: Expression
    start: Expression
    length: Expression | None

    def evaluate(self, run: Run) -> Any:
        """Return part of a list or text."""
        start = to_integer(run.value_of(self.start))
        length = run.value_of(self.length) if self.length else None
        return cut(run.value_of(self.target), start, length)


def cut(value: Any, start: int, length: Any) -> Any:
    """Return ``length`` items or characters from ``start``; both may count from the end, as PHP's ``array_slice``."""
    if isinstance(value, dict):
        return dict(cut(list(value.items()), start, length))
    if not isinstance(value, str | list):
        return value
    begin = max(len(value) + start, 0) if start < 0 else start
    if length is None:
        return value[begin:]
    count = to_integer(length)
    return value[begin : begin + count] if count >= 0 else value[begin : max(len(value) + count, begin)]


@dataclass(frozen=True, slots=True)
class ListOf(_Node):
    """``[a, b]``."""

    items: tuple[Expression, ...]

    def evaluate(self, run: Run) -> Any:
        """Return a list."""
        return [run.value_of(item) for item in self.items]


@dataclass(frozen=True, slots=True)
class MapOf(_Node):
    """``{key: value}``; whole-number keys 0, 1, 2 ... in order make a list, as in PHP."""

    pairs: tuple[tuple[Expression, Expression], ...]

    def evaluate(self, run: Run) -> Any:
        """Return a map with text keys, or a list."""
        keys = [run.value_of(key) for key, _ in self.pairs]
        values = [run.value_of(value) for _, value in self.pairs]
        if keys and keys == list(range(len(keys))):
            return values
        return dict(zip(map(key_text, keys), values, strict=True))


@dataclass(frozen=True, slots=True)
class Unary(_Node):
    """A prefix operator."""

    apply: Callable[[Run, Any], Any]
    operand: Expression

    def evaluate(self, run: Run) -> Any:
        """Return the operator's result."""
        return self.apply(run, run.value_of(self.operand))


@dataclass(frozen=True, slots=True)
class Binary(_Node):
    """An infix operator; ``lazy`` ones get the nodes instead of the values."""

    apply: Callable[[Run, Any, Any], Any]
    left: Expression
    right: Expression
    lazy: bool = False

    def evaluate(self, run: Run) -> Any:
        """Return the operator's result."""
        if self.lazy:
            return self.apply(run, self.left, self.right)
        return self.apply(run, run.value_of(self.left), run.value_of(self.right))


@dataclass(frozen=True, slots=True)
class Conditional(_Node):
    """``test ? then : otherwise``; without ``then`` it is ``test ?: otherwise``."""

    test: Expression
    then: Expression | None
    otherwise: Expression

    def evaluate(self, run: Run) -> Any:
        """Return the value of the side that the test selects."""
        tested = run.value_of(self.test)
        if not truthy(tested):
            return run.value_of(self.otherwise)
        return tested if self.then is None else run.value_of(self.then)


class Callback:
    """An arrow function at work: called with values, it evaluates its body."""

    def __init__(self, run: Run, names: Sequence[str], body: Expression) -> None:
        self._run = run
        self._names = names
        self._body = body

    def __call__(self, *values: Any) -> Any:
        """Return the body's value with the names bound to ``values``."""
        outer = self._run.scope
        self._run.budget.charge(1 + len(outer) // 8)
        self._run.scope = {**outer, **dict(zip(self._names, values, strict=False))}
        try:
            return self._run.value_of(self._body)
        finally:
            self._run.scope = outer


@dataclass(frozen=True, slots=True)
class Arrow(_Node):
    """``(a, b) => body``; only filters take one, it is never a value of its own."""

    names: tuple[str, ...]
    body: Expression

    def evaluate(self, run: Run) -> Any:
        """Return the callback."""
        return Callback(run, self.names, self.body)


#: What a function, filter or test of a language is: it gets the run, the positional values and the named ones.
Item = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Call(_Node):
    """A function, filter or test applied to arguments; a filter's and test's first argument is its operand.

    ``lenient`` ones (``default``, ``is defined``) get :data:`MISSING` as their first argument where there is nothing.
    """

    name: str
    function: Item
    arguments: tuple[Expression, ...]
    named: Mapping[str, Expression]
    lenient: bool = False

    def evaluate(self, run: Run) -> Any:
        """Return the result; wrong arguments are an evaluation error that names the function."""
        first = run.find if self.lenient else run.value_of
        values = [first(node) if index == 0 else run.value_of(node) for index, node in enumerate(self.arguments)]
        named = {name: run.value_of(node) for name, node in self.named.items()}
        run.budget.charge(sum(len(value) for value in values if isinstance(value, str | list | dict)) // _CHEAP_ITEMS)
        try:
            return self.function(run, *values, **named)
        except ExpressionError as error:
            raise type(error)(f"{self.name}: {error.message}", code=error.code, hint=error.hint) from error
        except (TypeError, ValueError, OverflowError, AttributeError, IndexError, KeyError) as error:
            raise evaluation_error(f"{self.name}: these arguments do not fit.") from error
