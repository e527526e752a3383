"""Nodes that ask people: the question of the first execution, and the answer of the second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.api import Interrupt

Run = Callable[..., dict[str, Any]]
OPTIONS = [{"value": "a", "label": "Apple", "description": "red"}, {"value": "b", "label": "Pear"}]
FORM = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["age"]}
ASKS = {
    "confirmation": {"message": "Go on?"},
    "choice_input": {"message": "Which?", "options": OPTIONS},
    "text_input_interrupt": {"message": "Who?", "min_length": 2, "max_length": 4, "default_value": "me"},
    "form_input": {"message": "Please", "schema": FORM, "default_values": {"age": 1}},
}


def resume(value: Any, **more: Any) -> dict[str, Any]:
    moments = {"asked_at": "2025-01-15T10:00:00+00:00", "answered_at": "2025-01-15T10:00:12.5Z"}
    return {"value": value, "user_id": "7", "timed_out": False, **moments, **more}


@pytest.mark.rule("ERR-4")
@pytest.mark.parametrize(
    ("processor", "kind", "schema"),
    [
        ("confirmation", "confirmation", {"type": "boolean"}),
        ("choice_input", "choice", {"enum": ["a", "b"]}),
        ("text_input_interrupt", "text", {"type": "string", "minLength": 2, "maxLength": 4}),
        ("form_input", "form", FORM),
    ],
)
def test_the_first_execution_asks(run_node: Run, processor: str, kind: str, schema: Any) -> None:
    with pytest.raises(Interrupt) as asked:
        run_node(processor, ASKS[processor])
    assert (asked.value.kind, asked.value.message, asked.value.schema) == (kind, ASKS[processor]["message"], schema)


def test_a_question_carries_its_options_and_default(run_node: Run) -> None:
    with pytest.raises(Interrupt) as asked:
        run_node("confirmation", {"message": "m", "confirm_label": "Sure"})
    assert asked.value.options == [{"value": True, "label": "Sure"}, {"value": False, "label": "No"}]
    with pytest.raises(Interrupt) as asked:
        run_node("choice_input", {"message": "m"}, {"options": ["x", 2]})
    assert asked.value.options == [{"value": "x", "label": "x"}, {"value": 2, "label": "2"}]
    with pytest.raises(Interrupt) as asked:
        run_node("form_input", ASKS["form_input"])
    assert asked.value.default == {"age": 1}


@pytest.mark.rule("INT-4")
@pytest.mark.parametrize(
    ("processor", "value", "expected"),
    [
        ("confirmation", True, {"confirmed": True, "active_branches": "true"}),
        ("confirmation", False, {"confirmed": False, "active_branches": "false"}),
        ("choice_input", "b", {"selected": "b", "selection_count": 1}),
        ("text_input_interrupt", "žena", {"text": "žena", "length": 4}),
        ("form_input", {"age": 3}, {"data": {"age": 3}}),
    ],
)
def test_the_answer_becomes_the_outputs(run_node: Run, processor: str, value: Any, expected: Any) -> None:
    outputs = run_node(processor, ASKS[processor], resume=resume(value))
    assert outputs == {**expected, "response_time": 12.5, "user_id": "7"}


def test_several_choices_come_as_a_list(run_node: Run) -> None:
    config = {**ASKS["choice_input"], "multiple": True, "min_selections": 1, "max_selections": 2}
    outputs = run_node("choice_input", config, resume=resume(["a", "b"]))
    assert (outputs["selected"], outputs["selection_count"]) == (["a", "b"], 2)


@pytest.mark.parametrize(
    ("processor", "config", "value"),
    [
        ("confirmation", {}, "yes"),
        ("confirmation", {}, None),
        ("choice_input", {}, "c"),
        ("choice_input", {}, ["a"]),
        ("choice_input", {"multiple": True, "min_selections": 1}, []),
        ("choice_input", {"multiple": True, "max_selections": 1}, ["a", "b"]),
        ("choice_input", {"multiple": True}, ["a", "a"]),
        ("text_input_interrupt", {}, "x"),
        ("text_input_interrupt", {}, "xxxxx"),
        ("text_input_interrupt", {}, 5),
        ("form_input", {}, {"age": -1}),
        ("form_input", {}, {}),
        ("form_input", {"schema": {}}, [1]),
    ],
)
def test_an_answer_that_does_not_fit_is_a_node_error(run_node: Run, processor: str, config: Any, value: Any) -> None:
    with pytest.raises(NodeError) as caught:
        run_node(processor, {**ASKS[processor], **config}, resume=resume(value))
    assert caught.value.code == "invalid_answer"


@pytest.mark.parametrize(
    ("processor", "config", "code"),
    [
        ("choice_input", {"message": "m", "options": []}, "invalid_options"),
        ("choice_input", {"message": "m", "options": [{"label": "no value"}]}, "invalid_options"),
        ("form_input", {"message": "m", "schema": "not a schema"}, "invalid_schema"),
    ],
)
def test_a_question_nobody_can_answer_is_a_node_error(run_node: Run, processor: str, config: Any, code: str) -> None:
    with pytest.raises(NodeError) as caught:
        run_node(processor, config)
    assert caught.value.code == code


def test_a_forms_broken_or_reaching_schema_is_a_node_error(run_node: Run) -> None:
    for schema in ({"type": 5}, {"$ref": "http://example.com/schema.json"}):
        with pytest.raises(NodeError) as caught:
            run_node("form_input", {"message": "m", "schema": schema}, resume=resume({}))
        assert caught.value.code == "invalid_schema"


def test_an_answer_without_times_has_no_response_time(run_node: Run) -> None:
    outputs = run_node("confirmation", ASKS["confirmation"], resume={"value": True, "asked_at": "yesterday"})
    assert (outputs["response_time"], outputs["user_id"]) == (None, None)


def test_declined_calls_are_answered_one_by_one(run_node: Run) -> None:
    calls = [{"name": "t", "id": "1"}, {"name": "t", "tool_call_id": "2"}, {"name": "no id"}, "no call"]
    outputs = run_node("decline_synthesize", {"decline_message": "No."}, {"tool_calls": calls})
    assert [(message["role"], message["tool_call_id"], message["content"]) for message in outputs["messages"]] == [
        ("tool", "1", "No."),
        ("tool", "2", "No."),
    ]
    assert run_node("decline_synthesize", inputs={"tool_calls": None}) == {"messages": [], "synthesized_any": False}
