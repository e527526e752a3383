from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.shapes.values import MAX_DIFFERENCES, differences, part_of, resolve

VALUE = {"list": [{"a/b": 1, "~": 2}, "text"], "": {"": 0}, "text": "abcdef"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [("", VALUE), ("/list/0/a~1b", 1), ("/list/0/~0", 2), ("/list/1", "text"), ("//", 0), ("/text", "abcdef")],
)
def test_a_pointer_leads_to_its_value(pointer, expected):
    assert resolve(VALUE, pointer) == expected


@pytest.mark.parametrize("pointer", ["/nope", "/list/2", "/list/-1", "/list/x", "/text/0", "/list/00000000000000000001"])
def test_a_pointer_to_nothing_is_not_found(pointer):
    with pytest.raises(ApiError) as refused:
        resolve(VALUE, pointer)

    assert (refused.value.status, refused.value.code) == (404, "VALUE_NOT_FOUND")


def test_a_path_that_is_no_pointer_is_refused():
    with pytest.raises(ApiError, match="JSON Pointer"):
        resolve(VALUE, "list.0")


def test_large_values_are_read_in_parts():
    assert part_of("abcdef", 2, 3) == {"type": "string", "value": "cde", "total": 6, "offset": 2, "has_more": True}
    assert part_of([1, 2, 3], 2, 9) == {"type": "array", "value": [3], "total": 3, "offset": 2, "has_more": False}
    assert part_of({"a": 1, "b": 2}, -5, 1)["value"] == {"a": 1}
    assert part_of(7, 3, 3)["value"] == 7
    assert [part_of(value, 0, 1)["type"] for value in (None, True, 1.5)] == ["null", "boolean", "number"]


@given(JSON, JSON)
def test_values_differ_exactly_when_there_is_a_difference(left, right):
    import json

    found, complete = differences(left, right)
    assert (json.dumps(left, sort_keys=True) != json.dumps(right, sort_keys=True)) == bool(found)
    assert complete == (len(found) < MAX_DIFFERENCES) or len(found) == MAX_DIFFERENCES
    for item in found:
        for side, value in (("left", left), ("right", right)):
            if side in item:
                assert resolve(value, item["path"]) == item[side]


def test_differences_are_bounded():
    found, complete = differences(list(range(10_000)), [])

    assert len(found) == MAX_DIFFERENCES
    assert complete is False
