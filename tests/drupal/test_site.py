"""The client of a Drupal site against the stand-in, which answers as the recorded site does."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from devtools.stub_drupal import StubDrupal
from flowdrop_provider.drupal.access import Credentials
from flowdrop_provider.drupal.backoff import Backoff
from flowdrop_provider.drupal.checking import check_site
from flowdrop_provider.drupal.site import Site
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.http_client import HttpPolicy, PinnedHttpClient
from flowdrop_provider.nodes.world import HttpRequest
from tests.flows import flow, node

WAITS: list[float] = []


def site_of(stub: StubDrupal, **credentials: Any) -> Site:
    WAITS.clear()
    http = PinnedHttpClient(HttpPolicy(allow_networks=("127.0.0.0/8",)))
    known = {"user": stub.user, "password": stub.password, **credentials}
    return Site(http, stub.url, Credentials(**known), timeout=5, backoff=Backoff(sleep=WAITS.append))


def paths(stub: StubDrupal) -> list[str]:
    return [f"{asked.method} {asked.path}" for asked in stub.requests]


def test_a_session_reads_flowdrop_and_writes_with_the_token(stub: StubDrupal) -> None:
    stub.save(flow("greeting", [node("text_input.1")]))
    site = site_of(stub)
    assert [item["id"] for item in site.flowdrop("workflows")["data"]] == ["greeting"]
    made = site.json_api().request(
        "POST", "node/article", body={"data": {"type": "node--article", "attributes": {"title": "x"}}}
    )
    assert made["data"]["attributes"]["title"] == "x"
    assert paths(stub).count("POST /user/login") == 1


def test_flowdrop_takes_no_basic_authentication_but_json_api_does(stub: StubDrupal) -> None:
    site = site_of(stub, kind="basic")
    assert list(site.collection("node/article")) == []
    with pytest.raises(NodeError) as caught:
        site.flowdrop("workflows")
    assert "authentication method is not allowed" in caught.value.message
    assert caught.value.code == "drupal_refused"


def test_an_ended_session_is_opened_again_once(stub: StubDrupal) -> None:
    site = site_of(stub)
    site.flowdrop("workflows")
    stub.sessions.clear()
    assert site.flowdrop("workflows")["success"] is True
    assert paths(stub).count("POST /user/login") == 2


def test_a_refused_login_is_never_repeated(stub: StubDrupal) -> None:
    for count in range(5):
        with pytest.raises(NodeError) as caught:
            site_of(stub, password="wrong").flowdrop("workflows")
        assert (caught.value.code, caught.value.retryable) == ("drupal_login_refused", False)
        assert "unrecognized" in caught.value.message
        assert stub.failures == count + 1
    with pytest.raises(NodeError) as caught:
        site_of(stub).flowdrop("workflows")
    assert "flood control" in (caught.value.hint or "")


def test_a_token_is_taken_by_client_credentials_and_renewed(stub: StubDrupal) -> None:
    site = site_of(stub, client_id="client", client_secret=stub.password)
    assert list(site.collection("node/article")) == []
    assert stub.requests[-1].headers["authorization"].startswith("Bearer ")
    with pytest.raises(NodeError) as caught:
        list(site_of(stub, client_id="client", client_secret="no").collection("node/article"))
    assert "Client authentication failed" in caught.value.message


def test_an_api_key_goes_into_its_header(stub: StubDrupal) -> None:
    list(site_of(stub, kind="api_key", api_key="k", key_header="X-Key").collection("node/article"))
    assert stub.requests[-1].headers["x-key"] == "k"


def test_a_busy_site_is_asked_again_after_a_pause(stub: StubDrupal) -> None:
    site = site_of(stub, kind="basic")
    stub.busy = 2
    assert list(site.collection("node/article")) == []
    assert len(WAITS) == 2
    assert WAITS[1] > WAITS[0]
    stub.busy = 9
    with pytest.raises(NodeError) as caught:
        list(site.collection("node/article"))
    assert (caught.value.code, caught.value.retryable, len(WAITS)) == ("drupal_failed", True, 5)


def test_what_changes_something_is_not_sent_twice_when_the_answer_is_lost(stub: StubDrupal) -> None:
    site = site_of(stub, kind="basic")
    stub.down = True
    for request, attempts in ((HttpRequest("POST", f"{stub.url}/x"), 0), (HttpRequest("GET", f"{stub.url}/x"), 3)):
        WAITS.clear()
        with pytest.raises(NodeError) as caught:
            site.send(request)
        assert caught.value.retryable
        assert len(WAITS) == attempts


def test_a_500_that_means_404_is_told_as_missing_and_not_repeated(stub: StubDrupal) -> None:
    with pytest.raises(NodeError) as caught:
        site_of(stub).flowdrop("workflows/nothing")
    assert (caught.value.code, caught.value.retryable, WAITS) == ("drupal_missing", False, [])


def test_pages_are_followed_to_the_end(stub: StubDrupal) -> None:
    api = site_of(stub, kind="basic").json_api()
    for number in range(120):
        api.request("POST", "node/article", body={"data": {"type": "node--article", "attributes": {"title": f"n {number}"}}})
    site = site_of(stub, kind="basic")
    assert len(list(site.collection("node/article"))) == 120
    assert len(list(site.collection("node/article", most=60))) == 60


def test_credentials_go_to_the_site_only(stub: StubDrupal) -> None:
    with pytest.raises(NodeError) as caught:
        site_of(stub).send(HttpRequest("GET", "http://127.0.0.1:9/elsewhere"))
    assert caught.value.code == "connection_host_mismatch"
    assert stub.requests == []


def test_signed_requests_need_no_user(stub: StubDrupal) -> None:
    site = site_of(stub, signing_secret=stub.secret)
    assert site.module("GET", "/status")["success"] is True
    assert paths(stub) == ["GET /api/flowdrop-airflow/status"]
    with pytest.raises(NodeError) as caught:
        site_of(stub, signing_secret="f" * 32).module("GET", "/status")
    assert caught.value.code == "drupal_refused"


@pytest.mark.parametrize(
    ("credentials", "works", "words"),
    [
        ({}, True, "Signed in as airflow. FlowDrop's API may be used."),
        ({"password": "x"}, False, "unrecognized"),
        ({"kind": "basic"}, True, "knows the account"),
        ({"kind": "basic", "password": "x"}, False, "takes this account for the anonymous user"),
        ({"kind": "none"}, True, "nobody is signed in"),
        ({"kind": "oauth2", "client_id": "client", "client_secret": "airflow-pass"}, True, "knows the account"),
        ({"kind": "api_key", "api_key": "k"}, False, "anonymous"),
        ({"kind": "magic"}, False, "no kind of authentication"),
        ({"signing_secret": "0123456789abcdef0123456789abcdef"}, True, "accepts the signature"),
        ({"signing_secret": "f" * 32}, False, "does not fit"),
    ],
)
def test_the_check_tells_the_truth(stub: StubDrupal, credentials: dict[str, Any], works: bool, words: str) -> None:
    if credentials.get("kind") == "magic":
        with pytest.raises(NodeError, match=words):
            check_site(site_of(stub, **credentials))
        return
    found = check_site(site_of(stub, **credentials))
    assert all(item.works for item in found) is works
    assert words in " ".join(item.text for item in found)


@pytest.mark.parametrize("kind", ["session", "basic"])
def test_the_check_names_flood_control_and_maintenance(stub: StubDrupal, kind: str) -> None:
    stub.failures = 5
    assert "lood control" in check_site(site_of(stub, kind=kind))[-1].text
    stub.failures, stub.maintenance = 0, True
    found = check_site(site_of(stub, kind=kind))[-1]
    assert not found.works
    assert "503" in found.text


def test_many_threads_may_use_one_site(stub: StubDrupal) -> None:
    site, found = site_of(stub, kind="basic"), []
    threads = [threading.Thread(target=lambda: found.append(list(site.collection("node/article")))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[]] * 8
