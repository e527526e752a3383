"""Workflows inside workflows, inline: as a node, as a tool, in circles (MAN-9, MAN-11, MAN-13, MAN-17)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flowdrop_provider.document.node_types import NodeType, Output, Parameter
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.runner import RunResult
from flowdrop_provider.engine.subworkflows import InlineWorkflows
from flowdrop_provider.nodes.registry import shipped_catalogue
from flowdrop_provider.nodes.world import World
from tests.engine.running import last, plan_of, ran, run
from tests.flows import edge, flow, node
from tests.integration.scenarios import BAD_PATTERN, mapper

TEXT: dict[str, Any] = {"type": "string"}


def as_node(workflow_id: str) -> NodeType:
    """The type of a workflow used as a node: its inputs as parameters, its outputs as ports."""
    words = Parameter(name="words", schema_=TEXT, connectable=True)
    return NodeType(
        id=f"run_{workflow_id}",
        processor="workflow_executor",
        executor_plugin=f"flowdrop_workflow_executor:flowdrop_workflow:{workflow_id}",
        derivative=workflow_id,
        parameters={"words": words},
        outputs={"shouted": Output(name="shouted", schema_={})},
    )


CATALOGUE = shipped_catalogue().extended([as_node(name) for name in ("inner", "broken", "asks", "ring", "nowhere")])
ENTRY = [{"name": "words", "node_id": "text_processor.1", "port": "text"}]
RESULT = [{"name": "shouted", "node_id": "text_processor.1", "port": "text"}]
SHOUT = node("text_processor.1", operation="uppercase")

DOCUMENTS = {
    "inner": flow("inner", [SHOUT], input_ports=ENTRY, output_ports=RESULT),
    "broken": flow(
        "broken", [SHOUT, node("if_else.1", **BAD_PATTERN)], ["text_processor.1:text > if_else.1:data"], input_ports=ENTRY
    ),
    "asks": flow("asks", [node("confirmation.1", message="Sure?")]),
    "ring": flow("ring", [node("run.1", "run_ring")]),
}


def plans(name: str) -> Plan | None:
    return plan_of(DOCUMENTS[name], CATALOGUE) if name in DOCUMENTS else None


def call(workflow_id: str, edges: list[Any] = (), *more: Any) -> RunResult:
    """Run a document whose node ``run.1`` is the workflow."""
    nodes = [node("text_input.1", defaultValue="hey"), node("run.1", f"run_{workflow_id}"), *more]
    document = flow("outer", nodes, ["text_input.1:text > run.1:words", *edges])
    world = World()
    return run(plan_of(document, CATALOGUE), world=replace(world, extras={"workflows": InlineWorkflows(plans, world)}))


@pytest.mark.rule("MAN-11", "MAN-17")
def test_a_workflow_as_a_node_takes_inputs_and_gives_outputs_by_name() -> None:
    result = call("inner", ["run.1:shouted > text_output.1:text"], node("text_output.1"))
    assert last(result, "run.1")["output_data"] == {"shouted": "HEY"}
    assert last(result, "text_output.1")["input_data"]["text"] == "HEY"


@pytest.mark.rule("ERR-7", "ERR-13")
def test_what_fails_inside_fails_the_node_and_may_be_routed() -> None:
    result = call("broken", ["run.1:error > data_to_json.1:data"], node("data_to_json.1"))
    envelope = last(result, "run.1")["output_data"]["error"]
    assert (envelope["code"], envelope["node_id"], envelope["details"]["workflow_id"]) == ("workflow_failed", "run.1", "broken")
    assert envelope["details"]["error"]["node_id"] == "if_else.1"
    assert "data_to_json.1" in ran(result)


@pytest.mark.parametrize(
    ("workflow_id", "code"), [("ring", "workflow_failed"), ("nowhere", "workflow_missing"), ("asks", "workflow_waits")]
)
def test_what_cannot_run_inside_says_why(workflow_id: str, code: str) -> None:
    job = last(call(workflow_id), "run.1")
    assert (job["status"], job["error"]["code"]) == ("failed", code)
    if workflow_id == "ring":
        assert job["error"]["details"]["error"]["code"] == "workflow_recursion"
        assert "ring -> ring" in job["error"]["message"]


def test_the_same_workflow_twice_in_a_row_is_no_circle() -> None:
    second = node("run.2", "run_inner")
    result = call("inner", ["run.1:shouted > run.2:words"], second)
    assert (result.status, last(result, "run.2")["output_data"]) == ("completed", {"shouted": "HEY"})


def test_a_workflow_as_a_tool() -> None:
    calls = """[{"name": "run_inner", "id": "1", "args": {"words": "hey"}}]"""
    nodes = [mapper("data_mapper.1", calls), node("tool_invoke.1"), node("run.1", "run_inner")]
    document = flow("outer", nodes, ["data_mapper.1:y > tool_invoke.1:tool_calls", edge("run.1:tool > tool_invoke.1:tool")])
    world = World()
    world.extras["workflows"] = InlineWorkflows(plans, world)
    result = run(plan_of(document, CATALOGUE), world=world)
    (outcome,) = last(result, "tool_invoke.1")["output_data"]["tool_results"]
    assert outcome["data"] == {"shouted": "HEY"}
