"""What a task writes that Airflow has given up is not taken."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest

from flowdrop_provider.plugins import late_writes
from flowdrop_provider.plugins.late_writes import LateWrites, task_of

VALUE = "/execution/xcoms/dag/manual__2026-01-01T00:00:00+00:00/task/flowdrop_handover"


def bearer(claims):
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return [(b"host", b"x"), (b"Authorization", b"Bearer e30." + payload + b".c2ln")]


def answered(path, headers, method="POST"):
    """Send a request through the middleware to an application that takes everything."""
    sent = []

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 201, "headers": []})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run(LateWrites(app)(scope, None, send))
    return sent[0]["status"]


@pytest.fixture
def asked(monkeypatch):
    found = []

    def running(ti_id):
        found.append(ti_id)
        return ti_id == "alive"

    monkeypatch.setattr(late_writes, "is_running", running)
    return found


def test_values_of_a_try_that_is_over_are_refused(asked):
    assert answered(VALUE, bearer({"sub": "alive"})) == 201
    assert answered(VALUE, bearer({"sub": "given-up"})) == 409
    assert answered(VALUE.replace("handover", "job.1000003"), bearer({"sub": "given-up"})) == 409
    assert asked == ["alive", "given-up", "given-up"]


@pytest.mark.parametrize(
    ("path", "method"),
    [(VALUE, "GET"), (VALUE.replace("flowdrop_handover", "theirs"), "POST"), ("/api/v2/dags", "POST"), ("/flowdrop_x", "POST")],
)
def test_everything_else_passes_unasked(asked, path, method):
    assert answered(path, bearer({"sub": "given-up"}), method) == 201
    assert asked == []


@pytest.mark.parametrize("token", [b"", b"Bearer", b"Bearer x", b"Bearer a.b.c", b"Bearer e30.W10.x", b"Bearer e30.e30.x"])
def test_a_token_that_says_nothing_is_airflows_affair(asked, token):
    assert task_of([(b"authorization", token)]) is None
    assert answered(VALUE, [(b"authorization", token)]) == 201


def test_an_id_that_is_none_runs_nowhere():
    assert not late_writes.is_running("not-an-id")
