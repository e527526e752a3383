"""What can be done with a run in the views: stop, repeat, answer, take away; and who is offered what."""

from __future__ import annotations

import json
import re

import pytest

from tests.browser.conftest import FLOWS
from tests.browser.test_views import BOTH, card, drawer

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

TICKET, INVOICES, *_ = FLOWS
REVIEW = "flowdrop_release_review"
SLOW = 90_000


def dialog(page):
    return page.get_by_role("dialog")


def test_a_run_is_repeated_with_other_inputs_and_the_new_one_opens(page, site):
    page.goto(site.run_path(TICKET))
    page.get_by_role("button", name="Re-run", exact=True).click()
    dialog(page).get_by_text("Start with other inputs").click()
    inputs = dialog(page).get_by_label("Inputs (JSON object)")
    expect(inputs).to_have_value(re.compile("my parcel is lost"))
    inputs.fill("[1]")
    dialog(page).get_by_role("button", name="Start the run").click()
    expect(dialog(page).get_by_role("alert")).to_contain_text("Inputs are a JSON object")
    inputs.fill('{"message": "No hurry at all"}')
    dialog(page).get_by_role("button", name="Start the run").click()
    expect(page.get_by_role("link", name=re.compile("repeats manual__"))).to_be_visible(timeout=SLOW)
    expect(card(page, "Standard answer")).to_have_attribute("data-status", "completed", timeout=SLOW)


def test_a_failed_run_is_tried_again_from_the_node_that_failed(refused, site):
    page = refused
    page.goto(site.run_path(TICKET))
    page.route(
        "**/rerun", lambda route: route.fulfill(status=409, json={"error": "The workflow has changed.", "error_code": "X_CODE"})
    )
    page.get_by_role("button", name="Retry failed").click()
    expect(dialog(page)).to_contain_text("Score per open ticket")
    with page.expect_request("**/rerun") as asked:
        dialog(page).get_by_role("button", name="Start the run").click()
    assert json.loads(asked.value.post_data) == {"from_node": "data_mapper.1"}
    expect(dialog(page).get_by_role("alert")).to_contain_text("The workflow has changed.")
    expect(dialog(page).get_by_role("alert")).to_contain_text("X_CODE")


@BOTH
def test_a_run_is_repeated_from_a_chosen_node_with_what_the_others_left(page, site, picture):
    page.goto(f"{site.run_path(TICKET)}?node=prompt_template.1")
    drawer(page, "Answer at once").get_by_role("button", name="Re-run from here").click()
    dialog(page).get_by_role("button", name="Start the run").click()
    expect(page.get_by_role("link", name=f"repeats {site.runs[TICKET]}")).to_be_visible(timeout=SLOW)
    expect(card(page, "Score per open ticket")).to_have_attribute("data-status", "failed", timeout=SLOW)
    for label in ("Ticket", "Is it urgent?"):
        expect(card(page, label)).to_contain_text("Reused")
    for label in ("Answer at once", "Score per open ticket"):
        expect(card(page, label)).not_to_contain_text("Reused")
    # Airflow's page writes the address once more after it went there, without what a click on a node puts into it.
    page.goto(f"{page.url.partition('?')[0]}?node=if_else.1")
    origin = drawer(page, "Is it urgent?").get_by_role("link", name=site.runs[TICKET])
    expect(origin).to_be_visible()
    picture("run-reused")
    origin.click()
    expect(page.get_by_role("link", name=re.compile("^repeats"))).to_have_count(0)


def test_a_failed_node_is_passed_over_with_outputs_that_were_pinned(page, site):
    page.goto(f"{site.run_path(TICKET)}?node=if_else.1")
    drawer(page, "Is it urgent?").get_by_role("button", name="Pin output", exact=True).click()
    page.get_by_role("button", name="Go to the failed node").click()
    drawer(page, "Score per open ticket").get_by_role("button", name="Pin output", exact=True).click()
    bar = page.get_by_role("toolbar")
    expect(bar).to_contain_text("2 outputs pinned: Is it urgent?, Score per open ticket")
    bar.get_by_role("button", name="Run with pinned outputs").click()
    outputs = dialog(page).get_by_label("Outputs of Score per open ticket")
    expect(outputs).to_have_value(re.compile('"y": null'))
    outputs.fill("50")
    dialog(page).get_by_role("button", name="Start the run").click()
    expect(dialog(page).get_by_role("alert")).to_contain_text("Outputs are a JSON object")
    outputs.fill('{"y": 50}')
    dialog(page).get_by_role("button", name="Start the run").click()
    expect(card(page, "Reply")).to_have_attribute("data-status", "completed", timeout=SLOW)
    expect(page.get_by_role("toolbar")).to_have_count(0)
    expect(card(page, "Score per open ticket")).to_contain_text("Pinned")
    expect(card(page, "Is it urgent?")).to_contain_text("Reused")
    expect(card(page, "Answer at once")).not_to_contain_text(re.compile("Pinned|Reused"))
    page.goto(f"{page.url.partition('?')[0]}?node=data_mapper.1")
    panel = drawer(page, "Score per open ticket")
    expect(panel).to_contain_text("whoever started it had given these outputs")
    expect(panel.get_by_role("tabpanel")).to_contain_text("y: 50")


def test_a_waiting_run_is_stopped_with_a_reason(page, site):
    page.goto(site.run_path(REVIEW, site.start(REVIEW)))
    expect(card(page, "Ask the editor")).to_have_attribute("data-status", "interrupted", timeout=SLOW)
    page.get_by_role("button", name="Stop", exact=True).click()
    dialog(page).get_by_label(re.compile("Why")).fill("The wrong news")
    dialog(page).get_by_role("button", name="Stop the run").click()
    expect(page.locator(".fd-run").get_by_text("Cancelled", exact=True).first).to_be_visible(timeout=SLOW)
    expect(page.locator(".fd-run")).to_contain_text("The wrong news")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)


@BOTH
def test_questions_are_answered_on_the_drawing(page, site, picture):
    page.goto(site.run_path(REVIEW, site.start(REVIEW)))
    page.get_by_role("button", name="Answer").click(timeout=SLOW)
    question = page.get_by_role("region", name="This run waits for an answer")
    expect(question).to_contain_text("Publish the spring news?")
    question.get_by_role("button", name="Publish").click()
    expect(card(page, "Ask the editor")).to_have_attribute("data-status", "completed", timeout=SLOW)

    page.get_by_role("button", name="Answer", exact=True).click(timeout=SLOW)
    expect(question).to_contain_text("Where and how often?", timeout=SLOW)
    question.get_by_label("Channel").select_option("mail")
    question.get_by_label("How often").fill("0")
    question.get_by_role("button", name="Send answer").click()
    expect(question).to_contain_text("At least 1")
    question.get_by_label("How often").fill("2")
    question.get_by_text("Pin to the front page").click()
    picture("question")
    question.get_by_role("button", name="Send answer").click()
    expect(card(page, "Publish")).to_have_attribute("data-status", "completed", timeout=SLOW)
    card(page, "Ask for the details").click()
    drawer(page, "Ask for the details").get_by_role("tab", name="Output").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("pinned: true")


def test_a_viewer_is_offered_nothing_that_changes_something(viewer, site):
    viewer.goto(site.run_path(TICKET))
    expect(drawer(viewer, "Score per open ticket")).to_be_visible()
    expect(viewer.get_by_role("button", name="Compare")).to_be_visible()
    viewer.wait_for_load_state("networkidle")
    for name in ("Retry failed", "Re-run", "Re-run from here", "Pin output", "Stop"):
        expect(viewer.get_by_role("button", name=name, exact=True)).to_have_count(0)
    viewer.get_by_role("button", name="Export").click()
    expect(viewer.get_by_role("menuitem", name="Copy summary (Markdown)")).to_be_visible()
    expect(viewer.get_by_role("menuitem", name="Copy as curl")).to_have_count(0)


def test_a_viewer_reads_a_question_and_cannot_answer_it(viewer, site):
    run_id = site.start(REVIEW)
    viewer.goto(f"{site.run_path(REVIEW, run_id)}?node=confirmation.1")
    question = viewer.get_by_role("region", name="This run waits for an answer")
    expect(question).to_contain_text("You may not answer.", timeout=SLOW)
    expect(question.get_by_role("button")).to_have_count(0)
    site.harness.client().request("PATCH", f"/api/v2/dags/{REVIEW}/dagRuns/{run_id}", json={"state": "failed"})


@pytest.mark.parametrize(
    ("item", "ending", "inside"),
    [
        ("Drawing as SVG", ".svg", "Score per open ticket"),
        ("Summary as Markdown file", ".md", "| Score per open ticket | Failed |"),
        ("Everything as JSON bundle", ".json", '"format": "flowdrop-run-bundle/1"'),
        ("Drawing as PNG", ".png", "\x89PNG"),
    ],
)
def test_a_run_is_taken_away(page, site, item, ending, inside):
    page.goto(site.run_path(TICKET))
    expect(drawer(page, "Score per open ticket")).to_be_visible()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as taken:
        page.get_by_role("menuitem", name=item).click()
    assert taken.value.suggested_filename.endswith(ending)
    assert inside in taken.value.path().read_bytes().decode("utf-8" if ending != ".png" else "latin-1")


def test_the_call_that_repeats_a_run_is_copied_without_a_token(page, site):
    page.goto(site.run_path(TICKET))
    page.get_by_role("button", name="Export").click()
    page.get_by_role("menuitem", name="Copy as curl").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl -X POST '{site.harness.url}/flowdrop/api/v1/runs/")
    assert '"Authorization: Bearer $TOKEN"' in copied
