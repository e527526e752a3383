"""How quick and how reachable the views are, measured in the browser."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import FLOWS
from tests.browser.flows import large
from tests.browser.test_views import drawer

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

TICKET, INVOICES, LARGE, *_ = FLOWS
AXE = Path(__file__).parents[2] / "flowdrop_provider" / "plugins" / "www" / "node_modules" / "axe-core" / "axe.min.js"
DRAW_BUDGET_MS = 1_000
LONG_TASK_MS = 50
CLICKS = 3
#: Measured until it keeps to the budget, so often at most: what else the machine does only ever adds.
TRIES = 6
#: Notes when all cards stood in the page, and when the trace had arrived.
WATCH = """
window.drawn = new Promise((done) => new MutationObserver((_, self) => {
  if (document.querySelectorAll(".fd-card").length < 200) return;
  self.disconnect();
  requestAnimationFrame(() => setTimeout(() => done(performance.now())));
}).observe(document, { childList: true, subtree: true }));
"""
ARRIVED = "performance.getEntriesByType('resource').find((entry) => entry.name.endsWith('/trace')).responseEnd"
#: The parts of Airflow's own page around a plugin are not ours to mend.
OURS = [[".fd-run"], [".fd-home"], [".fd-task"]]


def best_of(measure: Callable[[], float], budget: float) -> tuple[float, int]:
    """Return the best measurement and how many were made."""
    found: list[float] = []
    while len(found) < TRIES and min(found, default=math.inf) > budget:
        found.append(measure())
    return min(found), len(found)


def test_200_nodes_are_drawn_within_a_second(page, site, figures, picture):
    page.add_init_script(WATCH)

    def drawn() -> float:
        page.goto(site.run_path(LARGE))
        return page.evaluate("window.drawn") - page.evaluate(ARRIVED)

    best, tries = best_of(drawn, DRAW_BUDGET_MS)
    figures(f"a run of 200 nodes was drawn {best:.0f} ms after its data arrived, best of {tries} (budget {DRAW_BUDGET_MS} ms)")
    picture("run-200")
    assert best <= DRAW_BUDGET_MS


def longest_task(page, act) -> float:
    """Return the longest task of the page's main thread while something is done, in milliseconds of processor time.

    On a desk that is the time on the clock; here the clock also counts what the tests' Airflow takes from the processors.
    """
    events: list[dict[str, Any]] = []
    ended: list[object] = []
    tracing = page.context.new_cdp_session(page)
    tracing.on("Tracing.dataCollected", lambda data: events.extend(data["value"]))
    tracing.on("Tracing.tracingComplete", lambda data: ended.append(data))
    tracing.send("Tracing.start", {"traceConfig": {"includedCategories": ["toplevel"]}})
    act(page)
    tracing.send("Tracing.end")
    deadline = time.monotonic() + 60
    while not ended:
        assert time.monotonic() < deadline, "Chromium keeps its trace"
        page.wait_for_timeout(50)
    tracing.detach()
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = [event["tdur"] / 1000 for event in events if "tdur" in event and (event["pid"], event["tid"]) in threads]
    assert tasks, "the trace has no task"
    return max(tasks)


def pan(page) -> None:
    """Pan the canvas for a second."""
    box = page.locator(".fd-canvas").bounding_box()
    # A corner of the pane: on a card the mouse would choose it.
    left, top = box["x"] + 12, box["y"] + 40
    page.mouse.move(left, top)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(left + step * 6, top + step * 2)
        page.wait_for_timeout(16)
    page.mouse.up()
    page.wait_for_timeout(300)


def test_500_nodes_are_panned_without_long_tasks(page, site, figures):
    site.bring(large(500))
    site.harness.await_dag("flowdrop_large_500")
    run_id = site.finished("flowdrop_large_500")
    page.goto(f"{site.run_path('flowdrop_large_500', run_id)}?node=")
    expect(page.locator(".fd-card").first).to_be_visible(timeout=30_000)
    page.wait_for_timeout(2_000)
    before = page.locator(".react-flow__viewport").get_attribute("style")
    longest, tries = best_of(lambda: longest_task(page, pan), LONG_TASK_MS)
    assert page.locator(".react-flow__viewport").get_attribute("style") != before, "nothing was panned"
    figures(f"panning a run of 500 nodes: longest task {longest:.0f} ms, best of {tries} (budget {LONG_TASK_MS} ms)")
    assert longest <= LONG_TASK_MS


def test_from_the_dashboard_to_the_reason_in_at_most_three_clicks(page, site, figures):
    clicks = 0
    page.goto("/plugin/flowdrop?workflow=support_ticket")
    place = site.run_path(TICKET).partition("/plugin")[0]
    page.locator(f'tbody a[href*="{place}"]').first.click()
    clicks += 1
    expect(drawer(page, "Score per open ticket")).to_contain_text("Division by zero")
    figures(f"from the dashboard to the failing node's reason: {clicks} click (budget {CLICKS})")
    assert clicks <= CLICKS


def serious(page) -> list[str]:
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    places = [place for place in OURS if page.locator(place[0]).count()]
    found = page.evaluate("async (include) => (await axe.run({ include })).violations", places)
    return [
        json.dumps([violation["id"], violation["help"], [item["html"][:200] for item in violation["nodes"][:3]]])
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["light", "dark"], indirect=True)
@pytest.mark.parametrize(
    "place", ["run", "loop", "table", "runs", "metrics", "audit", "system", "task"], ids=lambda name: f"axe-{name}"
)
def test_nothing_stands_in_the_way_of_assistive_technology(page, site, place):
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make ui")
    paths = {
        "run": site.run_path(TICKET),
        "loop": site.run_path(INVOICES),
        "table": site.run_path(TICKET),
        "runs": "/plugin/flowdrop",
        "metrics": "/plugin/flowdrop?view=metrics",
        "audit": "/plugin/flowdrop?view=audit&workflow=support_ticket",
        "system": "/plugin/flowdrop?view=system",
        "task": site.task_path(TICKET, "if_else.1"),
    }
    page.goto(paths[place])
    page.locator(".fd-run, .fd-home, .fd-task").first.wait_for()
    if place == "table":
        page.get_by_role("button", name="Show as table").click()
    page.wait_for_timeout(1_500)
    assert serious(page) == []
