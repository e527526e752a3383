"""Chromium against the session's Airflow; pictures go to docs/images when FLOWDROP_PICTURES is set."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
#: A machine that several test runs share takes seconds for what takes a moment elsewhere.
PATIENCE_MS = 60_000
FLOWS = {
    "flowdrop_support_ticket": {"message": "It is urgent: my parcel is lost"},
    "flowdrop_invoice_rounds": {},
    "flowdrop_large_200": {},
    "flowdrop_weather_report": {},
    "flowdrop_shout_caller": {},
}
#: What a page's server refused on purpose in a test is no complaint about the page.
_REFUSED = re.compile(r"status of 4\d\d")
#: What pages say of a request that ended because they were left.
_LEFT = re.compile(r"net::ERR_ABORTED|AbortError|Request aborted|CanceledError")


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
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def signed_in(chromium, site: Site, theme: str, user: str = "admin"):
    context = chromium.new_context(base_url=site.harness.url, viewport={"width": 1440, "height": 900}, color_scheme=theme)
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.harness.url)
    token = site.harness.client(user).token()
    context.add_cookies([{"name": "_token", "value": token, "url": site.harness.url}])
    return context


class Complaints:
    """What a page complained about while a test looked at it: errors on the console, and exceptions that nobody caught.

    What was under way when the page was left is not among them: Chromium ends such requests, and pages may say so.
    """

    def __init__(self, page) -> None:
        self._found: list[tuple[str, str]] = []
        self._ended: set[str] = set()
        page.on("pageerror", lambda error: self._found.append((str(error), "")))
        page.on("console", self._note)
        page.on("requestfailed", self._failed)

    def _note(self, message) -> None:
        url = message.location.get("url", "")
        if message.type == "error" and not _FOREIGN_NOISE.search(url):
            self._found.append((message.text, url))

    def _failed(self, request) -> None:
        if request.failure == "net::ERR_ABORTED":
            self._ended.add(request.url)

    def so_far(self) -> list[str]:
        """Return them, each with the address it is about."""
        return [f"{text} {url}" for text, url in self._found if url not in self._ended and not _LEFT.search(text)]


@contextmanager
def opened(
    chromium, site: Site, theme: str = "light", user: str = "admin", but: re.Pattern[str] | None = None
) -> Iterator[Any]:
    """Open a page for somebody; afterwards fail when it complained, except about what ``but`` matches."""
    context = signed_in(chromium, site, theme, user)
    page = context.new_page()
    complaints = Complaints(page)
    yield page
    found = complaints.so_far()  # before closing: that ends requests
    context.close()
    assert [text for text in found if not (but and but.search(text))] == []


@pytest.fixture(params=["light"])
def theme(request) -> str:
    return request.param


@pytest.fixture
def page(chromium, site, theme):
    """A signed-in page; the test fails when the page complained."""
    with opened(chromium, site, theme) as found:
        yield found


@pytest.fixture
def viewer(chromium, site):
    """A page of somebody who may only look."""
    with opened(chromium, site, user="viewer") as found:
        yield found


@pytest.fixture
def refused(chromium, site):
    """A page on which the API may refuse something, which Chromium reports as an error."""
    with opened(chromium, site, but=_REFUSED) as found:
        yield found


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
