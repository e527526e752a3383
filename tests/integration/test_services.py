"""Nodes that need the deployment: memory in its database, a model by its connection, on a running Airflow."""

from __future__ import annotations

import json

import pytest

from tests.flows import flow, node
from tests.nodes.openai_stub import openai_server
from tests.plugins.client import api, follow, started

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
    [node("text_input.1", defaultValue="hello")]
    + [node(f"conversation_buffer.{number}", key="all", scope="pipeline") for number in range(1, 9)]
    + [node("conversation_buffer.9", key="all", scope="pipeline")],
    [f"text_input.1:text > conversation_buffer.{number}:content" for number in range(1, 9)]
    + [f"conversation_buffer.{number}:count > conversation_buffer.9:trigger" for number in range(1, 9)],
)
ASKS = flow(
    "service_asks",
    [node("text_input.1", defaultValue="hello"), node("chat_model.1", model="stub-model"), node("text_output.1")],
    ["text_input.1:text > chat_model.1:message", "chat_model.1:response > text_output.1:text"],
)


@pytest.fixture(scope="module")
def client(airflow_server, tmp_path_factory):
    for document in (REMEMBERS, APPENDS, ASKS):
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    memory = tmp_path_factory.mktemp("memory") / "memory.db"
    with api(airflow_server) as found, openai_server() as model:
        found.base_url = str(found.base_url).replace("/flowdrop/api/v1", "")
        model_at = {"model": "openai-chat:stub-model"}
        for body in (
            {"connection_id": "flowdrop_memory", "conn_type": "sqlite", "host": str(memory)},
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

    assert status == "completed"
    counts = sorted(jobs[f"conversation_buffer.{number}"]["output_data"]["count"] for number in range(1, 9))
    assert jobs["conversation_buffer.9"]["output_data"]["count"] >= max(counts)
    assert sum(jobs[f"conversation_buffer.{number}"]["output_data"]["appended"] for number in range(1, 9)) == max(counts)


def test_a_model_answers_through_its_connection_and_its_cost_is_recorded(client):
    status, jobs = outputs_of(client, started(client, "service_asks"))

    assert status == "completed"
    assert jobs["text_output.1"]["output_data"]["output"] == "echo hello"
    usage = jobs["chat_model.1"]["metadata"]["usage"]["ai_usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["requests"]) == (7, 5, 1)
    assert jobs["text_input.1"]["metadata"]["usage"] == {}
