"""Conversations with a workflow: FlowDrop's playground as its editor drives it, on a running Airflow (PLAY-1..5)."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from flowdrop_provider.plugins.api.ids import pipeline_id
from tests.flows import flow, node
from tests.integration.scenarios import BAD_PATTERN
from tests.plugins.client import api, editor, refusal

pytestmark = pytest.mark.slow

ECHO = flow(
    "play_echo",
    [node("chat_input.1"), node("text_processor.1", operation="uppercase"), node("chat_output.1")],
    ["chat_input.1:message > text_processor.1:text", "text_processor.1:text > chat_output.1:message"],
)
ASKS = flow(
    "play_asks",
    [node("chat_input.1"), node("text_input_interrupt.1", min_length=2), node("chat_output.1")],
    ["chat_input.1:message > text_input_interrupt.1:message", "text_input_interrupt.1:text > chat_output.1:message"],
)
FAILS = flow(
    "play_fails",
    [node("chat_input.1"), node("if_else.1", **BAD_PATTERN), node("chat_output.1")],
    ["chat_input.1:message > if_else.1:data", "if_else.1:True > chat_output.1:trigger"],
)
SESSION_KEYS = ["id", "workflowId", "name", "status", "createdAt", "updatedAt", "metadata", "executions", "owner"]
MESSAGE_KEYS = ["id", "sessionId", "role", "content", "timestamp", "status", "sequenceNumber", "nodeId", "metadata"]


@pytest.fixture(scope="module")
def page(airflow_server):
    for document in (ECHO, ASKS, FAILS):
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    for document in (ECHO, ASKS, FAILS):
        airflow_server.await_dag(f"flowdrop_{document['id']}")
    with editor(airflow_server) as client:
        yield client


@pytest.fixture(scope="module")
def other(airflow_server):
    with api(airflow_server, "viewer") as client:
        yield client


def opened(client, workflow_id, **body):
    answer = client.post(f"/workflows/{workflow_id}/playground/sessions", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def said(client, chat, content, **body):
    answer = client.post(f"/playground/sessions/{chat['id']}/messages", json={"content": content, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def listened(client, chat, known=(), timeout=90.0):
    """Poll as the editor does: after the last message it has, until the status is one that it stops at."""
    found, deadline = list(known), time.monotonic() + timeout
    while True:
        cursor = {"since": found[-1]["timestamp"]} if found else {}
        answer = client.get(f"/playground/sessions/{chat['id']}/messages", params=cursor)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += body["data"]
        if body["sessionStatus"] in ("idle", "completed", "failed", "awaiting_input"):
            return found, body["sessionStatus"]
        assert body["sessionStatus"] == "running"
        assert time.monotonic() < deadline, body
        time.sleep(0.3)


@pytest.fixture(scope="module")
def conversation(page):
    """Two turns, listened to from the first message on."""
    chat = opened(page, "play_echo", name="Talk")
    sent = said(page, chat, "hello")
    heard, status = listened(page, chat)
    assert status == "completed"
    said(page, chat, "again")
    heard, status = listened(page, chat, heard)
    return chat, sent, heard, status


@pytest.mark.rule("PLAY-2", "STORE-12")
def test_a_session_is_made_and_read_in_one_shape(page):
    chat = opened(page, "play_echo", name="First", metadata={"from": "a test"})
    read = page.get(f"/playground/sessions/{chat['id']}")
    listed = page.get("/workflows/play_echo/playground/sessions").json()

    assert list(chat) == SESSION_KEYS
    assert chat["status"] == "idle"
    assert chat["executions"] == []
    assert chat["owner"] == {"id": "admin", "name": "admin"}
    assert chat["metadata"] == {"from": "a test"}
    assert read.status_code == 200
    assert read.json() == {"success": True, "data": chat}
    assert chat in listed["data"]
    assert listed["pagination"]["total"] >= 1


@pytest.mark.rule("PLAY-4")
def test_a_turn_is_answered_by_the_workflow(conversation, page):
    chat, sent, heard, status = conversation

    assert status == "completed"
    assert [item["content"] for item in heard if item["role"] == "user"] == ["hello", "again"]
    assert [item["content"] for item in heard if item["role"] == "assistant"] == ["HELLO", "AGAIN"]
    assert {item["nodeId"] for item in heard if item["role"] == "assistant"} == {"chat_output.1"}
    assert {item["role"] for item in heard} == {"user", "assistant", "log"}
    assert [item["sequenceNumber"] for item in heard] == list(range(1, len(heard) + 1))
    assert sorted(item["timestamp"] for item in heard) == [item["timestamp"] for item in heard]
    assert list(sent)[: len(MESSAGE_KEYS)] == MESSAGE_KEYS
    assert sent["id"] == heard[0]["id"]
    answer = next(item for item in heard if item["role"] == "assistant")
    assert answer["parentMessageId"] == sent["id"]
    assert answer["executionId"] == sent["executionId"]
    assert page.get(f"/pipeline/{sent['executionId']}").json()["data"]["status"] == "completed"
    chat_row = page.get(f"/playground/sessions/{chat['id']}").json()["data"]
    assert chat_row["status"] == "completed"
    assert chat_row["executions"][1] == sent["executionId"]
    assert len(chat_row["executions"]) == 2


def test_a_turn_knows_what_was_said_before(conversation, page):
    _, _, heard, _ = conversation
    second = [item for item in heard if item["role"] == "user"][1]
    jobs = page.get(f"/pipeline/{second['executionId']}").json()["data"]["jobs"]
    turn = next(job["output_data"] for job in jobs if job["node_id"] == "chat_input.1")

    assert turn["history"] == [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "HELLO"}]
    assert turn["messageId"] == second["id"]


@pytest.mark.rule("PLAY-4")
def test_one_message_and_its_progress(conversation, page):
    chat, sent, _, _ = conversation
    address = f"/playground/sessions/{chat['id']}/messages/{sent['id']}"
    alone, progress = page.get(address).json()["data"], page.get(f"{address}/status").json()["data"]

    assert alone["id"] == sent["id"]
    assert alone["status"] == "completed"
    assert list(progress) == ["id", "status", "sequenceNumber", "timestamp"]
    assert progress["status"] == "completed"
    assert refusal(page.get(f"/playground/sessions/{chat['id']}/messages/{uuid.uuid4()}")) == (404, "MESSAGE_NOT_FOUND")


@pytest.mark.rule("PLAY-3")
def test_cursors_page_through_a_conversation(conversation, page):
    chat, _, heard, _ = conversation

    def read(**params):
        return page.get(f"/playground/sessions/{chat['id']}/messages", params=params).json()

    newest, first, rest = read(limit=2), read(after="0", limit=2), read(after="2")
    assert list(newest) == ["success", "data", "hasMore", "hasOlder", "sessionStatus"]
    assert [item["id"] for item in newest["data"]] == [item["id"] for item in heard[-2:]]
    assert (newest["hasMore"], newest["hasOlder"]) == (True, True)
    assert [item["id"] for item in first["data"]] == [item["id"] for item in heard[:2]]
    assert first["hasOlder"] is False
    assert [item["id"] for item in rest["data"]] == [item["id"] for item in heard[2:]]
    assert (rest["hasMore"], rest["hasOlder"]) == (False, True)
    assert [item["id"] for item in read(before="3")["data"]] == [item["id"] for item in heard[:2]]
    assert read(after="x", before="-1", since="yesterday")["data"] == read()["data"], "what is no cursor is ignored"
    assert read(since=heard[-1]["timestamp"])["data"] == []


@pytest.mark.rule("API-2")
def test_a_turn_is_judged_as_a_launch_is(page):
    chat = opened(page, "play_echo")
    turn = page.post(f"/playground/sessions/{chat['id']}/messages", json={"content": "x", "inputs": {"nope": 1}})
    run = page.post("/workflows/play_echo/execute", json={"inputs": {"nope": 1}})

    assert refusal(turn) == (400, "LAUNCH_UNDECLARED")
    assert refusal(run) == (422, "LAUNCH_UNDECLARED")
    assert turn.json()["details"] == run.json()["details"]
    assert page.get(f"/playground/sessions/{chat['id']}/messages").json()["data"] == [], "nothing was stored"
    said(page, chat, "form", inputs={"chat_input.1": {"message": "from the form"}})
    heard, _ = listened(page, chat)
    assert [item["content"] for item in heard if item["role"] == "assistant"] == ["FROM THE FORM"]


def test_one_turn_at_a_time_and_stop(page):
    chat = opened(page, "play_asks")
    said(page, chat, "Your name?")
    assert refusal(page.post(f"/playground/sessions/{chat['id']}/messages", json={"content": "b"})) == (409, "TURN_ACTIVE")
    heard, status = listened(page, chat)
    assert status == "awaiting_input"
    assert page.post(f"/playground/sessions/{chat['id']}/stop").json() == {"success": True, "message": "Execution stopped"}
    heard, status = listened(page, chat, heard)
    assert status == "failed"
    assert heard[-1]["content"] == "The run was stopped."
    assert refusal(page.post(f"/playground/sessions/{chat['id']}/stop")) == (409, "NO_EXECUTION")


@pytest.mark.rule("INT-22")
def test_a_question_is_asked_and_answered_in_the_conversation(page):
    chat = opened(page, "play_asks")
    said(page, chat, "Your name?")
    heard, status = listened(page, chat)
    question = heard[-1]
    pending = page.get(f"/playground/sessions/{chat['id']}/interrupts", params={"status": "pending"}).json()["data"]

    assert status == "awaiting_input"
    assert question["content"] == "Your name?"
    assert question["metadata"]["type"] == "interrupt_request"
    assert question["metadata"]["interrupt_type"] == "text"
    assert [item["id"] for item in pending] == [question["metadata"]["interrupt_id"]]
    assert pending[0]["sessionId"] == chat["id"]
    answer = page.post(f"/interrupts/{question['metadata']['interrupt_id']}", json={"value": "Ada"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]
    heard, status = listened(page, chat, heard)
    assert status == "completed"
    assert [item["content"] for item in heard if item["role"] == "assistant"] == ["Ada"]
    later = page.get(f"/playground/sessions/{chat['id']}/messages").json()["data"]
    asked = next(item for item in later if item["id"] == question["id"])
    assert asked["status"] == "completed"
    assert asked["metadata"]["response_value"] == "Ada"
    assert asked["metadata"]["resolvedByUserName"] == "admin"


def test_a_failure_is_told_with_its_reason(page):
    chat = opened(page, "play_fails")
    said(page, chat, "hello")
    heard, status = listened(page, chat)

    assert status == "failed"
    assert heard[-1]["role"] == "system"
    assert "The regular expression does not compile" in heard[-1]["content"]
    assert heard[-1]["nodeId"] == "if_else.1"


@pytest.mark.rule("MEM-9", "PLAY-5")
def test_a_conversation_belongs_to_whoever_began_it(conversation, page, other):
    chat, _, _, _ = conversation
    address = f"/playground/sessions/{chat['id']}"
    listed = other.get("/workflows/play_echo/playground/sessions").json()

    assert listed["data"] == []
    assert listed["pagination"]["total"] == 0
    assert refusal(other.get(address)) == (403, "FORBIDDEN")
    assert refusal(other.get(f"{address}/messages")) == (403, "FORBIDDEN")
    assert refusal(other.post(f"{address}/messages", json={"content": "x"})) == (403, "FORBIDDEN")
    assert refusal(other.delete(address)) == (403, "FORBIDDEN")
    assert refusal(other.get(f"/playground/sessions/{uuid.uuid4()}")) == (404, "SESSION_NOT_FOUND")
    assert refusal(other.post("/workflows/play_echo/playground/sessions", json={})) == (403, "FORBIDDEN")


@pytest.mark.rule("PLAY-1")
def test_internal_ids_only_narrow_the_list(conversation, page):
    everything = page.get("/workflows/play_echo/playground/sessions").json()
    nothing = page.get("/workflows/play_echo/playground/sessions", params={"ids": "x,-1,0,"}).json()
    one = page.get("/workflows/play_echo/playground/sessions", params={"ids": "1,x"}).json()

    assert everything["pagination"]["total"] >= 2
    assert (nothing["data"], nothing["pagination"]["total"]) == ([], 0)
    assert one["pagination"]["total"] <= 1
    assert all(uuid.UUID(item["id"]) for item in everything["data"])
    assert refusal(page.get("/playground/sessions/1")) == (404, "SESSION_NOT_FOUND")


def test_a_message_is_sent_once(page):
    chat = opened(page, "play_echo")
    once = {"headers": {"Idempotency-Key": f"k-{chat['id']}"}, "json": {"content": "once"}}
    first = page.post(f"/playground/sessions/{chat['id']}/messages", **once).json()["data"]
    second = page.post(f"/playground/sessions/{chat['id']}/messages", **once).json()["data"]

    assert first["id"] == second["id"]
    heard, _ = listened(page, chat)
    assert [item["role"] for item in heard].count("user") == 1


def test_a_session_is_deleted_and_its_runs_stay(page):
    chat = opened(page, "play_echo")
    sent = said(page, chat, "hello")
    listened(page, chat)

    assert page.delete(f"/playground/sessions/{chat['id']}").json()["success"] is True
    assert refusal(page.get(f"/playground/sessions/{chat['id']}")) == (404, "SESSION_NOT_FOUND")
    assert page.get(f"/pipeline/{sent['executionId']}").status_code == 200
    assert pipeline_id("flowdrop_play_echo", f"playground__{sent['id']}") == sent["executionId"]


@pytest.mark.parametrize("body", [{}, {"content": 7}, {"content": "x" * 10_001}, {"content": "x", "inputs": [1]}])
def test_a_message_that_is_none_is_refused(page, body):
    chat = opened(page, "play_echo")

    assert refusal(page.post(f"/playground/sessions/{chat['id']}/messages", json=body)) == (400, "BODY_INVALID")
