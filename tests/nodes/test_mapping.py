import pytest

from flowdrop_provider.errors import NodeError

STORE = {"items": [{"n": "a"}, {"n": "b"}], "zero": 0, "no": False, "empty": "", "nil": None, "list": [1, 2]}


def _mapper(outputs, engine="expression_language", inputs=("x", "y")):
    return {
        "engine": engine,
        "dynamicInputs": [{"name": name} for name in inputs],
        "dynamicOutputs": [{"name": name, "value": value} for name, value in outputs.items()],
    }


@pytest.mark.parametrize(
    ("engine", "value", "expected"), [("expression_language", "x + y", 3), ("twig", "{{ x }}-{{ y }}", "1-2")]
)
def test_data_mapper_evaluates_each_output(run_node, engine, value, expected):
    assert run_node("data_mapper", _mapper({"sum": value}, engine), {"x": 1, "y": 2}) == {"sum": expected}


@pytest.mark.rule("LANG-3")
def test_data_mapper_output_without_expression_is_null(run_node):
    assert run_node("data_mapper", _mapper({"a": "", "b": None, "c": " "})) == {"a": None, "b": None, "c": None}


def test_data_mapper_unwired_input_is_present_and_null(run_node):
    assert run_node("data_mapper", _mapper({"a": "x ?? 'none'"}), {"y": 1}) == {"a": "none"}


@pytest.mark.rule("LANG-21", "LANG-29")
@pytest.mark.parametrize("engine", ["expression_language", "twig"])
def test_data_mapper_failing_expression_fails_the_node_and_names_the_port(run_node, engine):
    good, bad = ("1", "1 / 0") if engine == "expression_language" else ("{{ 1 }}", "{{ 1 / 0 }}")
    with pytest.raises(NodeError, match=r"'second'.*Division by zero") as caught:
        run_node("data_mapper", _mapper({"first": good, "second": bad}, engine))
    assert caught.value.code == "expression_failed"
    assert caught.value.details["reason"] == "EXPR_EVALUATION"
    assert caught.value.__cause__ is not None


def test_data_mapper_without_ports_maps_nothing(run_node):
    assert run_node("data_mapper", {"dynamicInputs": [], "dynamicOutputs": {}}) == {}


def test_engines_are_declared_so_that_others_are_refused_at_resolution():
    from flowdrop_provider.nodes.registry import get_processor

    for processor, engines in (
        ("data_mapper", ["expression_language", "twig"]),
        ("data_extractor", ["jsonpath", "property_path"]),
    ):
        assert get_processor(processor).node_type.parameters["engine"].schema_["enum"] == engines


@pytest.mark.rule("LANG-23")
@pytest.mark.parametrize(
    ("config", "data", "count"),
    [
        ({"path": "$.items[*].n"}, "a", 2),
        ({"path": "$.items[*].n", "extract_all": True}, ["a", "b"], 2),
        ({"path": "$.list"}, [1, 2], 1),
        ({"path": "list", "engine": "property_path"}, [1, 2], 1),
        ({"path": "items[1].n"}, "b", 1),
    ],
)
def test_data_extractor_takes_the_first_match_or_all(run_node, config, data, count):
    found = run_node("data_extractor", config, {"data": STORE})
    assert (found["data"], found["match_count"], found["success"]) == (data, count, True)
    assert found["is_jsonpath"] is config["path"].startswith("$")


@pytest.mark.rule("LANG-24")
@pytest.mark.parametrize("path", ["$.nil", "$.nope", "nil", "nope.deep", "$.a["])
def test_data_extractor_null_is_a_miss(run_node, path):
    found = run_node("data_extractor", {"path": path, "default": "d"}, {"data": STORE})
    assert (found["data"], found["success"], found["match_count"]) == ("d", False, 0)


@pytest.mark.rule("LANG-24")
@pytest.mark.parametrize(("path", "value"), [("$.zero", 0), ("$.no", False), ("$.empty", ""), ("zero", 0), ("no", False)])
def test_data_extractor_falsy_values_are_found(run_node, path, value):
    found = run_node("data_extractor", {"path": path, "default": "d"}, {"data": STORE})
    assert found["data"] == value
    assert found["success"] is True


@pytest.mark.rule("LANG-3")
def test_data_extractor_empty_path_returns_the_input(run_node):
    found = run_node("data_extractor", {"path": "", "default": "d"}, {"data": STORE})
    assert (found["data"], found["success"], found["match_count"]) == (STORE, True, 0)


@pytest.mark.rule("LANG-19")
def test_data_extractor_all_of_a_property_path_is_a_list(run_node):
    config = {"engine": "property_path", "extract_all": True}
    assert run_node("data_extractor", {**config, "path": "zero"}, {"data": STORE})["data"] == [0]
    assert run_node("data_extractor", {**config, "path": "nil"}, {"data": STORE})["data"] == []


@pytest.mark.rule("LANG-22")
def test_data_extractor_error_fails_the_node_instead_of_giving_the_default(run_node):
    with pytest.raises(NodeError, match=r"'\$\.x'.*'nope'") as caught:
        run_node("data_extractor", {"path": "$.x", "engine": "nope", "default": "d"}, {"data": STORE})
    assert caught.value.details["reason"] == "EXPR_ENGINE_UNKNOWN"


@pytest.mark.parametrize(("mode", "merged"), [("array", [2, None, 1]), ("object", {"b": 2, "c": None, "a": 1})])
def test_merge_keeps_the_declared_order(run_node, mode, merged):
    config = {"output_mode": mode, "dynamicInputs": [{"name": "b"}, {"name": "c"}, {"name": "a"}]}
    assert run_node("merge", config, {"a": 1, "b": 2}) == {"merged": merged}


@pytest.mark.rule("LANG-20")
@pytest.mark.parametrize(
    ("path", "data", "exists"),
    [("a.b", None, True), ("a.c", "d", False), ("a.b.c", "d", False), ("", {"a": {"b": None}}, True)],
)
def test_get_workflow_data_reads_the_initial_data(run_node, path, data, exists):
    context = {"initial_data": {"a": {"b": None}}, "workflow_id": "w", "run_id": "r"}
    found = run_node("get_workflow_data", {"path": path, "default_value": "d"}, **context)
    assert (found["data"], found["exists"]) == (data, exists)
    assert (found["workflow_id"], found["pipeline_id"], found["execution_id"]) == ("w", "r", "r")
    assert found["initial_data"] == {"a": {"b": None}}
