"""The conversation buffer: pairing of tool calls and results over many appends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._conversation import append_messages
from flowdrop_provider.nodes.memory_store import InProcessMemory, Place
from flowdrop_provider.nodes.world import World

Run = Callable[..., dict[str, Any]]


def user(content: str = "hi") -> dict[str, Any]:
    return {"role": "user", "content": content}


def calls(*identities: str, spelling: str = "tool_call_id") -> dict[str, Any]:
    return {"role": "assistant", "content": "", "tool_calls": [{"name": "t", spelling: identity} for identity in identities]}


def result(identity: str, content: str = "done", **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identity, "content": content, **more}


@pytest.fixture
def append(run_node: Run) -> Run:
    shared = World(extras={"memory": InProcessMemory()}, session_id="s1")

    def call(message: Any = None, config: dict[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
        return run_node("conversation_buffer", config or {}, {"message": message, **inputs}, world=shared)

    return call


@pytest.mark.rule("MEM-1")
def test_a_tool_result_is_kept_once(append: Run) -> None:
    append([user(), calls("a")])
    append([result("a", "first"), result("a", "again in one append")])
    outputs = append(result("a", "again later"))
    assert [message["content"] for message in outputs["messages"] if message["role"] == "tool"] == ["first"]
    assert outputs["count"] == 3


@pytest.mark.rule("MEM-2")
def test_a_turn_whose_calls_are_all_known_is_dropped_and_one_with_a_new_call_is_kept(append: Run) -> None:
    append(calls("a", "b"))
    assert append(calls("b", "a"))["appended"] == 0
    assert append(calls("a", "c"))["appended"] == 1


@pytest.mark.rule("MEM-3")
def test_a_person_speaking_closes_open_calls_behind_their_turn(append: Run) -> None:
    append([user(), calls("a", "b"), result("a")])
    messages = append(user("and?"))["messages"]
    assert [(message["role"], message.get("tool_call_id")) for message in messages] == [
        ("user", None),
        ("assistant", None),
        ("tool", "b"),
        ("tool", "a"),
        ("user", None),
    ]
    assert messages[2]["healed"] is True


@pytest.mark.rule("MEM-3")
@pytest.mark.parametrize("message", [result("x"), {"role": "assistant", "content": "thinking"}])
def test_only_a_person_speaking_closes_open_calls(append: Run, message: dict[str, Any]) -> None:
    append([user(), calls("a")])
    assert not any(entry.get("healed") for entry in append(message)["messages"])


@pytest.mark.rule("MEM-10")
def test_a_real_result_takes_the_placeholders_position(append: Run) -> None:
    append([user(), calls("a"), user("well?")])
    assert append(result("a", "healed again", healed=True))["messages"][2]["healed"] is True
    outputs = append(result("a", "real"))
    assert outputs["messages"][2] == result("a", "real")
    assert outputs["appended"] == 0
    assert append(result("a", "late"))["messages"][2]["content"] == "real"


@pytest.mark.rule("MEM-11")
def test_a_calls_id_counts_under_either_spelling(append: Run) -> None:
    append([user(), calls("a", spelling="id")])
    assert append(calls("a", spelling="tool_call_id"))["appended"] == 0
    assert append(user("next"))["messages"][2]["tool_call_id"] == "a"


@pytest.mark.rule("MEM-14")
def test_appended_counts_new_entries_and_not_the_size(append: Run) -> None:
    window = {"max_messages": 2}
    assert append([user("1"), user("2"), user("3")], window)["appended"] == 3
    outputs = append(user("4"), window)
    assert (outputs["count"], outputs["appended"], outputs["appended_any"]) == (2, 1, True)
    assert (append(None, window)["appended"], append(None, window)["appended_any"]) == (0, False)


@pytest.mark.rule("MEM-12")
def test_a_busy_buffer_takes_the_turn_anyway(run_node: Run, caplog: pytest.LogCaptureFixture) -> None:
    class Busy(InProcessMemory):
        @contextmanager
        def locked(self, place: Place, wait: float = 0) -> Any:
            yield False

    outputs = run_node(
        "conversation_buffer", inputs={"message": user()}, world=World(extras={"memory": Busy()}, session_id="s")
    )
    assert outputs["count"] == 1
    assert "without its lock" in caplog.text


@pytest.mark.parametrize(
    ("config", "inputs", "expected"),
    [
        ({}, {"content": "hello"}, [user("hello")]),
        ({"role": "system"}, {"content": {"a": 1}}, [{"role": "system", "content": '{"a":1}'}]),
        ({}, {"message": "hello"}, [user("hello")]),
        ({}, {"message": {"content": "x"}}, [user("x")]),
        ({}, {"message": {"role": "assistant", "content": None}}, [{"role": "assistant", "content": ""}]),
        ({}, {"message": {}}, []),
        ({}, {"message": [1, None, {"no": "role"}]}, []),
        ({}, {}, []),
    ],
)
def test_what_counts_as_a_message(append: Run, config: Any, inputs: Any, expected: Any) -> None:
    message = inputs.pop("message", None)
    assert append(message, config, **inputs)["messages"] == expected


def test_another_value_under_the_key_is_no_conversation(run_node: Run) -> None:
    shared = World(extras={"memory": InProcessMemory()})
    run_node("memory_write", inputs={"key": "chat_history", "value": 5}, world=shared)
    with pytest.raises(NodeError) as caught:
        run_node("conversation_buffer", {"scope": "global"}, {"message": "x"}, world=shared)
    assert caught.value.code == "not_a_conversation"


def test_a_first_generation_document_gets_its_outputs(append: Run) -> None:
    first = {"operation": "add", "maxMessages": 2, "format": "text"}
    append("a", first)
    append("b", first)
    outputs = append("c", first)
    assert outputs["buffer"] == "user: b\nuser: c"
    assert (outputs["operation"], outputs["buffer_size"], outputs["max_messages"]) == ("add", 2, 2)
    assert append(None, {**first, "operation": "get", "format": "json"})["buffer"].startswith("[\n")
    assert append(None, {**first, "operation": "clear", "format": "array"})["buffer"] == []


def test_a_long_conversation_is_appended_to_in_linear_time() -> None:
    stored = [message for number in range(20_000) for message in (calls(str(number)), result(str(number)))]
    messages, added = append_messages(stored, [user(), user()])
    assert (len(messages), added) == (40_002, 2)
