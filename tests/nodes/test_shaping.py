import datetime as dt

import pytest

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.world import World

DATA = {"user": {"name": "Ada", "tags": [{"id": 1, "l": "x"}, {"id": 2}]}, "n": None}
NOW = World(now=lambda: dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc))


def test_fields_nest_and_repeat(run_node):
    mapping = {
        "name": "user.name",
        "inner": {"again": "user.name", "none": "n"},
        "rows": {"_source": "user.tags", "_each": {"key": "id", "label": "l"}},
        "ids": {"_source": "user.tags", "_each": "id"},
        "first": {"_source": "user.tags[0]", "id": "id"},
        "same": {"_source": "user.name"},
        "kept": 5,
    }
    shaped = run_node("data_shaper", {"mapping": mapping}, {"data": DATA}, world=NOW)
    assert shaped["data"] == {
        "name": "Ada",
        "inner": {"again": "Ada", "none": None},
        "rows": [{"key": 1, "label": "x"}, {"key": 2, "label": None}],
        "ids": [1, 2],
        "first": {"id": 1},
        "same": "Ada",
        "kept": 5,
    }
    assert shaped["valid"] is True
    assert shaped["errors"] == []
    assert {"name", "inner.again", "rows.key", "kept"} <= set(shaped["mappedFields"])
    assert "inner.none" not in shaped["mappedFields"]


@pytest.mark.rule("LANG-25")
@pytest.mark.parametrize("engine", ["property_path", "expression_language", "twig", "jsonpath"])
def test_sentinels_come_before_the_engine(run_node, engine):
    mapping = {"now": "_NOW_", "null": "_NULL_", "list": "_EMPTY_ARRAY_", "map": "_EMPTY_OBJECT_", "text": "_LITERAL:a..b"}
    shaped = run_node("data_shaper", {"mapping": mapping, "engine": engine}, {"data": DATA}, world=NOW)
    assert shaped["data"] == {"now": "2026-01-02T03:04:05+00:00", "null": None, "list": [], "map": {}, "text": "a..b"}


@pytest.mark.rule("LANG-25", "LANG-29")
def test_a_failing_source_fails_the_node_and_is_named(run_node):
    with pytest.raises(NodeError, match=r"'user\.name / 0'.*'expression_language'"):
        run_node("data_shaper", {"mapping": {"a": "user.name / 0"}, "engine": "expression_language"}, {"data": DATA})


def test_soft_validation_reports_and_hard_validation_fails(run_node):
    config = {"mapping": {"a": "user.name"}, "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}
    soft = run_node("data_shaper", config, {"data": DATA})
    assert soft["valid"] is False
    assert soft["errors"] == ["a: 'Ada' is not of type 'integer'"]
    with pytest.raises(NodeError) as caught:
        run_node("data_shaper", {**config, "validationMode": "hard"}, {"data": DATA})
    assert caught.value.code == "schema_violation"
    assert caught.value.details == {"errors": soft["errors"]}


def test_data_and_mapping_may_be_json_text(run_node):
    shaped = run_node("data_shaper", {"mapping": '{"a": "b"}'}, {"data": '{"b": 1}'})
    assert shaped["data"] == {"a": 1}


@pytest.mark.parametrize("schema", [{"type": 5}, {"$ref": "https://example.com/s.json"}, {"$ref": "#/missing"}, "[1]"])
def test_a_bad_schema_is_an_error_and_fetches_nothing(run_node, schema):
    with pytest.raises(NodeError) as caught:
        run_node("data_shaper", {"mapping": {"a": "n"}, "schema": schema}, {"data": DATA})
    assert caught.value.code == "invalid_configuration"


def test_bounds(run_node):
    deep = "n"
    for _ in range(100):
        deep = {"a": deep}
    with pytest.raises(NodeError, match="levels deep"):
        run_node("data_shaper", {"mapping": deep}, {"data": DATA})
    with pytest.raises(NodeError, match="at most"):
        run_node("data_shaper", {"mapping": {"a": {"_source": "l", "_each": "x"}}}, {"data": {"l": [0] * 10_001}})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, "a" * 60 + "b"),
        ({"$defs": {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(40)}, "$ref": "#/$defs/d0"}, 1),
        ({"$ref": "#"}, 1),
        ({"properties": {"a": {"uniqueItems": True}}}, [[i] for i in range(20_000)]),
    ],
)
def test_a_hostile_schema_is_stopped(run_node, schema, value):
    with pytest.raises(NodeError) as caught:
        run_node("data_shaper", {"mapping": {"a": "v"}, "schema": schema}, {"data": {"v": value}})
    assert caught.value.code in ("limit_exceeded", "invalid_configuration")


def test_patterns_are_checked(run_node):
    schema = {"properties": {"a": {"pattern": "^x"}}, "patternProperties": {"^b": {"type": "integer"}}}
    config = {"mapping": {"a": "v", "b1": "v"}, "schema": schema}
    shaped = run_node("data_shaper", config, {"data": {"v": "y"}})
    assert shaped["errors"] == ["a: 'y' does not match '^x'", "b1: 'y' is not of type 'integer'"]
