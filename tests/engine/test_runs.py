"""What nodes and runs end as: errors, retries, stops, branches, events (ERR, BR, ORC, CMP, OCX, SG-14)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flowdrop_provider.document.node_types import NodeType
from flowdrop_provider.engine import execution as engine_execution
from flowdrop_provider.engine.launch import launch
from flowdrop_provider.engine.runner import RunResult, run_plan
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.api import Interrupt, NodeContext, Outputs, Params, Processor, output, param
from flowdrop_provider.nodes.registry import get_processor, shipped_catalogue
from flowdrop_provider.nodes.world import World
from tests.engine.running import last, plan_of, ran, run, through_text
from tests.flows import edge, flow, node
from tests.integration.scenarios import EVENT, FOREACH, STOPPED, mapper

Double = Callable[[Params, NodeContext], Outputs]

DOUBLE = NodeType(
    id="double",
    processor="double",
    state_aware=True,
    parameters={item.name: item for item in (param("x", connectable=True), param("loop_back", connectable=True))},
    outputs={item.name: item for item in (output("y"), output("state_update", exposed=False))},
)
CATALOGUE = shipped_catalogue().extended([DOUBLE])


@pytest.fixture
def doubled(monkeypatch: pytest.MonkeyPatch) -> Callable[..., RunResult]:
    """Run a document whose node ``double.1`` is the given function."""

    def start(function: Double, edges: list[Any] = (), nodes: list[Any] = (), *, extra: Any = None, **config: Any) -> RunResult:
        mine = Processor("double", function, DOUBLE)
        monkeypatch.setattr(engine_execution, "get_processor", lambda name: mine if name == "double" else get_processor(name))
        document = flow("f", [node("double.1", **config), *nodes], edges, **(extra or {}))
        return run(plan_of(document, CATALOGUE))

    return start


def failing(*errors: Exception | None) -> tuple[Double, list[int]]:
    """A processor that raises these errors one call after the other, and the calls it had."""
    calls: list[int] = []

    def process(params: Params, context: NodeContext) -> Outputs:
        calls.append(len(calls))
        error = errors[min(len(calls), len(errors)) - 1]
        if error is not None:
            raise error
        return {"y": len(calls)}

    return process, calls


AGAIN = NodeError("Not now.", code="busy", retryable=True, details={"after": 1})
NEVER = NodeError("No.", code="broken")


@pytest.mark.rule("ERR-1", "ERR-2", "ERR-7", "EDGE-6", "ERR-13")
@pytest.mark.parametrize(("error", "retryable"), [(AGAIN, True), (NEVER, False)])
def test_the_envelope_of_a_routed_failure(doubled: Any, error: NodeError, retryable: bool) -> None:
    process, _ = failing(error)
    result = doubled(process, ["double.1:error > data_to_json.1:data"], [node("data_to_json.1")])
    envelope = last(result, "double.1")["output_data"]["error"]
    expected = {"message": error.message, "code": error.code, "node_id": "double.1", "retryable": retryable}
    assert envelope == ({**expected, "details": error.details} if error.details else expected)
    assert "data_to_json.1" in ran(result)
    assert result.status == "completed_with_warnings"


@pytest.mark.rule("ERR-3")
def test_what_is_no_node_level_error_takes_no_error_edge(doubled: Any) -> None:
    process, calls = failing(ZeroDivisionError("the cause"))
    edges = ["double.1:error > data_to_json.1:data"]
    result = doubled(process, edges, [node("data_to_json.1")], maxRetries=3)
    job = last(result, "double.1")
    assert (job["status"], job["routed"], job["output_data"], result.status) == ("failed", False, {}, "failed")
    assert "the cause" in result.error["message"]
    assert (ran(result), len(calls)) == (["double.1"], 1)


@pytest.mark.rule("ERR-11", "ERR-2")
@pytest.mark.parametrize(
    ("errors", "retries", "attempts", "status"),
    [
        ((AGAIN, None), 0, 1, "failed"),
        ((AGAIN, None), 1, 2, "completed"),
        ((AGAIN, AGAIN, AGAIN), 2, 3, "failed"),
        ((NEVER, None), 5, 1, "failed"),
        ((AGAIN, NEVER, None), 5, 2, "failed"),
    ],
)
def test_retries_are_opt_in_and_immediate(doubled: Any, errors: Any, retries: int, attempts: int, status: str) -> None:
    process, calls = failing(*errors)
    job = last(doubled(process, maxRetries=retries), "double.1")
    assert (len(calls), job["status"], job["retry_count"]) == (attempts, status, attempts - 1)
    assert [attempt["number"] for attempt in job["attempts"]] == list(range(1, attempts + 1))
    assert [attempt["error"]["code"] for attempt in job["attempts"][:-1]] == ["busy"] * (attempts - 1)


@pytest.mark.rule("ERR-11")
def test_the_retries_of_a_loop_are_counted_over_the_run(doubled: Any) -> None:
    """Every first attempt of a round fails: two retries are spent in two rounds, the third round has none."""
    process, calls = failing(AGAIN, None, AGAIN, None, AGAIN, None)
    edges = [FOREACH["edges"][0], "foreach.1:current_item > double.1:x", "double.1:y > foreach.1:loop_back"]
    result = doubled(process, edges, [node("range.1", start=1, end=4), node("foreach.1")], maxRetries=2)
    counts = [job["retry_count"] for job in result.jobs if job["node_id"] == "double.1"]
    assert (counts, len(calls), result.status) == ([1, 1, 0], 5, "failed")


@pytest.mark.rule("ERR-4")
def test_an_interrupt_takes_no_error_edge(doubled: Any) -> None:
    process, _ = failing(Interrupt("text", "What?"))
    result = doubled(process, ["double.1:error > data_to_json.1:data"], [node("data_to_json.1")])
    assert (last(result, "double.1")["status"], result.status) == ("interrupted", "paused")
    assert ran(result) == []


@pytest.mark.rule("ERR-5")
def test_a_stop_ends_the_run_as_completed() -> None:
    result = run(plan_of(STOPPED))
    assert (result.status, last(result, "stop.1")["status"]) == ("completed", "completed")
    assert {job["skip_reason"] for job in result.jobs if job["status"] == "skipped"} == {"run_stopped"}
    assert ran(result) == ["text_input.1", "stop.1"]


@pytest.mark.rule("ERR-8", "ERR-9", "ORC-11", "ERR-10")
def test_a_routed_failure_satisfies_its_error_edge_only(doubled: Any) -> None:
    process, _ = failing(NEVER)
    nodes = [node("data_to_json.1"), node("text_output.1"), node("text_output.2")]
    edges = [
        "double.1:error > data_to_json.1:data",
        "double.1:trigger > text_output.1:trigger",
        "double.1:y > text_output.2:text",
    ]
    result = doubled(process, edges, nodes)
    assert ran(result) == ["double.1", "data_to_json.1"]
    assert set(result.skipped_node_ids) == {"text_output.1", "text_output.2"}
    assert doubled(process).status == "failed"


@pytest.mark.rule("SG-14")
@pytest.mark.parametrize("loop", [False, True])
def test_an_iteration_count_past_the_maximum_ends_the_run(doubled: Any, loop: bool) -> None:
    calls: list[int] = []

    def count(params: Params, context: NodeContext) -> Outputs:
        calls.append(1)
        return {"y": 1, "state_update": {"iteration_count": len(calls) * (2 if loop else 9)}}

    edges = ["double.1:trigger > text_output.1:trigger"]
    nodes = [node("text_input.1"), node("text_output.1")]
    if loop:
        edges += ["text_input.1:trigger > double.1:trigger", "text_output.1:trigger > double.1:loop_back"]
    result = doubled(count, edges, nodes, extra={"metadata": {"flowdrop": {"max_iterations": 2}}})
    assert (result.status, result.outputs, result.progress.paused) == ("max_iterations_exceeded", {}, False)
    assert len(calls) == (2 if loop else 1)
    assert "double.1" in result.error["message"]


@pytest.mark.rule("BR-4")
def test_no_branch_is_emitted_that_no_port_carries() -> None:
    nodes = [node("text_input.1", defaultValue="blue"), node("switch_gateway.1"), node("text_output.1")]
    branches = [{"name": "Red", "value": "red"}, {"name": "", "value": "blue"}, {"name": 5, "value": "blue"}]
    nodes[1] = node("switch_gateway.1", branches=branches, default_branch="")
    result = run(
        plan_of(
            flow("f", nodes, ["text_input.1:text > switch_gateway.1:value", "switch_gateway.1:error > text_output.1:trigger"])
        )
    )
    job = last(result, "switch_gateway.1")
    assert (job["status"], job["routed"], job["active_branches"]) == ("failed", True, [])
    assert last(result, "text_output.1")["status"] == "completed"


@pytest.mark.rule("CMP-7")
def test_a_trigger_alone_decides_whether_a_node_runs() -> None:
    nodes = [
        node("text_input.1", defaultValue="no"),
        node("if_else.1", operator="equals", matchText="yes"),
        node("text_output.1"),
        node("prompt_template.1", template="t"),
    ]
    edges = [
        "text_input.1:text > if_else.1:data",
        "if_else.1:True > prompt_template.1:trigger",
        "prompt_template.1:prompt > text_output.1:text",
        "text_input.1:trigger > text_output.1:trigger",
    ]
    result = run(plan_of(flow("f", nodes, edges)))
    assert ran(result)[-1] == "text_output.1"
    assert result.skipped_node_ids == ["prompt_template.1"]


@pytest.mark.rule("OCX-1")
def test_an_event_is_flat_and_comes_out_whole() -> None:
    plan = plan_of(EVENT)
    event = {"id": 7, "payload": {"a": 1}, "trigger_node_id": "trigger.1"}
    result = run_plan(plan, launch(plan, initial_data=event), World())
    assert last(result, "trigger.1")["output_data"]["data"] == event


@pytest.mark.rule("MAN-11", "MAN-17")
def test_declared_inputs_and_outputs() -> None:
    nodes = [mapper("data_mapper.1", "null"), node("text_processor.1", operation="uppercase")]
    entries = [("none", "data_mapper.1", "y"), ("text", "text_processor.1", "text"), ("gone", "text_processor.1", "nope")]
    outputs = [{"name": name, "node_id": node_id, "port": port} for name, node_id, port in entries]
    document = flow(
        "f", nodes, input_ports=[{"name": "in", "node_id": "text_processor.1", "port": "text"}], output_ports=outputs
    )
    result = run(plan_of(document), {"in": "loud"})
    assert result.outputs == {"none": None, "text": "LOUD"}
    assert any("'gone'" in warning for warning in result.warnings)


@pytest.mark.rule("CMP-8")
def test_nodes_run_in_the_plans_order_each_once() -> None:
    nodes = [node(f"text_output.{number}") for number in (3, 1, 2)]
    plan = plan_of(flow("f", nodes, [edge("text_output.3:trigger > text_output.1:trigger")]))
    assert ran(run(plan)) == list(plan.order)
    again = through_text(run(plan).progress)
    assert run(plan, progress=again).jobs == [], "nothing is ready any more: the run is quiet"
