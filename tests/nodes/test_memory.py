"""Memory nodes and the in-process store."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.memory_store import MISSING, InProcessMemory, Place
from flowdrop_provider.nodes.world import World

Run = Callable[..., dict[str, Any]]


def world(**identity: Any) -> World:
    return World(extras={"memory": InProcessMemory()}, **identity)


class ForbiddenStore:
    """A store that no refused node may touch."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the store was asked to {name}")


def test_a_written_value_is_read_until_it_is_deleted(run_node: Run) -> None:
    shared = world()
    assert run_node("memory_write", inputs={"key": "k", "value": {"a": [1]}}, world=shared)["success"] is True
    assert run_node("memory_read", inputs={"key": "k"}, world=shared)["value"] == {"a": [1]}
    run_node("memory_delete", inputs={"key": "k"}, world=shared)
    found = run_node("memory_read", {"default_value": "none"}, {"key": "k"}, world=shared)
    assert (found["value"], found["found"]) == ("none", False)


@pytest.mark.parametrize(
    ("scope", "same", "other"),
    [
        ("workflow", {"workflow_id": "w", "run_id": "r2"}, {"workflow_id": "v", "run_id": "r1"}),
        ("pipeline", {"workflow_id": "w", "run_id": "r1"}, {"workflow_id": "w", "run_id": "r2"}),
        ("node", {"workflow_id": "w", "run_id": "r2"}, {"workflow_id": "v", "run_id": "r1"}),
    ],
)
def test_a_scope_is_shared_by_those_it_names_only(run_node: Run, scope: str, same: Any, other: Any) -> None:
    shared = world()
    first = {"workflow_id": "w", "run_id": "r1"}
    run_node("memory_write", {"scope": scope}, {"key": "k", "value": 1}, world=shared, **first)
    assert run_node("memory_read", {"scope": scope}, {"key": "k"}, world=shared, **same)["found"]
    assert not run_node("memory_read", {"scope": scope}, {"key": "k"}, world=shared, **other)["found"]


@pytest.mark.rule("MEM-6")
@pytest.mark.parametrize("user", ["", "0", " ", None, 0, True, ["1"]])
def test_the_user_scope_refuses_without_a_real_user(run_node: Run, user: Any) -> None:
    shared = world(user_id=user)
    assert run_node("memory_write", {"scope": "user"}, {"key": "k", "value": 1}, world=shared)["success"] is False
    assert not run_node("memory_read_raw", inputs={"key": "k", "scope": "user", "scope_id": ""}, world=shared)["found"]
    assert run_node("memory_read", inputs={"key": "k"}, world=shared)["found"] is False


@pytest.mark.rule("MEM-6")
def test_a_scope_without_identity_resolves_to_the_empty_id(run_node: Run) -> None:
    written = run_node("memory_write", {"scope": "global"}, {"key": "k", "value": 1}, world=world())
    assert (written["success"], written["resolved_scope_id"]) == (True, "")
    assert run_node("memory_write", {"scope": "workflow"}, {"key": "k", "value": 1}, world=world())["success"] is True


@pytest.mark.rule("MEM-13")
@pytest.mark.parametrize("session", ["", "0", None])
def test_the_session_scope_refuses_without_a_session(run_node: Run, session: Any) -> None:
    refused = run_node("memory_write", {"scope": "session"}, {"key": "k", "value": 1}, world=world(session_id=session))
    assert (refused["success"], refused["resolved_scope_id"]) == (False, "")


@pytest.mark.rule("MEM-7")
@pytest.mark.parametrize("scope", ["user", "session"])
def test_a_refused_scope_leaves_the_store_alone_and_warns_once(
    run_node: Run, scope: str, caplog: pytest.LogCaptureFixture
) -> None:
    forbidden = World(extras={"memory": ForbiddenStore()})
    outcomes = []
    for processor, config, inputs in (
        ("memory_read", {"scope": scope, "default_value": 7}, {"key": "k"}),
        ("memory_write", {"scope": scope}, {"key": "k", "value": 1}),
        ("memory_delete", {"scope": scope}, {"key": "k"}),
        ("conversation_buffer", {"scope": scope}, {"message": "lost"}),
    ):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            outcomes.append(run_node(processor, config, inputs, world=forbidden, workflow_id="w1", run_id="r1"))
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert all(word in caplog.text for word in ("node.1", "w1", "r1"))
    read, write, delete, buffer = outcomes
    assert (read["value"], read["found"], write["success"], delete["success"]) == (7, False, False, False)
    assert (buffer["messages"], buffer["count"], buffer["appended"], buffer["appended_any"]) == ([], 0, 0, False)
    assert {outcome["resolved_scope_id"] for outcome in outcomes} == {""}


@pytest.mark.rule("MEM-8")
def test_the_user_scope_is_the_one_of_the_runs_user_whatever_the_inputs_say(run_node: Run) -> None:
    shared = world(user_id="7", session_id="s1")
    written = run_node(
        "memory_write", {"scope": "user", "user_id": "8"}, {"key": "k", "value": 1, "user_id": "8"}, world=shared
    )
    assert written["resolved_scope_id"] == "7"


def test_a_value_expires_after_its_time_to_live() -> None:
    now = [100.0]
    store = InProcessMemory(clock=lambda: now[0])
    place = Place("global", "", "k")
    store.put(place, None, ttl=10)
    assert store.get(place) is None
    now[0] = 110.0
    assert store.get(place) is MISSING
    assert store.delete(place) is False


@pytest.mark.parametrize("ttl", [-1, "soon", True, float("inf")])
def test_a_time_to_live_that_is_none_is_a_node_error(run_node: Run, ttl: Any) -> None:
    with pytest.raises(NodeError) as caught:
        run_node("memory_write", {"ttl": ttl}, {"key": "k", "value": 1}, world=world())
    assert caught.value.code == "invalid_parameter"


@pytest.mark.parametrize(
    ("value", "code"), [("x" * 1_000_001, "value_too_large"), (float("nan"), "not_json"), ("\ud800", "not_json")]
)
def test_what_memory_cannot_keep_is_a_node_error(run_node: Run, value: Any, code: str) -> None:
    with pytest.raises(NodeError) as caught:
        run_node("memory_write", inputs={"key": "k", "value": value}, world=world())
    assert caught.value.code == code


def test_a_full_store_refuses_instead_of_filling_the_machine() -> None:
    store = InProcessMemory(max_places=1)
    store.put(Place("global", "", "a"), 1)
    store.put(Place("global", "", "a"), 2)
    with pytest.raises(NodeError) as caught:
        store.put(Place("global", "", "b"), 1)
    assert caught.value.code == "memory_full"


def test_without_a_store_the_error_says_what_to_set(run_node: Run) -> None:
    with pytest.raises(NodeError) as caught:
        run_node("memory_read", inputs={"key": "k"}, world=World())
    assert caught.value.code == "service_unavailable"
    assert "memory_conn_id" in (caught.value.hint or "")


@pytest.mark.rule("MEM-12")
def test_a_lock_that_does_not_come_in_time_is_given_up() -> None:
    store = InProcessMemory()
    place = Place("global", "", "k")
    with store.locked(place) as first, store.locked(place, wait=0.01) as second:
        assert (first, second) == (True, False)
    with store.locked(place, wait=0.01) as third:
        assert third


@pytest.mark.rule("MEM-12")
def test_parallel_appends_lose_no_turn(run_node: Run) -> None:
    shared = world(session_id="s")

    def append(author: int) -> None:
        for turn in range(20):
            run_node("conversation_buffer", inputs={"message": {"role": "system", "content": f"{author}.{turn}"}}, world=shared)

    threads = [threading.Thread(target=append, args=(author,)) for author in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    messages = run_node("conversation_buffer", world=shared)["messages"]
    assert len({message["content"] for message in messages}) == len(messages) == 80


@pytest.mark.parametrize("processor", ["memory_write", "conversation_buffer"])
def test_a_hundred_megabytes_are_refused_quickly(run_node: Run, processor: str) -> None:
    huge = "x" * 100_000_000
    begin = time.monotonic()
    with pytest.raises(NodeError) as caught:
        run_node(processor, inputs={"key": "k", "value": huge, "message": huge}, world=world(session_id="s"))
    assert caught.value.code == "value_too_large"
    assert time.monotonic() - begin < 10
