import pytest

from flowdrop_provider.errors import NodeError


@pytest.mark.parametrize(
    ("inputs", "items"),
    [
        ({"end": 3}, [1, 2, 3]),
        ({"start": 0, "end": 10, "step": 5}, [0, 5, 10]),
        ({"start": 3, "end": 1}, [3, 2, 1]),
        ({"start": 0, "end": -4, "step": 2}, [0, -2, -4]),
        ({"start": 5, "end": 5}, [5]),
        ({"start": "1", "end": "2"}, [1, 2]),
        ({"start": 0, "end": 1, "step": 0.25}, [0, 0.25, 0.5, 0.75, 1]),
    ],
)
def test_range_includes_both_ends(run_node, inputs, items):
    found = run_node("range", {}, inputs)
    assert found["items"] == items
    assert found["count"] == len(items)


def test_a_fractional_range_does_not_lose_its_end(run_node):
    assert run_node("range", {}, {"start": 0, "end": 1, "step": 0.1})["count"] == 11


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"end": 3, "step": 0}, "invalid_step"),
        ({"end": 1e9}, "limit_exceeded"),
        ({"end": 1, "start": 0, "step": 1e-300}, "limit_exceeded"),
        ({"end": "x"}, "wrong_type"),
        ({"end": True}, "wrong_type"),
        ({"end": [1]}, "wrong_type"),
        ({"end": float("inf")}, "wrong_type"),
    ],
)
def test_range_refuses(run_node, inputs, code):
    with pytest.raises(NodeError) as caught:
        run_node("range", {}, inputs)
    assert caught.value.code == code


@pytest.mark.parametrize(("count", "items"), [(2, ["v", "v"]), ("1", ["v"]), (0, []), (-3, []), (2.0, ["v", "v"])])
def test_repeat(run_node, count, items):
    assert run_node("repeat", {}, {"value": "v", "count": count}) == {"items": items, "value": "v", "count": len(items)}


@pytest.mark.parametrize(("count", "code"), [(1.5, "wrong_type"), ("x", "wrong_type"), (10**9, "limit_exceeded")])
def test_repeat_refuses(run_node, count, code):
    with pytest.raises(NodeError) as caught:
        run_node("repeat", {}, {"value": "v", "count": count})
    assert caught.value.code == code
