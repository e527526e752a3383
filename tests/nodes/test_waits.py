"""Nodes that wait for a time or another system."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.api import Interrupt
from flowdrop_provider.nodes.http_client import PinnedHttpClient
from flowdrop_provider.nodes.memory_store import InProcessMemory
from flowdrop_provider.nodes.world import HttpReply, HttpRequest, World

Run = Callable[..., dict[str, Any]]
NOON = dt.datetime(2025, 1, 15, 12, tzinfo=dt.timezone.utc)


def at(moment: dt.datetime = NOON, **extras: Any) -> World:
    return World(now=lambda: moment, rng=random.Random(1), extras=extras)


@pytest.mark.parametrize(
    ("config", "until"),
    [
        ({"value": 90}, "2025-01-15T12:01:30+00:00"),
        ({"value": "1.5", "unit": "minutes"}, "2025-01-15T12:01:30+00:00"),
        ({"value": 2, "unit": "days"}, "2025-01-17T12:00:00+00:00"),
        ({"value": 0}, "2025-01-15T12:00:00+00:00"),
    ],
)
def test_a_delay_waits_until_a_moment(run_node: Run, config: Any, until: str) -> None:
    with pytest.raises(Interrupt) as waits:
        run_node("delay", config, world=at())
    assert (waits.value.kind, waits.value.wait_until) == ("timer", until)


@pytest.mark.parametrize("value", [-1, "soon", True, [], 31_536_001, float("nan"), "1e400"])
def test_a_delay_that_is_no_length_of_time_is_a_node_error(run_node: Run, value: Any) -> None:
    with pytest.raises(NodeError) as caught:
        run_node("delay", {"value": value}, world=at())
    assert caught.value.code == "invalid_parameter"


def test_a_timer_tells_when_it_went_on_and_how_late(run_node: Run) -> None:
    resume = {"asked_at": "2025-01-15T11:58:00Z", "answered_at": "2025-01-15T12:00:01.250Z", "timed_out": True, "user_id": None}
    assert run_node("delay", {"value": 120}, world=at(), resume=resume) == {
        "scheduled_at": "2025-01-15T12:00:00+00:00",
        "resumed_at": "2025-01-15T12:00:01.250000+00:00",
        "drift_seconds": 1.25,
        "resolved_by_timer": True,
        "user_id": None,
    }


def test_a_person_may_end_a_timer_early(run_node: Run) -> None:
    resume = {"wait_until": "2025-01-15T13:00:00Z", "answered_at": "2025-01-15T12:00:00Z", "timed_out": False, "user_id": "7"}
    outputs = run_node("schedule", {"when": "2025-01-15 13:00"}, world=at(), resume=resume)
    assert (outputs["resolved_by_timer"], outputs["user_id"], outputs["drift_seconds"]) == (False, "7", -3600.0)


@pytest.mark.parametrize("when", ["2025-01-15T15:00:00+02:00", "2025-01-15 13:00:00", 1736946000, "1736946000"])
def test_a_schedule_waits_until_its_moment(run_node: Run, when: Any) -> None:
    with pytest.raises(Interrupt) as waits:
        run_node("schedule", {"when": when}, world=at())
    assert waits.value.wait_until == "2025-01-15T13:00:00+00:00"


def test_a_moment_that_is_over_does_not_wait(run_node: Run) -> None:
    outputs = run_node("schedule", {"when": "2025-01-15T11:00:00Z"}, world=at())
    assert (outputs["drift_seconds"], outputs["resolved_by_timer"]) == (3600.0, True)


@pytest.mark.parametrize(("when", "code"), [("whenever", "invalid_date"), ("2099-01-01", "invalid_parameter")])
def test_a_moment_that_cannot_be_waited_for_is_a_node_error(run_node: Run, when: str, code: str) -> None:
    with pytest.raises(NodeError) as caught:
        run_node("schedule", {"when": when}, world=at())
    assert caught.value.code == code


def test_a_rate_limit_lets_its_number_pass_and_gives_the_others_slots(run_node: Run) -> None:
    memory, slots = InProcessMemory(), []
    for _ in range(5):
        try:
            outputs = run_node("rate_limit", {"limit": 2, "window": 60}, world=at(memory=memory), workflow_id="w")
            slots.append(outputs["throttled"])
        except Interrupt as waits:
            slots.append(waits.wait_until)
    minutes = ["2025-01-15T12:01:00+00:00", "2025-01-15T12:01:00+00:00", "2025-01-15T12:02:00+00:00"]
    assert slots == [False, False, *minutes]


def test_a_rate_limit_has_room_again_after_the_window_and_for_others(run_node: Run) -> None:
    memory = InProcessMemory(clock=lambda: 0.0)
    limit = {"limit": 1, "window": 60}
    assert run_node("rate_limit", limit, world=at(memory=memory), workflow_id="w")["throttled"] is False
    assert run_node("rate_limit", limit, {"identifier": "x"}, world=at(memory=memory))["throttled"] is False
    later = at(NOON + dt.timedelta(seconds=60), memory=memory)
    assert run_node("rate_limit", limit, world=later, workflow_id="w")["throttled"] is False


def test_a_throttled_execution_says_so(run_node: Run) -> None:
    resume = {"wait_until": "2025-01-15T12:00:00Z", "answered_at": "2025-01-15T12:00:02Z", "timed_out": True}
    outputs = run_node("rate_limit", {"limit": 1, "window": 60}, world=at(), resume=resume)
    assert (outputs["throttled"], outputs["drift_seconds"]) == (True, 2.0)


class Callbacks:
    def make(self, interrupt_id: str, expires_in: float) -> str:
        return f"https://airflow.example/callback/{interrupt_id}?for={expires_in:g}"


class Recorder:
    def __init__(self, status: int = 202) -> None:
        self.status, self.requests = status, []

    def send(self, request: HttpRequest) -> HttpReply:
        self.requests.append(request)
        return HttpReply(self.status, "Status", (), b"", request.url)


@pytest.mark.rule("INT-20")
def test_call_and_wait_calls_with_its_address_and_then_waits(run_node: Run) -> None:
    world = at(callbacks=Callbacks())
    world.http = recorder = Recorder()
    config = {"url": "https://other.example/start", "headers": {"X-Key": "k"}, "expires_in": 60}
    with pytest.raises(Interrupt) as waits:
        run_node("call_and_wait", config, {"payload": {"a": 1}}, world=world)
    (request,) = recorder.requests
    body = json.loads(request.body)
    interrupt_id = waits.value.context["interrupt_id"]
    assert body == {
        "callback_url": f"https://airflow.example/callback/{interrupt_id}?for=60",
        "interrupt_id": interrupt_id,
        "payload": {"a": 1},
    }
    assert (request.method, request.headers["X-Key"], request.headers["Content-Type"]) == ("POST", "k", "application/json")
    assert (waits.value.kind, waits.value.expires_in, waits.value.context["inbox"]) == ("call", 60.0, False)


@pytest.mark.rule("INT-20")
def test_a_call_that_fails_fails_the_node_before_it_waits(run_node: Run) -> None:
    world = at(callbacks=Callbacks())
    world.http = Recorder(status=500)
    with pytest.raises(NodeError) as caught:
        run_node("call_and_wait", {"url": "https://other.example/"}, world=world)
    assert caught.value.code == "http_status"


@pytest.mark.rule("INT-20")
def test_the_callbacks_body_passes_through_unchanged(run_node: Run) -> None:
    body = {"any": ["thing", None]}
    moments = {"asked_at": "2025-01-15T12:00:00Z", "answered_at": "2025-01-15T12:00:05Z"}
    resume = {"value": body, "interrupt_id": "i1", **moments}
    expected = {"response": body, "interrupt_id": "i1", "response_time": 5.0}
    assert run_node("call_and_wait", {"url": "https://other.example/"}, resume=resume) == expected


@pytest.mark.rule("INT-20")
@pytest.mark.parametrize("expires", [0, -5, None, "never"])
def test_the_wait_for_a_callback_always_has_an_end(run_node: Run, expires: Any) -> None:
    with pytest.raises(NodeError) as caught:
        run_node("call_and_wait", {"url": "https://other.example/", "expires_in": expires}, world=at(callbacks=Callbacks()))
    assert caught.value.code == "invalid_parameter"


@pytest.mark.rule("NET-1")
def test_a_drawing_cannot_allow_itself_internal_addresses(run_node: Run) -> None:
    world = at(callbacks=Callbacks())
    world.http = PinnedHttpClient()
    with pytest.raises(NodeError) as caught:
        run_node("call_and_wait", {"url": "http://127.0.0.1/", "allow_internal_requests": True}, world=world)
    assert caught.value.code == "address_refused"
