"""The short form: the deployment works over both workers, and a worker that dies takes nothing with it."""

from __future__ import annotations

import pytest

from devtools.distributed import WORKERS

pytestmark = pytest.mark.slow


def test_a_worker_killed_during_a_node(bench):
    with bench.effects.holding("http_request.1", 30):
        runs = bench.start("killed-during", "faults_steps", 5)
        bench.asking(runs, "http_request.1")
        lost = bench.on("worker-1", runs, "http_request.1")
        bench.server.kill_service("worker-1")
    ended = bench.judge(
        "worker-during",
        "kill -9 of a worker during a node with a side effect",
        "The node is failed with worker_lost, what comes after it skipped; other runs go on on the other worker.",
        runs,
        {"completed", "failed (worker_lost)"},
    )

    bench.server.start_service("worker-1")
    assert {item.run for item in ended if item.status == "failed"} == set(lost)
    assert all(item.effects == (1 if item.run in lost else 2) for item in ended)
    hosts = {task["hostname"] for run in runs for task in bench.tasks(run).values() if task["hostname"]}
    assert hosts == set(WORKERS)
