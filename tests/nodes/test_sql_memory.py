"""The SQL store of memory nodes, on SQLite: expiry, replacement, and locks between processes."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from flowdrop_provider.errors import NodeError
from flowdrop_provider.hooks.memory import SqlMemory
from flowdrop_provider.nodes.memory_store import MISSING, Place

PLACE = Place("session", "s1", "chat")


def store(folder: Path) -> SqlMemory:
    return SqlMemory(lambda: create_engine(f"sqlite:///{folder}/memory.db", connect_args={"timeout": 30}))


def test_values_are_kept_replaced_and_forgotten(tmp_path: Path) -> None:
    memory = store(tmp_path)
    assert memory.get(PLACE) is MISSING
    memory.put(PLACE, {"a": [1, None, "é"]})
    memory.put(Place("session", "s2", "chat"), 2)
    memory.put(PLACE, None)
    assert store(tmp_path).get(PLACE) is None
    assert (memory.delete(PLACE), memory.delete(PLACE)) == (True, False)
    assert memory.get(Place("session", "s2", "chat")) == 2


def test_a_value_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = store(tmp_path)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    memory.put(PLACE, 1, ttl=10)
    assert memory.get(PLACE) == 1
    monkeypatch.setattr(time, "time", lambda: now + 10)
    assert memory.get(PLACE) is MISSING
    assert memory.delete(PLACE) is False


def test_what_json_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NodeError):
        store(tmp_path).put(PLACE, float("inf"))


@pytest.mark.rule("MEM-12")
def test_a_lock_is_waited_for_in_vain_no_longer_than_asked(tmp_path: Path) -> None:
    with store(tmp_path).locked(PLACE) as first:
        begin = time.monotonic()
        with store(tmp_path).locked(PLACE, wait=0.2) as second:
            assert (first, second) == (True, False)
        assert time.monotonic() - begin < 5
    with store(tmp_path).locked(PLACE, wait=0.2) as third:
        assert third


def _append(folder: Path, author: int) -> None:
    memory = store(folder)
    for turn in range(10):
        with memory.locked(PLACE, wait=60) as held:
            assert held
            messages = memory.get(PLACE)
            memory.put(PLACE, [*([] if messages is MISSING else messages), f"{author}.{turn}"])


@pytest.mark.rule("MEM-12")
def test_appends_of_several_processes_are_all_kept(tmp_path: Path) -> None:
    store(tmp_path).put(PLACE, [])
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append, args=(tmp_path, author)) for author in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert len(set(store(tmp_path).get(PLACE))) == 30
