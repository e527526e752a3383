"""What becomes of a run when a node fails, is skipped, or fails for good (ERR, BR-7, VAL-LAUNCH's other half)."""

from __future__ import annotations

from typing import Any

import pytest

from flowdrop_provider.document.normalise import read_workflow
from flowdrop_provider.engine.compile import compile_workflow
from flowdrop_provider.engine.launch import launch
from flowdrop_provider.engine.runner import RunResult, run_plan
from flowdrop_provider.nodes.registry import shipped_catalogue
from flowdrop_provider.nodes.world import World
from tests.flows import flow, node

#: A pattern that does not compile fails its node.
BAD = {"operator": "regex", "matchText": "/(/"}
NODES = [
    node("text_input.1", defaultValue="x"),
    node("if_else.1", **BAD),
    node("text_output.1"),
    node("text_processor.1", operation="trim"),
]
FEED = "text_input.1:text > if_else.1:data"


def run(nodes: list[dict[str, Any]], edges: list[str]) -> RunResult:
    plan = compile_workflow(read_workflow(flow("f", nodes, edges)), shipped_catalogue())
    return run_plan(plan, launch(plan), World())


def jobs(result: RunResult) -> dict[str, Any]:
    return {job["node_id"]: job for job in result.jobs}


@pytest.mark.rule("ERR-1", "ERR-7", "ERR-9", "EDGE-6")
def test_a_routed_failure() -> None:
    result = run(NODES, [FEED, "if_else.1:error > text_output.1:text", "if_else.1:True > text_processor.1:trigger"])
    failed = jobs(result)["if_else.1"]
    assert (failed["status"], failed["routed"], result.status) == ("failed", True, "completed_with_warnings")
    assert {"message", "code", "node_id", "retryable"} <= set(failed["output_data"]["error"])
    assert failed["output_data"]["error"]["node_id"] == "if_else.1"
    assert jobs(result)["text_output.1"]["status"] == "completed"
    assert result.skipped_node_ids == ["text_processor.1"]


@pytest.mark.rule("ERR-8", "ERR-9", "ORC-11")
def test_an_unrouted_failure() -> None:
    result = run(NODES, [FEED, "if_else.1:True > text_output.1:trigger"])
    failed = jobs(result)["if_else.1"]
    assert (failed["status"], failed["routed"], result.status) == ("failed", False, "failed")
    assert failed["output_data"] == {}
    assert result.error["node_id"] == "if_else.1"
    assert "text_output.1" in result.skipped_node_ids


@pytest.mark.rule("BR-7")
def test_a_node_on_an_inactive_branch() -> None:
    nodes = [NODES[0], node("if_else.1", operator="equals", matchText="x"), *NODES[2:]]
    result = run(nodes, [FEED, "if_else.1:True > text_output.1:trigger", "if_else.1:False > text_processor.1:trigger"])
    skipped = jobs(result)["text_processor.1"]
    assert (skipped["status"], skipped["skip_reason"]) == ("skipped", "branch_not_active")
    assert (result.skipped_node_ids, result.status) == (["text_processor.1"], "completed")
