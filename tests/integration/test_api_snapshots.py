"""Snapshots of runs, kept and read through the API (SNAP-1, SNAP-2, INT-9)."""

from __future__ import annotations

import json

import pytest

from flowdrop_provider.plugins.api.ids import pipeline_id
from tests.flows import flow, node
from tests.integration.scenarios import BAD_PATTERN
from tests.plugins.client import api, editor, follow, refusal, started

pytestmark = pytest.mark.slow

FAILS = flow(
    "snap_fails",
    [
        node("text_input.1", defaultValue="hello"),
        node("text_processor.1", operation="uppercase"),
        node("if_else.1", **BAD_PATTERN),
        node("text_output.1"),
    ],
    [
        "text_input.1:text > text_processor.1:text",
        "text_processor.1:text > if_else.1:data",
        "if_else.1:True > text_output.1:trigger",
    ],
)
ROW = ["entity_id", "execution_id", "workflow_id", "status", "thread_id", "created", "changed", "node_count"]


@pytest.fixture(scope="module")
def page(airflow_server):
    airflow_server.add_workflow("snap_fails.json", json.dumps(FAILS))
    airflow_server.await_dag("flowdrop_snap_fails")
    with editor(airflow_server) as client:
        yield client


@pytest.fixture(scope="module")
def run(page):
    pipeline = started(page, "snap_fails")
    follow(page, pipeline)
    return pipeline


@pytest.mark.rule("SNAP-1", "INT-6")
def test_a_run_is_kept_and_read(page, run):
    saved = page.post("/snapshots", json={"execution_id": run})
    read = page.get(f"/snapshots/{run}").json()["data"]
    document = read["snapshot"]

    assert saved.status_code == 200, saved.text
    assert list(saved.json()["data"]) == ["entity_id", "execution_id"]
    assert list(read) == [*ROW, "snapshot"]
    assert (document["workflowId"], document["executionId"], document["status"]) == ("snap_fails", run, "failed")
    assert {"initialInput", "iterationCount", "threadId", "createdAt", "updatedAt"} <= set(document)
    states = document["nodeStates"]
    assert {node_id: state["status"] for node_id, state in states.items()} == {
        "text_input.1": "completed",
        "text_processor.1": "completed",
        "if_else.1": "failed",
        "text_output.1": "skipped",
    }
    assert states["text_processor.1"]["output"]["text"] == "HELLO"
    assert "regular expression" in states["if_else.1"]["error"]["message"]
    listed = page.get("/snapshots", params={"workflow_id": "snap_fails"}).json()
    assert [list(row) for row in listed["data"]] == [ROW]
    assert listed["data"][0]["node_count"] == 4
    assert listed["pagination"]["total"] == 1


@pytest.mark.rule("SNAP-1", "INT-9")
def test_a_sent_document_replaces_it_in_either_spelling(page, run):
    states = {"text_input.1": {"status": "completed", "output": {"text": "x", "password": "hunter2"}}}
    first = page.post("/snapshots", json={"execution_id": run, "node_states": states, "status": "paused", "thread_id": "t1"})
    read = page.get(f"/snapshots/{run}").json()["data"]

    assert (read["status"], read["thread_id"], read["node_count"]) == ("paused", "t1", 1)
    assert read["entity_id"] == first.json()["data"]["entity_id"]
    assert "hunter2" not in json.dumps(read), "what is kept is redacted like records are"
    camel = {"snapshot": {"executionId": run, "nodeStates": [], "workflowId": "another"}}
    page.post("/snapshots", json=camel)
    read = page.get(f"/snapshots/{run}").json()["data"]
    assert (read["node_count"], read["workflow_id"]) == (0, "snap_fails")
    assert page.get("/snapshots", params={"workflow_id": "snap_fails"}).json()["pagination"]["total"] == 1
    assert refusal(page.post("/snapshots", json={})) == (400, "BODY_INVALID")
    assert refusal(page.post("/snapshots", json={"execution_id": run, "node_states": [1]})) == (400, "BODY_INVALID")
    unknown = pipeline_id("flowdrop_snap_fails", "nothing")
    assert refusal(page.post("/snapshots", json={"execution_id": unknown})) == (404, "PIPELINE_NOT_FOUND")


@pytest.mark.rule("SNAP-2", "MEM-9")
def test_others_do_not_see_it_and_unknown_comes_first(airflow_server, page, run):
    page.post("/snapshots", json={"execution_id": run})
    with api(airflow_server, "viewer") as viewer:
        assert viewer.get("/snapshots").json()["data"] == []
        assert viewer.get("/snapshots").json()["pagination"]["total"] == 0
        assert refusal(viewer.get(f"/snapshots/{run}")) == (403, "FORBIDDEN")
        assert refusal(viewer.get("/snapshots/nothing")) == (404, "SNAPSHOT_NOT_FOUND")
        assert refusal(viewer.post("/snapshots", json={"execution_id": run})) == (403, "FORBIDDEN")
    gone = page.delete(f"/snapshots/{run}").json()["data"]
    assert set(gone) == {"message", "execution_id"}
    assert refusal(page.get(f"/snapshots/{run}")) == (404, "SNAPSHOT_NOT_FOUND")
    assert refusal(page.delete(f"/snapshots/{run}")) == (404, "SNAPSHOT_NOT_FOUND")
