"""The hook of a Drupal connection: what the form holds, what the test button says, what nodes get."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from devtools.stub_drupal import StubDrupal
from flowdrop_provider.drupal.access import Credentials
from flowdrop_provider.errors import NodeError
from flowdrop_provider.hooks.drupal import DrupalHook, drupal_client
from flowdrop_provider.nodes.drupal import JsonApiClient


@pytest.fixture
def stub() -> Iterator[StubDrupal]:
    with StubDrupal().running() as site:
        yield site


def connect(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> DrupalHook:
    monkeypatch.setenv("AIRFLOW_CONN_SITE", json.dumps({"conn_type": "drupal", **fields}))
    return DrupalHook("site")


def test_the_form_is_known_to_airflow_without_importing_the_hook() -> None:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    behaviour = manager.field_behaviours["drupal"]
    assert behaviour["relabeling"]["host"] == "Base URL"
    assert behaviour["placeholders"]["host"].startswith("https://")
    widgets = manager.connection_form_widgets
    assert widgets["extra__drupal__signing_secret"].is_sensitive
    assert {name for name in widgets if name.startswith("extra__drupal__")} >= {
        f"extra__drupal__{name}" for name in ("auth", "client_id", "client_secret", "api_key", "ca_bundle", "verify_tls")
    }


def test_where_people_draw_a_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    def editor(**fields: Any) -> str | None:
        return connect(monkeypatch, **fields).editor_url("a/b")

    assert editor(host="https://site.example/sub") == "https://site.example/sub/admin/flowdrop/workflows/a%2Fb/editor"
    older = {"editor_url": "/admin/structure/flowdrop-workflow/{id}/flowdrop-editor"}
    assert (
        editor(host="http://web", port=8080, extra=older)
        == "http://web:8080/admin/structure/flowdrop-workflow/a%2Fb/flowdrop-editor"
    )
    assert (
        editor(host="http://web", extra={"editor_url": "https://www.example.org/flow/{id}"})
        == "https://www.example.org/flow/a%2Fb"
    )
    assert editor(host="http://web", extra={"editor_url": "javascript://x/{id}"}) is None
    assert editor() is None


def test_the_kind_follows_from_what_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def kind(**fields: Any) -> str:
        return connect(monkeypatch, host="http://127.0.0.1:9", **fields).site().credentials.chosen

    assert kind(login="bot", password="p") == "session"
    assert kind(login="bot", password="p", extra={"auth": "basic"}) == "basic"
    assert kind(login="bot", password="p", conn_type="http") == "basic"
    assert kind(extra={"client_id": "c"}) == "oauth2"
    assert kind(extra={"api_key": "k"}) == "api_key"
    assert kind() == "none"


def test_secrets_are_not_in_a_traceback() -> None:
    text = repr(Credentials(user="u", password="p4ss", client_secret="cs3c", api_key="k3y", signing_secret="s1gn"))
    assert not any(secret in text for secret in ("p4ss", "cs3c", "k3y", "s1gn"))


def test_the_base_url_keeps_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connect(monkeypatch, host="https://site.example/drupal/").site().base_url == "https://site.example/drupal"
    assert connect(monkeypatch, host="site.example", schema="https", port=8443).site().base_url == "https://site.example:8443"
    connect(monkeypatch)
    with pytest.raises(NodeError) as caught:
        drupal_client("site")
    assert caught.value.code == "connection_invalid"


def test_the_test_button_tells_the_truth(monkeypatch: pytest.MonkeyPatch, stub: StubDrupal) -> None:
    works, text = connect(monkeypatch, host=stub.url, login=stub.user, password=stub.password).test_connection()
    assert (works, text) == (True, "Signed in as airflow. FlowDrop's API may be used.")
    works, text = connect(monkeypatch, host=stub.url, login=stub.user, password="wrong").test_connection()
    assert not works
    assert "Sorry, unrecognized" in text
    works, text = connect(monkeypatch, host="http://127.0.0.1:9", extra={"attempts": 1}).test_connection()
    assert not works
    assert "cannot be reached" in text
    assert not connect(monkeypatch).test_connection()[0]


def test_nodes_write_through_a_session(monkeypatch: pytest.MonkeyPatch, stub: StubDrupal) -> None:
    connect(monkeypatch, host=stub.url, login=stub.user, password=stub.password)
    client = drupal_client("site")
    assert isinstance(client, JsonApiClient)
    body = {"data": {"type": "node--article", "attributes": {"title": "by a session"}}}
    assert client.request("POST", "node/article", body=body)["data"]["attributes"]["title"] == "by a session"
    assert [item["attributes"]["title"] for item in client.request("GET", "node/article")["data"]] == ["by a session"]


def test_a_slow_site_is_a_retryable_error(monkeypatch: pytest.MonkeyPatch, stub: StubDrupal) -> None:
    site = connect(monkeypatch, host=stub.url, extra={"auth": "none", "timeout": 0.2, "attempts": 1}).site()
    stub.delay = 0.6
    with pytest.raises(NodeError) as caught:
        list(site.collection("node/article"))
    assert (caught.value.code, caught.value.retryable) == ("timeout", True)


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server whose certificate no authority of this machine has signed."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate)]
    name = ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *name], check=True, capture_output=True)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1")
            self.end_headers()
            self.wfile.write(b"0")

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}", certificate
    server.shutdown()
    server.server_close()


def test_certificates_are_checked_unless_the_connection_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tls: tuple[str, Path]
) -> None:
    url, certificate = tls
    works, text = connect(monkeypatch, host=url, extra={"auth": "none"}).test_connection()
    assert not works
    assert "certificate is not accepted" in text
    assert connect(monkeypatch, host=url, extra={"ca_bundle": str(certificate)}).test_connection()[0]
    assert connect(monkeypatch, host=url, extra={"verify_tls": False}).test_connection()[0]


def test_a_task_that_needs_no_site_pays_for_none(monkeypatch: pytest.MonkeyPatch, stub: StubDrupal) -> None:
    from flowdrop_provider.operators.world import airflow_world

    connect(monkeypatch, host=stub.url, login=stub.user, password=stub.password, extra={"signing_secret": stub.secret})
    monkeypatch.setenv("AIRFLOW__FLOWDROP__DRUPAL_CONN_ID", "site")
    assert "remote" not in airflow_world().extras
    monkeypatch.setenv("AIRFLOW__FLOWDROP__UNKNOWN_PROCESSOR", "drupal")
    extras = airflow_world().extras
    assert stub.requests == []
    stub.processors["shout"] = lambda request: {"text": "there"}
    assert extras["remote"].execute({"processor": "shout", "idempotency_key": "k"}, "k")["output"] == {"text": "there"}
    assert extras["drupal"].request("GET", "node/article")["data"] == []
    monkeypatch.setenv("AIRFLOW__FLOWDROP__DRUPAL_CONN_ID", "")
    assert not {"remote", "drupal"} & set(airflow_world().extras)


def test_the_world_of_a_task_imports_no_http_hook() -> None:
    program = (
        "import sys, os\n"
        "os.environ['AIRFLOW__FLOWDROP__DRUPAL_CONN_ID'] = 'site'\n"
        "from flowdrop_provider.operators.world import airflow_world\n"
        "airflow_world()\n"
        "assert 'airflow.providers.http.hooks.http' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
