"""Saving workflows through the API: kept as a file of a DAG bundle, run by Airflow seconds later (STORE-1..9)."""

from __future__ import annotations

import json
import time

import pytest

from tests.flows import chain, flow, node
from tests.plugins.client import api, audit_trail, editor, follow, refusal, started

pytestmark = pytest.mark.slow

GREETING = flow(
    "store_greeting",
    [node("text_input.1", defaultValue="hello"), node("text_processor.1", operation="uppercase"), node("text_output.1")],
    ["text_input.1:text > text_processor.1:text", "text_processor.1:text > text_output.1:text"],
)
BUNDLE = {
    "format": "flowdrop.bundle/v1",
    "payload": {"flow": GREETING | {"id": "store_bundled"}, "node_types": []},
}


@pytest.fixture(scope="module")
def page(airflow_server):
    airflow_server.add_workflow("store_elsewhere.json", json.dumps(chain("store_elsewhere", 2)))
    airflow_server.await_dag("flowdrop_store_elsewhere")
    with editor(airflow_server) as client:
        yield client


@pytest.fixture(scope="module")
def greeting(page, airflow_server):
    answer = page.post("/workflows", json=GREETING)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


@pytest.mark.rule("STORE-3")
def test_a_saved_workflow_is_read_back_at_once_and_runs_soon(page, greeting, airflow_server):
    began = time.monotonic()
    read = page.get("/workflows/store_greeting").json()["data"]

    assert read["id"] == greeting["id"] == "store_greeting"
    assert read["nodes"][0]["data"]["config"]["defaultValue"] == "hello"
    assert json.loads((airflow_server.store / "store_greeting.json").read_text())["id"] == "store_greeting"
    airflow_server.await_dag("flowdrop_store_greeting")
    assert time.monotonic() - began < 60, "Airflow looks at the folder by itself every five minutes"
    final = follow(page, started(page, "store_greeting"))[-1]
    assert final["data"]["execution_data"]["output"]["text_output.1"]["output"] == "HELLO"
    assert refusal(page.post("/workflows", json=GREETING)) == (409, "WORKFLOW_EXISTS")


@pytest.mark.rule("STORE-4")
def test_a_changed_workflow_is_a_new_revision(page, greeting, airflow_server):
    airflow_server.await_dag("flowdrop_store_greeting")
    sent = page.get("/workflows/store_greeting").json()["data"]
    sent["nodes"][0]["data"]["config"]["defaultValue"] = "changed"
    answer = page.put("/workflows/store_greeting", json=sent)
    read = page.get("/workflows/store_greeting").json()["data"]

    assert answer.status_code == 200, answer.text
    assert read["nodes"][0]["data"]["config"]["defaultValue"] == "changed"
    assert read["metadata"]["airflow"]["revision"] != greeting["metadata"]["airflow"]["revision"]
    assert read["created"] == greeting["created"]
    deadline = time.monotonic() + 60
    while True:
        final = follow(page, started(page, "store_greeting"))[-1]
        if final["data"]["execution_data"]["output"]["text_output.1"]["output"] == "CHANGED":
            break
        assert time.monotonic() < deadline
        time.sleep(1)
    renamed = page.put("/workflows/store_greeting", json={"name": "Renamed"}).json()["data"]
    assert renamed["name"] == "Renamed"
    assert len(renamed["nodes"]) == 3
    assert refusal(page.put("/workflows/store_greeting", json={"nodes": []})) == (400, "STORE_NAME")
    trail = audit_trail(page, "store_greeting")
    told = {entry["event"] for entry in trail if entry["user"] == "admin"}
    seen = {entry["revision"] for entry in trail if entry["kind"] == "revision"}
    stored = [entry["details"]["revision"] for entry in trail if entry["event"] == "flowdrop_workflow_stored"]
    assert stored[:2] == [found["metadata"]["airflow"]["revision"] for found in (greeting, read)]
    assert {"flowdrop_update_workflow", "flowdrop_execute", "run_created"} <= told
    assert greeting["metadata"]["airflow"]["revision"] in seen
    assert read["metadata"]["airflow"]["revision"] in {entry["revision"] for entry in trail if entry["kind"] == "run"} <= seen


@pytest.mark.rule("STORE-5")
def test_an_invalid_workflow_is_refused_with_findings_and_nothing_is_stored(page, airflow_server):
    broken = GREETING | {"id": "store_broken", "nodes": [node("nobody_knows.1")]}
    answer = page.post("/workflows", json=broken)

    assert refusal(answer) == (422, "VALIDATION_FAILED")
    assert {"code", "message", "locator"} <= set(answer.json()["details"][0])
    assert not (airflow_server.store / "store_broken.json").exists()
    assert refusal(page.get("/workflows/store_broken")) == (404, "WORKFLOW_NOT_FOUND")


@pytest.mark.parametrize("id_", ["../evil", "a/b", "UPPER", "x" * 65, "a.b", 7])
def test_an_id_is_no_path(page, id_):
    assert refusal(page.post("/workflows", json=GREETING | {"id": id_})) == (422, "VALIDATION_FAILED")


@pytest.mark.rule("STORE-9")
def test_a_bundle_is_imported_gate_by_gate(page):
    future = BUNDLE | {"format": "flowdrop.bundle/v9"}
    odd = BUNDLE | {"payload": {"flow": GREETING | {"id": "Not An Id"}}}
    first = page.post("/workflows/import", json=BUNDLE)

    assert refusal(page.post("/workflows/import", json=future)) == (422, "VALIDATION_FAILED")
    assert page.post("/workflows/import", json=future).json()["details"][0]["code"] == "DOC_BUNDLE_FORMAT"
    assert page.post("/workflows/import", json=odd).json()["details"][0]["locator"] == "flow.id"
    assert first.status_code == 201, first.text
    assert first.json()["data"]["id"] == "store_bundled"
    again = page.post("/workflows/import", json=BUNDLE)
    assert refusal(again) == (409, "WORKFLOW_EXISTS")
    assert again.json()["details"]
    unnamed = page.post("/workflows/import", json=GREETING | {"id": "", "name": "Without an id"})
    assert unnamed.json()["data"]["id"] == "without_an_id"


def test_what_lies_elsewhere_is_not_changed_here(page):
    assert refusal(page.put("/workflows/store_elsewhere", json={"name": "x"})) == (403, "STORE_READ_ONLY")
    assert refusal(page.delete("/workflows/store_elsewhere")) == (403, "STORE_READ_ONLY")
    assert refusal(page.post("/workflows", json=GREETING | {"id": "store_elsewhere"})) == (409, "WORKFLOW_EXISTS")


def test_a_viewer_saves_nothing(airflow_server, greeting):
    with api(airflow_server, "viewer") as viewer:
        assert refusal(viewer.post("/workflows", json=GREETING | {"id": "store_viewer"})) == (403, "FORBIDDEN")
        assert refusal(viewer.put("/workflows/store_greeting", json={"name": "x"})) == (403, "FORBIDDEN")
        assert refusal(viewer.delete("/workflows/store_greeting")) == (403, "FORBIDDEN")
        assert viewer.get("/workflows/store_greeting").status_code == 200


def test_a_deleted_workflow_is_gone_and_its_runs_are_not(page, greeting, airflow_server):
    airflow_server.await_dag("flowdrop_store_greeting")
    pipeline = started(page, "store_greeting")
    assert refusal(page.delete("/workflows/store_greeting")) == (409, "WORKFLOW_RUNNING")
    follow(page, pipeline)

    assert page.delete("/workflows/store_greeting").json()["success"] is True
    assert not (airflow_server.store / "store_greeting.json").exists()
    assert page.get(f"/pipeline/{pipeline}").status_code == 200
    assert refusal(page.get("/workflows/store_greeting")) == (404, "WORKFLOW_NOT_FOUND")
    assert "store_greeting" not in {item["id"] for item in page.get("/workflows").json()["data"]}
    assert page.post("/workflows", json=GREETING).status_code == 201, "the id is free again"
