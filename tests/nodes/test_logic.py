"""Gateways and conditions."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from flowdrop_provider.engine.process import process_node
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.world import World

YES_NO = [{"name": "Yes", "value": True}, {"name": "No", "value": "0"}]


def branch(node: str, config: dict[str, Any], **inputs: Any) -> Any:
    return process_node(node, config, inputs)["active_branches"]


@pytest.mark.parametrize(
    ("operator", "match", "data", "expected"),
    [
        ("equals", "HELLO", "hello", "true"),
        ("not_equals", "", "", "false"),
        ("contains", "", "x", "true"),
        ("ends_with", "ab", "abab", "false"),
        ("ends_with", "b", "ab", "true"),
        ("starts_with", "", "", "true"),
        ("regex", "/^H.+O$/", "hello", "true"),
        ("regex", "#\\D#", "abc", "true"),
        ("regex", "{^x}i", "abc", "false"),
    ],
)
def test_if_else(operator: str, match: str, data: str, expected: str) -> None:
    assert branch("if_else", {"operator": operator, "matchText": match}, data=data) == expected


def test_if_else_reads_a_delivered_null_as_the_empty_text() -> None:
    assert branch("if_else", {"operator": "not_equals", "matchText": ""}, data=None) == "false"
    with pytest.raises(NodeError, match="Nothing is delivered"):
        branch("if_else", {})


@pytest.mark.rule("LANG-28")
@pytest.mark.parametrize("config", [{"operator": "matches"}, {"operator": "regex", "matchText": "(x"}, {"operator": "regex"}])
def test_an_unknown_operator_or_a_bad_pattern_fails_the_node(config: dict[str, Any]) -> None:
    with pytest.raises(NodeError):
        branch("if_else", config, data="x")


@pytest.mark.rule("BR-4")
def test_gateways_emit_only_configured_branches() -> None:
    assert branch("boolean_gateway", {"branches": YES_NO}, value=[1]) == "yes"
    assert branch("boolean_gateway", {"branches": YES_NO}, value="") == "no"
    assert branch("if_else", {"branches": YES_NO, "matchText": "a"}, data="b") == "no"
    with pytest.raises(NodeError) as caught:
        branch("boolean_gateway", {"branches": YES_NO[:1]}, value=False)
    assert caught.value.code == "no_branch"


@pytest.mark.rule("BR-4")
def test_branches_without_a_name_do_not_count() -> None:
    nameless = [
        {"value": True},
        {"name": " ", "value": True},
        "True",
        {"name": "Right", "value": 1},
        {"name": "Wrong", "value": 0},
    ]
    assert branch("boolean_gateway", {"branches": nameless}, value=True) == "right"
    assert branch("boolean_gateway", {"branches": {}}, value=True) == "true"


@pytest.mark.rule("LANG-27")
@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", "A"), ("A", "Default"), (1, "One"), ("1", "Default"), (True, "Default"), (1.0, "Default"), ([1], "L")],
)
def test_switch_gateway_compares_type_and_value(value: Any, expected: str) -> None:
    branches = [
        {"name": "A", "value": "a"},
        {"name": "One", "value": 1},
        {"name": "L", "value": [1]},
        {"name": "Again", "value": "a"},
        {"name": "Default", "value": "default"},
    ]
    assert branch("switch_gateway", {"branches": branches}, expression=value) == expected


@pytest.mark.rule("LANG-27")
@pytest.mark.parametrize("default", ["nobody", "", None])
def test_switch_gateway_without_a_usable_default_fails(default: Any) -> None:
    config = {"branches": [{"name": "A", "value": "a"}], "default_branch": default}
    with pytest.raises(NodeError) as caught:
        branch("switch_gateway", config, expression="b")
    assert caught.value.code == "no_branch"


def test_gateway_matches_text_and_every_branch() -> None:
    branches = [
        {"name": "A", "condition": {"value": "1"}},
        {"name": "B", "value": 1},
        {"name": "C", "condition": {"value": "2"}},
    ]
    assert branch("gateway", {"branches": branches}, value=1) == ["A", "B"]
    assert branch("gateway", {"branches": branches, "defaultBranch": "c"}, value="x") == ["C"]
    with pytest.raises(NodeError):
        branch("gateway", {"branches": branches, "defaultBranch": "z"}, value="x")


def test_a_or_b_follows_the_weights() -> None:
    world = World(rng=random.Random(7))
    drawn = Counter(
        process_node("a_or_b", {"weight_a": 90, "weight_b": 10}, {}, world=world)["active_branches"] for _ in range(400)
    )
    assert 330 < drawn["a"] < 390
    assert process_node("a_or_b", {"weight_a": 0, "weight_b": 1})["active_branches"] == "b"


@pytest.mark.parametrize(
    ("operator", "value", "wanted", "result"),
    [
        ("not_contains", "abc", "X", True),
        ("greater_than", "10", 9, True),
        ("greater_than", "a", 1, False),
        ("less_than", " 1", "2", True),
        ("is_empty", "0", None, True),
        ("is_not_null", 0, None, True),
        ("equals", True, "1", True),
        ("regex_match", "ABC", "/b/", True),
        ("regex_match", "ABC", "b", False),
        ("starts_with", None, "", True),
    ],
)
def test_conditional(operator: str, value: Any, wanted: Any, result: bool) -> None:
    outputs = process_node("conditional", {"operator": operator, "compareValue": wanted}, {"value": value})
    assert outputs["condition_result"] is result
    assert outputs["branch_to_follow"] == ("true" if result else "false")


def test_loop_bounds_its_pauses() -> None:
    assert process_node("loop_executor", {"maxIterations": 1}, {"data": {"x": 5}})["results"][0]["item"] == 5
    with pytest.raises(NodeError) as caught:
        process_node("loop", {"delay": 60_001}, {"data": [1]})
    assert caught.value.code == "limit_exceeded"


@pytest.mark.rule("ERR-5")
def test_stop_ends_the_run_with_its_value() -> None:
    assert process_node("stop", {}, {"value": {"a": 1}}) == {"value": {"a": 1}}
