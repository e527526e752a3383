"""Chromium against the session's Airflow; pictures go to docs/images when FLOWDROP_PICTURES is set."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from devtools.harness import AirflowHarness
from tests.browser.flows import CALLER, FOREIGN, INVOICES, REVIEW, SHOUT, TICKET, WEATHER, large

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
#: Another provider's page-wide plugin asks for this on every page; and Chromium reports the 404 by which we learn that a DAG is
#: not FlowDrop's (its pipeline id begins with base64 of ``not_a_flow``).
_FOREIGN_NOISE = re.compile(r"/hitl-review/|/runs/bm90X2FfZmxvdwp")
FLOWS = {
    "flowdrop_support_ticket": {"message": "It is urgent: my parcel is lost"},
    "flowdrop_invoice_rounds": {},
    "flowdrop_large_200": {},
    "flowdrop_weather_report": {},
    "flowdrop_shout_caller": {},
}
#: What a page's server refused on purpose in a test is no complaint about the page.
_REFUSED = re.compile(r"status of 4\d\d")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)


class Site:
    """The Airflow under test with one finished run of each workflow."""

    def __init__(self, harness: AirflowHarness) -> None:
        self.harness = harness
        self.runs: dict[str, str] = {}

    def prepare(self) -> None:
        """Bring the workflows in and run each once."""
        for document in (TICKET, INVOICES, large(200), WEATHER, SHOUT, CALLER, REVIEW):
            self.bring(document)
        self.harness.add_dag_file("not_a_flow.py", FOREIGN)
        self.harness.await_dag("flowdrop_shout")
        self.harness.await_dag("flowdrop_release_review")
        client = self.harness.client()
        for dag_id, conf in (*FLOWS.items(), ("not_a_flow", {})):
            self.harness.await_dag(dag_id)
            self.runs[dag_id] = client.trigger(dag_id, conf)
        for dag_id, run_id in self.runs.items():
            client.wait(dag_id, run_id)

    def bring(self, document: dict[str, Any]) -> None:
        """Put a workflow into the watched folder, or a new revision of it."""
        self.harness.add_workflow(f"{document['id']}.json", json.dumps(document))

    def start(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start one more run and return its id."""
        return self.harness.client().trigger(dag_id, conf or {})

    def finished(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start one more run, wait for its end and return its id."""
        run_id = self.start(dag_id, conf)
        self.harness.client().wait(dag_id, run_id)
        return run_id

    def run_path(self, dag_id: str, run_id: str | None = None) -> str:
        """The address of a run's drawing."""
        return f"/dags/{dag_id}/runs/{quote(run_id or self.runs[dag_id], safe='')}/plugin/flowdrop-run"

    def task_path(self, dag_id: str, task_id: str) -> str:
        """The address of a task instance's tab."""
        return f"/dags/{dag_id}/runs/{quote(self.runs[dag_id], safe='')}/tasks/{task_id}/plugin/flowdrop-task"


@pytest.fixture(scope="session")
def site(airflow_server: AirflowHarness) -> Site:
    found = Site(airflow_server)
    found.prepare()
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def _signed_in(chromium, site: Site, theme: str, user: str = "admin"):
    context = chromium.new_context(base_url=site.harness.url, viewport={"width": 1440, "height": 900}, color_scheme=theme)
    context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.harness.url)
    token = site.harness.client(user).token()
    context.add_cookies([{"name": "_token", "value": token, "url": site.harness.url}])
    return context


def _complaints(page) -> list[str]:
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))

    def note(message) -> None:
        if message.type == "error" and not _FOREIGN_NOISE.search(message.location.get("url", "")):
            found.append(f"{message.text} {message.location.get('url', '')}")

    page.on("console", note)
    return found


@pytest.fixture(params=["light"])
def theme(request) -> str:
    return request.param


@pytest.fixture
def page(chromium, site, theme):
    """A signed-in page; the test fails when the page complained."""
    context = _signed_in(chromium, site, theme)
    found = context.new_page()
    complaints = _complaints(found)
    yield found
    context.close()
    assert complaints == []


@pytest.fixture
def viewer(chromium, site):
    """A page of somebody who may only look."""
    context = _signed_in(chromium, site, "light", "viewer")
    found = context.new_page()
    complaints = _complaints(found)
    yield found
    context.close()
    assert complaints == []


@pytest.fixture
def refused(chromium, site):
    """A page on which the API may refuse something, which Chromium reports as an error."""
    context = _signed_in(chromium, site, "light")
    found = context.new_page()
    complaints = _complaints(found)
    yield found
    context.close()
    assert [text for text in complaints if not _REFUSED.search(text)] == []


@pytest.fixture
def picture(page, theme, tmp_path) -> Callable[[str], Path]:
    """Return a function that keeps a picture of the page under a name and its theme."""
    folder = HERE.parent.parent / "docs" / "images" if os.environ.get("FLOWDROP_PICTURES") else tmp_path

    def keep(name: str) -> Path:
        page.wait_for_timeout(700)
        file = folder / f"{name}-{theme}.png"
        page.screenshot(path=file, animations="disabled")
        return file

    return keep
