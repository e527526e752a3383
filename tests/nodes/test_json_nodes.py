import pytest

from flowdrop_provider.errors import NodeError


@pytest.mark.parametrize(
    ("data", "text"), [({"a": [1, 1.5, None, "é/<"]}, '{"a":[1,1.5,null,"é/<"]}'), ("x", '"x"'), (None, "null"), ({}, "{}")]
)
def test_data_to_json(run_node, data, text):
    assert run_node("data_to_json", {}, {"data": data}) == {"json": text, "success": True}


@pytest.mark.parametrize("data", [float("nan"), {1, 2}, object()])
def test_data_to_json_refuses_what_json_has_not(run_node, data):
    with pytest.raises(NodeError) as caught:
        run_node("data_to_json", {}, {"data": data})
    assert caught.value.code == "not_json"


@pytest.mark.parametrize("mode", ["strict", "tolerant", "lenient"])
def test_json_to_data_reads_json(run_node, mode):
    found = run_node("json_to_data", {"parse_mode": mode}, {"json": ' {"a": [1]}\n'})
    assert found == {"data": {"a": [1]}, "success": True, "parse_source": "raw"}


@pytest.mark.parametrize(
    ("text", "data", "source"),
    [
        ("Sure!\n```json\n{\"a\": 1}\n```\nDone", {"a": 1}, "fenced"),
        ("```\nnot json\n```\n```JSON\n[1]\n```", [1], "fenced"),
        ("Here [you] go: {\"a\": {\"b\": \"}\"}} and {\"c\": 2}", {"a": {"b": "}"}}, "embedded"),
    ],
)  # fmt: skip
def test_json_to_data_tolerant_mode_finds_it(run_node, text, data, source):
    assert run_node("json_to_data", {"parse_mode": "tolerant"}, {"json": text}) == {
        "data": data, "success": True, "parse_source": source
    }  # fmt: skip
    assert run_node("json_to_data", {}, {"json": text}) == {"data": None, "success": False, "parse_source": "none"}


@pytest.mark.parametrize("text", ["", "no json", "{", "NaN", "[Infinity]", "[" * 100_000, "{" * 100_000, "```" * 50_000])
def test_json_to_data_without_json(run_node, text):
    for mode in ("strict", "tolerant"):
        found = run_node("json_to_data", {"parse_mode": mode}, {"json": text})
        assert found == {"data": None, "success": False, "parse_source": "none"}


def test_json_to_data_passes_data_through(run_node):
    assert run_node("json_to_data", {}, {"json": {"a": 1}}) == {"data": {"a": 1}, "success": True, "parse_source": "data"}
    assert run_node("json_to_data") == {"data": None, "success": False, "parse_source": "none"}
