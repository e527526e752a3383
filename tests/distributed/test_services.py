"""Scheduler, API server, DAG processor and triggerer that are killed and started again, and two schedulers."""

from __future__ import annotations

import time

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.distributed]

LOST = "failed (worker_lost)"


def _killed(bench, service: str, away: float, workflow: str = "faults_steps", count: int = 8):
    """Kill a service while side effects are under way, and start it again after some seconds."""
    with bench.effects.holding("http_request.1", 60):
        runs = bench.start(f"killed-{service}", workflow, count)
        bench.until(lambda: bench.effects.waiting("http_request.1") >= 3, "requests are under way")
        bench.server.kill_service(service)
        time.sleep(1)
    time.sleep(away)
    bench.server.start_service(service)
    return runs


def test_the_scheduler(bench):
    ended = bench.judge(
        "scheduler",
        "kill -9 of the scheduler, 8 s without one",
        "Nodes under way go on; nothing new starts until there is a scheduler again.",
        _killed(bench, "scheduler", 7),
        {"completed"},
    )

    assert all(item.effects == 2 for item in ended)


def test_the_dag_processor(bench):
    ended = bench.judge(
        "dag-processor",
        "kill -9 of the DAG processor, 8 s without one",
        "Nothing; a drawing that was just saved appears later.",
        _killed(bench, "dag-processor", 7),
        {"completed"},
    )

    assert all(item.effects == 2 for item in ended)


def test_the_api_server(bench):
    bench.judge(
        "api-server",
        "kill -9 of the API server, 8 s without one and its start",
        "The views say that the connection is lost, and try again. Tasks ask again and go on, unless it was away longer than "
        "the heartbeat timeout (here 15 s): then their nodes are failed with worker_lost.",
        _killed(bench, "api-server", 7),
        {"completed", LOST},
    )


def test_the_triggerer_during_a_call(bench):
    runs = _killed(bench, "triggerer", 1, "faults_slow_call", 5)
    bench.judge(
        "triggerer-call",
        "kill -9 of the triggerer during HTTP calls that it makes",
        "The node fails with call_lost: the call may have been made, and is not made again.",
        runs,
        {"completed", "failed (call_lost)"},
    )


def test_two_schedulers(bench):
    bench.server.start_service("scheduler-2")
    try:
        bench.until(lambda: _alive(bench, "SchedulerJob") >= 2, "there are two schedulers")
        with bench.effects.holding("http_request.1", 1):
            runs = bench.start("two-schedulers", "faults_steps", 10)
            bench.until(lambda: bench.effects.waiting("http_request.1") >= 1, "requests are under way")
            bench.server.kill_service("scheduler-2")
            ended = bench.judge(
                "two-schedulers",
                "two schedulers, one of them killed with -9",
                "Nothing: the other one goes on, and takes over what the dead one had after its health check threshold.",
                runs,
                {"completed"},
            )
    finally:
        if "scheduler-2" in bench.server.services:
            bench.server.kill_service("scheduler-2")

    assert all(item.effects == 2 for item in ended)


def _alive(bench, kind: str) -> int:
    return int(bench.client.get("/jobs", job_type=kind, is_alive="true")["total_entries"])
