"""The bundle of the views: committed, served as JavaScript, addressed by its content, small."""

from __future__ import annotations

import gzip
import hashlib
import re
import subprocess
import sys

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from flowdrop_provider.plugins.www_app import BUNDLE, MOUNT, BundleApplication, react_apps

BUDGET = 250_000
PLUGINS = BUNDLE.parents[2]


@pytest.fixture(scope="module")
def client():
    app = Starlette()
    app.mount(MOUNT, BundleApplication())
    return TestClient(app)


def test_the_bundle_is_served_as_javascript_under_its_registered_address(client):
    (url,) = {app["bundle_url"] for app in react_apps()}
    answer = client.get(f"/{url}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.content == BUNDLE.read_bytes()
    assert url.endswith(f"?v={hashlib.sha256(answer.content).hexdigest()[:16]}")


def test_nothing_but_the_built_folder_is_served(client):
    assert client.get(f"{MOUNT}/../package.json").status_code == 404
    assert client.get(f"{MOUNT}/%2e%2e/package.json").status_code == 404


def test_the_views_set_no_html():
    """What nodes answer is anybody's text; React escapes it unless it is told not to."""
    sources = [file for file in (BUNDLE.parents[1] / "src").rglob("*.ts*") if file.name != "openapi.ts"]
    assert len(sources) > 20
    ways = ("dangerouslySetInnerHTML", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write")
    assert [file.name for file in sources if any(way in file.read_text("utf-8") for way in ways)] == []


def test_the_bundle_keeps_to_its_budget(figures):
    size = len(gzip.compress(BUNDLE.read_bytes()))
    figures(f"bundle {size / 1000:.1f} kB gzip (budget {BUDGET / 1000:.0f} kB)")
    assert size <= BUDGET


def test_the_bundle_takes_react_from_the_host():
    text = BUNDLE.read_text(encoding="utf-8")
    for name in ("React", "ReactDOM", "ReactJSXRuntime", "ReactRouterDOM", "ChakraUI"):
        assert f".{name}" in text
    assert "__SECRET_INTERNALS_DO_NOT_USE" not in text


def test_each_place_has_a_route_of_its_own_and_a_name_the_bundle_sets():
    apps = react_apps()
    assert {app["destination"] for app in apps} == {"nav", "dag", "dag_run", "task_instance", "dashboard"}
    assert len({app["url_route"] for app in apps}) == len(apps)
    assert {app["name"] for app in apps if app["destination"] == "dashboard"} == {"FlowDropCard"}
    assert {app["name"] for app in apps if app["destination"] != "dashboard"} == {"FlowDrop"}
    assert all(app["name"] in BUNDLE.read_text(encoding="utf-8") for app in apps)


def test_without_a_bundle_nothing_is_registered(tmp_path):
    assert react_apps(tmp_path / "main.js") == []


def test_registering_the_views_imports_no_server():
    code = "import sys, flowdrop_provider.plugins.www_app; sys.exit('starlette' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_the_audit_trail_notes_has_words_in_the_views():
    sources = "".join(path.read_text(encoding="utf-8") for path in (PLUGINS / "api").rglob("*.py"))
    events = set(re.findall(r'(?:audited\(|\bevent = )"(flowdrop_\w+)"', sources))
    said = set(re.findall(r"\b(flowdrop_\w+): \"", (PLUGINS / "www" / "src" / "text.ts").read_text(encoding="utf-8")))

    assert "flowdrop_workflow_stored" in events
    assert len(events) > 10
    assert events <= said, sorted(events - said)
