"""Hooks of the deployment: told of every job, and unable to break a run unless they say so."""

from __future__ import annotations

import logging
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from flowdrop_provider.engine import hooks as module
from flowdrop_provider.engine.hooks import Hooks, installed_hooks
from flowdrop_provider.engine.records import JobRecord
from flowdrop_provider.engine.runner import RunResult
from flowdrop_provider.nodes.world import World
from tests.engine.running import last, plan_of, ran, run
from tests.engine.test_interrupts import ASK_EACH, answer
from tests.engine.test_reuse import LOOP
from tests.flows import chain, edge, flow, node


class Watching:
    """Remembers what it was told."""

    def __init__(self, fails: str = "", blocking: bool = False) -> None:
        self.before: list[JobRecord] = []
        self.after: list[JobRecord] = []
        self.fails = fails
        self.blocking = blocking

    def pre_node(self, job: JobRecord) -> None:
        self.before.append(job)
        self._fail("pre", job)

    def post_node(self, job: JobRecord) -> None:
        self.after.append(job)
        self._fail("post", job)

    def _fail(self, when: str, job: JobRecord) -> None:
        if self.fails == f"{when} {job['node_id']}":
            raise PermissionError("not on a Friday")


def hooked(document: dict[str, Any], *hooks: Any, **options: Any) -> RunResult:
    return run(plan_of(document), world=World(extras={"hooks": Hooks(hooks)}), **options)


def test_a_hook_sees_every_job_before_and_after() -> None:
    watching = Watching()
    result = hooked(chain("c", 3), watching)
    assert [job["node_id"] for job in watching.before] == ran(result)
    assert {job["status"] for job in watching.before} == {"running"}
    assert watching.before[1]["input_data"] == {"text": "hello"}
    assert watching.before[1]["completed"] is None
    assert watching.after == result.jobs
    assert [job["id"] for job in watching.before] == [job["id"] for job in watching.after]


def test_a_hook_sees_rounds_and_each_question_once_it_is_answered() -> None:
    watching = Watching()
    hooked(LOOP, watching)
    assert [job["round"] for job in watching.after if job["node_id"] == "data_mapper.2"] == [[0], [1], [2]]
    asking = Watching()
    paused = hooked(ASK_EACH, asking)
    assert "confirmation.1" not in {job["node_id"] for job in asking.after}
    hooked(ASK_EACH, asking, progress=paused.progress, answers=answer(True))
    assert "confirmation.1" in {job["node_id"] for job in asking.after}


@pytest.mark.parametrize("when", ["pre", "post"])
def test_a_hook_that_fails_breaks_nothing(when: str, caplog: pytest.LogCaptureFixture) -> None:
    failing, watching = Watching(fails=f"{when} text_processor.1"), Watching()
    with caplog.at_level(logging.WARNING):
        result = hooked(chain("c", 3), failing, watching)
    assert (result.status, len(watching.after)) == ("completed", 3)
    assert "not on a Friday" in caplog.text


@pytest.mark.parametrize("when", ["pre", "post"])
def test_a_blocking_hook_fails_the_node_and_an_error_edge_takes_it(when: str) -> None:
    failing = Watching(fails=f"{when} text_processor.1", blocking=True)
    result = hooked(chain("c", 3), failing)
    assert (result.status, result.error["code"]) == ("failed", "hook_refused")
    assert "not on a Friday" in result.error["message"]
    assert ran(result) == ["text_input.1", "text_processor.1"]
    nodes = [node("text_input.1", defaultValue="x"), node("text_processor.1", operation="uppercase"), node("data_to_json.1")]
    edges = ["text_input.1:text > text_processor.1:text", edge("text_processor.1:error > data_to_json.1:data")]
    routed = hooked(flow("f", nodes, edges), Watching(fails=f"{when} text_processor.1", blocking=True))
    assert routed.status == "completed_with_warnings"
    assert "hook_refused" in last(routed, "data_to_json.1")["output_data"]["json"]


def test_half_a_hook_will_do() -> None:
    class After:
        seen = 0

        def post_node(self, job: JobRecord) -> None:
            After.seen += job["status"] == "completed"

    assert hooked(chain("c", 2), After(), object()).status == "completed"
    assert After.seen == 2


def test_hooks_come_from_packages_and_settings(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    values = {"b": "tests.engine.test_hooks:Watching", "a": "nowhere:Hook"}
    installed = [EntryPoint(name, value, "flowdrop.hooks") for name, value in values.items()]
    monkeypatch.setattr(module, "entry_points", lambda group: installed if group == "flowdrop.hooks" else [])
    installed_hooks.cache_clear()
    try:
        found = installed_hooks(("tests.engine.test_hooks:Watching", "tests.engine.test_hooks:Missing"))
    finally:
        installed_hooks.cache_clear()
    assert [type(hook).__name__ for hook in found._hooks] == ["Watching", "Watching"]
    assert "nowhere:Hook cannot be loaded" in caplog.text
    assert "Missing cannot be loaded" in caplog.text
