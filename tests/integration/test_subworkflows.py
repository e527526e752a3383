"""Workflows that call workflows on a running Airflow: as a run of their own, and inline as a node or a tool."""

from __future__ import annotations

import json

import pytest

from tests.flows import flow, node
from tests.integration.scenarios import mapper
from tests.plugins.client import api, audit_trail

pytestmark = pytest.mark.slow

INNER = flow(
    "sub_shout",
    [node("text_processor.1", operation="uppercase"), node("text_output.1")],
    ["text_processor.1:text > text_output.1:text"],
    input_ports=[{"name": "words", "node_id": "text_processor.1", "port": "text"}],
    output_ports=[{"name": "shouted", "node_id": "text_processor.1", "port": "text"}],
    parameter_schema={"type": "object", "properties": {"words": {"type": "string"}}},
)

OUTER = flow(
    "sub_caller",
    [
        mapper("data_mapper.1", '{"words": "from outside"}'),
        node("workflow_executor.1", workflow_id="sub_shout", execution_mode="job_wait"),
        node("data_to_json.1"),
    ],
    ["data_mapper.1:y > workflow_executor.1:input_data", "workflow_executor.1:outputs > data_to_json.1:data"],
)

MISSING = flow("sub_nowhere", [node("workflow_executor.1", workflow_id="there_is_none", execution_mode="job_wait")])


@pytest.fixture(scope="module")
def server(airflow_server):
    for document in (INNER, OUTER, MISSING):
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    for document in (INNER, OUTER, MISSING):
        airflow_server.await_dag(f"flowdrop_{document['id']}")
    return airflow_server


def test_the_caller_waits_for_the_other_run_and_gets_its_outputs(server):
    run = server.run("flowdrop_sub_caller")

    assert run.state == "success"
    job = run.job("workflow_executor.1")
    assert job["output_data"]["status"] == "completed"
    assert json.loads(run.summary["outputs"]["data_to_json.1"]["json"]) == {"shouted": "FROM OUTSIDE"}
    children = server.client().get("/dags/flowdrop_sub_shout/dagRuns")["dag_runs"]
    parents = [child["conf"]["flowdrop"]["parent"]["run_id"] for child in children if "flowdrop" in (child["conf"] or {})]
    assert run.run_id in parents
    with api(server) as client:
        told = [entry for entry in audit_trail(client, "sub_shout") if entry["kind"] == "run"]
    assert run.run_id in {entry["details"]["parent"]["run_id"] for entry in told if "parent" in entry["details"]}


def test_a_workflow_that_is_not_there_is_said_on_the_ports(server):
    run = server.run("flowdrop_sub_nowhere")

    output = run.job("workflow_executor.1")["output_data"]
    assert output["success"] is False
    assert "there_is_none" in output["error_message"]
