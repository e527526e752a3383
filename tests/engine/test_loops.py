"""Loops: rounds, staleness, nesting, budgets, and where a run may be put aside (SG, ORC-10, BR-6)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from flowdrop_provider.engine.loops import Budget
from flowdrop_provider.engine.parameters import resolve
from flowdrop_provider.engine.state import MaxIterationsExceeded, apply_update, initial_state
from flowdrop_provider.nodes.api import NodeContext
from flowdrop_provider.nodes.iteration import Iteration
from flowdrop_provider.nodes.memory_store import InProcessMemory
from flowdrop_provider.nodes.registry import get_processor
from tests.engine.running import last, plan_of, ran, run, still_world, through_text
from tests.flows import edge, flow, node
from tests.integration.scenarios import COUNTING, FOREACH, LOOP_FAILS, NESTED, SHOWN_LOOP_BACK, mapper


def foreach_over(expression: str, **config: Any) -> dict[str, Any]:
    """A foreach over the value of an expression; its body multiplies by ten."""
    nodes = [mapper("data_mapper.2", expression), node("foreach.1", **config), mapper("data_mapper.1", "x * 10", "x")]
    edges = ["data_mapper.2:y > foreach.1:items", *FOREACH["edges"][1:3]]
    return flow("f", nodes, edges)


@pytest.mark.rule("SG-1")
def test_reducers_merge_without_changing_the_old_state() -> None:
    old = {**initial_state(), "messages": ["a"], "data": {"x": 1}, "metadata": {"m": 1}, "other": [1]}
    new = apply_update(old, {"messages": ["b"], "data": {"y": 2}, "metadata": {"m": 2}, "other": [2]})
    assert new == {**old, "messages": ["a", "b"], "data": {"x": 1, "y": 2}, "metadata": {"m": 2}, "other": [2]}
    assert (old["messages"], old["data"], old["other"]) == (["a"], {"x": 1}, [1])
    assert apply_update(old, {}) == old


@pytest.mark.rule("SG-2", "SG-3")
def test_state_reaches_those_who_declare_it_and_is_never_recorded() -> None:
    result = run(plan_of(COUNTING))
    stored = [job for job in result.jobs if job["node_id"] == "state_storage.1"]
    assert [job["output_data"]["value"] for job in stored] == [1, 2, 3]
    assert all("state_update" in job["output_data"] for job in stored), "hidden, and kept as a control output"
    assert not [name for job in result.jobs for name in job["input_data"] if name.startswith("__")]
    assert result.progress.shared["data"] == {"n": 3}


@pytest.mark.rule("SG-4")
@pytest.mark.parametrize(
    ("items", "collected"),
    [("[1, 2, 3]", [10, 20, 30]), ("5", [50]), ('{"a": 1, "b": 2}', [10, 20]), ("[]", [])],
)
def test_foreach_takes_lists_maps_and_single_values(items: str, collected: list[int]) -> None:
    result = run(plan_of(foreach_over(items)))
    output = last(result, "foreach.1")["output_data"]
    assert output == {
        "has_more": False,
        "total_count": len(collected),
        "loop_active": False,
        "collected_results": collected,
    }
    assert ran(result).count("data_mapper.1") == len(collected)


@pytest.mark.rule("SG-4")
def test_foreach_without_items_fails() -> None:
    nodes = [node("text_input.1"), node("foreach.1"), mapper("data_mapper.1", "x", "x")]
    document = flow("f", nodes, ["text_input.1:trigger > foreach.1:trigger", *FOREACH["edges"][1:3]])
    assert last(run(plan_of(document)), "foreach.1")["error"]["code"] == "missing_parameter"


@pytest.mark.rule("SG-5")
def test_an_explicit_item_result_wins_over_loop_back() -> None:
    document = foreach_over("[1, 2]", ports={"inputs": [{"id": "item_result", "exposed": True}]})
    iteration = Iteration()
    plan = plan_of(document)
    processor = get_processor("foreach")
    assert processor is not None
    for given in ({"items": [1, 2]}, {"item_result": 5, "loop_back": 6}, {"loop_back": 7}):
        params = resolve(plan.nodes["foreach.1"].node_type, plan.nodes["foreach.1"].config, given)
        processor.function(params, NodeContext("foreach.1", iteration=iteration))
    assert iteration.collected == [5, 7]


@pytest.mark.rule("SG-5")
def test_elsewhere_loop_back_is_a_signal_and_no_value() -> None:
    stored = [job for job in run(plan_of(COUNTING)).jobs if job["node_id"] == "state_storage.1"]
    assert all("loop_back" not in job["input_data"] for job in stored)


@pytest.mark.rule("SG-6")
def test_two_loopback_edges_to_one_head_dispatch_it_once() -> None:
    document = {
        **COUNTING,
        "edges": [*COUNTING["edges"], edge("boolean_gateway.1:value > state_storage.1:loop_back", "second")],
    }
    document["edges"][-1]["sourceHandle"] = "boolean_gateway.1-output-True"
    assert ran(run(plan_of(document))) == ran(run(plan_of(COUNTING)))


@pytest.mark.rule("SG-7")
@pytest.mark.parametrize("where", ["head", "workflow"])
def test_the_most_rounds_of_a_loop(where: str) -> None:
    """A loop whose branch never turns ends at its maximum: rounds are counted, not executions."""
    endless = {**COUNTING, "nodes": [dict(item) for item in COUNTING["nodes"]]}
    endless["nodes"][2] = mapper("data_mapper.1", "true", "n")
    if where == "head":
        endless["nodes"][1] = node("state_storage.1", operation="increment", key="n", maxIterations=4, ports=SHOWN_LOOP_BACK)
    else:
        endless["metadata"] = {"flowdrop": {"max_iterations": 4}}
    result = run(plan_of(endless))
    assert ran(result).count("state_storage.1") == 4
    assert result.status == "completed"
    assert any("maximum" in warning for warning in result.warnings)


@pytest.mark.rule("SG-8", "SG-17")
def test_every_execution_has_its_own_id_a_higher_order_and_a_stamp() -> None:
    result = run(plan_of(NESTED))
    executed = [job for job in result.jobs if job["status"] == "completed"]
    orders = [job["order"] for job in executed]
    assert orders == sorted(set(orders))
    assert len({job["id"] for job in executed}) == len(executed)
    assert last(result, "range.1")["round"] == []
    inner = [job["round"] for job in executed if job["node_id"] == "data_mapper.1"]
    assert inner == [[outer, item] for outer in range(3) for item in range(2)]


@pytest.mark.rule("SG-9", "EDGE-8")
def test_a_condition_gates_nothing_and_warns_at_each_resolution(caplog: pytest.LogCaptureFixture) -> None:
    document = {**FOREACH, "edges": [dict(item) for item in FOREACH["edges"]]}
    document["edges"][1] = {**document["edges"][1], "data": {"condition": "false"}}
    document["edges"][2] = {**document["edges"][2], "data": {"condition": "false"}}
    document["edges"][0] = {**document["edges"][0], "data": {"condition": ""}}
    with caplog.at_level(logging.WARNING, logger="flowdrop.engine"):
        result = run(plan_of(document))
    plain = run(plan_of(FOREACH))
    assert ran(result) == ran(plain)
    lines = [record.getMessage() for record in caplog.records if "condition" in record.getMessage()]
    assert sum("'foreach.1'" in line for line in lines) == ran(result).count("foreach.1")
    assert sum("'data_mapper.1'" in line for line in lines) == ran(result).count("data_mapper.1")
    assert not any("'range.1'" in line for line in lines)


@pytest.mark.rule("SG-10")
def test_a_loopback_from_the_trigger_port_belongs_to_no_branch() -> None:
    document = {**COUNTING, "nodes": [dict(item) for item in COUNTING["nodes"]], "edges": list(COUNTING["edges"])}
    document["edges"][3] = edge("boolean_gateway.1:trigger > state_storage.1:loop_back")
    document["nodes"][1] = node("state_storage.1", operation="increment", key="n", maxIterations=6, ports=SHOWN_LOOP_BACK)
    assert ran(run(plan_of(document))).count("state_storage.1") == 6, "the branch turned after three rounds"


@pytest.mark.rule("SG-14")
def test_an_iteration_count_past_the_maximum_ends_the_run() -> None:
    with pytest.raises(MaxIterationsExceeded) as caught:
        apply_update(initial_state(), {"iteration_count": 3}, node_id="n", max_iterations=2)
    assert all(part in str(caught.value) for part in ("3", "2", "n"))
    assert apply_update(initial_state(), {"iteration_count": 2}, max_iterations=2)["iteration_count"] == 2


@pytest.mark.rule("SG-16", "SG-18")
def test_the_body_of_a_loop_and_loops_inside_loops() -> None:
    plan = plan_of(NESTED)
    (outer,) = plan.regions.values()
    assert outer.heads == ("foreach.1",)
    assert set(outer.nodes) == {"foreach.1", "range.2", "foreach.2", "data_mapper.1", "merge.1"}
    (inner,) = [step for step in outer.steps if not isinstance(step, str)]
    assert set(inner.nodes) == {"foreach.2", "data_mapper.1"}
    assert "data_to_json.1" not in outer.nodes
    result = run(plan)
    assert last(result, "foreach.1")["output_data"]["total_count"] == 3
    starts = [job["round"] for job in result.jobs if job["node_id"] == "foreach.2" and job["output_data"].get("is_first")]
    assert starts == [[0, 0], [1, 0], [2, 0]], "a new outer round starts the inner loop at 0"


@pytest.mark.rule("SG-16", "SG-18")
def test_overlapping_loops_are_one_and_an_open_loopback_is_told() -> None:
    names = [node(f"state_storage.{number}", key="k", ports=SHOWN_LOOP_BACK) for number in range(1, 5)]
    forward = [f"state_storage.{n}:trigger > state_storage.{n + 1}:trigger" for n in range(1, 4)]
    overlapping = ["state_storage.3:trigger > state_storage.1:loop_back", "state_storage.4:trigger > state_storage.2:loop_back"]
    names.append(node("text_input.1"))
    forward.append("text_input.1:trigger > state_storage.1:trigger")
    plan = plan_of(flow("f", names, [*forward, *overlapping]))
    (region,) = plan.regions.values()
    assert region.heads == ("state_storage.1", "state_storage.2")
    assert any("overlap" in warning for warning in plan.warnings)
    opened = plan_of(flow("f", names, [*forward, "state_storage.1:trigger > state_storage.3:loop_back"]))
    assert not opened.regions
    assert any("closes no loop" in warning for warning in opened.warnings)


@pytest.mark.rule("SG-19", "BR-6")
@pytest.mark.parametrize("inside", [True, False])
def test_a_source_a_round_behind_or_superseded_does_not_count(inside: bool) -> None:
    """Inside, a node has its turn only in the round whose gateway said so; outside, only the gateway's last word counts."""
    nodes = [
        mapper("data_mapper.2", '["1", "2", "3"]'),
        node("foreach.1"),
        node("if_else.1", operator="equals", matchText="2"),
        mapper("data_mapper.1", "x", "x"),
    ]
    edges = [
        "data_mapper.2:y > foreach.1:items",
        "foreach.1:current_item > if_else.1:data",
        "if_else.1:True > data_mapper.1:trigger",
        "if_else.1:trigger > foreach.1:loop_back",
    ]
    if inside:
        edges.append("data_mapper.1:y > foreach.1:loop_back")
    result = run(plan_of(flow("f", nodes, edges)))
    assert ran(result).count("if_else.1") == 3
    rounds = [job["round"] for job in result.jobs if job["node_id"] == "data_mapper.1" and job["status"] == "completed"]
    assert rounds == ([[1]] if inside else [])


@pytest.mark.rule("ERR-10", "ERR-9", "ERR-7")
def test_an_error_edge_leaves_a_loop_in_the_round_it_happened() -> None:
    result = run(plan_of(LOOP_FAILS))
    assert result.status == "completed_with_warnings"
    failed = last(result, "data_mapper.1")
    assert (failed["status"], failed["routed"]) == ("failed", True)
    assert set(failed["output_data"]) == {"error"}


LOOPS = {"foreach": FOREACH, "nested": NESTED, "counting": COUNTING, "failing": LOOP_FAILS}


@pytest.mark.rule("ORC-10", "ORC-11", "SG-7")
@pytest.mark.parametrize("name", LOOPS)
def test_a_budget_pauses_with_a_reason_and_goes_on_from_plain_data(name: str) -> None:
    plan = plan_of(LOOPS[name])
    whole, jobs, progress, pauses = run(plan), [], None, 0
    while True:
        part = run(plan, progress=progress, budget=lambda: Budget(max_passes=0), auto_resume=False)
        jobs += part.jobs
        if part.status != "paused":
            break
        pauses += 1
        assert (part.progress.paused_reason, part.outputs) == ("pass_budget", {})
        progress = through_text(part.progress)
    assert pauses >= 2
    assert [(job["node_id"], job["round"], job["order"]) for job in jobs] == [
        (job["node_id"], job["round"], job["order"]) for job in whole.jobs
    ]
    assert (part.status, part.outputs) == (whole.status, whole.outputs)
    assert part.progress.paused_reason is None


@pytest.mark.rule("ORC-10")
def test_a_budget_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("flowdrop_provider.engine.loops.time.monotonic", lambda: float(next(clock)))
    result = run(plan_of(FOREACH), budget=lambda: Budget(max_passes=None, max_seconds=0.5, started=0.0), auto_resume=False)
    assert (result.status, result.progress.paused_reason) == ("paused", "time_budget")


@pytest.mark.rule("INT-12")
def test_only_a_budget_pause_goes_on_by_itself() -> None:
    budgets = []

    def fresh() -> Budget:
        budgets.append(Budget(max_passes=1))
        return budgets[-1]

    assert run(plan_of(FOREACH), budget=fresh).status == "completed"
    assert len(budgets) > 1
    document = foreach_over("[1, 2]")
    document["nodes"].append(node("confirmation.1", message="Go on?"))
    document["edges"] += [edge("foreach.1:trigger > confirmation.1:trigger")]
    document["edges"][2] = edge("confirmation.1:confirmed > foreach.1:loop_back")
    waiting = run(plan_of(document), budget=fresh)
    assert (waiting.status, waiting.progress.paused_reason) == ("paused", None)
    assert waiting.progress.waiting is not None


@pytest.mark.rule("DATA-5", "CMP-6")
def test_a_loop_may_begin_at_a_node_that_only_the_way_back_leads_to() -> None:
    """Real agent loops begin so; a node that no loop runs through stays left out."""
    edges = ["text_input.2:trigger > text_output.1:trigger", "text_output.1:trigger > text_input.2:loop_back"]
    nodes = [node("text_input.1"), node("text_input.2", maxIterations=3), node("text_output.1"), node("text_input.3")]
    plan = plan_of(flow("f", nodes, [*edges, "text_input.1:trigger > text_input.3:loop_back"]))
    assert plan.excluded == {"text_input.3": "loopback_only"}
    assert ran(run(plan)).count("text_output.1") == 3


def test_a_dead_end_that_writes_to_a_store_belongs_to_its_loop() -> None:
    """An agent loop appends to the conversation that it reads: once a round, and not once behind the last."""
    document = {**FOREACH, "nodes": [*FOREACH["nodes"], node("conversation_buffer.1", role="user")]}
    document["edges"] = [*FOREACH["edges"], edge("data_mapper.1:y > conversation_buffer.1:content")]
    plan = plan_of(document)
    assert "conversation_buffer.1" in plan.regions["foreach.1"].nodes
    assert "data_to_json.1" not in plan.regions["foreach.1"].nodes
    world = still_world()
    world.extras["memory"], world.session_id = InProcessMemory(), "s"
    result = run(plan, world=world)
    assert ran(result).count("conversation_buffer.1") == ran(result).count("data_mapper.1") == 4
