"""Questions and timers on a running Airflow: asked, answered, asked again, put aside and taken up (INT, GATE)."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.flows import flow, node
from tests.integration.scenarios import mapper

pytestmark = pytest.mark.slow

CONFIRM = flow(
    "wait_confirm",
    [
        node("text_input.1", defaultValue="Publish the page?"),
        node("confirmation.1", confirm_label="Publish", cancel_label="Keep it"),
        node("text_processor.1", operation="uppercase"),
        node("text_output.1"),
        node("text_output.2"),
    ],
    [
        "text_input.1:text > confirmation.1:message",
        "confirmation.1:True > text_output.1:trigger",
        "text_input.1:text > text_output.1:text",
        "confirmation.1:False > text_output.2:trigger",
        "text_input.1:text > text_processor.1:text",
    ],
)

IN_A_LOOP = flow(
    "wait_in_a_loop",
    [
        node("range.1", start=1, end=3),
        node("foreach.1"),
        mapper("data_mapper.1", "'Name for ' ~ x ~ '?'", "x"),
        node("text_input_interrupt.1", min_length=2),
        node("data_to_json.1"),
    ],
    [
        "range.1:items > foreach.1:items",
        "foreach.1:current_item > data_mapper.1:x",
        "data_mapper.1:y > text_input_interrupt.1:message",
        "text_input_interrupt.1:text > foreach.1:loop_back",
        "foreach.1:collected_results > data_to_json.1:data",
    ],
)

DELAYED = flow(
    "wait_delayed",
    [node("text_input.1", defaultValue="later"), node("delay.1", value=12, unit="seconds"), node("text_output.1")],
    [
        "text_input.1:text > delay.1:trigger",
        "delay.1:trigger > text_output.1:trigger",
        "text_input.1:text > text_output.1:text",
    ],
)


@pytest.fixture(scope="module")
def questions(airflow_server):
    for document in (CONFIRM, IN_A_LOOP, DELAYED):
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    for document in (CONFIRM, IN_A_LOOP, DELAYED):
        airflow_server.await_dag(f"flowdrop_{document['id']}")
    return Questions(airflow_server)


class Questions:
    """Finds and answers the open question of a run, as Airflow's own screen does."""

    def __init__(self, server) -> None:
        self.server = server
        self.client = server.client()

    def start(self, dag_id: str) -> str:
        return self.client.trigger(dag_id, {})

    def wait_for(self, dag_id: str, run_id: str, task_id: str, subject: str = "", timeout: float = 60.0) -> dict[str, Any]:
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.client.get(path)["state"] == "awaiting_input":
                found = self.client.get(f"{path}/-1/hitlDetails")
                if not found["response_received"] and subject in found["subject"]:
                    return found
            time.sleep(0.2)
        raise AssertionError(f"{task_id} asked nothing about {subject!r}")

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str, **fields: Any) -> None:
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        self.client.request("PATCH", f"/api/v2{path}", json={"chosen_options": [option], "params_input": fields})


@pytest.mark.rule("INT-1", "INT-2", "INT-3", "INT-4", "ERR-4")
@pytest.mark.parametrize(
    ("option", "ran", "skipped"), [("Publish", "text_output.1", "text_output.2"), ("Keep it", "text_output.2", "text_output.1")]
)
def test_a_person_decides_which_branch_runs(questions, option, ran, skipped):
    dag_id = "flowdrop_wait_confirm"
    run_id = questions.start(dag_id)
    asked = questions.wait_for(dag_id, run_id, "confirmation.1")

    assert asked["subject"] == "Publish the page?"
    assert asked["options"] == ["Publish", "Keep it"]
    waiting = questions.client.task_jobs(dag_id, run_id, "confirmation.1")
    assert [job["status"] for job in waiting] == ["interrupted"]
    questions.answer(dag_id, run_id, "confirmation.1", option)
    run = questions.server.finished(dag_id, run_id)

    assert run.state == "success"
    assert run.job("confirmation.1")["status"] == "completed"
    assert run.job("confirmation.1")["output_data"]["confirmed"] is (option == "Publish")
    assert run.job("confirmation.1")["output_data"]["user_id"] == "admin"
    assert run.tasks[ran]["state"] == "success"
    assert run.tasks[skipped]["state"] == "skipped"


@pytest.mark.rule("ORC-13", "INT-3")
def test_a_loop_asks_in_every_round_with_its_own_words_and_asks_again_after_a_wrong_answer(questions):
    dag_id = "flowdrop_wait_in_a_loop"
    run_id = questions.start(dag_id)
    for number, name in enumerate(["Ada", "Bob", "Cleo"], start=1):
        asked = questions.wait_for(dag_id, run_id, "foreach.1", subject=f"Name for {number}?")
        if number == 2:
            questions.answer(dag_id, run_id, "foreach.1", "Submit", answer="x")
            asked = questions.wait_for(dag_id, run_id, "foreach.1", subject="Name for 2?")
            assert "not accepted" in asked["body"]
        questions.answer(dag_id, run_id, "foreach.1", "Submit", answer=name)
    run = questions.server.finished(dag_id, run_id)

    assert run.state == "success"
    assert json.loads(run.summary["outputs"]["data_to_json.1"]["json"]) == ["Ada", "Bob", "Cleo"]
    assert run.tasks["foreach.1"]["try_number"] == 1, "no retry was needed"
    rounds = [job["round"] for job in run.jobs if job["node_id"] == "text_input_interrupt.1"]
    assert rounds == [[0], [1], [2]]


def test_a_longer_wait_gives_its_worker_back(questions):
    dag_id = "flowdrop_wait_delayed"
    run_id = questions.start(dag_id)
    path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/delay.1"
    states = set()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and questions.client.run(dag_id, run_id)["state"] in {"queued", "running"}:
        states.add(questions.client.get(path)["state"])
        time.sleep(0.3)
    run = questions.server.finished(dag_id, run_id)

    assert "deferred" in states
    assert run.state == "success"
    assert run.job("delay.1")["output_data"]["resolved_by_timer"] is True
    assert run.summary["outputs"]["text_output.1"]["output"] == "later"


@pytest.mark.rule("INT-3")
@pytest.mark.long
def test_a_question_survives_a_restart_of_scheduler_and_api(questions):
    dag_id = "flowdrop_wait_confirm"
    run_id = questions.start(dag_id)
    questions.wait_for(dag_id, run_id, "confirmation.1")
    server = questions.server.server
    server.stop_service("scheduler")
    time.sleep(1)
    server.start_service("scheduler")
    questions.answer(dag_id, run_id, "confirmation.1", "Publish")
    run = questions.server.finished(dag_id, run_id)

    assert run.state == "success"
    assert run.job("confirmation.1")["output_data"]["confirmed"] is True
