"""Workers that are killed in each phase of a node, in a loop, and while something waits."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from devtools.distributed import WORKERS
from tests.distributed.flows import ROUNDS

pytestmark = [pytest.mark.slow, pytest.mark.distributed]

LOST = "failed (worker_lost)"


def test_before_a_node(bench):
    runs = bench.start("killed-before", "faults_steps", 8)
    bench.until(lambda: any(bench.state(run, "http_request.1") == "queued" for run in runs), "a node waits")
    bench.server.kill_service("worker-1")
    bench.server.start_service("worker-1")
    bench.judge(
        "worker-before",
        "kill -9 of a worker before a node",
        "The node waits until its message is given out again; a node that had just begun is failed with worker_lost.",
        runs,
        {"completed", LOST},
    )


def test_after_a_node(bench):
    with bench.effects.holding("http_request.2", 60):
        runs = bench.start("killed-after", "faults_steps", 8)
        bench.until(lambda: bench.effects.waiting("http_request.2") == len(runs), "all requests are under way")
        lost = bench.on("worker-1", runs, "http_request.2")
    # The answers are on their way: what is killed now has done it, and has not yet said so, or just has.
    bench.until(lambda: bench.effects.waiting("http_request.2") == 0, "all are answered")
    bench.server.kill_service("worker-1")
    bench.server.start_service("worker-1")
    ended = bench.judge(
        "worker-after",
        "kill -9 of a worker after a node's side effect, before it is written down",
        "The node is failed with worker_lost although its side effect happened; that is not repeated. A recorded end counts.",
        runs,
        {"completed", LOST},
    )

    assert {item.run for item in ended if item.status == "failed"} <= set(lost)
    assert all(item.effects == 2 for item in ended)


def test_in_a_loop_with_side_effects(bench):
    with bench.effects.holding("http_request.1", 1.5):
        before = bench.effects.count("http_request.1")
        runs = bench.start("killed-in-loop", "faults_loop", 6)
        bench.busy(runs, "foreach.1")
        bench.until(lambda: bench.effects.count("http_request.1") - before >= 2 * len(runs), "two rounds are done")
        lost = bench.on("worker-1", runs, "foreach.1")
        bench.server.kill_service("worker-1")
        bench.server.start_service("worker-1")
        ended = bench.judge(
            "worker-loop-effects",
            "kill -9 of a worker in a loop with side effects",
            "Rounds that were done are there, the loop is failed with worker_lost and not started again.",
            runs,
            {"completed", LOST},
        )

    assert {item.run for item in ended if item.status == "failed"} == set(lost)
    assert all(item.effects == ROUNDS for item in ended if item.status == "completed")


def test_in_a_loop_without_side_effects(bench):
    runs = bench.start("killed-in-pure", "faults_pure", 6)
    bench.busy(runs, "foreach.1")
    bench.server.kill_service("worker-1")
    bench.server.start_service("worker-1")
    ended = bench.judge(
        "worker-loop-pure",
        "kill -9 of a worker in a loop without side effects",
        "The loop begins again on a worker that lives (attempt 2); the run completes.",
        runs,
        {"completed"},
    )

    assert all(item.effects == 1 for item in ended)
    tries = [bench.tasks(run)["foreach.1"]["try_number"] for run in runs]
    assert 2 in tries


def test_while_a_question_waits(bench):
    runs = bench.start("killed-asked", "faults_asked", 6)
    bench.until(lambda: all(bench.state(run, "confirmation.1") == "awaiting_input" for run in runs), "all ask")
    for worker in WORKERS:
        bench.server.kill_service(worker)
    for run in runs:
        path = f"/dags/{run.dag_id}/dagRuns/{run.key}/taskInstances/confirmation.1/-1/hitlDetails"
        answer = {"chosen_options": bench.client.get(path)["options"][:1], "params_input": {}}
        bench.client.request("PATCH", f"/api/v2{path}", json=answer)
    for worker in WORKERS:
        bench.server.start_service(worker)
    ended = bench.judge(
        "workers-asked",
        "kill -9 of all workers while questions wait, answers meanwhile",
        "Nothing but the wait; answers are taken, and the runs go on when there is a worker again.",
        runs,
        {"completed"},
    )

    assert all(item.effects == 1 for item in ended)


def test_while_a_delay_waits(bench):
    runs = bench.start("killed-delayed", "faults_delayed", 6)
    bench.until(lambda: all(bench.state(run, "delay.1") == "deferred" for run in runs), "all wait")
    for name in (*WORKERS, "triggerer"):
        bench.server.kill_service(name)
    for name in (*WORKERS, "triggerer"):
        bench.server.start_service(name)
    ended = bench.judge(
        "workers-delayed",
        "kill -9 of all workers and of the triggerer while delays wait",
        "The delay may end later than it should: when a triggerer has taken it over. The runs complete.",
        runs,
        {"completed"},
    )

    assert all(item.effects == 1 for item in ended)


def test_the_main_process_of_a_worker_only(bench):
    with bench.effects.holding("http_request.1", 8):
        runs = bench.start("killed-main", "faults_steps", 8)
        bench.busy(runs, "http_request.1")
        service = bench.server.services["worker-1"]
        os.kill(service.process.pid, signal.SIGKILL)
        bench.judge(
            "worker-main",
            "kill -9 of a worker's main process only",
            "Nodes under way go on to their end, nodes that it had just taken are failed with worker_lost. Its messages come "
            "back later and are turned away.",
            runs,
            {"completed", LOST},
        )
    bench.server.kill_service("worker-1")
    bench.server.start_service("worker-1")


def test_the_supervisor_of_a_task(bench):
    with bench.effects.holding("http_request.1", 120):
        runs = bench.start("killed-supervisor", "faults_steps", 6)
        bench.asking(runs, "http_request.1")
        lost = [bench.on(worker, runs, "http_request.1")[0] for worker in WORKERS]
        for run in lost:
            psutil.Process(bench.tasks(run)["http_request.1"]["pid"]).parent().kill()
    ended = bench.judge(
        "supervisor",
        "kill -9 of the process that supervises a task",
        "The node is failed with worker_lost after the heartbeat timeout; its side effect happened once.",
        runs,
        {"completed", LOST},
    )

    assert {item.run for item in ended if item.status == "failed"} == set(lost)
