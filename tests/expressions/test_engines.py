import pytest

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions import (
    ENGINES,
    EXTRACTION_ENGINES,
    TRANSFORMATION_ENGINES,
    evaluate,
    extract_all,
    trigger_mapping,
    validate,
)
from flowdrop_provider.expressions.configured import configured_expressions, invalid_expressions


@pytest.mark.rule("LANG-1")
def test_extraction_queries_and_transformation_binds():
    context = {"a": {"b": 1}}
    assert [evaluate(engine, "a.b", context) for engine in EXTRACTION_ENGINES] == [1, 1]
    assert evaluate("expression_language", "a['b']", context) == 1
    assert evaluate("twig", "{{ a.b }}", context) == "1"
    assert {*EXTRACTION_ENGINES, *TRANSFORMATION_ENGINES} == set(ENGINES)


@pytest.mark.rule("LANG-2")
@pytest.mark.parametrize("engine", ["jsonpat", "", None, 5, "TWIG", ["twig"]])
def test_an_unknown_engine_is_refused_before_anything_is_evaluated(engine):
    for call in (lambda: evaluate(engine, "1 / 0", {}), lambda: validate(engine, ""), lambda: extract_all(engine, "$", {})):
        with pytest.raises(ExpressionError) as caught:
            call()
        assert caught.value.code == "EXPR_ENGINE_UNKNOWN"


def test_an_unknown_engine_suggests_the_close_one():
    with pytest.raises(ExpressionError, match="jsonpat") as caught:
        evaluate("jsonpat", "$", {})
    assert caught.value.hint == "Did you mean 'jsonpath'?"


@pytest.mark.rule("LANG-3")
@pytest.mark.parametrize("expression", ["", "   "])
def test_the_empty_expression_is_valid(expression):
    for engine in ENGINES:
        validate(engine, expression)
    assert [evaluate(engine, expression, {"a": 1}) for engine in TRANSFORMATION_ENGINES] == [None, None]
    assert [evaluate(engine, expression, {"a": 1}) for engine in EXTRACTION_ENGINES] == [{"a": 1}, {"a": 1}]


@pytest.mark.rule("LANG-18")
@pytest.mark.parametrize(
    ("mapping", "value"),
    [
        ("literal:a.b", "a.b"),
        ("literal:", ""),
        ("'a.b'", "a.b"),
        ('"x"', "x"),
        ("a.b", 1),
        ("$.a.b", 1),
        ("'a", None),
        ("q", None),
    ],
)
def test_trigger_mappings_know_literals(mapping, value):
    assert trigger_mapping.resolve(mapping, {"a": {"b": 1}}) == value


@pytest.mark.rule("LANG-18")
def test_literals_are_for_trigger_mappings_only():
    assert evaluate("property_path", "literal:a", {"literal:a": 1}) == 1


MAPPING = {
    "now": "_NOW_",
    "fixed": "_LITERAL:a..b",
    "bad": "a..b",
    "rows": {"_source": "x[", "_each": {"id": "id", "wrong": "]"}},
    "number": 5,
}


@pytest.mark.rule("R11")
@pytest.mark.parametrize(
    ("processor", "config", "paths"),
    [
        ("data_extractor", {"path": "$["}, ["path"]),
        ("data_extractor", {"path": "a..b", "engine": "property_path"}, ["path"]),
        ("data_extractor", {"path": ""}, []),
        ("data_mapper", {"dynamicOutputs": [{"name": "a", "value": "1"}, {"value": "1 +"}]}, ["dynamicOutputs.1.value"]),
        ("data_mapper", {"engine": "twig", "dynamicOutputs": [{"value": "{{ 1 +"}]}, ["dynamicOutputs.0.value"]),
        ("data_mapper", {"engine": "nope", "dynamicOutputs": [{"value": "x"}]}, ["dynamicOutputs.0.value"]),
        ("data_mapper", {"dynamicOutputs": {}}, []),
        ("data_shaper", {"mapping": MAPPING}, ["mapping.bad", "mapping.rows._source", "mapping.rows._each.wrong"]),
        ("prompt_template", {"template": "{% if %}"}, ["template"]),
        ("prompt_template", {"template": "{{ unknown.thing }}"}, []),
        ("text_input", {"path": "$["}, []),
    ],
)
def test_configured_expressions_are_checked_when_a_workflow_is_saved(processor, config, paths):
    assert [path for path, _ in invalid_expressions(processor, config)] == paths


@pytest.mark.rule("LANG-25")
def test_sentinels_are_not_expressions():
    sources = [found.expression for found in configured_expressions("data_shaper", {"mapping": MAPPING})]
    assert sources == ["a..b", "x[", "id", "]"]
