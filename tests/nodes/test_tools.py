"""Tool calls: arguments, results, artifacts, and at most one execution per call id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._tool_calls import Tool, normalized_arguments, tool_schema
from flowdrop_provider.nodes.registry import get_processor
from flowdrop_provider.nodes.world import World

Run = Callable[..., dict[str, Any]]
SCHEMA = {
    "type": "object",
    "properties": {"items": {"type": "array"}, "data": {"type": "object"}, "text": {"type": "string"}, "any": {}},
}


class Tools:
    """A tool source whose tools record their arguments."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, Any]] = []
        self.done: dict[str, dict[str, Any]] = {}

    def tools(self, node_id: str) -> list[Tool]:
        return [Tool(name, name, SCHEMA, run) for name, run in (("echo", self.echo), ("art", self.art), ("bad", self.bad))]

    def results(self) -> dict[str, dict[str, Any]]:
        return self.done

    def echo(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self.seen.append(arguments)
        return {"echo": dict(arguments), "number": len(self.seen)}

    def art(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        broken = [{"type": ""}, {"type": "x"}, {"type": 5, "payload": 1}, "no map", {"type": "", "payload": 1}]
        return {"ok": True, "artifacts": [{"type": "chart", "payload": {"a": 1}}, *broken]}

    def bad(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        raise NodeError("It broke.", code="broke")


@pytest.fixture
def invoke(run_node: Run) -> Run:
    source = Tools()

    def call(*calls: Any) -> dict[str, Any]:
        return run_node("tool_invoke", inputs={"tool_calls": list(calls)}, world=World(extras={"tools": source}))

    return call


@pytest.mark.rule("RT-TOOL-1")
def test_a_result_has_success_data_and_error(invoke: Run) -> None:
    good, bad = invoke({"name": "echo", "args": {"any": 1}, "id": "1"}, {"name": "bad", "id": "2"})["tool_results"]
    assert good == {"success": True, "data": {"echo": {"any": 1}, "number": 1}, "error": None}
    assert bad == {"success": False, "data": None, "error": "It broke."}


@pytest.mark.rule("RT-TOOL-2")
def test_artifacts_leave_the_data_and_malformed_ones_are_dropped(invoke: Run) -> None:
    (result,) = invoke({"name": "art", "id": "1"})["tool_results"]
    assert (result["data"], result["artifacts"]) == ({"ok": True}, [{"type": "chart", "payload": {"a": 1}}])


@pytest.mark.rule("RT-TOOL-3")
def test_artifacts_are_listed_with_their_call_on_a_hidden_output(invoke: Run) -> None:
    outputs = invoke({"name": "art", "tool_call_id": "1"})
    assert outputs["tool_artifacts"] == [{"type": "chart", "payload": {"a": 1}, "tool_call_id": "1"}]
    declared = get_processor("tool_invoke").node_type.outputs
    hidden = {name for name, port in declared.items() if not port.exposed_by_default}
    assert hidden == {"tool_artifacts", "skipped", "executed"}


@pytest.mark.rule("RT-TOOL-8")
@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"items": "[1, 2]"}, {"items": [1, 2]}),
        ({"items": '{"a": 1}'}, {"items": '{"a": 1}'}),
        ({"items": "[1, 2"}, {"items": "[1, 2"}),
        ({"data": '{"a": [1]}'}, {"data": {"a": [1]}}),
        ({"text": "[1]"}, {"text": "[1]"}),
        ({"any": "[1]"}, {"any": "[1]"}),
        ({"text": "a &amp;amp;lt; b"}, {"text": "a < b"}),
        ({"data": {"x&amp;": ["&quot;"]}}, {"data": {"x&amp;": ['"']}}),
        ({"data": "{&quot;a&quot;: 1}"}, {"data": {"a": 1}}),
        ('{"text": "whole"}', {"text": "whole"}),
        ("no json", {}),
        (None, {}),
    ],
)
def test_arguments_are_read_as_the_schema_wants_them(given: Any, read: Any) -> None:
    assert normalized_arguments(given, SCHEMA) == read


@pytest.mark.rule("RT-TOOL-9")
def test_a_call_runs_once_and_a_repeat_gives_the_stored_result(invoke: Run) -> None:
    first = invoke({"name": "echo", "id": "1"}, {"name": "echo", "id": "1"})
    again = invoke({"name": "echo", "id": "1"})
    assert (first["executed"], first["skipped"], again["skipped"]) == (["1"], ["1"], ["1"])
    assert again["tool_results"][0]["data"]["number"] == 1
    assert [message["tool_call_id"] for message in again["tool_messages"]] == ["1"]
    numbers = [result["data"]["number"] for result in invoke({"name": "echo"}, {"name": "echo"})["tool_results"]]
    assert numbers == [2, 3]


@pytest.mark.rule("RT-TOOL-10")
@pytest.mark.parametrize(
    ("calls", "executed_any", "executed"),
    [
        ([], False, []),
        ([{"name": "echo", "id": "1"}], True, ["1"]),
        ([{"name": "nobody", "id": "1"}], True, ["1"]),
        ([{"name": "echo"}], True, []),
        (["no map", {"name": " ", "id": "1"}, {"name": ["x"], "id": "2"}, {"id": "3"}], False, []),
    ],
)
def test_executed_counts_calls_handled_for_the_first_time(
    invoke: Run, calls: list[Any], executed_any: bool, executed: list[str]
) -> None:
    outputs = invoke(*calls)
    assert (outputs["executed_any"], outputs["executed"]) == (executed_any, executed)


def test_an_unknown_tool_is_answered_to_the_model(invoke: Run) -> None:
    outputs = invoke({"name": "nobody", "id": "1"})
    assert outputs["ok"] is False
    assert outputs["tool_messages"] == [
        {"role": "tool", "name": "nobody", "content": "There is no tool 'nobody'.", "tool_call_id": "1"}
    ]


@pytest.mark.rule("DATA-11")
def test_a_model_fills_what_nobody_fixed() -> None:
    node_type = get_processor("http_request").node_type
    schema = tool_schema(node_type, {"url": "https://fixed.example/", "body": ""}, frozenset({"headers"}))
    assert set(schema["properties"]) == {"method", "body"}


@pytest.mark.rule("DATA-12")
def test_a_node_without_wired_tools_gets_none(run_node: Run) -> None:
    outputs = run_node("tool_invoke", inputs={"tool_calls": [{"name": "echo", "id": "1"}]})
    assert outputs["tool_results"][0]["success"] is False


def test_the_toolbox_forwards_and_carries_no_data(run_node: Run) -> None:
    assert run_node("toolbox") == {}
    assert get_processor("toolbox").node_type.forwards_tools
