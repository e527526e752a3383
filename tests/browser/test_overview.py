"""All runs at once: filters, bulk actions, figures, history."""

from __future__ import annotations

import copy
import datetime as dt
import re
import statistics
import time

import pytest

from tests.browser.conftest import FLOWS
from tests.browser.flows import TICKET as DOCUMENT
from tests.browser.flows import at
from tests.browser.test_views import BOTH, card
from tests.flows import edge, node
from tests.plugins.client import api

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

TICKET, INVOICES, LARGE, *_ = FLOWS


def rows(page, name):
    return page.get_by_role("row", name=re.compile(name))


def pick_two(page, name):
    """Pick the two newest runs of a workflow."""
    boxes = page.get_by_role("checkbox", name=re.compile(f"^Pick {name}"))
    expect(boxes.nth(1)).to_be_attached()
    for number in (0, 1):
        boxes.nth(number).check(force=True)


def test_runs_are_found_by_what_went_wrong_where_and_for_whom(page, site):
    page.goto("/plugin/flowdrop")
    page.get_by_label("Error text").fill("division by")
    expect(rows(page, "large 200")).to_have_count(0)
    expect(rows(page, "support ticket").first).to_contain_text("Division by zero")
    page.get_by_label("Node id").fill("foreach.1")
    expect(page.get_by_text("No run matches these filters")).to_be_visible()
    page.get_by_label("Error text").fill("")
    expect(rows(page, "invoice rounds").first).to_contain_text("the run went on along its error edge")
    page.get_by_role("searchbox", name="User").fill("somebody else")
    expect(page.get_by_text("No run matches these filters")).to_be_visible()
    assert "user=somebody" in page.url
    page.get_by_role("button", name="Clear filters").first.click()
    page.get_by_label("Started by").select_option("rest_api")
    expect(rows(page, "large 200").first).to_be_visible()
    page.get_by_label("Started by").select_option("backfill")  # No test has one.
    expect(page.get_by_text("No run matches these filters")).to_be_visible()


def test_several_runs_are_repeated_and_marked_at_once(page, site):
    site.finished(INVOICES)
    page.goto(f"/dags/{INVOICES}/plugin/flowdrop-runs")
    pick_two(page, "invoice rounds")
    bar = page.get_by_role("toolbar")
    expect(bar).to_contain_text("2 runs picked")
    bar.get_by_role("button", name="Re-run (2)").click()
    with page.expect_response(re.compile("/rerun$")) as first:
        page.get_by_role("dialog").get_by_role("button", name="Re-run").click()
    assert first.value.status == 202
    expect(rows(page, "A repetition").nth(1)).to_be_visible()
    expect(bar).to_have_count(0)

    site.finished(INVOICES)
    page.goto(f"/dags/{INVOICES}/plugin/flowdrop-runs")
    page.get_by_role("checkbox", name=re.compile("^Pick invoice rounds")).first.check(force=True)
    bar.get_by_role("button", name="Mark as failed (1)").click()
    with page.expect_response(re.compile("/dagRuns/")) as marked:
        page.get_by_role("dialog").get_by_role("button", name="Mark as failed").click()
    assert marked.value.status == 200
    expect(rows(page, "marked as failed by hand").first).to_be_visible()
    rows(page, "marked as failed by hand").first.get_by_role("link").first.click()
    expect(page.locator(".fd-run")).to_contain_text("The run was marked as failed by hand")


def test_two_picked_runs_are_laid_beside_each_other(page, site):
    site.finished(INVOICES)
    page.goto(f"/dags/{INVOICES}/plugin/flowdrop-runs")
    pick_two(page, "invoice rounds")
    page.get_by_role("toolbar").get_by_role("button", name="Compare").click()
    expect(page.locator(".fd-compare")).to_be_visible()


def test_a_viewer_picks_runs_and_may_only_compare(viewer, site):
    viewer.goto("/plugin/flowdrop")
    viewer.get_by_role("checkbox", name="Pick all shown runs").check(force=True)
    bar = viewer.get_by_role("toolbar")
    expect(bar).to_contain_text("picked")
    viewer.wait_for_load_state("networkidle")
    expect(bar.get_by_role("button")).to_have_text(["Pick none"])


@BOTH
def test_the_first_page_tells_of_the_day_and_leads_to_its_runs(page, site, picture):
    page.goto("/")
    day = page.get_by_role("region", name="FlowDrop, last 24 hours")
    failed = day.get_by_role("link", name=re.compile("failed"))
    expect(failed).to_be_visible(timeout=60_000)
    expect(day).to_contain_text("95 % of runs took at most")
    picture("card")
    failed.click()
    expect(page).to_have_url(re.compile("/plugin/flowdrop.*status=failed"))
    expect(rows(page, "support ticket").first).to_be_visible(timeout=60_000)


@BOTH
def test_figures_by_workflow_and_by_node(page, site, picture):
    page.goto("/plugin/flowdrop?view=metrics")
    expect(page.get_by_role("img", name="Runs that ended, failed ones in red")).to_be_visible()
    expect(page.get_by_text("Failure rate").first).to_be_visible()
    picture("metrics")
    page.get_by_role("button", name="Failure rate").click()
    # Which workflow of this Airflow fails most often depends on what other tests left in it.
    expect(page.locator("tbody tr").first).to_contain_text(re.compile(r"[1-9]\d*(\.\d)? %"))
    page.get_by_role("row", name="support ticket").get_by_role("button", name="support ticket").click()
    expect(rows(page, "Score per open ticket")).to_contain_text(re.compile(r"[1-9]\d*(\.\d)? %"))
    page.get_by_label("Figures by").select_option("node_type")
    expect(rows(page, "data_mapper").first).to_be_visible()


def taken(text):
    """The seconds that a page's figure says."""
    units = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+) (ms|min|s|h)", text))


def test_the_page_and_the_api_say_what_counting_by_hand_says(page, site):
    """Airflow's own list of runs is counted here, in Python, and compared with what both show."""
    runs = site.harness.client().get(f"/dags/{TICKET}/dagRuns", limit=100)["dag_runs"]
    ended = [run for run in runs if run["end_date"]]
    moment = dt.datetime.fromisoformat
    took = [(moment(run["end_date"]) - moment(run["start_date"])).total_seconds() for run in ended]
    failed = sum(run["state"] == "failed" for run in ended)
    percentiles = statistics.quantiles(took, n=100, method="inclusive") if len(took) > 1 else took * 99
    by_hand = {"mean": statistics.fmean(took), "p50": percentiles[49], "p95": percentiles[94], "max": max(took)}
    assert failed, "or the rate says nothing"

    with api(site.harness) as client:
        (told,) = client.get("/metrics", params={"workflow_id": "support_ticket"}).json()["data"]
    assert (told["count"], told["failed"]) == (len(ended), failed)
    assert told["duration_s"] == pytest.approx(by_hand, abs=0.001)
    assert told["failure_rate"] == pytest.approx(failed / len(ended), abs=0.0001)

    page.goto("/plugin/flowdrop?view=metrics&workflow=support_ticket")
    tiles = page.locator(".fd-tile")
    expect(tiles).to_have_count(6)
    shown = [list(filter(None, tile.inner_text().splitlines()))[1] for tile in tiles.all()]
    assert int(shown[0]) == len(ended)
    assert float(shown[1].removesuffix(" %")) == pytest.approx(100 * failed / len(ended), abs=0.06)
    assert [taken(text) for text in shown[2:5]] == pytest.approx(
        [by_hand["mean"], by_hand["p50"], by_hand["p95"]], rel=0.02, abs=0.06
    )


@BOTH
def test_history_and_two_revisions_on_one_canvas(page, site, picture):
    second_revision(site)
    page.goto("/plugin/flowdrop?view=audit&workflow=support_ticket")
    revisions = page.get_by_role("table", name="Revisions")
    expect(revisions.get_by_role("radio")).to_have_count(4)
    expect(card(page, "Thank them")).to_contain_text("added")
    expect(card(page, "Reply")).to_contain_text("changed")
    expect(card(page, "Is it urgent?").locator(".fd-beside")).to_have_count(0)
    picture("audit")
    entries = page.get_by_role("table", name="Who did what")
    expect(entries).to_contain_text("Started a run in Airflow")
    expect(entries).to_contain_text("admin")
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV").click()
    assert taken.value.path().read_text().startswith("at,user,event")


def second_revision(site) -> None:
    """Bring a new revision of the ticket's workflow with one node more, and wait until Airflow has it."""
    changed = copy.deepcopy(DOCUMENT)
    changed["nodes"].append(at(1720, 120, node("text_output.9", label="Thank them")))
    changed["edges"].append(edge("chat_output.1:message > text_output.9:text"))
    site.bring(changed)
    deadline = time.monotonic() + 60
    while site.harness.client().get(f"/dags/{TICKET}/dagVersions")["total_entries"] < 2:
        assert time.monotonic() < deadline, "the new revision did not arrive"
        time.sleep(0.5)
