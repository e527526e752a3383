"""What no route may see never reaches one."""

from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from flowdrop_provider.document.parsing import MAX_BYTES
from flowdrop_provider.plugins.api.gate import BodyGate, allowed_origin

JSON = {"content-type": "application/json"}


async def echo(request):
    body = await request.body()
    return JSONResponse({"got": json.loads(body) if body else None})


@pytest.fixture(scope="module")
def client():
    app = Starlette(routes=[Route("/", echo, methods=["GET", "POST"])])
    app.add_middleware(BodyGate, origins=lambda: ["https://editor.example"])
    return TestClient(app, base_url="http://airflow.example:8080")


def refusal(answer):
    body = answer.json()
    assert body["success"] is False
    assert body["error"]
    return answer.status_code, body["error_code"]


@pytest.mark.rule("API-1", "API-8")
@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ('{"a":', JSON, (400, "BODY_MALFORMED")),
        ("3", JSON, (400, "BODY_SHAPE")),
        ('"text"', JSON, (400, "BODY_SHAPE")),
        ("[" * 64 + "]" * 64, JSON, (400, "BODY_MALFORMED")),
        ('{"a": "\\u0000"}', JSON, (400, "BODY_MALFORMED")),
        ('{"a": "\\\\\\u0000"}', JSON, (400, "BODY_MALFORMED")),
        ("a=b", {"content-type": "application/x-www-form-urlencoded"}, (415, "CONTENT_TYPE")),
        ("{}", {"content-type": "text/plain"}, (415, "CONTENT_TYPE")),
        ("{}", JSON | {"origin": "https://evil.example"}, (403, "ORIGIN_REFUSED")),
        ("{}", JSON | {"origin": "null"}, (403, "ORIGIN_REFUSED")),
        ("{}", JSON | {"sec-fetch-site": "cross-site"}, (403, "ORIGIN_REFUSED")),
    ],
)
def test_what_is_refused(client, body, headers, expected):
    assert refusal(client.post("/", content=body, headers=headers)) == expected


@pytest.mark.rule("STORE-1")
def test_a_body_may_nest_63_deep_and_have_8_mebibytes(client):
    assert client.post("/", content="[" * 63 + "]" * 63, headers=JSON).status_code == 200
    padded = b'{"a":1}' + b" " * (MAX_BYTES - 7)
    assert client.post("/", content=padded, headers=JSON).json() == {"got": {"a": 1}}
    assert refusal(client.post("/", content=padded + b" ", headers=JSON)) == (413, "BODY_TOO_LARGE")


def test_a_body_whose_length_is_not_announced_is_counted(client):
    chunks = (b" " * 1_000_000 for _ in range(9))

    assert refusal(client.post("/", content=chunks, headers=JSON)) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    "headers",
    [{}, {"origin": "http://airflow.example:8080"}, {"origin": "https://editor.example"}, {"sec-fetch-site": "same-origin"}],
)
def test_who_may_write(client, headers):
    assert client.post("/", content='{"a": 1}', headers=JSON | headers).json() == {"got": {"a": 1}}
    assert client.post("/", headers=headers).json() == {"got": None}, "an absent body is none (API-1)"


def test_a_character_that_the_database_cannot_keep_reaches_no_route(client):
    for path in ("/?search=%00", "/%00"):
        assert refusal(client.get(path)) == (400, "REQUEST_MALFORMED")
    spelled = '{"a": "\\\\u0000"}'
    assert client.post("/", content=spelled, headers=JSON).json() == {"got": {"a": "\\u0000"}}, "that is six other characters"


def test_reading_is_not_asked_for_its_origin(client):
    assert client.get("/", headers={"origin": "https://evil.example"}).status_code == 200


def test_an_origin_is_compared_whole():
    others = ["https://editor.example"]
    assert not allowed_origin({"origin": "https://editor.example.evil"}, "http://a", others)
    assert not allowed_origin({"origin": "http://b"}, "http://", others)
    assert allowed_origin({"origin": "https://a"}, "http://a", [])


def test_one_caller_writes_so_often_and_reads_as_often_as_it_likes(client, monkeypatch):
    monkeypatch.setenv("AIRFLOW__FLOWDROP__API_WRITE_LIMIT", "3/minute")
    ada, bob = ({"authorization": f"Bearer {name}"} for name in ("ada", "bob"))
    answers = [client.post("/", headers=ada) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert refusal(answers[-1]) == (429, "RATE_LIMITED")
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert client.post("/", headers=bob).status_code == 200
    assert client.get("/", headers=ada).status_code == 200
    monkeypatch.setenv("AIRFLOW__FLOWDROP__API_WRITE_LIMIT", "")
    assert client.post("/", headers=ada).status_code == 200


def test_a_limit_that_is_none_is_told(client, monkeypatch):
    monkeypatch.setenv("AIRFLOW__FLOWDROP__API_WRITE_LIMIT", "often")

    assert refusal(client.post("/")) == (500, "CONF_WRITE_LIMIT")
