"""Looking closer: the panel's tabs, the values on a line, playing a run, its critical path, two runs beside each other."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest

from tests.browser.conftest import FLOWS
from tests.browser.test_views import BOTH, card, drawer

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

TICKET, INVOICES, _, WEATHER, CALLER = FLOWS


def test_the_log_of_a_node_is_read_and_searched(page, site):
    page.goto(f"{site.run_path(TICKET)}?node=data_mapper.1")
    found = drawer(page, "Score per open ticket")
    found.get_by_role("tab", name="Log").click()
    expect(found.locator(".fd-log li").first).to_be_visible()
    found.get_by_label("At least").select_option("error")
    expect(found.locator(".fd-log li").first).to_have_class("fd-log-error")
    found.get_by_label("Search").fill("there is no such line")
    expect(found.get_by_role("tabpanel")).to_contain_text("No line.")


def test_values_are_searched_copied_and_saved(page, site):
    page.goto(f"{site.run_path(TICKET)}?node=if_else.1")
    found = drawer(page, "Is it urgent?")
    found.get_by_role("tab", name="Output").click()
    panel = found.get_by_role("tabpanel")
    expect(panel).to_contain_text("execution_metadata")
    panel.get_by_label("Search in these values").fill("timestamp")
    expect(panel).to_contain_text("timestamp")
    expect(panel).not_to_contain_text("active_branches")
    panel.locator(".fd-key", has_text="timestamp").click()
    assert page.evaluate("navigator.clipboard.readText()") == "output_data.execution_metadata.timestamp"
    with page.expect_download() as taken:
        panel.get_by_role("button", name="Download").click()
    assert "execution_metadata" in taken.value.path().read_text()


def test_a_round_is_laid_against_the_one_before(page, site):
    page.goto(f"{site.run_path(INVOICES)}?node=data_mapper.1&attempt=2")
    found = drawer(page, "Share of the total")
    found.get_by_role("tab", name="Diff").click()
    expect(found.get_by_role("tabpanel").locator(".fd-diff-left").first).to_have_text(re.compile("− 1$"))
    expect(found.get_by_role("tabpanel").locator(".fd-diff-right").first).to_have_text(re.compile(r"\+ 2$"))


def test_a_click_on_a_line_shows_what_passed(page, site):
    page.goto(f"{site.run_path(INVOICES)}?node=")
    found = page.get_by_role("region", name="Each invoice → Share of the total")
    # The drawing may still be fitted into the page when it is clicked: a line is a small thing to hit.
    for _ in range(5):
        page.locator(".react-flow__edge.fd-followed[data-id*='current_item']").click(force=True)
        with suppress(AssertionError):
            expect(found).to_be_visible(timeout=5_000)
            break
    expect(found).to_contain_text("Taken × 3")
    expect(found.locator(".fd-json-number")).to_have_text(["1", "2", "3"])
    assert "edge=" in page.url


def test_attempts_of_a_node_that_was_tried_again(page, site):
    page.goto(f"{site.run_path(WEATHER)}?node=http_request.1")
    found = drawer(page, "Ask the weather service")
    expect(found).to_contain_text("Could not resolve host")
    expect(found).to_contain_text("Handled: the run went on along the error edge.")
    found.get_by_role("tab", name="Attempts").click()
    expect(found.get_by_role("tabpanel").get_by_role("listitem").filter(has_text="#")).to_have_count(3)
    expect(card(page, "Ask the weather service").locator(".fd-chip")).to_have_text("#3")


def test_a_run_leads_to_its_drawing_in_drupal(page, site):
    def drawn_there(route):
        answer = route.fetch()
        told = answer.json()
        assert told["data"]["editor_url"] is None, "it came from a folder"
        told["data"]["editor_url"] = "https://site.example/flow/support_ticket"
        route.fulfill(response=answer, json=told)

    page.route("**/trace", drawn_there)
    page.goto(site.run_path(TICKET))
    expect(page.get_by_role("link", name="Open in Drupal")).to_have_attribute(
        "href", "https://site.example/flow/support_ticket"
    )


def test_a_workflow_that_calls_another(page, site):
    page.goto(f"{site.run_path(CALLER)}?node=workflow_executor.1")
    expect(card(page, "Let another shout")).to_have_attribute("data-status", "completed")
    expect(drawer(page, "Let another shout").get_by_role("tabpanel")).to_contain_text("HELLO")


@BOTH
def test_a_run_is_played_from_its_recorded_times(page, site, picture):
    page.goto(f"{site.run_path(TICKET)}?node=")
    expect(card(page, "Score per open ticket")).to_have_attribute("data-status", "failed")
    page.get_by_role("button", name="Critical path").click()
    expect(card(page, "Ticket")).to_have_class(re.compile("fd-critical"))
    expect(card(page, "Standard answer")).not_to_have_class(re.compile("fd-critical"))
    page.get_by_label("Time of the run").fill("700")
    expect(card(page, "Ticket")).to_have_attribute("data-status", "completed")
    expect(card(page, "Score per open ticket")).not_to_have_attribute("data-status", "failed")
    picture("run-playback")
    page.get_by_label("Speed").select_option("64")
    page.get_by_role("button", name="Play").click()
    expect(card(page, "Score per open ticket")).to_have_attribute("data-status", "failed")
    expect(page.get_by_role("button", name="Play")).to_be_visible()


@BOTH
def test_two_runs_are_compared_on_the_drawing(page, site, picture):
    other = site.finished(TICKET, {"message": "No hurry at all"})
    page.goto(site.run_path(TICKET))
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Completed")).first.click()
    bar = page.locator(".fd-compare")
    expect(bar).to_contain_text("nodes differ")
    expect(card(page, "Standard answer")).to_contain_text("was completed")
    bar.get_by_role("button", name="First difference").click()
    found = drawer(page, "Ticket")
    expect(found.get_by_role("tab", name="Diff")).to_have_attribute("aria-selected", "true")
    expect(found.locator(".fd-diff-left").first).to_contain_text("No hurry at all")
    expect(found.locator(".fd-diff-right").first).to_contain_text("my parcel is lost")
    picture("run-compare")
    bar.get_by_role("button", name="End comparison").click()
    expect(bar).to_have_count(0)
    assert other
