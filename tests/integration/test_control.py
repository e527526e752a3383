"""Control of a run on a running Airflow: pause, resume, cancel with what it started, repeat from a node and with pins."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.flows import flow, node
from tests.integration.scenarios import mapper
from tests.plugins.client import api, follow, refusal, started

pytestmark = pytest.mark.slow

STEPS = flow(
    "control_steps",
    [
        node("chat_input.1"),
        node("delay.1", value=5, unit="seconds"),
        node("text_processor.1", operation="uppercase"),
        node("text_output.1"),
    ],
    [
        "chat_input.1:message > text_processor.1:text",
        "chat_input.1:message > delay.1:trigger",
        "delay.1:trigger > text_processor.1:trigger",
        "text_processor.1:text > text_output.1:text",
    ],
)

LOOP = flow(
    "control_loop",
    [
        mapper("data_mapper.1", "[1, 2, 3]"),
        node("foreach.1"),
        node("delay.1", value=3, unit="seconds"),
        mapper("data_mapper.2", "x * 10", "x"),
        node("data_to_json.1"),
    ],
    [
        "data_mapper.1:y > foreach.1:items",
        "foreach.1:current_item > delay.1:trigger",
        "delay.1:trigger > data_mapper.2:trigger",
        "foreach.1:current_item > data_mapper.2:x",
        "data_mapper.2:y > foreach.1:loop_back",
        "foreach.1:collected_results > data_to_json.1:data",
    ],
)

CHILD = flow(
    "control_child",
    [node("text_input.1", defaultValue="x"), node("delay.1", value=120, unit="seconds")],
    ["text_input.1:text > delay.1:trigger"],
)

PARENT = flow(
    "control_parent",
    [
        node("text_input.1", defaultValue="go"),
        node("workflow_executor.1", workflow_id="control_child", execution_mode="job_wait"),
    ],
    ["text_input.1:text > workflow_executor.1:trigger"],
)


@pytest.fixture(scope="module")
def client(airflow_server):
    for document in (STEPS, LOOP, CHILD, PARENT):
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    for document in (STEPS, LOOP, CHILD, PARENT):
        airflow_server.await_dag(f"flowdrop_{document['id']}")
    with api(airflow_server) as found:
        yield found


def until(client: Any, path: str, wanted: Any, timeout: float = 90.0) -> Any:
    """Ask until ``wanted`` says yes to an answer's ``data``, and return it."""
    deadline = time.monotonic() + timeout
    while True:
        data = client.get(path).json()["data"]
        if wanted(data):
            return data
        assert time.monotonic() < deadline, data
        time.sleep(0.3)


def jobs(client: Any, pipeline: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for job in client.get(f"/runs/{pipeline}/jobs").json()["data"]:
        found.setdefault(job["node_id"], []).append(job)
    return found


@pytest.fixture(scope="module")
def paused_and_resumed(client):
    """One run of single tasks that was paused while ``delay.1`` ran, and went on."""
    pipeline = started(client, "control_steps", inputs={"message": "hello"})
    until(client, f"/runs/{pipeline}/changes", lambda data: data["nodes"].get("delay.1", {}).get("status") == "running")
    first = client.post(f"/pipeline/{pipeline}/pause", json={"reason": "Lunch."})
    again = client.post(f"/pipeline/{pipeline}/pause")
    light = until(client, f"/pipeline/{pipeline}/status", lambda data: data["status"] == "paused")
    seen = until(client, f"/runs/{pipeline}/changes", lambda data: True)["nodes"]
    resumed = client.post(f"/pipeline/{pipeline}/resume")
    return pipeline, (first, again, light, seen, resumed), follow(client, pipeline)[-1]


@pytest.mark.rule("INT-5", "INT-12", "INT-16")
def test_a_pause_lets_the_job_under_way_finish_and_holds_the_rest(client, paused_and_resumed):
    pipeline, (first, again, light, seen, resumed), final = paused_and_resumed

    assert first.status_code == 202, first.text
    assert first.json()["data"]["paused"] | {"at": ""} == {"by": "admin", "at": "", "reason": "Lunch."}
    assert refusal(again) == (409, "INWARD_SIGNAL_ALREADY_PENDING")
    assert light["pausedReason"] == "signal"
    assert (seen["delay.1"]["status"], seen["text_processor.1"]["status"]) == ("completed", "interrupted")
    assert client.get(f"/pipelines/{pipeline}/interrupts").json()["data"] == [], "a pause asks nobody anything"
    assert (resumed.status_code, resumed.json()["data"]["tasks"]) == (200, 1)
    assert final["status"] == "completed"
    assert {node_id: len(found) for node_id, found in jobs(client, pipeline).items()} == dict.fromkeys(
        ("chat_input.1", "delay.1", "text_processor.1", "text_output.1"), 1
    )


@pytest.mark.rule("INT-16", "INT-17")
def test_an_ended_run_takes_no_signal(client, paused_and_resumed):
    pipeline, _, _ = paused_and_resumed

    assert refusal(client.post(f"/pipeline/{pipeline}/pause")) == (409, "PIPELINE_TERMINAL")
    assert refusal(client.post(f"/pipeline/{pipeline}/resume")) == (409, "PIPELINE_TERMINAL")
    assert refusal(client.post(f"/pipeline/{pipeline}/stop")) == (409, "PIPELINE_TERMINAL")


@pytest.mark.rule("INT-5", "INT-16")
def test_a_loop_is_paused_between_two_jobs_and_goes_on_where_it_stood(client):
    pipeline = started(client, "control_loop")
    assert refusal(client.post(f"/pipeline/{pipeline}/resume")) == (409, "NO_ACTIVE_PAUSE")
    until(client, f"/runs/{pipeline}/changes", lambda data: data["nodes"].get("delay.1", {}).get("executions"))
    assert client.post(f"/pipeline/{pipeline}/pause").status_code == 202
    until(client, f"/pipeline/{pipeline}/status", lambda data: data["status"] == "paused")
    before = len(jobs(client, pipeline)["delay.1"])
    assert client.post(f"/pipeline/{pipeline}/resume").json()["data"]["tasks"] == 1
    final = follow(client, pipeline)[-1]
    found = jobs(client, pipeline)

    assert before < 3
    assert final["status"] == "completed"
    assert [job["round"] for job in found["delay.1"]] == [[0], [1], [2]], "no round was lost, none ran twice"
    assert json.loads(found["data_to_json.1"][0]["output_data"]["json"]) == [10, 20, 30]


@pytest.mark.rule("INT-10", "INT-11")
def test_from_one_node_on_with_what_the_others_left(client, paused_and_resumed):
    source, _, _ = paused_and_resumed
    answer = client.post(f"/runs/{source}/rerun", json={"from_node": "text_processor.1"})
    assert answer.status_code == 202, answer.text
    pipeline = answer.json()["data"]["pipeline_id"]
    final = follow(client, pipeline)[-1]
    found = {node_id: entries[0] for node_id, entries in jobs(client, pipeline).items()}
    entries = {job["node_id"]: job for job in client.get(f"/pipeline/{pipeline}").json()["data"]["jobs"]}

    assert final["status"] == "completed"
    assert final["data"]["execution_data"]["output"]["text_output.1"]["output"] == "HELLO"
    assert {node_id for node_id, job in entries.items() if job["metadata"]["injected"]} == {"chat_input.1", "delay.1"}
    assert found["delay.1"]["execution_time_us"] < 1_000_000, "it did not wait again"
    assert found["delay.1"]["output_data"] == jobs(client, source)["delay.1"][0]["output_data"]
    assert client.get(f"/runs/{pipeline}/trace").json()["data"]["run"]["rerun_of"] == source


def test_with_pinned_outputs(client, paused_and_resumed, airflow_server):
    source, _, _ = paused_and_resumed
    pins = {"text_processor.1": {"text": "pinned, password: swordfish"}, "delay.1": None}
    headers = {"Idempotency-Key": "pinned once"}
    answer = client.post(f"/runs/{source}/rerun", json={"pins": pins}, headers=headers)
    again = client.post(f"/runs/{source}/rerun", json={"pins": pins}, headers=headers)
    other = client.post(f"/runs/{source}/rerun", json={"pins": {"delay.1": None}}, headers=headers)
    assert answer.status_code == 202, answer.text
    pipeline = answer.json()["data"]["pipeline_id"]
    final = follow(client, pipeline)[-1]
    entries = {job["node_id"]: job for job in final["data"]["jobs"]}

    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    assert refusal(other) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert final["data"]["execution_data"]["output"]["text_output.1"]["output"] == "pinned, password: swordfish"
    assert entries["text_processor.1"]["metadata"]["injected"]["source"] == "pin"
    assert entries["delay.1"]["metadata"]["injected"]["source"] != "pin"
    assert entries["text_output.1"]["metadata"]["injected"] is None
    run_id = answer.json()["data"]["run_id"]
    stored = airflow_server.client().run("flowdrop_control_steps", run_id)["conf"]["flowdrop"]
    assert "swordfish" not in json.dumps(stored)


def test_what_may_not_be_taken_over(client, paused_and_resumed, airflow_server):
    source, _, _ = paused_and_resumed
    unknown = client.post(f"/runs/{source}/rerun", json={"from_node": "ghost.1"})
    lacking = client.post(f"/runs/{source}/rerun", json={"pins": {"ghost.1": None}})
    assert refusal(unknown) == refusal(lacking) == (422, "NODE_UNKNOWN")

    taken = client.post(f"/runs/{source}/rerun", json={"from_node": "text_output.1"}).json()["data"]
    stored = airflow_server.client().run("flowdrop_control_steps", taken["run_id"])["conf"]
    copied = airflow_server.run("flowdrop_control_steps", stored)
    assert copied.state == "failed"
    assert copied.job("chat_input.1")["error"]["code"] == "LAUNCH_REUSE", "what is sealed for one run is no use to another"


@pytest.mark.rule("ORC-15")
def test_a_cancel_reaches_the_runs_that_were_started(client, airflow_server):
    pipeline = started(client, "control_parent")
    rows = until(client, "/workflow/control_child/pipelines", lambda data: data and data[0]["status"] in ("running", "paused"))
    answer = client.post(f"/pipeline/{pipeline}/stop", json={"reason": "Wrong."})
    child = rows[0]["id"]

    assert answer.json()["data"] == {"status": "cancelled", "children": [child]}
    assert follow(client, pipeline)[-1]["status"] == "cancelled"
    assert follow(client, child)[-1]["status"] == "cancelled"
    note = client.get(f"/runs/{child}/trace").json()["data"]["run"]["note"]
    assert note == "Cancelled by admin through FlowDrop. The run that started it was cancelled. Wrong."
