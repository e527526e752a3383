"""What a compiled template consists of: each statement renders itself into a :class:`Page`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from flowdrop_provider.expressions.limits import evaluation_error
from flowdrop_provider.expressions.tree import Call, Conditional, Expression, Literal, Run
from flowdrop_provider.expressions.twig_text import ESCAPES
from flowdrop_provider.expressions.values import to_text, truthy

__all__ = ["Apply", "Body", "Do", "For", "If", "Page", "Print", "Set", "SetBlock", "Statement", "Text", "With"]


class _Markup(str):
    """A text that is markup already: what ``{% set x %}...{% endset %}`` captured."""

    __slots__ = ()


@dataclass(slots=True)
class Page:
    """A rendering under way: the run and the text written so far."""

    run: Run
    parts: list[str] = field(default_factory=list)
    length: int = 0

    def write(self, text: str) -> None:
        """Append a text, within the size limit."""
        self.length += len(text)
        self.run.budget.text(self.length)
        self.parts.append(text)

    def captured(self, body: Statement) -> _Markup:
        """Return what a statement renders, instead of writing it."""
        inner = Page(self.run)
        body.render(inner)
        return _Markup("".join(inner.parts))


class Statement(Protocol):
    """A part of a template."""

    def render(self, page: Page) -> None:
        """Write the part's text."""
        ...


@dataclass(frozen=True, slots=True)
class Body:
    """Statements in order."""

    statements: tuple[Statement, ...]

    def render(self, page: Page) -> None:
        """Write each statement's text."""
        for statement in self.statements:
            page.run.budget.charge()
            statement.render(page)


@dataclass(frozen=True, slots=True)
class Text:
    """Text outside of tags."""

    text: str

    def render(self, page: Page) -> None:
        """Write the text."""
        page.write(self.text)


@dataclass(frozen=True, slots=True)
class Print:
    """``{{ expression }}``; escaped by ``strategy`` unless the expression is safe as written (LANG-7)."""

    expression: Expression
    strategy: str | None

    def render(self, page: Page) -> None:
        """Write the value's text."""
        value = page.run.value_of(self.expression)
        safe = self.strategy is None or isinstance(value, _Markup) or _is_safe(self.expression)
        text = to_text(value)
        page.run.budget.text(len(text))
        page.write(text if safe or self.strategy is None else ESCAPES[self.strategy](text))


#: Filters whose result is markup.
_SAFE_FILTERS = frozenset({"raw", "e", "escape", "nl2br", "spaceless"})


def _is_safe(expression: Expression) -> bool:
    if isinstance(expression, Conditional):
        then = expression.test if expression.then is None else expression.then
        return _is_safe(then) and _is_safe(expression.otherwise)
    if isinstance(expression, Call):
        return expression.name in _SAFE_FILTERS
    return isinstance(expression, Literal)


@dataclass(frozen=True, slots=True)
class If:
    """``{% if %}`` with its ``elseif`` branches and ``else``."""

    branches: tuple[tuple[Expression, Body], ...]
    otherwise: Body | None

    def render(self, page: Page) -> None:
        """Render the first branch whose condition holds."""
        for condition, body in self.branches:
            if truthy(page.run.value_of(condition)):
                body.render(page)
                return
        if self.otherwise is not None:
            self.otherwise.render(page)


@dataclass(frozen=True, slots=True)
class For:
    """``{% for key, value in items %}`` with ``loop`` and ``else``."""

    key: str | None
    value: str
    items: Expression
    body: Body
    otherwise: Body | None

    def render(self, page: Page) -> None:
        """Render the body once an item; variables set inside survive only where they existed before."""
        run = page.run
        pairs = _pairs(run.value_of(self.items))
        if not pairs and self.otherwise is not None:
            self.otherwise.render(page)
        outer = dict(run.scope)
        for index, (key, value) in enumerate(pairs):
            run.budget.charge(1 + len(outer) // 16)
            run.scope["loop"] = _loop(index, len(pairs), outer)
            run.scope[self.value] = value
            if self.key is not None:
                run.scope[self.key] = key
            self.body.render(page)
        own = {"loop", self.value, self.key}
        run.scope = {name: old if name in own else run.scope.get(name, old) for name, old in outer.items()}


def _pairs(items: Any) -> Sequence[tuple[Any, Any]]:
    if isinstance(items, dict):
        return list(items.items())
    return list(enumerate(items)) if isinstance(items, list) else []


def _loop(index: int, length: int, outer: dict[str, Any]) -> dict[str, Any]:
    return {
        "index": index + 1,
        "index0": index,
        "revindex": length - index,
        "revindex0": length - index - 1,
        "first": index == 0,
        "last": index == length - 1,
        "length": length,
        "parent": outer,
    }


@dataclass(frozen=True, slots=True)
class Set:
    """``{% set a, b = 1, 2 %}``."""

    names: tuple[str, ...]
    values: tuple[Expression, ...]

    def render(self, page: Page) -> None:
        """Bind the names; writes nothing."""
        values = [page.run.value_of(value) for value in self.values]
        page.run.scope.update(zip(self.names, values, strict=True))


@dataclass(frozen=True, slots=True)
class SetBlock:
    """``{% set a %}...{% endset %}``."""

    name: str
    body: Body

    def render(self, page: Page) -> None:
        """Bind what the body renders, as markup; writes nothing."""
        page.run.scope[self.name] = page.captured(self.body)


@dataclass(frozen=True, slots=True)
class Apply:
    """``{% apply upper|trim %}...{% endapply %}``: filters around a rendered body, held by a variable of the scope."""

    variable: str
    filters: Expression
    body: Body

    def render(self, page: Page) -> None:
        """Write the filtered body."""
        page.run.scope[self.variable] = page.captured(self.body)
        Print(self.filters, None).render(page)
        del page.run.scope[self.variable]


@dataclass(frozen=True, slots=True)
class With:
    """``{% with {a: 1} only %}...{% endwith %}``."""

    variables: Expression | None
    only: bool
    body: Body

    def render(self, page: Page) -> None:
        """Render the body in a scope of its own."""
        extra = page.run.value_of(self.variables) if self.variables else {}
        if not isinstance(extra, dict):
            raise evaluation_error("The variables of 'with' must be a map.")
        outer = page.run.scope
        page.run.scope = {**({} if self.only else outer), **extra}
        self.body.render(page)
        page.run.scope = outer


@dataclass(frozen=True, slots=True)
class Do:
    """``{% do expression %}``."""

    expression: Expression

    def render(self, page: Page) -> None:
        """Evaluate and write nothing."""
        page.run.value_of(self.expression)
