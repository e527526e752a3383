"""The check-up of the deployment and its rules for notices, for administrators."""

from __future__ import annotations

import json

import pytest

from tests.browser.test_views import BOTH
from tests.serving import QuietHandler, serving

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

SYSTEM = "/plugin/flowdrop?view=system"


@pytest.fixture(scope="module")
def hook(site):
    """The receiver of the rules' webhook; what it took so far."""
    taken = []

    class Receiver(QuietHandler):
        def do_POST(self):
            taken.append(json.loads(self.taken()))
            self.give(204)

    airflow = site.harness.client()
    with serving(Receiver) as url:
        made = {"connection_id": "flowdrop_hook", "conn_type": "http", "host": url}
        airflow.request("POST", "/api/v2/connections", json=made)
        yield taken
        airflow.request("DELETE", "/api/v2/connections/flowdrop_hook")


@BOTH
def test_an_administrator_sees_what_to_change_and_why(page, site, picture):
    page.goto(SYSTEM)
    table = page.get_by_role("table", name="Check-up of this deployment")
    row = table.get_by_role("row").filter(has_text="callbacks.base_url")
    expect(row).to_contain_text("Better changed")
    expect(row).to_contain_text("base_url")
    expect(table).not_to_contain_text("database.reachable")
    picture("system")

    page.get_by_role("button", name="Copy as text").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "airflow 3." in copied
    assert "[Better changed] " in copied
    page.get_by_role("button", name="that are fine").click()
    expect(table.get_by_role("row").filter(has_text="database.reachable")).to_contain_text("Fine")


def test_a_test_message_is_sent_and_its_fate_is_told(page, site, hook):
    page.goto(SYSTEM)
    rules = page.get_by_role("table", name="Notices")
    on_call = rules.get_by_role("row").filter(has_text="on-call")
    expect(on_call).to_contain_text("failures, slow runs, a high error rate")
    on_call.get_by_role("button", name="Send a test").click()
    expect(on_call.get_by_role("status")).to_contain_text("Webhook flowdrop_hook: sent in")
    assert [(notice["kind"], notice["subject"]) for notice in hook] == [("test", "Test of the FlowDrop rule on-call")]

    editors = rules.get_by_role("row").filter(has_text="editors")
    editors.get_by_role("button", name="Send a test").click()
    expect(editors.get_by_role("status")).to_contain_text("flowdrop_no_mail")
    expect(editors.get_by_role("status")).to_contain_text("Webhook flowdrop_hook: sent in")
    assert len(hook) == 2

    page.get_by_role("tab", name="Audit").click()
    expect(page.get_by_role("table", name="Who did what")).to_contain_text("Sent a test message")


def test_nobody_else_is_offered_it(viewer, site):
    viewer.goto(SYSTEM)
    expect(viewer.get_by_role("tab", name="Audit")).to_be_visible()
    viewer.get_by_role("table").first.wait_for()
    expect(viewer.get_by_role("tab", name="Check-up")).to_have_count(0)
