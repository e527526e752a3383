"""Runs that do not do everything themselves, and runs that are told to stop or to wait (INT, ORC-12, ORC-15)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowdrop_provider.engine.reuse import seed
from flowdrop_provider.engine.runner import RunResult
from flowdrop_provider.engine.snapshots import refuse_terminal, seed_from, snapshot_of, validate_snapshot
from flowdrop_provider.errors import SnapshotError
from tests.engine.running import last, plan_of, ran, run, through_text
from tests.engine.test_interrupts import ASK_EACH
from tests.flows import chain, flow, node
from tests.integration.scenarios import IF, mapper

CHAIN = chain("chain", 4)
BRANCH = flow(
    "branch",
    [node("chat_input.1"), node("if_else.1", **IF), node("text_output.1"), node("text_output.2")],
    [
        "chat_input.1:message > if_else.1:data",
        "if_else.1:True > text_output.1:trigger",
        "if_else.1:False > text_output.2:trigger",
    ],
)
LOOP = flow(
    "loop",
    [
        mapper("data_mapper.1", "[1, 2, 3]"),
        node("foreach.1"),
        mapper("data_mapper.2", "x * 10", "x"),
        node("data_to_json.1"),
        node("text_output.1"),
    ],
    [
        "data_mapper.1:y > foreach.1:items",
        "foreach.1:current_item > data_mapper.2:x",
        "data_mapper.2:y > foreach.1:loop_back",
        "foreach.1:collected_results > data_to_json.1:data",
        "data_to_json.1:json > text_output.1:text",
    ],
)


def snapshot(document: dict[str, Any], result: RunResult, **changes: Any) -> dict[str, Any]:
    taken = snapshot_of(plan_of(document), result.jobs, execution_id="run-1", status=result.status)
    return {**json.loads(json.dumps(taken)), **changes}


def signals(*given: str | None) -> Any:
    told = iter(given)
    return lambda: next(told, None)


@pytest.mark.rule("INT-6")
def test_a_snapshot_tells_what_each_node_did() -> None:
    result = run(plan_of(BRANCH), {"message": "yes"})
    taken = snapshot_of(
        plan_of(BRANCH), result.jobs, execution_id="run-1", status="completed", initial_input={"message": "yes"},
        metadata={"engine": "local"},
    )  # fmt: skip
    assert list(taken) == [
        "workflowId", "workflowVersion", "executionId", "status", "initialInput", "metadata", "nodeStates", "iterationCount",
        "threadId", "createdAt", "updatedAt",
    ]  # fmt: skip
    assert (taken["workflowId"], taken["executionId"], taken["status"]) == ("branch", "run-1", "completed")
    assert taken["workflowVersion"] == plan_of(BRANCH).revision[:16]
    states = taken["nodeStates"]
    assert {node_id: state["status"] for node_id, state in states.items()} == {
        "chat_input.1": "completed",
        "if_else.1": "completed",
        "text_output.1": "completed",
        "text_output.2": "skipped",
    }
    assert states["if_else.1"]["jobId"] == last(result, "if_else.1")["id"]
    assert states["if_else.1"]["executionOrder"] == 2
    assert "output" not in states["text_output.2"]
    assert states["text_output.2"]["skipReason"] == "branch_not_active"
    unknown = snapshot_of(None, [{"node_id": "a", "status": "odd"}], execution_id="x", status="failed")
    assert (unknown["workflowId"], unknown["workflowVersion"]) == ("unknown", "")
    assert unknown["nodeStates"]["a"]["status"] == "idle"


@pytest.mark.rule("INT-6", "INT-13")
def test_errors_and_cancelled_jobs_in_a_snapshot() -> None:
    jobs = [
        {"node_id": "a", "status": "failed", "error": {"code": "x"}, "order": 1, "output_data": {"not": "shown"}},
        {"node_id": "b", "status": "cancelled", "order": 2},
    ]
    taken = snapshot_of(None, jobs, execution_id="x", status="cancelled")
    assert taken["status"] == "cancelled", "told, not derived from the nodes"
    assert taken["nodeStates"]["a"]["error"] == {"code": "x"}
    assert "output" not in taken["nodeStates"]["a"]
    assert taken["nodeStates"]["b"]["status"] == "skipped"


@pytest.mark.rule("INT-8")
def test_what_speaks_against_a_snapshot() -> None:
    plan, result = plan_of(CHAIN), run(plan_of(CHAIN))
    assert validate_snapshot(plan, snapshot(CHAIN, result)).errors == []
    assert validate_snapshot(plan, snapshot(CHAIN, result, workflowVersion="")).errors == []
    old = validate_snapshot(plan, snapshot(CHAIN, result, workflowVersion="0123"))
    assert [finding["code"] for finding in old.errors] == ["SNAPSHOT_VERSION"]
    states = snapshot(CHAIN, result)["nodeStates"]
    del states["text_processor.1"]
    states |= {"ghost": {"status": "idle"}, "text_processor.3": {**states["text_processor.3"], "injected": True}}
    found = validate_snapshot(plan, snapshot(CHAIN, result, nodeStates=states))
    assert {(item["code"], item["node_id"]) for item in found.errors} == {
        ("SNAPSHOT_NODE_UNKNOWN", "ghost"),
        ("SNAPSHOT_DEPENDENCY", "text_processor.2"),
    }
    assert {(item["code"], item["node_id"]) for item in found.warnings} == {
        ("SNAPSHOT_NODE_MISSING", "text_processor.1"),
        ("SNAPSHOT_INJECTED", "text_processor.3"),
    }


@pytest.mark.rule("INT-10", "ORC-12")
def test_a_seeded_run_executes_only_the_rest() -> None:
    plan, full = plan_of(CHAIN), run(plan_of(CHAIN))
    states = snapshot(CHAIN, full)["nodeStates"]
    del states["text_processor.3"]
    found = seed_from(plan, snapshot(CHAIN, full, nodeStates=states))
    result = run(plan, seed=found)
    assert (result.status, result.outputs, result.seeded) == (full.status, full.outputs, 3)
    assert [job["node_id"] for job in result.jobs if not job["injected"]] == ["text_processor.3"]
    given = last(result, "text_processor.1")
    assert (given["status"], given["injected"]["source"], given["attempts"]) == ("completed", "run-1", [])
    assert given["injected"]["at"]
    assert given["output_data"] == last(full, "text_processor.1")["output_data"]
    assert last(result, "text_processor.3")["injected"] is None


@pytest.mark.rule("INT-10")
@pytest.mark.parametrize("from_node", CHAIN["nodes"], ids=lambda item: item["id"])
def test_from_one_node_on(from_node: dict[str, Any]) -> None:
    plan, full = plan_of(CHAIN), run(plan_of(CHAIN))
    names = [item["id"] for item in CHAIN["nodes"]]
    result = run(plan, seed=seed_from(plan, snapshot(CHAIN, full), from_node=from_node["id"]))
    executed = [job["node_id"] for job in result.jobs if not job["injected"]]
    assert executed == names[names.index(from_node["id"]) :]
    assert result.outputs == full.outputs


def test_a_branch_that_was_chosen_stays_chosen() -> None:
    plan, full = plan_of(BRANCH), run(plan_of(BRANCH), {"message": "yes"})
    result = run(plan, {"message": "no"}, seed=seed_from(plan, snapshot(BRANCH, full), from_node="text_output.1"))
    assert ran(result) == ["chat_input.1", "if_else.1", "text_output.1"]
    assert last(result, "text_output.2")["status"] == "skipped"


def test_a_finished_loop_is_taken_over_whole_and_half_a_loop_not_at_all() -> None:
    plan, full = plan_of(LOOP), run(plan_of(LOOP))
    result = run(plan, seed=seed_from(plan, snapshot(LOOP, full), from_node="text_output.1"))
    assert [job["node_id"] for job in result.jobs if not job["injected"]] == ["text_output.1"]
    assert result.outputs == full.outputs
    states = snapshot(LOOP, full)["nodeStates"]
    states["data_mapper.2"] = {"status": "failed", "error": {}}
    half = seed(plan, {"data_mapper.1": states["data_mapper.1"]["output"], "foreach.1": states["foreach.1"]["output"]}, "run-1")
    assert half.passed_over == {"foreach.1": "loop_unfinished"}
    assert run(plan, seed=half).outputs == full.outputs


def test_what_was_cut_or_masked_is_computed_again() -> None:
    plan, full = plan_of(CHAIN), run(plan_of(CHAIN))
    last(full, "text_processor.2")["truncated"]["output_data.text"] = 70_000
    found = seed_from(plan, snapshot(CHAIN, full))
    assert "text_processor.2" not in found.outcomes
    assert run(plan, seed=found).outputs == full.outputs


@pytest.mark.rule("INT-14", "INT-15")
def test_what_is_refused_before_there_is_a_run() -> None:
    plan, full = plan_of(CHAIN), run(plan_of(CHAIN))
    with pytest.raises(SnapshotError, match="'run-1' has ended \\(completed\\)") as ended:
        refuse_terminal(snapshot(CHAIN, full))
    assert ended.value.code == "SNAPSHOT_TERMINAL"
    refuse_terminal(snapshot(CHAIN, full, status="paused"))
    with pytest.raises(SnapshotError) as other:
        seed_from(plan, snapshot(CHAIN, full, workflowVersion="0123"))
    assert (other.value.code, len(other.value.findings)) == ("SNAPSHOT_INVALID", 1)
    stateful = plan_of(flow("s", [node("text_input.1"), node("state_storage.1")], ["text_input.1:text > state_storage.1:data"]))
    with pytest.raises(SnapshotError) as shared:
        seed(stateful, {}, "run-1")
    assert shared.value.code == "SNAPSHOT_STATE_SHARED"
    with pytest.raises(SnapshotError) as unknown:
        seed(plan, {}, "run-1", from_node="ghost")
    assert unknown.value.code == "SNAPSHOT_NODE_UNKNOWN"


def test_pinned_outputs_stand_in_for_an_execution() -> None:
    pins = {"if_else.1": {"active_branches": ["False"]}, "chat_input.1": {"message": "pinned", "hidden": 1}}
    result = run(plan_of(BRANCH), {"message": "yes"}, pins=pins)
    assert ran(result) == ["chat_input.1", "if_else.1", "text_output.2"]
    assert last(result, "if_else.1")["injected"]["source"] == "pin"
    assert last(result, "if_else.1")["attempts"] == []
    assert last(result, "text_output.2")["injected"] is None


def test_a_pin_in_a_loop_holds_in_every_round() -> None:
    result = run(plan_of(LOOP), pins={"data_mapper.2": {"y": 7}})
    assert json.loads(last(result, "data_to_json.1")["output_data"]["json"]) == [7, 7, 7]
    assert [job["round"] for job in result.jobs if job["node_id"] == "data_mapper.2"] == [[0], [1], [2]]


def test_a_pin_that_is_no_json_fails_its_node_and_not_the_process() -> None:
    result = run(plan_of(CHAIN), pins={"text_processor.1": {"text": {1, 2}}})
    assert (result.status, result.error["code"]) == ("failed", "output_not_serializable")


@pytest.mark.rule("INT-5", "ORC-15", "ORC-11")
@pytest.mark.parametrize(
    ("document", "done"), [(CHAIN, ["text_input.1", "text_processor.1"]), (LOOP, ["data_mapper.1", "foreach.1"])]
)
def test_a_cancelled_run_finishes_what_is_under_way_and_starts_nothing(document: dict[str, Any], done: list[str]) -> None:
    result = run(plan_of(document), signals=signals(None, None, "cancel"))
    assert (result.status, result.outputs, ran(result)) == ("cancelled", {}, done)
    skipped = {job["node_id"]: job["skip_reason"] for job in result.jobs if job["status"] == "skipped"}
    assert set(skipped) == {item["id"] for item in document["nodes"]} - set(done)
    assert set(skipped.values()) == {"run_cancelled"}
    assert run(plan_of(document), progress=through_text(result.progress)).jobs == [], "ended runs are never entered again"


@pytest.mark.rule("INT-5", "INT-12")
@pytest.mark.parametrize("document", [CHAIN, LOOP])
def test_a_paused_run_goes_on_where_it_stood(document: dict[str, Any]) -> None:
    whole, plan = run(plan_of(document)), plan_of(document)
    paused = run(plan, signals=signals(None, None, "pause"))
    assert (paused.status, paused.progress.paused_reason, len(ran(paused))) == ("paused", "pause_asked", 2)
    rest = run(plan, progress=through_text(paused.progress))
    assert (rest.status, rest.outputs, ran(paused) + ran(rest)) == (whole.status, whole.outputs, ran(whole))


def test_a_question_inside_a_seeded_run_is_asked() -> None:
    plan = plan_of(ASK_EACH)
    assert run(plan, seed=seed(plan, {"data_mapper.2": {"y": [1]}}, "run-1")).progress.waiting.node_id == "confirmation.1"
