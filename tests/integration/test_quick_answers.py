"""Answers that come as soon as the question: none is lost, however busy the machine is (INT-3)."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.flows import flow, node
from tests.plugins.client import api, started

pytestmark = pytest.mark.slow

QUESTIONS = 20

QUICK = flow("quick_answers", [node("confirmation.1", message="Now?")])


@pytest.mark.rule("INT-3", "INT-4")
@pytest.mark.long
def test_twenty_answers_at_once_lose_nothing(airflow_server):
    airflow_server.add_workflow("quick_answers.json", json.dumps(QUICK))
    airflow_server.await_dag("flowdrop_quick_answers")
    with api(airflow_server) as client, ThreadPoolExecutor(QUESTIONS) as pool:
        for _ in range(QUESTIONS):
            started(client, "quick_answers")
        run_ids = [
            row["run_id"] for row in client.get("/workflow/quick_answers/pipelines", params={"limit": 50}).json()["data"]
        ]
        answers, answered = [], set()
        deadline = time.monotonic() + 240
        while len(answered) < QUESTIONS and time.monotonic() < deadline:
            for question in client.get("/interrupts", params={"limit": 100}).json()["data"]:
                if question["workflowId"] == "quick_answers" and question["id"] not in answered:
                    answered.add(question["id"])
                    answers.append(pool.submit(_answer, airflow_server, question["id"]))
            time.sleep(0.05)
        statuses = [answer.result() for answer in answers]

    assert len(answered) == len(run_ids) == QUESTIONS
    assert statuses == [200] * QUESTIONS
    runs = [airflow_server.finished("flowdrop_quick_answers", run_id, timeout=240) for run_id in run_ids]
    assert [run.state for run in runs] == ["success"] * QUESTIONS
    assert {run.tasks["confirmation.1"]["try_number"] for run in runs} == {1}, "no retry was needed"
    assert all(run.job("confirmation.1")["output_data"]["confirmed"] for run in runs)


def _answer(server, question: str) -> int:
    with api(server) as client:
        # An answer is held back for some seconds, and 20 of them queue for the server's database connections.
        return client.post(f"/interrupts/{question}", json={"value": True}, timeout=120).status_code
