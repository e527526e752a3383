"""Task processes that are killed in the middle of something: the run ends, right or saying why; nothing goes on for ever."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import pytest

from tests.flows import flow, node
from tests.integration.scenarios import mapper
from tests.integration.test_waiting import Questions
from tests.plugins.client import api

pytestmark = pytest.mark.slow

ROUNDS = 120

LOOP = flow(
    "killed_loop",
    [
        node("range.1", start=1, end=ROUNDS),
        node("foreach.1"),
        mapper("data_mapper.1", "x * 10", "x"),
        node("data_to_json.1"),
    ],
    [
        "range.1:items > foreach.1:items",
        "foreach.1:current_item > data_mapper.1:x",
        "data_mapper.1:y > foreach.1:loop_back",
        "foreach.1:collected_results > data_to_json.1:data",
    ],
)

ASKED = flow(
    "killed_asked",
    [
        node("range.1", start=1, end=2),
        node("foreach.1"),
        node("text_input_interrupt.1", message="Name?"),
        node("delay.1", value=8, unit="seconds"),
        mapper("data_mapper.1", "x", "x"),
        node("data_to_json.1"),
    ],
    [
        "range.1:items > foreach.1:items",
        "foreach.1:current_item > text_input_interrupt.1:trigger",
        "text_input_interrupt.1:text > delay.1:trigger",
        "delay.1:trigger > data_mapper.1:trigger",
        "text_input_interrupt.1:text > data_mapper.1:x",
        "data_mapper.1:y > foreach.1:loop_back",
        "foreach.1:collected_results > data_to_json.1:data",
    ],
)

CHILD = flow(
    "killed_child",
    [node("text_input.1", defaultValue="x"), node("delay.1", value=8, unit="seconds")],
    ["text_input.1:text > delay.1:trigger"],
)

PARENT = flow(
    "killed_parent",
    [
        node("text_input.1", defaultValue="go"),
        node("workflow_executor.1", workflow_id="killed_child", execution_mode="job_wait"),
        node("text_output.1"),
    ],
    ["text_input.1:text > workflow_executor.1:trigger", "workflow_executor.1:status > text_output.1:text"],
)


@pytest.fixture(scope="module")
def killer(airflow_server):
    for document in (LOOP, ASKED, CHILD, PARENT):
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    for document in (LOOP, ASKED, CHILD, PARENT):
        airflow_server.await_dag(f"flowdrop_{document['id']}")
    return Killer(airflow_server)


class Killer(Questions):
    """Kills the process of a running task, by the id that Airflow tells of it."""

    def kill(self, dag_id: str, run_id: str, task_id: str, when: Any) -> None:
        """Kill it as soon as ``when`` says so, asked with the job records the task has left so far."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            task = self.client.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}")
            if task["state"] == "running" and task["pid"] and when(self.client.task_jobs(dag_id, run_id, task_id)):
                os.kill(task["pid"], signal.SIGKILL)
                return
            assert task["state"] not in {"success", "failed"}, task
            time.sleep(0.1)
        raise AssertionError(f"{task_id} never came so far")


def test_a_loop_without_side_effects_is_run_again(killer, airflow_server):
    run_id = killer.start("flowdrop_killed_loop")
    killer.kill("flowdrop_killed_loop", run_id, "foreach.1", lambda jobs: len(jobs) >= 4)
    run = airflow_server.finished("flowdrop_killed_loop", run_id)

    assert (run.state, run.summary["status"]) == ("success", "completed")
    assert run.tasks["foreach.1"]["try_number"] == 2
    collected = json.loads(run.summary["outputs"]["data_to_json.1"]["json"])
    assert collected == [number * 10 for number in range(1, ROUNDS + 1)]
    with api(airflow_server) as client:
        (row,) = client.get("/workflow/killed_loop/pipelines").json()["data"]
        jobs = client.get(f"/pipeline/{row['id']}").json()["data"]["jobs"]
    rounds = [job["metadata"]["round"] for job in jobs if job["node_id"] == "data_mapper.1"]
    assert sorted(rounds) == [[number] for number in range(ROUNDS)], "nothing of the first attempt is left over"


@pytest.mark.long
def test_a_loop_that_had_asked_says_that_its_worker_died(killer, airflow_server):
    run_id = killer.start("flowdrop_killed_asked")
    killer.wait_for("flowdrop_killed_asked", run_id, "foreach.1", subject="Name?")
    killer.answer("flowdrop_killed_asked", run_id, "foreach.1", "Submit", answer="Ada")
    told = ("text_input_interrupt.1", "completed")
    killer.kill(
        "flowdrop_killed_asked", run_id, "foreach.1",
        lambda jobs: told in {(job["node_id"], job["status"]) for job in jobs},
    )  # fmt: skip
    run = airflow_server.finished("flowdrop_killed_asked", run_id)

    assert run.state == "failed"
    assert run.summary["status"] == "failed"
    assert run.summary["error"]["code"] == "worker_lost"
    assert {task["state"] for task in run.tasks.values()} <= {"success", "failed", "skipped"}


@pytest.mark.rule("INT-11")
@pytest.mark.long
def test_a_parent_that_dies_ends_and_so_does_its_child(killer, airflow_server):
    run_id = killer.start("flowdrop_killed_parent")
    with api(airflow_server) as client:
        deadline = time.monotonic() + 60
        while not (children := client.get("/workflow/killed_child/pipelines").json()["data"]):
            assert time.monotonic() < deadline
            time.sleep(0.2)
    killer.kill("flowdrop_killed_parent", run_id, "workflow_executor.1", lambda _jobs: True)
    run = airflow_server.finished("flowdrop_killed_parent", run_id)
    child = airflow_server.finished("flowdrop_killed_child", children[0]["run_id"])

    assert (run.state, run.summary["error"]["code"]) == ("failed", "worker_lost")
    assert run.tasks["workflow_executor.1"]["try_number"] == 1, "a second child would have been started"
    assert run.tasks["text_output.1"]["state"] == "skipped"
    assert child.state == "success"
