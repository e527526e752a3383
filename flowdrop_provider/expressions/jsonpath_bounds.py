"""A python-jsonpath environment that charges every visited node to a budget; imported on first use only."""

from __future__ import annotations

from collections.abc import Iterable

from jsonpath import JSONPathEnvironment, JSONPathMatch  # noqa: TID253 -- this module is the lazy import
from jsonpath.function_extensions import ExpressionType, FilterFunction  # noqa: TID253
from jsonpath.parse import Parser  # noqa: TID253
from jsonpath.segments import (  # noqa: TID253
    JSONPathChildSegment,
    JSONPathRecursiveDescentSegment,
    JSONPathSegment,
)
from jsonpath.stream import TokenStream  # noqa: TID253

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions import regex
from flowdrop_provider.expressions.jsonpath import charge
from flowdrop_provider.expressions.limits import EVALUATION

__all__ = ["BoundedEnvironment"]


class _RegularExpression(FilterFunction):
    """RFC 9535 ``match`` and ``search``; a pattern that does not compile matches nothing, as the RFC says."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]
    return_type = ExpressionType.LOGICAL

    def __init__(self, *, whole: bool) -> None:
        self._test = regex.full_match if whole else regex.part_match

    def __call__(self, value: object, pattern: object) -> bool:
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        try:
            return self._test(pattern, value)
        except ExpressionError as error:
            if error.code == EVALUATION:
                return False
            raise


class _Parser(Parser):
    """Gives every segment, those of nested queries too, its charging twin."""

    def parse_query(self, stream: TokenStream) -> Iterable[JSONPathSegment]:
        """Yield the segments of a query."""
        for segment in super().parse_query(stream):
            twin = _Descent if isinstance(segment, JSONPathRecursiveDescentSegment) else _Child
            yield twin(env=segment.env, token=segment.token, selectors=segment.selectors)


class _Child(JSONPathChildSegment):
    __slots__ = ()

    def resolve(self, nodes: Iterable[JSONPathMatch]) -> Iterable[JSONPathMatch]:
        """Select children, one step each."""
        for node in super().resolve(nodes):
            charge()
            yield node


class _Descent(JSONPathRecursiveDescentSegment):
    __slots__ = ()

    def _visit(self, node: JSONPathMatch, depth: int = 1) -> Iterable[JSONPathMatch]:
        for visited in super()._visit(node, depth):
            charge()
            yield visited


class BoundedEnvironment(JSONPathEnvironment):
    """RFC 9535 and nothing beyond it.

    :param max_depth: levels of a document that ``..`` descends.
    """

    parser_class = _Parser

    def __init__(self, max_depth: int) -> None:
        super().__init__(strict=True)
        self.max_recursion_depth = max_depth

    def setup_function_extensions(self) -> None:
        """Register the RFC's functions, the regular expressions with a bounded matcher."""
        super().setup_function_extensions()
        self.function_extensions["match"] = _RegularExpression(whole=True)
        self.function_extensions["search"] = _RegularExpression(whole=False)
