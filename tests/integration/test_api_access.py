"""Who may do what, and how the API says no."""

from __future__ import annotations

import json

import httpx
import pytest

from flowdrop_provider.plugins.api.ids import pipeline_id
from tests.flows import flow, node
from tests.plugins.client import API, api, editor, follow, refusal, started

pytestmark = pytest.mark.slow

GREETING = flow(
    "api_greeting",
    [node("text_processor.1", operation="uppercase"), node("text_output.1")],
    ["text_processor.1:text > text_output.1:text"],
    input_ports=[{"name": "words", "node_id": "text_processor.1", "port": "text", "required": True}],
    parameter_schema={"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]},
)
UNKNOWN = pipeline_id("flowdrop_api_greeting", "no such run")


@pytest.fixture(scope="module")
def server(airflow_server):
    airflow_server.add_workflow("api_greeting.json", json.dumps(GREETING))
    airflow_server.await_dag("flowdrop_api_greeting")
    airflow_server.add_dag_file("foreign.py", FOREIGN)
    airflow_server.await_dag("somebody_elses")
    return airflow_server


FOREIGN = """
from airflow.sdk import DAG, task

with DAG("somebody_elses", schedule=None):
    @task
    def secret():
        return "not FlowDrop's business"
    secret()
"""


@pytest.fixture(scope="module")
def admin(server):
    with api(server) as client:
        yield client


@pytest.fixture(scope="module")
def run(admin):
    pipeline = started(admin, "api_greeting", inputs={"words": "hi"})
    follow(admin, pipeline)
    return pipeline


def test_without_a_login_there_is_health_and_nothing_else(server, run):
    with httpx.Client(base_url=f"{server.url}{API}") as nobody:
        assert nobody.get("/health").json()["status"] == "healthy"
        for path in (
            "/nodes",
            "/workflows",
            f"/pipeline/{run}",
            "/executions",
            "/jobs",
            "/metrics",
            "/audit",
            f"/pipeline/{UNKNOWN}",
        ):
            assert refusal(nobody.get(path)) == (401, "UNAUTHORIZED"), path
        assert refusal(nobody.post("/workflows/api_greeting/execute")) == (401, "UNAUTHORIZED")


def test_a_wrong_token_is_refused(server):
    answer = httpx.get(f"{server.url}{API}/nodes", headers={"Authorization": "Bearer nonsense"})

    assert refusal(answer) == (403, "FORBIDDEN")


def test_a_viewer_looks_and_does_not_touch(server, run):
    with api(server, "viewer") as viewer:
        assert viewer.get(f"/pipeline/{run}").status_code == 200
        assert viewer.get("/workflows/api_greeting").status_code == 200
        for path in (
            "/workflows/api_greeting/execute",
            f"/pipeline/{run}/stop",
            f"/pipeline/{run}/pause",
            f"/pipeline/{run}/resume",
            f"/executions/{run}/cancel",
            f"/runs/{run}/rerun",
        ):
            assert refusal(viewer.post(path, json={})) == (403, "FORBIDDEN"), path


@pytest.mark.rule("PIPE-6")
def test_what_does_not_exist_is_said_before_what_is_forbidden(server):
    with api(server, "viewer") as viewer:
        assert refusal(viewer.post(f"/pipeline/{UNKNOWN}/stop", json={})) == (404, "PIPELINE_NOT_FOUND")
        assert refusal(viewer.post("/workflows/nope/execute", json={})) == (404, "WORKFLOW_NOT_FOUND")
        assert refusal(viewer.get("/pipeline/nope")) == (404, "PIPELINE_NOT_FOUND")
        assert refusal(viewer.get("/interrupts/nope")) == (404, "INTERRUPT_NOT_FOUND")


def test_a_dag_that_is_no_workflow_is_none_of_ours(server, admin):
    client = server.client()
    run_id = client.trigger("somebody_elses")
    client.wait("somebody_elses", run_id)

    assert refusal(admin.get(f"/pipeline/{pipeline_id('somebody_elses', run_id)}")) == (404, "PIPELINE_NOT_FOUND")
    assert refusal(admin.get("/workflows/somebody_elses")) == (404, "WORKFLOW_NOT_FOUND")
    assert all(row["dag_id"] != "somebody_elses" for row in admin.get("/jobs").json()["data"])


@pytest.mark.rule("API-8")
def test_wrong_requests(admin, run):
    assert refusal(admin.delete(f"/pipeline/{run}")) == (405, "METHOD_NOT_ALLOWED")
    assert refusal(admin.get("/nowhere")) == (404, "NOT_FOUND")
    assert refusal(admin.get("/executions", params={"status": "odd"})) == (400, "STATUS_UNKNOWN")
    assert refusal(admin.get("/jobs", params={"cursor": "odd"})) == (400, "CURSOR_INVALID")
    assert refusal(admin.get("/jobs", params={"since": "yesterday"})) == (422, "VALIDATION_ERROR")
    assert refusal(admin.post("/workflows/validate", content=b"{", headers={"content-type": "application/json"})) == (
        400, "BODY_MALFORMED",
    )  # fmt: skip
    big = b'{"a": "' + b"x" * 8_400_000 + b'"}'
    assert refusal(admin.post("/workflows/validate", content=big, headers={"content-type": "application/json"})) == (
        413, "BODY_TOO_LARGE",
    )  # fmt: skip


def test_another_site_s_page_cannot_write_with_the_cookie(server):
    with editor(server) as page:
        evil = page.post("/workflows/api_greeting/execute", json={}, headers={"Origin": "https://evil.example"})
        form = page.post("/workflows/api_greeting/execute", data={"a": "b"})
        own = page.post("/workflows/api_greeting/execute", json={}, headers={"Origin": server.url})

    assert refusal(evil) == (403, "ORIGIN_REFUSED")
    assert refusal(form) == (415, "CONTENT_TYPE")
    assert refusal(own) == (422, "LAUNCH_MISSING")


@pytest.mark.rule("MAN-15")
def test_refused_inputs_create_nothing(admin):
    before = admin.get("/workflow/api_greeting/pipelines").json()["pagination"]["total"]
    answer = admin.post("/workflows/api_greeting/execute", json={"inputs": {"words": 3, "nope": 1}})

    assert refusal(answer) == (422, "LAUNCH_UNDECLARED")
    assert {finding["code"] for finding in answer.json()["details"]} == {"LAUNCH_UNDECLARED", "LAUNCH_INVALID"}
    assert admin.get("/workflow/api_greeting/pipelines").json()["pagination"]["total"] == before


@pytest.mark.rule("ORC-12", "SG-15")
def test_the_same_key_starts_one_run(admin):
    def post(words, key="order 4711"):
        headers = {"Idempotency-Key": key}
        return admin.post("/workflows/api_greeting/execute", json={"inputs": {"words": words}}, headers=headers)

    first, again, other = post("a"), post("a"), post("b")

    assert first.status_code == again.status_code == 202
    told = first.json()["data"]
    assert (told["execution_id"], told["status"]) == (told["pipeline_id"], "pending"), "nothing has run yet"
    assert set(follow(admin, told["execution_id"])[-1]["data"]["node_statuses"]) == {"text_processor.1", "text_output.1"}
    assert first.json()["data"]["pipeline_id"] == again.json()["data"]["pipeline_id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert refusal(other) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert post("b", "order 4712").status_code == 202


def test_one_key_from_many_clients_at_once_starts_one_run(admin):
    from concurrent.futures import ThreadPoolExecutor

    def post(_):
        headers = {"Idempotency-Key": "at once"}
        return admin.post("/workflows/api_greeting/execute", json={"inputs": {"words": "w"}}, headers=headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(8)))

    assert [answer.status_code for answer in answers] == [202] * 8, [answer.text for answer in answers]
    assert len({answer.json()["data"]["pipeline_id"] for answer in answers}) == 1


@pytest.mark.rule("INT-11")
def test_an_ended_run_is_never_entered_again(admin, run):
    assert refusal(admin.post(f"/pipeline/{run}/execute", json={})) == (409, "PIPELINE_TERMINAL")
    again = admin.post(f"/runs/{run}/rerun")
    pipeline = again.json()["data"]["pipeline_id"]
    follow(admin, pipeline)
    trace = admin.get(f"/runs/{pipeline}/trace").json()["data"]

    assert pipeline != run
    assert trace["run"]["rerun_of"] == run
    assert trace["run"]["triggered"]["source"] == "rerun"
    assert trace["outputs"]["text_output.1"]["output"] == "HI"
    assert refusal(admin.post(f"/runs/{run}/rerun", json={"inputs": {}})) == (422, "LAUNCH_MISSING")


def test_workflows_are_kept_elsewhere(admin):
    document = GREETING | {"id": "brand_new"}

    assert refusal(admin.put("/workflows/api_greeting", json=document)) == (403, "STORE_READ_ONLY")
    broken = document | {"nodes": [node("nobody_knows.1")]}
    answer = admin.post("/workflows/import", json=broken)
    assert refusal(answer) == (422, "VALIDATION_FAILED")
    assert answer.json()["details"][0]["code"] == "R9_NODE_TYPE_UNKNOWN"


def test_a_paused_workflow_does_not_take_runs(server, admin):
    patch = {"is_paused": True}
    server.client().request("PATCH", "/api/v2/dags/flowdrop_api_greeting", json=patch)
    try:
        answer = admin.post("/workflows/api_greeting/execute", json={"inputs": {"words": "x"}})
        assert refusal(answer) == (409, "WORKFLOW_PAUSED")
    finally:
        server.client().request("PATCH", "/api/v2/dags/flowdrop_api_greeting", json={"is_paused": False})
