"""What reading costs with 10,000 runs and 200,000 jobs in PostgreSQL (DESIGN 7); a tenth of that outside of `make bench`.

One real run is copied in the database, over 20 workflows and five weeks. Ratios are against Airflow's own list of runs, on
the same server.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import httpx
import pytest

from devtools.harness import AirflowHarness
from flowdrop_provider.plugins.api.ids import pipeline_id
from tests.benchmarks.conftest import FULL
from tests.benchmarks.filling import copy_run
from tests.flows import chain
from tests.plugins.client import API, api

pytestmark = [pytest.mark.slow, pytest.mark.long]

WORKFLOWS, RUNS, LENGTH = 20, 10_000 if FULL else 1_000, 20
BUDGET_MS = 100
POLLING_BUDGET_MS = 250


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    server = AirflowHarness(tmp_path_factory.mktemp("api-bench"))
    for number in range(WORKFLOWS):
        document = chain(f"bench_{number}", LENGTH)
        server.add_workflow(f"{document['id']}.json", json.dumps(document))
    server.start()
    try:
        for number in range(WORKFLOWS):
            server.await_dag(f"flowdrop_bench_{number}")
        run = server.run("flowdrop_bench_0", timeout=240)
        # Nothing but the API server and the database may work while they are measured.
        for name in ("scheduler", "dag-processor", "triggerer"):
            server.server.stop_service(name)
        copied = copy_run(server, run.run_id, prefix="flowdrop_bench_", workflows=WORKFLOWS, last=RUNS)
        assert copied > RUNS * LENGTH
        yield server
    finally:
        server.stop()


def median_ms(client, path, rounds=15):
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        answer = client.get(path)
        found.append((time.perf_counter() - start) * 1_000)
        assert answer.status_code == 200, answer.text
    return statistics.median(found[2:])


SOME = pipeline_id("flowdrop_bench_7", "bench__507")


def since(days):
    return (datetime.now(timezone.utc) - timedelta(days=days)).isoformat().replace("+", "%2B")


#: What Airflow's own list of runs takes on the machine that the budgets are meant for.
AIRFLOW_MS = 21.0


@pytest.mark.parametrize(
    ("name", "path", "budget"),
    [
        ("first page of jobs", "/jobs", BUDGET_MS),
        ("failed jobs of a workflow", "/jobs?status=failed&workflow_id=bench_7", None),
        ("list of runs", "/executions", BUDGET_MS),
        ("run trace", f"/runs/{SOME}/trace", BUDGET_MS),
        ("pipeline as the editor polls it", f"/pipeline/{SOME}", BUDGET_MS),
        ("figures of a day by workflow", "/metrics", BUDGET_MS),
        ("figures of a day by node type", "/metrics?group_by=node_type", BUDGET_MS),
        ("figures of a day by node", "/metrics?group_by=node", None),
        ("figures of 30 days by workflow", f"/metrics?since={since(30)}", None),
        ("figures of 30 days by node", f"/metrics?group_by=node&since={since(30)}", None),
    ],
)
def test_reading(filled, figures, name, path, budget):
    with api(filled) as client:
        airflow = httpx.Client(base_url=filled.url, headers=client.headers, timeout=30)
        # Noise of the machine only ever adds: a median above the budget gets a second and a third look.
        for _ in range(3):
            base = median_ms(airflow, "/api/v2/dags/~/dagRuns?limit=50&order_by=-id")
            ours = median_ms(client, path, 15 if budget else 7)
            figures(f"{name}: {ours:.1f} ms, Airflow's list of runs {base:.1f} ms, ratio {ours / base:.2f}")
            # A slower machine is slower for Airflow's own list as well.
            allowed = (budget or 0) * max(1.0, base / AIRFLOW_MS)
            if budget is None or ours < allowed:
                break

    assert budget is None or ours < allowed


async def polling(server, path_of) -> list[float]:
    """Return the answer times of 50 clients that ask once a second, ten times each, sorted, in milliseconds."""

    async def one(client, number, found):
        await asyncio.sleep(number / 50)
        for _ in range(10):
            start = time.perf_counter()
            answer = await client.get(path_of(number))
            found.append((time.perf_counter() - start) * 1_000)
            assert answer.status_code == 200, answer.text
            await asyncio.sleep(max(0.0, 1 - found[-1] / 1_000))

    found: list[float] = []
    headers = {"Authorization": f"Bearer {server.server.token()}"}
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=server.url, headers=headers, limits=limits, timeout=30) as client:
        await asyncio.gather(*(one(client, number, found) for number in range(1, 51)))
    return sorted(found)


def test_fifty_clients_that_poll_every_second(filled, figures):
    def ours(number):
        return f"{API}/pipeline/{pipeline_id(f'flowdrop_bench_{number % 20}', f'bench__{number}')}"

    p95 = POLLING_BUDGET_MS
    for _ in range(3):
        busy = os.getloadavg()[0]
        # In a thread of its own: after the browser tests this one has an event loop already.
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(lambda: asyncio.run(polling(filled, ours))).result()
        p50, p95 = found[len(found) // 2], found[int(len(found) * 0.95)]
        figures(f"50 clients, 1 s, one worker: p50 {p50:.0f} ms, p95 {p95:.0f} ms over {len(found)} answers, load {busy:.1f}")
        if p95 < POLLING_BUDGET_MS:
            return
    if busy > (os.cpu_count() or 1):
        pytest.skip(f"the machine was busy with other work (load {busy:.1f}): p95 {p95:.0f} ms says nothing about the API")
    assert p95 < POLLING_BUDGET_MS
