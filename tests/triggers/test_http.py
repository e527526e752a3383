"""The trigger of a slow HTTP call: what it sends, what its event holds, what a worker reads out of it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from types import SimpleNamespace

import pytest
from cryptography.fernet import Fernet

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.http_client import HttpPolicy
from flowdrop_provider.nodes.world import HttpRequest
from flowdrop_provider.operators.slow_http import SlowCall, http_client_of
from flowdrop_provider.triggers.http import EVENT_KEY, MAX_BODY, SENDING_KEY, HttpRequestTrigger, reply_of
from tests.serving import QuietHandler, serving

LOCAL = HttpPolicy(allow_networks=("127.0.0.0/8",))


class Echo(QuietHandler):
    def do_POST(self) -> None:
        body = self.taken()
        if self.path == "/large":
            body = b"x" * (MAX_BODY + 1)
        self.give(201, body, X_Token=self.headers["X-Token"])

    do_GET = do_POST


@pytest.fixture(scope="module")
def url():
    with serving(Echo) as found:
        yield found


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("AIRFLOW__FLOWDROP__SEAL_KEY", Fernet.generate_key().decode())


def fired(trigger: HttpRequestTrigger) -> dict[str, str]:
    name, arguments = trigger.serialize()
    assert name == "flowdrop_provider.triggers.http.HttpRequestTrigger"
    return told(HttpRequestTrigger(**json.loads(json.dumps(arguments))))


def told(trigger: HttpRequestTrigger) -> dict[str, str]:
    async def first() -> dict[str, str]:
        return (await anext(trigger.run())).payload

    return asyncio.run(first())


def request(url: str, path: str = "/") -> HttpRequest:
    return HttpRequest("POST", f"{url}{path}", {"X-Token": "s3cret"}, b"\x00caf\xc3\xa9", timeout=5)


def test_the_reply_travels_sealed_and_whole(url):
    event = fired(HttpRequestTrigger.of(request(url), LOCAL))
    reply = reply_of(event)

    assert "s3cret" not in json.dumps(event)
    assert (reply.status, reply.body) == (201, b"\x00caf\xc3\xa9")
    assert ("X-Token", "s3cret") in reply.headers


class Kept(dict):
    """The XComs of a task that waits in the triggerer."""

    def get_one(self, *, key, **_place):
        return self.get(key)

    def set(self, key, value, **_place):
        self[key] = value


@pytest.fixture
def kept(monkeypatch):
    found = Kept()
    monkeypatch.setattr("airflow.sdk.execution_time.xcom.XCom", found)
    return found


@pytest.mark.parametrize(("method", "again"), [("POST", "call_lost"), ("GET", None)])
def test_a_call_that_a_dead_triggerer_may_have_made_is_not_made_again(url, kept, method, again):
    place = SimpleNamespace(dag_id="dag", run_id="run", task_id="call", map_index=-1)
    trigger = HttpRequestTrigger.of(dataclasses.replace(request(url), method=method), LOCAL)
    trigger.task_instance = place
    assert reply_of(told(trigger)).status == 201
    assert (SENDING_KEY in kept) == (method == "POST")

    if again is None:
        assert reply_of(told(trigger)).status == 201
        return
    with pytest.raises(NodeError) as caught:
        reply_of(told(trigger))
    assert (caught.value.code, caught.value.retryable) == (again, True)


@pytest.mark.rule("NET-1")
def test_an_internal_address_is_refused_there_too(url):
    with pytest.raises(NodeError) as caught:
        reply_of(fired(HttpRequestTrigger.of(request(url), HttpPolicy())))
    assert caught.value.code == "address_refused"


def test_a_reply_that_cannot_travel_says_what_to_do(url):
    with pytest.raises(NodeError) as caught:
        reply_of(fired(HttpRequestTrigger.of(request(url, "/large"), LOCAL)))
    assert caught.value.code == "body_too_large"
    assert "http_defer_after" in caught.value.hint


def test_only_calls_that_may_take_long_leave_their_worker(monkeypatch, url):
    monkeypatch.setenv("AIRFLOW__FLOWDROP__HTTP_DEFER_AFTER", "20")
    monkeypatch.setenv("AIRFLOW__FLOWDROP__ALLOWED_HOSTS", "127.0.0.1")
    client = http_client_of(None)

    assert client.send(request(url)).status == 201
    for timeout in (20, 0, 90):
        with pytest.raises(SlowCall):
            client.send(HttpRequest("POST", url, timeout=timeout))


def test_a_resumed_task_gets_the_reply_once_and_repeats_in_place(monkeypatch, url):
    monkeypatch.setenv("AIRFLOW__FLOWDROP__HTTP_DEFER_AFTER", "1")
    monkeypatch.setenv("AIRFLOW__FLOWDROP__ALLOWED_HOSTS", "127.0.0.1")
    event = fired(HttpRequestTrigger.of(request(url), HttpPolicy()))
    client = http_client_of(event)

    assert EVENT_KEY in event
    with pytest.raises(NodeError):
        client.send(request(url))
    assert client.send(request(url)).status == 201
