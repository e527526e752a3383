"""Checking data against a JSON Schema that comes from an export: bounded work, and no reference leaves the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from itertools import islice
from typing import Any

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions import regex
from flowdrop_provider.expressions.limits import EVALUATION, SYNTAX, Budget

__all__ = ["schema_errors"]

_MAX_ERRORS = 100
_MAX_MESSAGE = 300
_PAIRS_A_STEP = 64
_spent: ContextVar[Budget] = ContextVar("flowdrop_schema_budget")


def schema_errors(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a value, ``place: message`` each, at most a hundred; ``[]`` when it fits.

    The dialect is JSON Schema 2020-12; ``pattern`` is PCRE with a match limit.

    :raises ExpressionError: ``EXPR_SYNTAX`` for a schema that is none or refers outside itself, ``EXPR_LIMIT`` when
        checking takes too much.
    """
    from jsonschema import SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    token = _spent.set(Budget())
    try:
        _validator_class().check_schema(schema)
        # An empty registry resolves nothing: the schema of an export must not fetch a URL.
        validator = _validator_class()(schema, registry=Registry())
        return [_described(error) for error in islice(validator.iter_errors(value), _MAX_ERRORS)]
    except (SchemaError, Unresolvable, RecursionError) as error:
        raise ExpressionError(f"The JSON Schema is not valid: {str(error)[:200]}", code=SYNTAX) from error
    finally:
        _spent.reset(token)


def _described(error: Any) -> str:
    place = ".".join(str(part) for part in error.absolute_path) or "(root)"
    return f"{place}: {error.message[:_MAX_MESSAGE]}"


@cache
def _validator_class() -> Any:
    from jsonschema import Draft202012Validator, validators

    known = Draft202012Validator.VALIDATORS
    charged = {name: _charging(known[name]) for name in ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "items")}
    own = {"pattern": _pattern, "patternProperties": _pattern_properties, "uniqueItems": _unique(known["uniqueItems"])}
    extend: Any = validators.extend
    return extend(Draft202012Validator, {**charged, **own})


def _charging(check: Any) -> Any:
    def charged(validator: Any, keyword: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _spent.get().charge(1 + (len(instance) if isinstance(instance, list) else 0))
        yield from check(validator, keyword, instance, schema) or ()

    return charged


def _unique(check: Any) -> Any:
    def charged(validator: Any, keyword: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, list):
            _spent.get().charge(len(instance) ** 2 // _PAIRS_A_STEP)
        yield from check(validator, keyword, instance, schema) or ()

    return charged


def _matches(pattern: Any, text: str) -> bool:
    _spent.get().charge(1 + len(text))
    try:
        return regex.part_match(str(pattern), text)
    except ExpressionError as error:
        if error.code != EVALUATION:
            raise
        raise ExpressionError(f"The JSON Schema is not valid: {error.message}", code=SYNTAX) from error


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[Any]:  # noqa: ARG001
    from jsonschema import ValidationError

    if isinstance(instance, str) and not _matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:  # noqa: ARG001
    if not isinstance(instance, dict):
        return
    for pattern, inner in patterns.items():
        for name, value in instance.items():
            if _matches(pattern, name):
                yield from validator.descend(value, inner, path=name, schema_path=pattern)
