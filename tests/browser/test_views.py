"""The views as people use them, in a real browser against a running Airflow."""

from __future__ import annotations

import os
import re

import pytest

from tests.browser.conftest import FLOWS

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

TICKET, INVOICES, *_ = FLOWS
#: The dark theme too where pictures are made; its colours are judged by axe in every run (test_budgets.py).
THEMES = ["light", "dark"] if os.environ.get("FLOWDROP_PICTURES") else ["light"]
BOTH = pytest.mark.parametrize("theme", THEMES, indirect=True)


def card(page, label):
    return page.locator(".fd-card", has=page.get_by_text(label, exact=True))


def drawer(page, label):
    return page.get_by_role("region", name=label)


@BOTH
def test_from_the_list_to_the_reason_of_a_failure_in_one_click(page, site, picture):
    page.goto("/plugin/flowdrop")
    expect(page.get_by_role("link", name="support ticket").first).to_be_visible()
    picture("runs")
    # Other tests may have repeated the workflow with other inputs; this is the run that failed by itself.
    page.goto("/plugin/flowdrop?workflow=support_ticket")
    place = site.run_path(TICKET).partition("/plugin")[0]
    page.locator(f'tbody a[href*="{place}"]').first.click()
    expect(drawer(page, "Score per open ticket")).to_contain_text("Division by zero")


@BOTH
def test_a_run_is_drawn_with_its_states_and_its_failure_in_front(page, site, picture):
    page.goto(site.run_path(TICKET))
    expect(drawer(page, "Score per open ticket")).to_be_visible()
    for label, status in (("Answer at once", "completed"), ("Standard answer", "skipped"), ("Score per open ticket", "failed")):
        expect(card(page, label)).to_have_attribute("data-status", status)
    picture("run-failed")
    assert page.locator(".fd-edge.fd-followed").count() == 3
    assert page.locator(".fd-edge.fd-not_followed").count() == 4
    card(page, "Write the score down").click()
    expect(drawer(page, "Write the score down")).to_contain_text("The run had failed before this node's turn came.")


@BOTH
def test_a_loop_shows_its_rounds(page, site, picture):
    page.goto(site.run_path(INVOICES))
    found = drawer(page, "Share of the total")
    expect(found).to_contain_text("Division by zero")
    expect(card(page, "Share of the total").locator(".fd-chip")).to_have_text("↻ 3")
    picture("run-loop")
    found.get_by_label("Round").select_option("0")
    expect(found.get_by_text("Completed").first).to_be_visible()
    found.get_by_role("tab", name="Input").click()
    expect(found.get_by_role("tabpanel").locator(".fd-json-number")).to_have_text("1")


def test_arrow_keys_walk_along_the_drawing_and_escape_closes(page, site):
    page.goto(f"{site.run_path(TICKET)}?node=chat_input.1")
    expect(drawer(page, "Ticket")).to_be_visible()
    canvas = page.locator(".fd-canvas")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect(drawer(page, "Is it urgent?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".fd-drawer")).to_have_count(0)
    page.keyboard.press("f")
    expect(drawer(page, "Score per open ticket")).to_be_visible()
    assert "node=data_mapper.1" in page.url


def test_keys_in_quick_succession_are_all_followed(page, site):
    page.goto(f"{site.run_path(TICKET)}?node=chat_input.1")
    expect(drawer(page, "Ticket")).to_be_visible()
    page.locator(".fd-canvas").focus()
    page.evaluate("""() => ['ArrowRight', 'ArrowRight', 'ArrowRight'].forEach((key) =>
        document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })))""")
    expect(drawer(page, "Score per open ticket")).to_be_visible()


def test_the_table_says_what_the_drawing_shows(page, site):
    page.goto(site.run_path(TICKET))
    page.get_by_role("button", name="Show as table").click()
    row = page.get_by_role("row", name=re.compile("Score per open ticket"))
    expect(row).to_contain_text("Failed")
    expect(row).to_contain_text("Division by zero")
    assert page.get_by_role("table", name=re.compile("Table")).locator("tbody tr").count() == 7


def test_a_run_is_followed_to_its_end_without_a_reload(page, site):
    """The DAG is paused until somebody looks: on a slow machine the run would end before the page is there."""
    client = site.harness.client()
    client.request("PATCH", f"/api/v2/dags/{INVOICES}", json={"is_paused": True})
    try:
        page.goto(site.run_path(INVOICES, client.trigger(INVOICES, {})))
        expect(page.locator(".fd-live")).to_be_visible()
    finally:
        client.request("PATCH", f"/api/v2/dags/{INVOICES}", json={"is_paused": False})
    expect(page.locator(".fd-run").get_by_text("Completed with warnings")).to_be_visible(timeout=90_000)
    expect(page.locator(".fd-live")).to_have_count(0)
    expect(card(page, "Note the failure")).to_have_attribute("data-status", "completed")


def test_filters_stay_in_the_address(page, site):
    page.goto("/plugin/flowdrop")
    page.get_by_role("button", name=re.compile("^Failed")).click()
    page.get_by_label("Time").select_option("24h")
    expect(page.get_by_role("row", name=re.compile("support ticket")).first).to_be_visible()
    assert "status=failed" in page.url
    assert "time=24h" in page.url
    page.reload()
    expect(page.get_by_role("row", name=re.compile("support ticket")).first).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("large 200"))).to_have_count(0)
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_role("row", name=re.compile("large 200")).first).to_be_visible()


def test_a_dag_shows_its_own_runs(page, site):
    page.goto(f"/dags/{INVOICES}/plugin/flowdrop-runs")
    expect(page.get_by_role("row", name=re.compile("invoice rounds")).first).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("support ticket"))).to_have_count(0)


@BOTH
def test_a_task_shows_its_node(page, site, picture):
    page.goto(site.task_path(TICKET, "if_else.1"))
    expect(page.get_by_role("link", name=re.compile("Open the run's drawing"))).to_be_visible()
    page.get_by_role("tab", name="Input").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("It is urgent: my parcel is lost")
    picture("task")


def test_tasks_of_others_get_a_friendly_answer(page, site):
    page.goto(site.task_path("not_a_flow", "foreign"))
    expect(page.get_by_text("Not a FlowDrop node")).to_be_visible()
