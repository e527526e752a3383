"""A scripted client that does what FlowDrop's editor does (measured in a browser), on a running Airflow."""

from __future__ import annotations

import json
import time

import pytest
import yaml

from tests.flows import flow, node
from tests.integration.scenarios import BAD_PATTERN, IF
from tests.plugins.client import ENDED, editor, follow, started
from tests.plugins.test_workflow_shapes import assert_drawable

pytestmark = pytest.mark.slow

DRAWN = {"pending", "running", "completed", "failed", "cancelled", "skipped"}

BRANCHING = flow(
    "api_branching",
    [
        node("chat_input.1"),
        node("if_else.1", **IF),
        node("prompt_template.1", template="agreed"),
        node("prompt_template.2", template="refused"),
        node("text_output.1"),
        node("note.1", content="Explains it."),
    ],
    [
        "chat_input.1:message > if_else.1:data",
        "if_else.1:True > prompt_template.1:trigger",
        "if_else.1:False > prompt_template.2:trigger",
        "prompt_template.2:prompt > text_output.1:text",
    ],
)
FAILING = flow(
    "api_failing",
    [node("text_input.1", defaultValue="x"), node("if_else.1", **BAD_PATTERN), node("text_output.1")],
    ["text_input.1:text > if_else.1:data", "if_else.1:True > text_output.1:trigger"],
)
LOOPING = flow(
    "api_looping",
    [
        node("text_input.1", defaultValue="a b c"),
        node("data_mapper.1", engine="expression_language", dynamicInputs=[],
             dynamicOutputs=[{"name": "items", "value": "[1, 2, 3]"}]),
        node("foreach.1"),
        node("data_to_json.1"),
    ],
    [
        "text_input.1:text > data_mapper.1:data",
        "data_mapper.1:items > foreach.1:items",
        "foreach.1:item > data_to_json.1:data",
        "data_to_json.1:json > foreach.1:loop_back",
    ],
)  # fmt: skip
ASKING = flow(
    "api_asking",
    [node("text_input.1", defaultValue="Publish?"), node("confirmation.1"), node("text_output.1"), node("text_output.2")],
    [
        "text_input.1:text > confirmation.1:message",
        "confirmation.1:True > text_output.1:trigger",
        "confirmation.1:False > text_output.2:trigger",
    ],
)
ALL = (BRANCHING, FAILING, LOOPING, ASKING)


@pytest.fixture(scope="module")
def page(airflow_server):
    for document in ALL:
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    for document in ALL:
        airflow_server.await_dag(f"flowdrop_{document['id']}")
    with editor(airflow_server) as client:
        yield client


def statuses(answer):
    """The badge of each node: the last job in the list wins."""
    return {job["node_id"]: job["status"] for job in answer["jobs"]}


@pytest.fixture(scope="module")
def branching_run(page):
    pipeline = started(page, "api_branching", inputs={"message": "no"})
    return pipeline, follow(page, pipeline)


def test_the_page_loads_before_there_is_a_run(page):
    workflow = page.get("/workflows/api_branching").json()
    nodes = page.get("/nodes?", headers={"Content-Type": "application/json"}).json()

    assert workflow["success"] is nodes["success"] is True
    assert_drawable(workflow["data"])
    assert {item["id"] for item in workflow["data"]["nodes"]} == {item["id"] for item in BRANCHING["nodes"]}
    gate = next(item for item in workflow["data"]["nodes"] if item["id"] == "if_else.1")
    assert gate["data"]["config"]["matchText"] == "yes", "the document, not only the drawing"
    assert len(nodes["data"]) > 50
    assert page.get("/port-config").json()["data"]["dataTypes"]
    assert page.get("/categories").json()["data"]


@pytest.mark.rule("PIPE-1")
def test_a_branching_run_is_followed_to_its_end(branching_run, page):
    pipeline, answers = branching_run

    assert answers[0]["status"] == "running", "a queued run that answers otherwise is never polled again"
    assert answers[-1]["status"] == "completed"
    for answer in answers:
        assert set(statuses(answer).values()) <= DRAWN
        assert answer["success"] is True
        assert answer["data"]["id"] == pipeline
    assert statuses(answers[-1]) == {
        "chat_input.1": "completed",
        "if_else.1": "completed",
        "prompt_template.1": "skipped",
        "prompt_template.2": "completed",
        "text_output.1": "completed",
    }
    assert answers[-1]["data"]["execution_data"]["input"] == {"message": "no"}
    assert answers[-1]["data"]["execution_data"]["output"]["text_output.1"]["output"] == "refused"
    assert page.get(f"/executions/{pipeline}").json()["data"]["status"] == "completed"


def test_a_failing_run_says_which_node_and_why(page):
    final = follow(page, started(page, "api_failing"))[-1]

    assert final["status"] == "failed"
    assert statuses(final)["if_else.1"] == "failed"
    assert statuses(final)["text_output.1"] == "skipped"
    failed = next(job for job in final["jobs"] if job["node_id"] == "if_else.1")
    assert failed["error_message"].startswith("The regular expression does not compile")


def test_a_looping_run_counts_its_rounds(page):
    final = follow(page, started(page, "api_looping"))[-1]
    body = [job for job in final["jobs"] if job["node_id"] == "data_to_json.1"]

    assert final["status"] == "completed"
    assert [job["execution_count"] for job in body] == [1, 2, 3]
    assert [job["status"] for job in body] == ["completed"] * 3


@pytest.mark.rule("INT-1")
def test_an_interrupted_run_waits_for_its_answer_and_goes_on(page):
    pipeline = started(page, "api_asking")
    deadline = time.monotonic() + 90
    while not (open_ := page.get(f"/pipelines/{pipeline}/interrupts", params={"status": "pending"}).json()["data"]):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    waiting = page.get(f"/pipeline/{pipeline}").json()

    assert (waiting["status"], waiting["data"]["status"]) == ("running", "paused"), "or the editor would stop polling"
    assert statuses(waiting)["confirmation.1"] == "pending"
    assert page.get(f"/pipeline/{pipeline}/status").json()["data"]["pendingInterrupt"] == {"nodeId": "confirmation.1"}
    answer = page.post(f"/interrupts/{open_[0]['id']}", json={"value": False})
    assert answer.json()["data"]["status"] == "resolved"
    answers = follow(page, pipeline)
    assert answers[-1]["status"] == "completed"
    assert statuses(answers[-1]) == {
        "text_input.1": "completed",
        "confirmation.1": "completed",
        "text_output.1": "skipped",
        "text_output.2": "completed",
    }


@pytest.mark.rule("INT-16")
def test_a_run_is_stopped(page, airflow_server):
    airflow_server.add_dag_file("slow.py", SLOW)
    airflow_server.await_dag("flowdrop_api_slow")
    pipeline = started(page, "flowdrop_api_slow")
    stopped = page.post(f"/pipeline/{pipeline}/stop", json={"reason": "Enough."})
    again = page.post(f"/executions/{pipeline}/cancel")

    assert stopped.status_code == 200, stopped.text
    assert again.status_code == 409
    assert again.json()["error_code"] == "PIPELINE_TERMINAL"
    final = follow(page, pipeline)[-1]
    assert final["status"] == final["data"]["status"] == "cancelled"
    trace = page.get(f"/runs/{pipeline}/trace").json()["data"]["run"]
    assert trace["note"] == "Cancelled by admin through FlowDrop. Enough."
    audit = page.get("/audit", params={"workflow_id": "flowdrop_api_slow", "event": "flowdrop_cancel"}).json()["data"]
    assert [(entry["user"], entry["pipeline_id"]) for entry in audit] == [("admin", pipeline)] * 2


SLOW = """
import time
from airflow.sdk import DAG, task

with DAG("flowdrop_api_slow", schedule=None, tags=["flowdrop"]):
    @task
    def sleeper():
        time.sleep(120)

    @task(trigger_rule="all_done")
    def flowdrop_result():
        return {}

    sleeper() >> flowdrop_result()
"""


def test_log_lines_by_node_and_level(branching_run, page):
    pipeline, _ = branching_run
    lines = page.get(f"/pipeline/{pipeline}/logs").json()["data"]

    assert {line["node_id"] for line in lines} >= {"chat_input.1", "if_else.1", "text_output.1"}
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in lines)
    one = page.get(f"/executions/{pipeline}/logs", params={"node_id": "if_else.1", "limit": 3}).json()
    assert {line["node_id"] for line in one["data"]} == {"if_else.1"}
    assert len(one["data"]) == 3
    assert page.get(f"/pipeline/{pipeline}/logs", params={"level": "error"}).json()["data"] == []


@pytest.mark.rule("API-5", "API-6")
def test_lists_of_runs(branching_run, page):
    pipeline, _ = branching_run
    found = page.get("/workflow/api_branching/pipelines").json()

    assert found["pipelines"] == found["data"]
    assert found["data"][-1]["id"] == pipeline
    assert {"id", "workflow_id", "status", "created", "updated"} <= set(found["data"][0])
    everything = page.get("/executions", params={"limit": 1_000, "offset": -3}).json()["pagination"]
    assert (everything["limit"], everything["offset"]) == (100, 0)
    failed = page.get("/executions", params={"status": "failed", "workflow_id": "api_failing"}).json()
    assert failed["pagination"]["total"] == len(failed["data"]) >= 1
    assert page.get("/executions", params={"status": "failed", "workflow_id": "api_branching"}).json()["data"] == []
    assert all(row["status"] in ENDED | {"running", "pending"} for row in page.get("/executions").json()["data"])


@pytest.mark.rule("STORE-15")
def test_workflows_are_searched_by_a_part_of_their_name(page):
    names = [item["id"] for item in page.get("/workflows", params={"search": "API BRANCH"}).json()["data"]]

    assert names == ["api_branching"]
    assert page.get("/workflows", params={"search": "api%branching"}).json()["data"] == []


def test_a_workflow_is_exported_whole(page):
    found = page.get("/workflows/api_branching/export").json()

    assert found == yaml.safe_load(page.get("/workflows/api_branching/export", params={"format": "yaml"}).text)
    assert [item["id"] for item in found["nodes"]] == [item["id"] for item in BRANCHING["nodes"]]
    verdict = page.post("/workflows/validate", json=found).json()["data"]
    assert verdict["valid"] is True, verdict["errors"]
