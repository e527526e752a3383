"""Calculator, data operations, data frames, splitting, regular expressions, formats."""

from __future__ import annotations

import time
from typing import Any

import pytest

from flowdrop_provider.engine.process import process_node
from flowdrop_provider.errors import NodeError


def calculate(operation: str, *values: Any, precision: int = 2) -> Any:
    return process_node("calculator", {"operation": operation, "precision": precision}, {"values": list(values)})["result"]


@pytest.mark.parametrize(
    ("operation", "values", "result"),
    [
        ("add", (1, "2", "3 x"), 6),
        ("subtract", (5, "2", 1), 2),
        ("multiply", ("2", True), 2),
        ("divide", (7, 2, 2), 1.75),
        ("power", ("2", "3"), 8),
        ("sqrt", (2, 0), 1.41),
        ("average", (1, 2), 1.5),
        ("min", (3, "a", 1), 1),
        ("max", (3, "2"), 3),
        ("median", (4, 1, 3, 2), 2.5),
        ("mode", ("b", 2, 2), 2),
        ("nothing", (1, 2), 0),
        ("sqrt", (9,), 0),
    ],
)
def test_calculator(operation: str, values: tuple[Any, ...], result: float) -> None:
    assert calculate(operation, *values) == result


@pytest.mark.parametrize(
    ("operation", "values"),
    [("sqrt", ("4", 1)), ("mode", (1.5, 2.5)), ("subtract", ([], 1)), ("max", (True, False)), ("divide", (1, "x"))],
)
def test_calculator_refuses(operation: str, values: tuple[Any, ...]) -> None:
    with pytest.raises(NodeError):
        calculate(operation, *values)


def test_calculator_is_quick_with_hostile_numbers() -> None:
    begin = time.monotonic()
    with pytest.raises(NodeError):
        calculate("power", 10**18, 10**18)
    with pytest.raises(NodeError):
        calculate("add", "9" * 100_000, 1, precision=10**9)
    assert time.monotonic() - begin < 1


ROWS = [{"n": "b", "v": 2}, {"n": "a", "v": "10"}, {"n": "c"}]


def operate(data: Any, **config: Any) -> Any:
    return process_node("data_operations", config, {"data": data})["result"]


def test_filter_keeps_keys() -> None:
    assert operate(ROWS, key="v", value=5, condition="greater_than") == {"1": ROWS[1]}
    assert operate(ROWS, key="v", condition="is_empty") == {"2": ROWS[2]}
    assert operate(ROWS, key="v", condition="something") == ROWS


def test_sort_is_stable_and_numeric() -> None:
    assert [row["n"] for row in operate(ROWS, operation="sort", key="v")] == ["c", "b", "a"]
    assert [row["n"] for row in operate(ROWS, operation="sort", key="n", value="desc")] == ["c", "b", "a"]


def test_group_casts_keys_like_php() -> None:
    rows = [{"t": value} for value in ("1", 1, True, 1.9, None, "01")]
    assert {key: len(items) for key, items in operate(rows, operation="group", key="t").items()} == {"1": 4, "": 1, "01": 1}


def test_map_unique_slice_merge() -> None:
    assert operate([{"a": 1}, 5, [7]], operation="map", key="z", value=0) == [{"a": 1, "z": 0}, 5, {"0": 7, "z": 0}]
    assert operate([1, "1", 1.0, "x", "X"], operation="unique") == {"0": 1, "3": "x", "4": "X"}
    assert operate([{"v": 1}, {"v": 1.0}, {"v": "1"}], operation="unique", key="v") == [{"v": 1}, {"v": 1.0}, {"v": "1"}]
    assert operate(list("abcd"), operation="slice", key="-3", value="-1") == ["b", "c"]
    assert operate([[1], {"k": 2, "5": 3}, 4], operation="merge") == {"0": 1, "k": 2, "1": 3}


def test_data_operations_limits_quadratic_work() -> None:
    assert len(operate([*range(50_000), "x"], operation="unique")) == 50_001
    with pytest.raises(NodeError) as caught:
        operate([{"a": number} for number in range(5_000)], operation="unique")
    assert caught.value.code == "limit_exceeded"


FRAME = {"data": [{"a": 1, "b": "x"}, {"a": None}, {"a": 3, "b": "y"}], "columns": ["a", "b"], "index": ["p", "q", "r"]}


def frame(operation: str, **config: Any) -> Any:
    return process_node("dataframe_operations", {"operation": operation, **config}, {"dataframe": FRAME})


def test_dataframe_operations() -> None:
    assert frame("head", rows=1)["result"]["index"] == ["p"]
    assert frame("tail", rows=1)["result"]["data"] == [FRAME["data"][2]]
    assert frame("select", columns=["b"])["result"]["data"] == [{"b": "x"}, [], {"b": "y"}]
    assert frame("sort", columns=["a"])["result"]["data"][0] == {"a": None}
    assert frame("group", columns=["b"])["result"]["index"] == ["x", "", "y"]
    assert frame("aggregate", columns=["a"])["result"]["data"]["a"]["sum"] == 4
    assert frame("other")["result"] == []


def test_data_to_dataframe() -> None:
    outputs = process_node(
        "data_to_dataframe", {"orient": "columns", "includeIndex": True}, {"data": [{"a": 1}, {"b": 2}, {"a": 3}]}
    )
    assert outputs["dataframe"] == {"data": {"a": [1, 3]}, "columns": ["a"], "index": [0, 1, 2]}
    assert process_node("data_to_dataframe", {}, {"data": 0})["rows_count"] == 0


def split(text: str, **config: Any) -> list[str]:
    return process_node("split_text", config, {"text": text})["chunks"]


def test_split_text() -> None:
    assert split("a b c", chunkSize=2) == ["a b", "c"]
    assert split("Hi! There? ok", method="sentences", chunkSize=1) == ["Hi.", " There.", " ok."]
    assert split("😀😀", method="characters", chunkSize=5) == ["😀", "😀"]
    assert split("", method="characters") == []


def extract(pattern: Any, text: Any, **config: Any) -> Any:
    return process_node("regex_extractor", {"pattern": pattern, **config}, {"text": text})["matches"]


def test_regex_extractor() -> None:
    assert extract(r"\x{e9}", "é", flags="u") == ["é"]
    assert extract(r"\x41\x{42}", "AB") == ["AB"]
    assert extract(r"\\x41", r"\x41") == [r"\x41"]
    assert extract(r"\Qa.b\E", "a.b") == ["a.b"]
    assert extract(r"\u0041", "A") == []
    assert extract("^b", "a\nb", flags="m") == ["b"]
    assert extract("a$", "a\n", flags="D") == []
    assert extract("b|a # first", "ab", flags="Ax", matchAll=True) == [["a"], ["b"]]
    assert extract("b", "ab", flags="A") == []
    assert extract("a(b)", "ab", flags="n") == ["ab"]
    assert extract("a+", "aaa", flags="U") == ["a"]
    assert extract("(?<n>a)(?<n>b)", "ab", flags="J") == {"0": "ab", "n": "b", "1": "a", "2": "b"}
    assert extract(r"\w+", "é", flags="u") == ["é"]
    assert extract(r"\w+", "é") == []
    assert extract("", "x", matchAll=True) == []


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$", r"(?:a|a)*b(?R)?", "(a*)*c", r"^(\w+\s?)*$"]
)
def test_regular_expressions_are_bounded(pattern: str) -> None:
    begin = time.monotonic()
    extract(pattern, "a" * 40 + "!", matchAll=True)
    extract(pattern, "x" * 5_000 + "!", matchAll=True)
    assert time.monotonic() - begin < 10


def read(kind: str, message: Any, **config: Any) -> Any:
    return process_node("message_to_data", {"format": kind, **config}, {"message": message})["data"]


def test_message_to_data() -> None:
    assert read("csv", "a,b\n1,2\n3") == [{"a": "1", "b": "2"}]
    assert read("csv", 'a\n"x\ny"') == [{"a": "x"}, {"a": 'y"'}]
    assert read("key_value", "a = 1\n0=z\n#x") == {"a": "1", "0": "z"}
    assert read("xml", '<r a="1"><i>1</i><i>2</i><m>t<b/>u</m><e> </e><![CDATA[c]]></r>') == {
        "@attributes": {"a": "1"},
        "i": ["1", "2"],
        "m": "tu",
        "e": [],
    }
    assert read("yaml", "a: 1e3\nb: 0x1f\nc: 'x'\nd: [1, {e: ~}]\nf: 2024-01-02\ny: n") == {
        "a": 1000.0,
        "b": 31,
        "c": "x",
        "d": [1, {"e": None}],
        "f": "2024-01-02",
        "1": False,
    }
    assert read("json", '{"a":1,"b":null}', extractFields=["a", "b"]) == {"a": 1}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("xml", '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r>&e;</r>'),
        ("xml", '<!DOCTYPE r [<!ENTITY a "xx"><!ENTITY b "&a;&a;">]><r>&b;</r>'),
        ("xml", '<!DOCTYPE r [<!ENTITY % a "xx">]><r/>'),
        ("xml", '<!DOCTYPE r [<!ENTITY a "xx">]><r b="' + "&a;" * 1001 + '"/>'),
        ("yaml", "a: &a [1]\nb: *a"),
        ("yaml", "[" * 200 + "]" * 200),
        ("yaml", "hello"),
        ("json", "5"),
    ],
)
def test_unsafe_or_scalar_documents_are_refused(kind: str, message: str) -> None:
    with pytest.raises(NodeError):
        read(kind, message)


def test_an_encoding_cannot_hide_a_document_type() -> None:
    declaration = '<!DOCTYPE r [<!ENTITY e "expanded">]>'.encode("utf-7").decode().replace("<", "+ADw-").replace("!", "+ACE-")
    try:
        data = read("xml", f'<?xml version="1.0" encoding="UTF-7"?>{declaration}<r>+ACY-e;</r>')
    except NodeError:
        data = []
    assert data == []


@pytest.mark.parametrize("message", ["!!python/object/apply:os.system ['true']", "a: [1", "\x00", "{{"])
def test_other_yaml_is_no_data(message: str) -> None:
    assert read("yaml", message) == []


def write(kind: str, data: Any, **config: Any) -> Any:
    return process_node("structured_output", {"format": kind, **config}, {"data": data})


def test_structured_output() -> None:
    assert write("xml", {"a": {"b": "<&>", "x:c": "é"}, "e": {}})["output"] == (
        '<?xml version="1.0"?>\n<data><a><b>&lt;&amp;&gt;</b><c>&#xE9;</c></a><e/></data>\n'
    )
    assert write("csv", [{"a": "x y", "b": None}])["output"] == 'a,b\n"x y",\n'
    assert write("yaml", {"a": [1, {"b": True}], "n": None})["output"] == '---\na:\n- 1\n- b: true\n"n": ~\n...\n'
    assert write("toml", {"a": 1})["output"] == ""
    outputs = write("json", {"a": 1.5}, schema={"a": {"type": "double"}, "b": {"required": True}})
    assert outputs["validation_errors"] == ["Required field 'b' is missing"]
    with pytest.raises(NodeError):
        write("xml", {"a><b": "x"})
