"""The HTTP nodes against a scripted client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowdrop_provider.engine.process import process_node
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.file_store import LocalFileStore
from flowdrop_provider.nodes.network import valid_url
from flowdrop_provider.nodes.world import HttpReply, HttpRequest, World


class Scripted:
    """A client that answers what it is told and keeps the last request."""

    def __init__(self, answer: HttpReply | NodeError) -> None:
        self.answer = answer
        self.request: HttpRequest | None = None

    def send(self, request: HttpRequest) -> HttpReply:
        self.request = request
        if isinstance(self.answer, NodeError):
            raise self.answer
        return self.answer


def reply(status: int = 200, body: bytes = b"", *headers: tuple[str, str]) -> HttpReply:
    return HttpReply(status, "Reason", headers, body, "http://h/")


def run(node: str, client: Scripted, config: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    return process_node(node, config, inputs, world=World(http=client))


REFUSED = NodeError("internal", code="address_refused")


@pytest.mark.rule("NET-1")
@pytest.mark.parametrize("node", ["http_request", "url_fetch", "webhook"])
def test_a_refused_address_fails_every_node(node: str) -> None:
    with pytest.raises(NodeError) as caught:
        run(node, Scripted(REFUSED), {"url": "http://h/"}, payload={})
    assert caught.value.code == "address_refused"


@pytest.mark.rule("ERR-2")
@pytest.mark.parametrize(
    ("status", "retryable"), [(400, False), (404, False), (408, True), (429, True), (500, True), (503, True)]
)
def test_a_bad_status_fails_http_request(status: int, retryable: bool) -> None:
    with pytest.raises(NodeError) as caught:
        run("http_request", Scripted(reply(status, b"why")), {"url": "http://h/"})
    assert (caught.value.code, caught.value.retryable) == ("http_status", retryable)
    assert caught.value.details == {"status_code": status, "body": "why"}


def test_http_request_merges_headers_and_sends_text() -> None:
    client = Scripted(reply(200, b'{"a":1}', ("Content-Type", "application/json")))
    config = {"url": "http://h/", "method": "post", "headers": {"X-A": 1, "X-B": ["b", 2]}, "body": 1.5, "timeout": "7"}
    outputs = run("http_request", client, config, headers={"x-a": "port"})
    assert outputs["json"] == {"a": 1}
    assert client.request is not None
    assert client.request.headers == {"x-a": "port", "X-B": "b, 2"}
    assert (client.request.method, client.request.body, client.request.timeout) == ("POST", b"1.5", 7.0)


def test_texts_are_decoded_by_their_character_set() -> None:
    latin = reply(200, b"caf\xe9", ("Content-Type", "text/plain; charset=iso-8859-1"))
    assert run("http_request", Scripted(latin), {"url": "http://h/"})["body"] == "café"
    with pytest.raises(NodeError) as caught:
        run("http_request", Scripted(reply(200, b"\xff\xfe")), {"url": "http://h/"})
    assert caught.value.code == "not_utf8"
    assert run("url_fetch", Scripted(reply(200, b"\xff")), {"url": "http://h/"})["response"]["success"] is False


@pytest.mark.parametrize("node", ["url_fetch", "webhook"])
def test_failures_are_reported_in_the_output(node: str) -> None:
    outputs = run(node, Scripted(NodeError("late", code="timeout", retryable=True)), {"url": "http://h/"})
    assert (outputs["response"]["success"], outputs["response"]["error"]) == (False, "late")


def test_webhook_sends_json_and_its_length() -> None:
    client = Scripted(reply(202))
    outputs = run("webhook", client, {"url": "http://h/", "headers": {"content-type": "text/plain"}}, payload={"a": "é"})
    assert client.request is not None
    assert client.request.body == b'{"a":"\\u00e9"}'
    assert client.request.follow_redirects is False
    assert outputs["headers"]["Content-Length"] == 14


@pytest.mark.parametrize(
    ("url", "valid"),
    [
        ("http://localhost:8080/x", True),
        ("http://[::1]/", True),
        ("https://u:p@h.example/?q=1#f", True),
        ("mailto:a@b.c", True),
        ("example.com", False),
        ("http://", False),
        ("http:///x", False),
        ("http://é.test/", False),
        ("http://a b/", False),
        ("http://h:x/", False),
        ("", False),
        ("http://-a/", False),
    ],
)
def test_valid_url(url: str, valid: bool) -> None:
    assert valid_url(url) is valid


@pytest.mark.parametrize(
    "make", [lambda: {"headers": "X: 1"}, lambda: {"headers": {"A": {"b": 1}}}, lambda: {"timeout": "soon"}]
)
def test_unusable_settings_are_errors(make: Callable[[], dict[str, Any]]) -> None:
    with pytest.raises(NodeError):
        run("http_request", Scripted(reply()), {"url": "http://h/", **make()})


def test_a_binary_body_is_kept_where_the_deployment_says_so(tmp_path: Path) -> None:
    picture = reply(200, b"\x89PNG\xff\xfe", ("Content-Type", "image/png; x=1"))
    world = World(http=Scripted(picture), files=LocalFileStore(str(tmp_path)), extras={"keep_binary_bodies": True})
    first, again = (process_node("http_request", {"url": "http://h/"}, {}, world=world) for _ in "ab")

    assert first["body"] == again["body"], "a repeated request is not a second file"
    assert first["json"] is None
    (kept,) = (tmp_path / "http").iterdir()
    assert kept.suffix == ".png"
    assert kept.read_bytes() == b"\x89PNG\xff\xfe"
    assert first["body"].endswith(f"http/{kept.name}")
