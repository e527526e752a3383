"""Drupal-bound nodes against exchanges recorded from a real site, replayed by a stub server over real HTTP."""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.drupal import JsonApiClient
from flowdrop_provider.nodes.http_client import HttpPolicy, PinnedHttpClient
from flowdrop_provider.nodes.world import World

Run = Callable[..., dict[str, Any]]
SHARED = Path(os.environ.get("FLOWDROP_SHARED", Path(__file__).parents[3] / "shared"))
RECORDED = SHARED / "reference" / "drupal-http.jsonl"
pytestmark = pytest.mark.skipif(not RECORDED.is_file(), reason=f"no recorded exchanges at {RECORDED}; set FLOWDROP_SHARED")


def recorded(tag: str) -> dict[str, Any]:
    for line in RECORDED.read_text().splitlines():
        exchange = json.loads(line)
        if exchange["tag"] == tag:
            return exchange
    raise LookupError(tag)


class Site:
    """Answers each request with the next recorded response and keeps what was asked."""

    def __init__(self) -> None:
        self.tags: list[str] = []
        self.asked: list[tuple[str, str, dict[str, list[str]], Any, dict[str, str]]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = json.loads(body) if body else None
                site.asked.append((self.command, parts.path, parse_qs(parts.query), asked, dict(self.headers)))
                response = recorded(site.tags.pop(0))["response"]
                data = (response["body"] or "").encode()
                self.send_response(response["status"])
                for name, value in response["headers"]:
                    if name.lower() == "content-type":
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = answer

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def world(self, *tags: str) -> World:
        self.tags = list(tags)
        http = PinnedHttpClient(HttpPolicy(allow_networks=("127.0.0.0/8",)))
        base = f"http://127.0.0.1:{self.server.server_port}"
        return World(extras={"drupal": JsonApiClient.with_password(http, base, "bot", "pass")})


@pytest.fixture
def site() -> Iterator[Site]:
    stub = Site()
    threading.Thread(target=stub.server.serve_forever, daemon=True).start()
    yield stub
    stub.server.shutdown()
    stub.server.server_close()


def test_a_query_lists_what_the_site_gives(run_node: Run, site: Site) -> None:
    outputs = run_node("entity_query", {"bundle": "article", "limit": 2, "load_entities": True}, world=site.world("ja.list"))
    data = json.loads(recorded("ja.list")["response"]["body"])["data"]
    assert outputs["ids"] == [str(item["attributes"]["drupal_internal__nid"]) for item in data]
    assert [entry["label"] for entry in outputs["results"]] == [item["attributes"]["title"] for item in data]
    assert (outputs["count"], outputs["has_more"], outputs["success"], outputs["error_message"]) == (2, True, True, "")
    assert outputs["entities"][0]["body"]["value"] == data[0]["attributes"]["body"]["value"]


def test_a_query_asks_as_the_site_understands(run_node: Run, site: Site) -> None:
    conditions = {"title": {"value": "ticle", "operator": "CONTAINS"}, "uid.name": "airflow", "promote": [True, False]}
    config = {"bundle": "article", "conditions": conditions, "changed_after": 1795400839, "limit": 2}
    run_node("entity_query", config, world=site.world("ja.list"))
    method, path, query, _, headers = site.asked[0]
    assert (method, path) == ("GET", "/jsonapi/node/article")
    assert headers["Authorization"].startswith("Basic ")
    expected = {
        "filter[c0][condition][path]": ["title"],
        "filter[c0][condition][operator]": ["CONTAINS"],
        "filter[c2][condition][operator]": ["IN"],
        "filter[c2][condition][value][0]": ["1"],
        "filter[c2][condition][value][1]": ["0"],
        "filter[c3][condition][path]": ["status"],
        "filter[c4][condition][path]": ["changed"],
        "filter[c4][condition][value]": ["1795400839"],
        "sort": ["-changed"],
        "page[limit]": ["2"],
    }
    assert {name: query[name] for name in expected} == expected


def test_a_query_follows_the_pages_until_it_has_enough(run_node: Run, site: Site) -> None:
    world = site.world("ja.list", "ja.list.page2")
    outputs = run_node("entity_query", {"bundle": "article", "limit": 4}, world=world)
    assert outputs["count"] == len(set(outputs["ids"])) == 4
    assert [asked[2]["page[offset]"] for asked in site.asked] == [["0"], ["4"]]


@pytest.mark.parametrize("tag", ["ja.filter.unknown", "ja.sort.unknown", "ja.get.404"])
def test_a_query_the_site_refuses_is_told_and_fails_nothing(run_node: Run, site: Site, tag: str) -> None:
    outputs = run_node("entity_query", {"bundle": "article"}, world=site.world(tag))
    assert (outputs["success"], outputs["count"], outputs["ids"]) == (False, 0, [])
    assert str(recorded(tag)["response"]["status"]) in outputs["error_message"]


@pytest.mark.parametrize(
    "config",
    [
        {"entity_type": "../../user/1", "bundle": "x"},
        {"bundle": "article?x"},
        {"conditions": {"a[b]": 1}},
        {"conditions": [{"field": "title", "operator": "; DROP"}]},
        {"conditions": ["x"]},
    ],
)
def test_names_cannot_leave_their_place_in_the_address(run_node: Run, site: Site, config: dict[str, Any]) -> None:
    with pytest.raises(NodeError):
        run_node("entity_query", config, world=site.world())
    assert site.asked == []


def test_a_new_entity_is_created(run_node: Run, site: Site) -> None:
    exchange = recorded("ja.create.1")
    sent = json.loads(exchange["request"]["body"])["data"]
    config = {"bundle": "article", "values": {**sent["attributes"], "changed": 1, "uuid": "x"}}
    outputs = run_node("entity_save", config, world=site.world("ja.create.1"))
    made = json.loads(exchange["response"]["body"])["data"]
    method, path, _, body, headers = site.asked[0]
    own = body["data"].pop("id")
    assert str(uuid.UUID(own)) == own
    assert (method, path, body["data"]) == ("POST", "/jsonapi/node/article", sent)
    assert headers["Content-Type"] == "application/vnd.api+json"
    assert outputs["entity_id"] == str(made["attributes"]["drupal_internal__nid"])
    assert (outputs["uuid"], outputs["label"], outputs["is_new"]) == (made["id"], "Article 1", True)
    assert (outputs["skipped_fields"], outputs["revision_id"]) == (
        ["changed", "uuid"],
        made["attributes"]["drupal_internal__vid"],
    )
    assert outputs["created"] > 1_700_000_000


def test_an_entity_that_was_created_already_is_taken_as_it_is(run_node: Run, site: Site) -> None:
    world = site.world("ja.create.clientid.again", "ja.get")
    outputs = run_node("entity_save", {"bundle": "article", "values": {"title": "x"}}, world=world)
    assert [asked[0] for asked in site.asked] == ["POST", "GET"]
    assert site.asked[1][1] == f"/jsonapi/node/article/{site.asked[0][3]['data']['id']}"
    assert outputs["uuid"] == json.loads(recorded("ja.get")["response"]["body"])["data"]["id"]


def test_an_entity_is_changed_by_its_uuid_and_only_in_the_allowed_fields(run_node: Run, site: Site) -> None:
    identity = json.loads(recorded("ja.patch")["response"]["body"])["data"]["id"]
    config = {"bundle": "article", "values": {"title": "Article 1 edited", "promote": True}, "allowed_fields": ["title"]}
    outputs = run_node("entity_save", config, {"entity_id": identity}, world=site.world("ja.patch"))
    method, path, _, body, _ = site.asked[0]
    assert (method, path) == ("PATCH", f"/jsonapi/node/article/{identity}")
    assert body["data"] == {"type": "node--article", "id": identity, "attributes": {"title": "Article 1 edited"}}
    assert (outputs["is_new"], outputs["label"], outputs["skipped_fields"]) == (False, "Article 1 edited", ["promote"])


def test_an_entity_is_found_by_drupals_number(run_node: Run, site: Site) -> None:
    world = site.world("ja.list", "ja.patch")
    first = json.loads(recorded("ja.list")["response"]["body"])["data"][0]["id"]
    run_node("entity_save", {"bundle": "article", "values": {"title": "x"}}, {"entity_id": 1}, world=world)
    assert site.asked[0][2] == {"filter[drupal_internal__nid]": ["1"]}
    assert site.asked[1][1].endswith(first)


def test_references_go_into_relationships(run_node: Run, site: Site) -> None:
    author = {"type": "user--user", "id": "00000000-0000-0000-0000-000000000000"}
    with pytest.raises(NodeError):
        run_node(
            "entity_save",
            {"bundle": "article", "values": {"title": "r", "uid": author}},
            world=site.world("ja.create.relationship.bad"),
        )
    sent = json.loads(recorded("ja.create.relationship.bad")["request"]["body"])["data"]
    assert site.asked[0][3]["data"]["relationships"] == sent["relationships"]


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("ja.create.status.forbidden", "administer nodes"),
        ("ja.create.noauth", "401"),
        ("ja.create.notitle", "title"),
        ("ja.create.unknownfield", "nope"),
    ],
)
def test_what_the_site_refuses_fails_the_node_with_its_reasons(run_node: Run, site: Site, tag: str, words: str) -> None:
    with pytest.raises(NodeError) as caught:
        run_node("entity_save", {"bundle": "article", "values": {"title": "x"}}, world=site.world(tag))
    assert (caught.value.code, caught.value.retryable) == ("drupal_refused", False)
    assert words in caught.value.message


def test_one_entity_is_loaded(run_node: Run, site: Site) -> None:
    identity = json.loads(recorded("ja.get")["response"]["body"])["data"]["id"]
    outputs = run_node("entity_context", {"bundle": "article", "entity_id": identity}, world=site.world("ja.get"))
    assert outputs["entity"]["title"] == outputs["label"]
    assert (outputs["uuid"], outputs["entity_type"], outputs["bundle"]) == (identity, "node", "article")
    with pytest.raises(NodeError) as caught:
        run_node("entity_context", {"bundle": "article", "entity_id": "999"}, world=site.world("ja.list.past"))
    assert caught.value.code == "entity_not_found"


def test_without_a_site_the_error_says_what_to_set(run_node: Run) -> None:
    with pytest.raises(NodeError) as caught:
        run_node("entity_query", {"bundle": "article"})
    assert "drupal_conn_id" in (caught.value.hint or "")
