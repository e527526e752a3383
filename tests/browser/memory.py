"""Does the view of a live run keep the memory it needs flat? ``python -m tests.browser.memory --minutes 10``.

A run of 200 nodes waits for a person while it is paused and resumed over and over, so that there is news every few seconds and
the data stays as much as it is. Each sample is taken after garbage was collected. The exit code says whether the page grew.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from devtools.harness import AirflowHarness
from flowdrop_provider.plugins.api.ids import pipeline_id
from tests.browser.conftest import CHROMIUM, FLAGS, Site, signed_in
from tests.browser.flows import at, large
from tests.flows import node

NODES = 200
#: Between a pause and the resume after it, and the other way round, in seconds.
BEAT = 3.0
SAMPLE_SECONDS = 30.0
#: What the page may have grown from the first third of the samples to the last one, in bytes.
ALLOWED_GROWTH = 1_000_000


@dataclass(frozen=True)
class Sample:
    """What the page holds after garbage was collected, ``seconds`` after the first news."""

    seconds: float
    news: int
    heap: int
    nodes: int
    listeners: int


def waiting() -> dict[str, Any]:
    """Return a workflow of 200 nodes whose last one asks a person."""
    document = large(NODES)
    last = f"text_processor.{NODES - 1}"
    document["nodes"].append(at(4_000, 0, node("confirmation.1", label="Ask")))
    document["edges"] += [
        {**edge, "id": "last>ask", "source": last, "target": "confirmation.1",
         "sourceHandle": f"{last}-output-text", "targetHandle": "confirmation.1-input-message"}
        for edge in document["edges"][-1:]
    ]  # fmt: skip
    return {**document, "id": "live_200", "name": "live 200"}


@contextmanager
def live_run(site: Site) -> Iterator[tuple[str, str]]:
    """Start such a run, give its DAG and run id once it waits, and end it afterwards."""
    site.bring(waiting())
    dag_id = "flowdrop_live_200"
    site.harness.await_dag(dag_id)
    run_id = site.start(dag_id)
    api = site.harness.client()
    deadline = time.monotonic() + 180
    while not any(task["state"] == "awaiting_input" for task in api.tasks(dag_id, run_id).values()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"The run does not wait: {api.tasks(dag_id, run_id)}")
        time.sleep(1)
    yield dag_id, run_id
    api.request("PATCH", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}", json={"state": "failed"})


class Beat:
    """Pauses and resumes a run in turn."""

    def __init__(self, url: str, token: str, pipeline: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        self._path = f"/flowdrop/api/v1/pipeline/{pipeline}"
        self.count = 0

    def __call__(self) -> None:
        """Do the next of the two; a refusal is part of what may happen and only counts as no news."""
        answer = self._client.post(f"{self._path}/{('pause', 'resume')[self.count % 2]}")
        self.count += answer.is_success


def sample(cdp: Any, seconds: float, news: int) -> Sample:
    """Collect garbage and look at what is left."""
    for _ in range(2):
        cdp.send("HeapProfiler.collectGarbage")
    found = {metric["name"]: int(metric["value"]) for metric in cdp.send("Performance.getMetrics")["metrics"]}
    return Sample(seconds, news, found["JSHeapUsedSize"], found["Nodes"], found["JSEventListeners"])


def watch(page: Any, beat: Beat, seconds: float) -> Iterator[Sample]:
    """Yield samples of a page that follows a run with news at every beat."""
    news: list[str] = []
    page.on("response", lambda answer: news.append(answer.url) if "/changes" in answer.url and answer.status == 200 else None)
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable")
    start = time.monotonic()
    due = 0.0
    while (passed := time.monotonic() - start) <= seconds:
        beat()
        page.wait_for_timeout(BEAT * 1000)
        if passed >= due:
            yield sample(cdp, passed, len(news))
            due += SAMPLE_SECONDS


def growth(samples: list[Sample]) -> int:
    """Return by how many bytes the last third of the samples is above the first one, medians against medians."""
    third = max(1, len(samples) // 3)
    return int(median(one.heap for one in samples[-third:]) - median(one.heap for one in samples[:third]))


def main() -> int:
    """Print a table; return 1 when the page grew."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        harness = AirflowHarness(Path(folder))
        harness.start()
        try:
            site = Site(harness)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            with live_run(site) as (dag_id, run_id):
                page = signed_in(browser, site, "light").new_page()
                page.goto(f"{site.run_path(dag_id, run_id)}?node=confirmation.1")
                page.locator(".fd-card").first.wait_for(timeout=120_000)
                page.wait_for_timeout(5_000)
                beat = Beat(harness.url, harness.client().token(), pipeline_id(dag_id, run_id))
                print("| minute | news | heap | DOM nodes | listeners |\n|---|---|---|---|---|", flush=True)
                for one in watch(page, beat, minutes * 60):
                    samples.append(one)
                    heap = f"{one.heap / 1e6:.1f} MB"
                    print(f"| {one.seconds / 60:.1f} | {one.news} | {heap} | {one.nodes} | {one.listeners} |", flush=True)
            browser.close()
        finally:
            harness.stop()
    grown = growth(samples)
    print(f"grown by {grown / 1e6:.2f} MB in {minutes:g} minutes with {samples[-1].news} news")
    return int(grown > ALLOWED_GROWTH)


if __name__ == "__main__":
    raise SystemExit(main())
