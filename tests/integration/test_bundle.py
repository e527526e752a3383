"""A folder of exports as a DAG bundle: versions, and broken exports that are import errors of their own."""

from __future__ import annotations

import json
import time

import pytest

from tests.flows import flow, node

pytestmark = pytest.mark.slow


def text_flow(flow_id: str, text: str):
    return flow(
        flow_id,
        [node("text_input.1", defaultValue=text), node("text_output.1")],
        ["text_input.1:text > text_output.1:text"],
    )


def wait_for(condition, timeout: float = 60.0):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError("it did not happen in time")


@pytest.fixture(scope="module")
def broken(airflow_server):
    document = text_flow("bundle_broken", "x")
    document["nodes"][1]["data"]["metadata"]["node_type_id"] = "text_outputt"
    document["nodes"][0]["data"]["config"]["defaultValue"] = 7
    path = airflow_server.add_workflow("bundle_broken.json", json.dumps(document, indent=2))
    airflow_server.add_workflow("bundle_malformed.yml", "id: bundle_malformed\nnodes: [\n")
    airflow_server.add_workflow("bundle_good.json", json.dumps(text_flow("bundle_good", "fine")))
    airflow_server.await_dag("flowdrop_bundle_good")
    yield path
    path.unlink()
    (airflow_server.workflows / "bundle_malformed.yml").unlink()


def test_a_broken_export_is_one_located_import_error_and_hides_nothing(airflow_server, broken):
    client = airflow_server.client()
    errors = wait_for(lambda: [item for item in client.import_errors() if "bundle_broken" in item["filename"]])

    assert len(errors) == 1
    text = errors[0]["stack_trace"]
    line = 1 + next(n for n, row in enumerate(broken.read_text().splitlines()) if "text_outputt" in row)
    assert "bundle_broken.json" in text
    assert "R9_NODE_TYPE_UNKNOWN at node.text_output.1" in text
    assert "Did you mean 'text_output'?" in text
    assert any(f"bundle_broken.json:{number}:" in text for number in range(line - 2, line + 1))
    assert airflow_server.run("flowdrop_bundle_good").summary["outputs"]["text_output.1"]["output"] == "fine"


def test_a_malformed_file_names_its_line(airflow_server, broken):
    client = airflow_server.client()
    errors = wait_for(lambda: [item for item in client.import_errors() if "bundle_malformed" in item["filename"]])

    assert "bundle_malformed.yml:3: Malformed YAML" in errors[0]["stack_trace"]


def test_a_changed_export_is_a_new_version_and_old_runs_keep_theirs(airflow_server):
    client = airflow_server.client()
    airflow_server.add_workflow("bundle_changing.json", json.dumps(text_flow("bundle_changing", "before")))
    airflow_server.await_dag("flowdrop_bundle_changing")
    first = airflow_server.run("flowdrop_bundle_changing")
    airflow_server.add_workflow("bundle_changing.json", json.dumps(text_flow("bundle_changing", "after")))

    def ran_anew():
        run = airflow_server.run("flowdrop_bundle_changing")
        return run if run.summary["outputs"]["text_output.1"]["output"] == "after" else None

    second = wait_for(ran_anew, timeout=90)
    versions = [client.run("flowdrop_bundle_changing", run_id)["bundle_version"] for run_id in (first.run_id, second.run_id)]
    assert first.summary["outputs"]["text_output.1"]["output"] == "before"
    assert first.summary["revision"] != second.summary["revision"]
    assert None not in versions
    assert versions[0] != versions[1]


GROUP = """
from airflow.sdk import DAG, task
from flowdrop_provider.dag_factory import FlowDropTaskGroup

with DAG("own_dag_with_a_flow", schedule=None):

    @task
    def words():
        return "said upstream"

    shout = FlowDropTaskGroup("shout", {path!r}, inputs={{"words": words()}})

    @task
    def after(ti=None):
        return ti.xcom_pull(task_ids="shout.flowdrop_result")["outputs"]

    shout >> after()
"""


def test_a_workflow_inside_somebodys_own_dag(airflow_server, tmp_path):
    document = flow(
        "grouped",
        [node("text_processor.1", operation="uppercase"), node("text_output.1")],
        ["text_processor.1:text > text_output.1:text"],
        input_ports=[{"name": "words", "node_id": "text_processor.1", "port": "text"}],
        output_ports=[{"name": "shouted", "node_id": "text_processor.1", "port": "text"}],
    )
    (tmp_path / "grouped.json").write_text(json.dumps(document))
    airflow_server.add_dag_file("own.py", GROUP.format(path=str(tmp_path / "grouped.json")))
    airflow_server.await_dag("own_dag_with_a_flow")
    run_id = airflow_server.client().trigger("own_dag_with_a_flow", {})
    airflow_server.client().wait("own_dag_with_a_flow", run_id)

    assert airflow_server.client().xcom("own_dag_with_a_flow", run_id, "after") == {"shouted": "SAID UPSTREAM"}


def test_the_trigger_form_asks_for_the_declared_inputs(airflow_server):
    document = text_flow("bundle_form", "x") | {
        "input_ports": [{"name": "who", "node_id": "text_input.1", "port": "data", "required": True}],
        "parameter_schema": {"type": "object", "properties": {"who": {"type": "string", "title": "Who"}}},
    }
    airflow_server.add_workflow("bundle_form.json", json.dumps(document))
    airflow_server.await_dag("flowdrop_bundle_form")
    details = airflow_server.client().get("/dags/flowdrop_bundle_form/details")

    assert details["params"]["who"]["schema"]["title"] == "Who"
    assert details["dag_display_name"] == "bundle form"
    assert {tag["name"] for tag in details["tags"]} == {"flowdrop"}
