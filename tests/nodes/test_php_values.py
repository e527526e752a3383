"""PHP's casts, comparisons, arrays, rounding and JSON; expectations are what PHP 8.2 prints."""

from __future__ import annotations

import math
from typing import Any

import pytest

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php import arrays, numbers
from flowdrop_provider.nodes._php.csvs import format_row, parse_row
from flowdrop_provider.nodes._php.jsons import json_decode, json_encode
from flowdrop_provider.nodes._php.texts import byte_length, cut, decode, encode, lower, split_bytes
from flowdrop_provider.nodes._php.values import (
    compare,
    gettype,
    is_numeric,
    loose_equals,
    require,
    strict_equals,
    to_float,
    to_int,
    to_string,
    truthy,
)


@pytest.mark.parametrize("value", [None, False, 0, 0.0, -0.0, "", "0", [], {}])
def test_falsy(value: Any) -> None:
    assert not truthy(value)


@pytest.mark.parametrize("value", [True, -1, 0.1, "00", "0.0", " ", "false", [0], {"a": None}, math.nan])
def test_truthy(value: Any) -> None:
    assert truthy(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "1"),
        (False, ""),
        (None, ""),
        (7, "7"),
        (1.0, "1"),
        (1.5, "1.5"),
        (0.1 + 0.2, "0.3"),
        (-0.0, "-0"),
        (1e14, "1.0E+14"),
        (123456789012345.0, "1.2345678901234E+14"),
        (1e25, "1.0E+25"),
        (1.5e-7, "1.5E-7"),
        (0.0001, "0.0001"),
        (100000.0, "100000"),
        (math.inf, "INF"),
        (-math.inf, "-INF"),
        (math.nan, "NAN"),
        ([1], "Array"),
    ],
)
def test_to_string(value: Any, text: str) -> None:
    assert to_string(value) == text


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (0, "a", False),
        ("1", "01", True),
        ("10", "1e1", True),
        (100, "1e2", True),
        (None, "", True),
        (None, False, True),
        (None, 0, True),
        ("abc", 0, False),
        ("0", False, True),
        ("a", True, True),
        ([], False, True),
        (None, [], True),
        ("1", " 1", True),
        ("1", "1 ", True),
        ("abc", "ABC", False),
        ([1, 2], [1, 2], True),
        ({"a": 1}, {"a": "1"}, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ([1], {"0": 1}, True),
        ([1], ["x"], False),
        (1.0, 1, True),
        ("5 apples", 5, False),
        ([], "", False),
    ],
)
def test_loose_equals(left: Any, right: Any, equal: bool) -> None:
    assert loose_equals(left, right) is equal
    assert loose_equals(right, left) is equal


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        (1, 2, -1),
        ("10", "9", 1),
        ("10", "9a", -1),
        ("abc", "abd", -1),
        ("a", "B", 1),
        (None, -1, -1),
        (True, 2, 0),
        ([1, 2], [3], 1),
        ([1, 3], [1, 2], 1),
        ({"a": 1}, {"b": 1}, 1),
        ("abc", [], -1),
        ([], 5, 1),
        (5, "abc", -1),
        ("é", "z", 1),
        (2, "10", -1),
        (None, "a", -1),
    ],
)
def test_compare(left: Any, right: Any, order: int) -> None:
    assert compare(left, right) == order


def test_strict_equals_looks_at_type_and_order() -> None:
    assert strict_equals({"a": 1, "b": [1]}, {"a": 1, "b": [1]})
    assert not strict_equals({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert not strict_equals(1, 1.0)
    assert not strict_equals(1, True)


@pytest.mark.parametrize(
    ("text", "numeric"),
    [
        ("1", True),
        (" 1", True),
        ("1 ", True),
        ("1e3", True),
        (".5", True),
        ("5.", True),
        ("+1", True),
        ("", False),
        ("0x1A", False),
        ("1e", False),
        ("1_000", False),
        ("١", False),
        (".", False),
        ("- 1", False),
    ],
)
def test_is_numeric(text: str, numeric: bool) -> None:
    assert is_numeric(text) is numeric
    assert not is_numeric(True)


def test_casts_to_numbers() -> None:
    assert to_int("12abc") == 12
    assert to_int("1e3") == 1000
    assert to_int(-1.9) == -1
    assert to_int(math.inf) == 0
    assert to_int(None) == to_int([]) == 0
    assert to_float("2.5kg") == 2.5
    assert to_float("x") == 0.0


def test_strict_types_take_no_boolean_for_a_number() -> None:
    assert require("float", 1, "x") == 1
    for kind, value in (("int", True), ("int", 1.0), ("string", None), ("bool", 1), ("array", "a")):
        with pytest.raises(NodeError) as caught:
            require(kind, value, "The value")
        assert caught.value.code == "invalid_type"
    assert [gettype(v) for v in (None, True, 1, 1.0, "", [], {})] == [
        "NULL",
        "boolean",
        "integer",
        "double",
        "string",
        "array",
        "array",
    ]


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        (1.005, 2, 1.01),
        (5.055, 2, 5.06),
        (0.285, 2, 0.29),
        (1.955, 2, 1.96),
        (2.5, 0, 3.0),
        (-2.5, 0, -3.0),
        (-0.5, 0, -1.0),
        (1234567.891, -3, 1235000.0),
        (1241, -1, 1240.0),
        (5, 2, 5.0),
        (1e20, 2, 1e20),
        (0.0, 5, 0.0),
        (3.14159, 3, 3.142),
        (9999999.995, 2, 10000000.0),
        (1e-10, 5, 0.0),
    ],
)
def test_php_round(value: float, places: int, expected: float) -> None:
    assert numbers.php_round(value, places) == expected


def test_arithmetic_overflows_into_floats_and_stays_bounded() -> None:
    assert numbers.add(2**63 - 1, 1) == float(2**63)
    assert isinstance(numbers.add(2**63 - 1, 1), float)
    assert numbers.divide(6, 3) == 2
    assert isinstance(numbers.divide(6, 3), int)
    assert numbers.power(2, 62) == 2**62
    assert numbers.power(10, 10**9) == math.inf
    assert math.isnan(numbers.power(-8, 1 / 3))
    assert numbers.power(0, -1) == math.inf
    assert numbers.array_sum(["3 apples", True, None, [4], 1.5]) == 5.5
    assert numbers.array_product(["2", 3, [9]]) == 6
    with pytest.raises(NodeError):
        numbers.subtract([1], 1)


def test_array_keys_and_lists() -> None:
    assert [arrays.normal_key(key) for key in ("5", "-3", "05", "-0", "1.5", "", "99999999999999999999")] == [
        5,
        -3,
        "05",
        "-0",
        "1.5",
        "",
        "99999999999999999999",
    ]
    assert arrays.to_json({0: "a", 1: "b"}) == ["a", "b"]
    assert arrays.to_json({1: "a"}) == {"1": "a"}
    assert arrays.merge(["a"], {"7": "b", "k": 1}, {"k": 2}) == {0: "a", 1: "b", "k": 2}
    assert arrays.slice_map(["a", "b", "c"], -2, 1) == ["b"]
    assert arrays.slice_map(["a", "b"], 5) == []
    assert arrays.slice_map({"x": 1, "9": 2}, 0, 2) == {"x": 1, "0": 2}
    assert arrays.slice_map([1, 2, 3], 0, -5) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": "/é"}, '{"a":"\\/\\u00e9"}'),
        ([], "[]"),
        ({}, "[]"),
        ({"0": 1, "1": 2}, "[1,2]"),
        ({"1": 1}, '{"1":1}'),
        (1.0, "1"),
        (0.1, "0.1"),
        (1e25, "1.0e+25"),
        ("😀", '"\\ud83d\\ude00"'),
        ([None, True], "[null,true]"),
        ("\x7f", '"\x7f"'),
    ],
)
def test_json_encode(value: Any, text: str) -> None:
    assert json_encode(value) == text


def test_json_refuses_what_php_refuses() -> None:
    assert json_encode(math.nan) is None
    assert json_encode("\udcff") is None
    assert json_encode({"a": [1]}, pretty=True) == '{\n    "a": [\n        1\n    ]\n}'
    for bad in ("{a:1}", "NaN", "Infinity", "[1,]", "", "'x'", '"\\ud800"', "[" * 600 + "]" * 600, '"\n"'):
        assert json_decode(bad) is None
    assert json_decode('{"0":1,"1":2}') == [1, 2]
    assert json_decode('"[[["') == "[[["
    assert json_decode("123456789012345678901234567890") == 1.2345678901234568e29


def test_texts_are_bytes() -> None:
    assert byte_length("é😀") == 6
    assert cut("ééé", 3) == "é"
    assert cut("abc", -1) == "ab"
    assert cut("abc", 0) == ""
    assert lower("ÀB") == "Àb"
    assert split_bytes("aéb", 2) == ["a", "é", "b"]
    assert split_bytes("😀", 1) == ["😀"]
    assert decode(encode("\udcff")) == "\udcff"
    assert encode("\ud800") == b"\xed\xa0\x80"


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("a,b", ["a", "b"]),
        ("", [None]),
        ('"a,b",c', ["a,b", "c"]),
        ('"say ""hi"""', ['say "hi"']),
        ("a, b", ["a", " b"]),
        ('a, "b"', ["a", "b"]),
        ('"a"x,b', ["ax", "b"]),
        ("a,", ["a", ""]),
        ('"a\\"b",c', ['a\\"b', "c"]),
        ("a,b\r", ["a", "b"]),
        ('x"y,z', ['x"y', "z"]),
        ('"open', ["open"]),
    ],
)
def test_parse_row(line: str, cells: list[str | None]) -> None:
    assert parse_row(line) == cells


def test_format_row_quotes_like_fputcsv() -> None:
    assert format_row(["a", "b c", 'd"e', None, True, False, 1.5, "x\\y"]) == 'a,"b c","d""e",,1,,1.5,"x\\y"\n'
    assert format_row(['a\\"b']) == '"a\\"b"\n'
