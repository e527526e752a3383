"""The confirmation gate on a running Airflow: a node's task, a tool's consumer and a loop ask before they act (RT-GATE)."""

from __future__ import annotations

import json

import pytest

from tests.flows import edge, flow, node
from tests.integration.scenarios import mapper
from tests.integration.test_waiting import Questions
from tests.plugins.client import api

pytestmark = pytest.mark.slow

#: A site's node type that asks; the processor behind it has no effects of its own.
GATED = """
id: gated_text
label: Publish
executor_plugin: 'flowdrop_node_processor:text_processor'
confirmation: {policy: ask}
"""

NODE = flow(
    "gate_node",
    [
        node("text_input.1", defaultValue="hello"),
        node("gated_text.1", label="Publish", operation="uppercase"),
        node("text_output.1"),
        node("data_to_json.1"),
    ],
    [
        "text_input.1:text > gated_text.1:text",
        "gated_text.1:text > text_output.1:text",
        edge("gated_text.1:error > data_to_json.1:data"),
    ],
)

CALLS = '[{"name": "shout", "id": "1", "args": {"text": "a"}}, {"name": "shout", "id": "2", "args": {"text": "b"}}]'
TOOL = flow(
    "gate_tool",
    [
        mapper("data_mapper.1", CALLS),
        node("tool_invoke.1"),
        node("gated_text.1", label="Shout", operation="uppercase", instanceTitle="Shout"),
    ],
    ["data_mapper.1:y > tool_invoke.1:tool_calls", edge("gated_text.1:tool > tool_invoke.1:tool")],
)


@pytest.fixture(scope="module")
def questions(airflow_server):
    airflow_server.add_workflow("flowdrop_node_type.flowdrop_node_type.gated_text.yml", GATED)
    for document in (NODE, TOOL):
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    for document in (NODE, TOOL):
        airflow_server.await_dag(f"flowdrop_{document['id']}")
    return Questions(airflow_server)


@pytest.mark.rule("RT-GATE-1", "RT-GATE-4")
@pytest.mark.parametrize("option", ["Approve", "Decline"])
def test_a_node_asks_before_it_acts(questions, airflow_server, option):
    run_id = questions.start("flowdrop_gate_node")
    asked = questions.wait_for("flowdrop_gate_node", run_id, "gated_text.1", subject="Run Publish?")
    with api(airflow_server) as client:
        shown = [item for item in client.get("/interrupts").json()["data"] if item["nodeId"] == "gated_text.1"]
    questions.answer("flowdrop_gate_node", run_id, "gated_text.1", option)
    run = airflow_server.finished("flowdrop_gate_node", run_id)

    assert "- text: hello" in asked["body"]
    assert (shown[0]["type"], bool(shown[0]["expiresAt"])) == ("confirmation", True)
    assert run.state == "success"
    if option == "Approve":
        assert run.summary["status"] == "completed"
        assert run.summary["outputs"]["text_output.1"]["output"] == "HELLO"
    else:
        assert run.summary["status"] == "completed_with_warnings"
        error = run.job("gated_text.1")["error"]
        assert (error["code"], error["details"]["user_id"]) == ("confirmation_declined", "admin")


@pytest.mark.rule("RT-GATE-5")
def test_a_tool_asks_through_the_node_that_calls_it(questions, airflow_server):
    run_id = questions.start("flowdrop_gate_tool")
    for text, option in (("a", "Approve"), ("b", "Decline")):
        path = f"/dags/flowdrop_gate_tool/dagRuns/{run_id}/taskInstances/tool_invoke.1/-1/hitlDetails"
        questions.wait_for("flowdrop_gate_tool", run_id, "tool_invoke.1", subject="Run Shout?")
        assert f"- text: {text}" in questions.client.get(path)["body"]
        questions.answer("flowdrop_gate_tool", run_id, "tool_invoke.1", option)
    run = airflow_server.finished("flowdrop_gate_tool", run_id)

    assert run.state == "success"
    results = run.job("tool_invoke.1")["output_data"]["tool_results"]
    assert [(item["success"], item["error"]) for item in results] == [(True, None), (False, "A person declined it.")]
