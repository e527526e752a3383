"""What FlowDrop has no word for: traces, changes, values, comparisons, lists, figures, exports, questions."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from flowdrop_provider.plugins.api import models
from flowdrop_provider.plugins.api.exporting import canonical
from tests.flows import flow, node
from tests.integration.scenarios import IF
from tests.plugins.client import api, follow, refusal, started

pytestmark = pytest.mark.slow

CHOOSING = flow(
    "api_choosing",
    [
        node("chat_input.1"),
        node("if_else.1", **IF),
        node("prompt_template.1", template="agreed"),
        node("text_output.1"),
    ],
    [
        "chat_input.1:message > if_else.1:data",
        "if_else.1:True > prompt_template.1:trigger",
        "prompt_template.1:prompt > text_output.1:text",
    ],
)


@pytest.fixture(scope="module")
def client(airflow_server):
    airflow_server.add_workflow("api_choosing.json", json.dumps(CHOOSING))
    airflow_server.await_dag("flowdrop_api_choosing")
    with api(airflow_server) as found:
        yield found


@pytest.fixture(scope="module")
def runs(client):
    pipelines = [started(client, "api_choosing", inputs={"message": word}, source="event") for word in ("yes", "no")]
    for pipeline in pipelines:
        follow(client, pipeline)
    return pipelines


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/runs/{0}/trace", models.TraceAnswer),
        ("/runs/{0}/changes", models.ChangesAnswer),
        ("/runs/{0}/jobs", models.RunJobsAnswer),
        ("/runs/{0}/compare/{1}", models.ComparisonAnswer),
        ("/jobs", models.JobsAnswer),
        ("/outcomes", models.OutcomesAnswer),
        ("/metrics?group_by=workflow", models.MetricsAnswer),
        ("/metrics?group_by=node", models.MetricsAnswer),
        ("/metrics?group_by=node_type", models.MetricsAnswer),
    ],
)
def test_answers_are_what_the_published_document_says(client, runs, path, model):
    answer = client.get(path.format(*runs))

    assert answer.status_code == 200, answer.text
    model.model_validate(answer.json(), strict=True)


def test_a_trace_tells_the_story_of_a_run(client, runs):
    trace = client.get(f"/runs/{runs[0]}/trace").json()["data"]

    assert {edge["source"]: edge["state"] for edge in trace["edges"]} == {
        "chat_input.1": "followed", "if_else.1": "followed", "prompt_template.1": "followed",
    }  # fmt: skip
    assert [item["node_id"] for item in trace["timeline"]] == [
        "chat_input.1",
        "if_else.1",
        "prompt_template.1",
        "text_output.1",
    ]
    assert trace["run"]["triggered"] == {"type": "manual", "via": "rest_api", "user": "admin", "source": "event"}
    assert trace["run"]["revision"] == trace["graph"]["revision"]
    other = client.get(f"/runs/{runs[1]}/trace").json()["data"]
    assert other["nodes"]["text_output.1"]["skip_reason"] == "branch_not_active"
    assert other["edges"][1]["state"] == "not_followed"


def test_a_system_that_polls_is_told_of_its_runs_once(client, runs):
    """The ids that the starts answered, with what the workflow gave; the next poll begins behind them."""
    told, cursor, deadline = {}, {}, time.monotonic() + 60
    while not set(runs) <= set(told):
        assert time.monotonic() < deadline, told
        answer = client.get("/outcomes", params={"workflow_id": "api_choosing", "limit": 1, **cursor}).json()
        assert not set(told) & {row["pipeline_id"] for row in answer["data"]}, "told twice"
        told |= {row["pipeline_id"]: row for row in answer["data"]}
        cursor = {"cursor": found} if (found := answer["pagination"]["next_cursor"]) else {}
        if not answer["pagination"]["has_more"]:
            time.sleep(0.5)

    assert {told[run]["status"] for run in runs} == {"completed"}
    assert [told[run]["completed"] for run in told] == sorted(told[run]["completed"] for run in told)
    assert client.get("/outcomes", params={"source": "schedule"}).json()["error_code"] == "SOURCE_UNKNOWN"


def test_nothing_new_costs_nothing(client, runs):
    answer = client.get(f"/runs/{runs[0]}/trace")
    tagged = client.get(f"/runs/{runs[0]}/trace", headers={"If-None-Match": answer.headers["ETag"]})
    changes = client.get(f"/runs/{runs[0]}/changes").json()["data"]

    assert (tagged.status_code, tagged.content) == (304, b"")
    assert changes["finished"] is True
    assert client.get(f"/runs/{runs[0]}/changes", params={"since": changes["cursor"]}).status_code == 304
    assert refusal(client.get(f"/runs/{runs[0]}/changes", params={"since": "odd"})) == (400, "CURSOR_INVALID")


def test_changes_of_a_run_that_goes_on_are_seen(client):
    pipeline = started(client, "api_choosing", inputs={"message": "yes"})
    cursor, seen, finished = None, [], False
    deadline = time.monotonic() + 90
    while not finished and time.monotonic() < deadline:
        answer = client.get(f"/runs/{pipeline}/changes", params={"since": cursor} if cursor else {})
        if answer.status_code == 200:
            data = answer.json()["data"]
            seen.append({node_id: state["status"] for node_id, state in data["nodes"].items()})
            cursor, finished = data["cursor"], data["finished"]
        time.sleep(0.1)

    assert finished
    assert set(seen[-1].values()) == {"completed"}
    assert len(seen) > 3, "every step of the run is a change"


def test_values_by_path_and_range(client, runs):
    def data(**params):
        return client.get(f"/runs/{runs[0]}/nodes/prompt_template.1/data", params=params)

    assert data(path="/prompt").json()["data"]["value"] == "agreed"
    part = data(path="/prompt", offset=2, limit=3).json()["data"]
    assert (part["value"], part["has_more"]) == ("ree", True)
    assert refusal(data(path="/nope")) == (404, "VALUE_NOT_FOUND")
    assert refusal(client.get(f"/runs/{runs[0]}/nodes/nope/data")) == (404, "JOB_NOT_FOUND")


def test_two_runs_are_compared(client, runs):
    found = client.get(f"/runs/{runs[0]}/compare/{runs[1]}").json()["data"]

    assert found["same_revision"] is True
    assert found["first_difference"] == "chat_input.1"
    nodes = {item["node_id"]: item for item in found["nodes"]}
    assert nodes["chat_input.1"]["output_data"] == [{"path": "/message", "left": "yes", "right": "no"}]
    assert nodes["text_output.1"]["right"]["status"] == "skipped"


def test_jobs_across_runs_page_by_page(client, runs):
    params, seen = {"workflow_id": "api_choosing", "limit": 3}, []
    while True:
        answer = client.get("/jobs", params=params).json()
        seen += answer["data"]
        if answer["pagination"]["next_cursor"] is None:
            break
        params["cursor"] = answer["pagination"]["next_cursor"]

    keys = [(job["pipeline_id"], job["node_id"]) for job in seen]
    assert len(keys) == len(set(keys))
    assert {key for key in keys if key[0] in runs} == {(run, item["id"]) for run in runs for item in CHOOSING["nodes"]}
    assert all("input_data" not in job for job in seen)


def test_jobs_are_filtered(client, runs):
    def nodes(**params):
        return sorted(job["node_id"] for job in client.get("/jobs", params=params).json()["data"])

    assert nodes(pipeline_id=runs[1], status="skipped") == ["prompt_template.1", "text_output.1"]
    assert nodes(pipeline_id=runs[1], node_type_id="if_else") == ["if_else.1"]
    assert nodes(pipeline_id=runs[0], node_id="text_output.1") == ["text_output.1"]
    assert nodes(pipeline_id=runs[0], status="failed") == []
    assert nodes(pipeline_id=runs[0], slower_than_ms=3_600_000) == []
    assert nodes(pipeline_id=runs[0], until="2020-01-01T00:00:00Z") == []
    assert nodes(workflow_id="no_such_workflow") == []


def test_figures_by_workflow_node_and_type(client, runs):
    def rows(group_by):
        found = client.get("/metrics", params={"group_by": group_by, "workflow_id": "api_choosing"}).json()["data"]
        return {row.get("node_id") or row.get("node_type_id") or row["workflow_id"]: row for row in found}

    whole = rows("workflow")["api_choosing"]
    assert whole["count"] >= 2
    assert 0 < whole["duration_s"]["p50"] <= whole["duration_s"]["p95"] <= whole["duration_s"]["max"]
    assert whole["failure_rate"] == 0
    assert whole["previous"] is None
    assert rows("node")["if_else.1"]["count"] == rows("node_type")["if_else"]["count"] >= 2
    assert rows("node")["text_output.1"]["count"] < rows("node")["if_else.1"]["count"], "skipped jobs did not run"
    assert refusal(client.get("/metrics", params={"since": "2020-01-01T00:00:00Z"})) == (400, "PERIOD_INVALID")


def test_a_run_taken_away_can_be_verified(client, runs):
    found = client.get(f"/runs/{runs[0]}/export").json()

    assert {name: hashlib.sha256(canonical(found[name])).hexdigest() for name in found["hashes"]} == found["hashes"]
    assert "flowdrop_handover" not in json.dumps(found)


def test_many_jobs_are_taken_away(client, runs):
    params = {"pipeline_id": runs[0]}
    lines = client.get("/export/jobs", params=params).text.splitlines()
    table = list(csv.DictReader(io.StringIO(client.get("/export/jobs", params=params | {"format": "csv"}).text)))

    assert len(lines) == len(table) == 4
    assert sorted(json.loads(line)["node_id"] for line in lines) == sorted(row["node_id"] for row in table)


ASKING = """
from airflow.sdk import DAG, Param
from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator

with DAG("flowdrop_api_three_questions", schedule=None, tags=["flowdrop"]):
    ApprovalOperator(task_id="approve", subject="Publish?", body="Really?")
    HITLOperator(task_id="pick", subject="Which?", options=["a", "b", "c"])
    HITLOperator(task_id="form", subject="How many?", options=["OK"], params={"n": Param(3, type="integer")})
"""

INTERRUPT_KEYS = [
    "id", "type", "status", "message", "nodeId", "workflowId", "pipelineId", "sessionId", "schema", "options", "context",
    "defaultValue", "responseData", "createdAt", "expiresAt", "scheduledAt", "resolvedAt", "resolvedBy", "direction", "jobId",
    "targetPipelineId", "initiatorUid", "reason", "linkedInterruptId",
]  # fmt: skip


@pytest.mark.rule("INT-22")
def test_questions_are_listed_and_answered(client, airflow_server):
    airflow_server.add_dag_file("three_questions.py", ASKING)
    airflow_server.await_dag("flowdrop_api_three_questions")
    pipeline = started(client, "flowdrop_api_three_questions")
    deadline, open_ = time.monotonic() + 60, []
    while len(open_) < 3 and time.monotonic() < deadline:
        open_ = client.get(f"/pipelines/{pipeline}/interrupts", params={"status": "pending"}).json()["data"]
        time.sleep(0.3)

    by_node = {item["nodeId"]: item for item in open_}
    assert {name: item["type"] for name, item in by_node.items()} == {
        "approve": "confirmation",
        "pick": "choice",
        "form": "form",
    }
    assert list(by_node["pick"])[:24] == INTERRUPT_KEYS
    assert client.get(f"/pipeline/{pipeline}").json()["status"] == "running", "or the editor would never ask again"
    assert {item["id"] for item in client.get("/interrupts").json()["data"]} >= {item["id"] for item in open_}

    def answer(name, value):
        return client.post(f"/interrupts/{by_node[name]['id']}", json={"value": value})

    assert refusal(answer("pick", "z")) == (400, "ANSWER_INVALID")
    assert refusal(client.post(f"/interrupts/{by_node['pick']['id']}", json={})) == (400, "ANSWER_MISSING")
    assert answer("pick", "b").json()["data"]["responseData"] == "b"
    with ThreadPoolExecutor(6) as pool:
        at_once = list(pool.map(lambda value: answer("approve", value), [True] * 6))
    assert sorted(item.status_code for item in at_once) == [200, *[409] * 5], "a question is answered once"
    (won,) = [item for item in at_once if item.status_code == 200]
    assert won.json()["data"]["responseData"] is True
    assert answer("form", {"n": 5}).json()["data"]["resolvedBy"] == "admin"
    assert refusal(answer("pick", "b")) == (409, "INTERRUPT_NOT_PENDING")
    assert follow(client, pipeline)[-1]["status"] == "completed"
    with api(airflow_server, "viewer") as viewer:
        assert refusal(viewer.post(f"/interrupts/{by_node['pick']['id']}", json={"value": "a"})) == (403, "FORBIDDEN")
