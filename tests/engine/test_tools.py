"""Tools inside a run: who gets which, what a model may fill, one execution per call, every round (DATA, RT-TOOL, EDGE-7)."""

from __future__ import annotations

from typing import Any

import pytest

from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.routing import Outcome
from flowdrop_provider.engine.runner import RunResult
from flowdrop_provider.engine.toolbox import RunTools
from flowdrop_provider.nodes.world import World
from tests.engine.running import last, plan_of, ran, run, through_text
from tests.flows import edge, flow, node
from tests.integration.scenarios import mapper

CALLS = """[{"name": "shout", "id": "1", "args": {"text": "a &amp;amp; b"}}]"""


def invoking(calls: str, *more: Any, edges: list[Any] = (), **shout: Any) -> dict[str, Any]:
    """A document whose tool_invoke runs the given calls with one tool, ``shout``."""
    config = {"operation": "uppercase", "instanceTitle": "Shout", **shout}
    nodes = [mapper("data_mapper.1", calls), node("tool_invoke.1"), node("text_processor.1", **config), *more]
    wired = ["data_mapper.1:y > tool_invoke.1:tool_calls", edge("text_processor.1:tool > tool_invoke.1:tool"), *edges]
    return flow("f", nodes, wired)


def results(result: RunResult) -> list[dict[str, Any]]:
    return last(result, "tool_invoke.1")["output_data"]["tool_results"]


def schema_of(plan: Plan, consumer: str = "tool_invoke.1") -> dict[str, Any]:
    (tool,) = RunTools(plan, World(), {}, {}).tools(consumer)
    return dict(tool.schema)


@pytest.mark.rule("EDGE-7", "RT-TOOL-1", "RT-TOOL-8", "DATA-12")
def test_a_tool_only_node_makes_no_job_and_runs_inside_its_consumer() -> None:
    plan = plan_of(invoking(CALLS))
    assert plan.excluded == {"text_processor.1": "tool_only"}
    result = run(plan)
    assert ran(result) == ["data_mapper.1", "tool_invoke.1"]
    (outcome,) = results(result)
    assert (outcome["success"], outcome["error"], outcome["data"]["text"]) == (True, None, "A & B")
    assert set(outcome) == {"success", "data", "error"}


@pytest.mark.rule("DATA-11", "EXPO-15")
def test_what_a_model_may_fill() -> None:
    assert "text" in schema_of(plan_of(invoking("[]")))["properties"]
    assert "operation" not in schema_of(plan_of(invoking("[]")))["properties"]
    assert "text" not in schema_of(plan_of(invoking("[]", text="pinned")))["properties"]
    hidden = {"inputs": [{"id": "text", "exposed": False}]}
    assert "text" not in schema_of(plan_of(invoking("[]", ports=hidden)))["properties"]
    source, feed = node("text_input.1", defaultValue="fed"), "text_input.1:text > text_processor.1:text"
    assert "text" not in schema_of(plan_of(invoking("[]", source, edges=[feed])))["properties"]


@pytest.mark.rule("DATA-11", "EXPO-15")
def test_a_port_that_an_edge_feeds_is_not_the_models() -> None:
    source, feed = node("text_input.1", defaultValue="fed"), "text_input.1:text > text_processor.1:text"
    plan = plan_of(invoking(CALLS, source, edges=[feed]))
    known = {"text_input.1": Outcome("completed", 1, ports={"text": "fed"})}
    (tool,) = RunTools(plan, World(), known, {}).tools("tool_invoke.1")
    assert tool.run({"text": "the model's"})["text"] == "FED"


@pytest.mark.rule("DATA-10", "DATA-12", "CMP-9")
def test_a_toolbox_hands_its_tools_on() -> None:
    document = invoking(CALLS, node("box.1", "flowdrop_node_processor_toolbox"))
    document["edges"][1:] = [edge("text_processor.1:tool > box.1:tool"), edge("box.1:tool > tool_invoke.1:tool")]
    (outcome,) = results(run(plan_of(document)))
    assert outcome["data"]["text"] == "A & B"


@pytest.mark.rule("DATA-12")
def test_a_node_without_tools_gets_none() -> None:
    document = invoking(CALLS)
    del document["edges"][1]
    (outcome,) = results(run(plan_of(document)))
    assert (outcome["success"], outcome["data"]) == (False, None)


@pytest.mark.rule("ERR-9")
def test_a_failed_tool_call_fails_nothing() -> None:
    result = run(plan_of(invoking(CALLS, operation="no_such")))
    (outcome,) = results(result)
    assert (outcome["success"], outcome["data"], result.status) == (False, None, "completed")


TWICE = """[{"name": "shout", "id": "1", "args": {"text": "a"}}, {"name": "shout", "id": "1", "args": {"text": "b"}},
  {"name": "shout", "args": {"text": "c"}}, {"name": "nobody", "id": "2"}, {"name": " ", "id": "3"}, 5]"""


@pytest.mark.rule("RT-TOOL-9", "RT-TOOL-10")
def test_a_call_id_is_executed_once_in_a_run() -> None:
    plan = plan_of(invoking(TWICE, ports={"outputs": []}))
    document = invoking(TWICE)
    document["nodes"][1] = node(
        "tool_invoke.1", ports={"outputs": [{"id": "skipped", "exposed": True}, {"id": "executed", "exposed": True}]}
    )
    result = run(plan_of(document))
    output = last(result, "tool_invoke.1")["output_data"]
    assert [item["data"]["text"] if item["data"] else None for item in output["tool_results"]] == ["A", "A", "C", None]
    assert (output["skipped"], output["executed"], output["executed_any"]) == (["1"], ["1", "2"], True)
    assert set(through_text(result.progress).tool_results) == {"1", "2"}
    assert plan.tools == {"tool_invoke.1": ("text_processor.1",)}


@pytest.mark.rule("RT-TOOL-9", "RT-TOOL-10", "DATA-12")
def test_a_consumer_in_a_loop_has_its_tools_and_its_memory_every_round() -> None:
    calls = """[{"name": "shout", "id": "same", "args": {"text": "a"}}, {"name": "shout", "args": {"text": "b"}}]"""
    document = flow(
        "f",
        [
            node("range.1", start=1, end=2),
            node("foreach.1"),
            mapper("data_mapper.1", calls),
            node("tool_invoke.1"),
            node("text_processor.1", operation="uppercase", instanceTitle="shout"),
            node("data_to_json.1"),
        ],
        [
            "range.1:items > foreach.1:items",
            "foreach.1:trigger > data_mapper.1:trigger",
            "data_mapper.1:y > tool_invoke.1:tool_calls",
            edge("text_processor.1:tool > tool_invoke.1:tool"),
            "tool_invoke.1:tool_results > foreach.1:loop_back",
        ],
    )
    result = run(plan_of(document))
    rounds = [job["output_data"] for job in result.jobs if job["node_id"] == "tool_invoke.1"]
    assert [[item["data"]["text"] for item in output["tool_results"]] for output in rounds] == [["A", "B"], ["A", "B"]]
    assert [output["executed_any"] for output in rounds] == [True, True]


@pytest.mark.rule("RT-TOOL-2", "RT-TOOL-1")
def test_artifacts_are_lifted_off_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(invoking(CALLS))
    found = {"text": "x", "artifacts": [{"type": "chart", "payload": 1}, {"type": ""}, "no"]}
    monkeypatch.setattr(RunTools, "_run", lambda self, leaf, arguments: dict(found))
    (outcome,) = results(run(plan))
    assert outcome["data"] == {"text": "x"}
    assert outcome["artifacts"] == [{"type": "chart", "payload": 1}]
