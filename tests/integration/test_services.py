"""Nodes that need the deployment: memory in its database, a model by its connection, on a running Airflow."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import make_url

from tests.flows import flow, node
from tests.nodes.openai_stub import openai_server
from tests.plugins.client import api, follow, refusal, started
from tests.serving import QuietHandler, serving

pytestmark = pytest.mark.slow

REMEMBERS = flow(
    "service_remembers",
    [
        node("chat_input.1"),
        node("conversation_buffer.1", key="talk", scope="session"),
        node("conversation_buffer.2", key="mine", scope="user"),
        node("data_to_json.1"),
        node("chat_output.1"),
    ],
    [
        "chat_input.1:message > conversation_buffer.1:content",
        "chat_input.1:message > conversation_buffer.2:content",
        "conversation_buffer.1:messages > data_to_json.1:data",
        "data_to_json.1:json > chat_output.1:message",
    ],
)
#: Eight nodes that Airflow may start at once append to one conversation.
APPENDS = flow(
    "service_appends",
    [node(f"text_input.{number}", defaultValue=f"message {number}") for number in range(1, 9)]
    + [node(f"conversation_buffer.{number}", key="all", scope="pipeline") for number in range(1, 9)]
    + [node("conversation_buffer.9", key="all", scope="pipeline")],
    [f"text_input.{number}:text > conversation_buffer.{number}:content" for number in range(1, 9)]
    + [f"conversation_buffer.{number}:count > conversation_buffer.9:trigger" for number in range(1, 9)],
)
ASKS = flow(
    "service_asks",
    [node("text_input.1", defaultValue="hello"), node("chat_model.1", model="stub-model"), node("text_output.1")],
    ["text_input.1:text > chat_model.1:message", "chat_model.1:response > text_output.1:text"],
)


def calls(flow_id, **config):
    return flow(
        flow_id,
        [node("http_request.1", method="POST", body="status", **config), node("text_output.1"), node("text_output.2")],
        ["http_request.1:body > text_output.1:text", "http_request.1:error > text_output.2:trigger"],
    )


@pytest.fixture(scope="module")
def client(airflow_server):
    for document in (REMEMBERS, APPENDS, ASKS):
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    at = make_url(airflow_server.server.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    memory = {
        "host": at.host or at.query["host"],
        "port": at.port,
        "login": at.username,
        "password": at.password,
        "schema": at.database,
    }
    with api(airflow_server) as found, openai_server() as model:
        found.base_url = str(found.base_url).replace("/flowdrop/api/v1", "")
        model_at = {"model": "openai-chat:stub-model"}
        for body in (
            {"connection_id": "flowdrop_memory", "conn_type": "postgres", **memory},
            {
                "connection_id": "flowdrop_model", "conn_type": "pydanticai", "host": model, "password": "not a key",
                "extra": json.dumps(model_at),
            },
        ):  # fmt: skip
            answer = found.post("api/v2/connections", json=body)
            assert answer.status_code == 201, answer.text
        for document in (REMEMBERS, APPENDS, ASKS):
            airflow_server.await_dag(f"flowdrop_{document['id']}")
        with api(airflow_server) as ours:
            yield ours


@pytest.fixture(scope="module")
def slow_server():
    """Answers a second late, 200 or the status in the path, and counts the calls."""
    seen = []

    class Late(QuietHandler):
        def do_POST(self):
            seen.append(self.path)
            self.taken()
            time.sleep(1)
            self.give(int(self.path[1:] or 200), b"late")

    with serving(Late) as url:
        yield url, seen


def outputs_of(client, pipeline):
    final = follow(client, pipeline)[-1]
    jobs = {job["node_id"]: job for job in final["data"]["jobs"]}
    return final["status"], jobs


def turn(client, chat, content):
    sent = client.post(f"/playground/sessions/{chat['id']}/messages", json={"content": content}).json()["data"]
    status, jobs = outputs_of(client, sent["executionId"])
    client.get(f"/playground/sessions/{chat['id']}/messages")
    assert status == "completed", jobs
    return {name: [item["content"] for item in jobs[name]["output_data"]["messages"]] for name in jobs if "buffer" in name}


@pytest.mark.rule("MEM-8", "MEM-9")
def test_a_conversation_is_remembered_for_its_session_and_its_owner(client):
    first, second = (client.post("/workflows/service_remembers/playground/sessions", json={}).json()["data"] for _ in "ab")

    assert turn(client, first, "one")["conversation_buffer.1"] == ["one"]
    assert turn(client, first, "two") == {"conversation_buffer.1": ["one", "two"], "conversation_buffer.2": ["one", "two"]}
    assert turn(client, second, "three") == {
        "conversation_buffer.1": ["three"],
        "conversation_buffer.2": ["one", "two", "three"],
    }


@pytest.mark.rule("MEM-7")
def test_a_run_without_a_session_has_no_memory_of_one(client):
    forged = {"id": "x", "owner": "somebody", "proof": "0" * 64}
    pipeline = started(client, "service_remembers", inputs={"message": "four"}, initial_data={})
    status, jobs = outputs_of(client, pipeline)
    assert status == "completed"
    assert jobs["conversation_buffer.1"]["output_data"]["messages"] == []
    # Airflow's own API takes any conf; what it says about the session is not believed.
    base = str(client.base_url).split("/flowdrop/")[0]
    conf = {"message": "five", "flowdrop": {"session": forged}}
    answer = client.post(f"{base}/api/v2/dags/flowdrop_service_remembers/dagRuns", json={"logical_date": None, "conf": conf})
    assert answer.status_code == 200, answer.text
    from flowdrop_provider.plugins.api.ids import pipeline_id

    _, jobs = outputs_of(client, pipeline_id("flowdrop_service_remembers", answer.json()["dag_run_id"]))
    assert jobs["conversation_buffer.1"]["output_data"]["messages"] == []


@pytest.mark.rule("MEM-12")
def test_parallel_tasks_append_and_lose_nothing(client):
    status, jobs = outputs_of(client, started(client, "service_appends"))

    assert status == "completed", {name: job["error_message"] for name, job in jobs.items()}
    kept = [item["content"] for item in jobs["conversation_buffer.9"]["output_data"]["messages"]]
    assert sorted(kept) == [f"message {number}" for number in range(1, 9)]


def test_a_model_answers_through_its_connection_and_its_cost_is_recorded(client):
    status, jobs = outputs_of(client, started(client, "service_asks"))

    assert status == "completed", {name: job["error_message"] for name, job in jobs.items()}
    assert jobs["text_output.1"]["output_data"]["output"] == "echo hello"
    usage = jobs["chat_model.1"]["metadata"]["usage"]["ai_usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["requests"]) == (7, 5, 1)
    assert jobs["text_input.1"]["metadata"]["usage"] == {}


def test_a_slow_call_waits_in_the_triggerer_and_is_made_once(client, airflow_server, slow_server):
    url, seen = slow_server
    documents = [calls("service_slow", url=f"{url}/", timeout=90), calls("service_slow_fails", url=f"{url}/404", timeout=90)]
    for document in documents:
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    for document in documents:
        airflow_server.await_dag(f"flowdrop_{document['id']}")
    pipelines = [started(client, document["id"]) for document in documents]
    (status, good), (failed, bad) = (outputs_of(client, pipeline) for pipeline in pipelines)

    assert (status, failed) == ("completed", "completed"), "an error edge took the failure"
    assert good["text_output.1"]["output_data"]["output"] == "late"
    assert bad["http_request.1"]["error_message"].endswith("resulted in a `404 Not Found` response")
    assert sorted(seen) == ["/", "/404"], "once each, though the processor ran twice"
    logs = client.get(f"/pipeline/{pipelines[0]}/logs", params={"node_id": "http_request.1", "limit": 500}).text
    assert "TaskDeferred" in logs or "defer" in logs.lower()


@pytest.fixture
def other_system():
    """Takes calls and answers each at once at the address it was given, before its own reply."""
    told = []

    class Other(QuietHandler):
        def do_POST(self):
            asked = json.loads(self.taken())
            told.append(asked)
            if asked["payload"].get("quick"):
                threading.Thread(target=lambda: told.append(called_back(asked, {"value": {"made": 7}}))).start()
            self.give(202)

    with serving(Other) as url:
        yield f"{url}/", told


def called_back(asked, body, **headers):
    address = asked["callback_url"].replace("localhost", "127.0.0.1")
    return httpx.post(address, json=body, headers=headers, timeout=60)


@pytest.mark.rule("INT-19")
def test_another_system_calls_back_once_however_quick_it_is(client, airflow_server, other_system):
    url, told = other_system
    document = flow(
        "service_calls_back",
        [
            node("call_and_wait.1", url=url, payload={"quick": True}, requiresConfirmation="waive"),
            node("data_to_json.1"),
            node("text_output.1"),
        ],
        ["call_and_wait.1:response > data_to_json.1:data", "data_to_json.1:json > text_output.1:text"],
    )
    airflow_server.add_workflow("service_calls_back.json", json.dumps(document))
    airflow_server.await_dag("flowdrop_service_calls_back")
    status, jobs = outputs_of(client, started(client, "service_calls_back"))
    asked, answer = told

    assert status == "completed", {name: job["error_message"] for name, job in jobs.items()}
    assert jobs["text_output.1"]["output_data"]["output"] == '{"made":7}'
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert refusal(called_back(asked, {"value": 8})) == (409, "INTERRUPT_NOT_PENDING")
    assert refusal(called_back(asked, {})) == (400, "ANSWER_MISSING")
    assert refusal(called_back(asked, {"value": 8}, Origin=airflow_server.url)) == (403, "ORIGIN_REFUSED")
    forged = {**asked, "callback_url": asked["callback_url"][:-3] + "AAA"}
    assert refusal(called_back(forged, {"value": 8})) == (404, "INTERRUPT_NOT_FOUND")


@pytest.mark.rule("INT-18", "INT-19")
@pytest.mark.long
def test_of_callbacks_at_once_one_wins_and_none_after_the_time(client, airflow_server, other_system):
    url, told = other_system
    documents = [
        flow(
            f"service_{name}",
            [node("call_and_wait.1", url=url, payload={"who": name}, expires_in=seconds, requiresConfirmation="waive")],
        )
        for name, seconds in (("races", 300), ("expires", 1))
    ]
    for document in documents:
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    for document in documents:
        airflow_server.await_dag(f"flowdrop_{document['id']}")
    raced, expired = (started(client, document["id"]) for document in documents)
    deadline = time.monotonic() + 90
    while len(told) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    asked = {call["payload"]["who"]: call for call in told}
    with ThreadPoolExecutor(9) as pool:
        late = pool.submit(called_back, asked["expires"], {"value": "late"})
        answers = list(pool.map(lambda number: called_back(asked["races"], {"value": number}), range(8)))

    won = [number for number, answer in enumerate(answers) if answer.status_code == 200]
    assert len(won) == 1, [answer.status_code for answer in answers]
    assert {refusal(answer) for number, answer in enumerate(answers) if number not in won} == {(409, "INTERRUPT_NOT_PENDING")}
    assert refusal(late.result()) == (409, "INTERRUPT_NOT_PENDING")
    status, jobs = outputs_of(client, raced)
    assert (status, jobs["call_and_wait.1"]["output_data"]["response"]) == ("completed", won[0])
    assert outputs_of(client, expired)[0] == "cancelled"
    assert refusal(called_back(asked["expires"], {"value": "later"})) == (409, "INTERRUPT_NOT_PENDING")
