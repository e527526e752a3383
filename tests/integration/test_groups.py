"""A group of nodes in one task, when somebody clears it or marks it as success (docs/architecture.md)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.flows import flow, node
from tests.integration.scenarios import mapper
from tests.integration.test_waiting import Questions

pytestmark = pytest.mark.slow

LOOP = flow(
    "group_asks",
    [node("range.1", start=1, end=2), node("foreach.1"), mapper("data_mapper.1", "'Name ' ~ x ~ '?'", "x"),
     node("text_input_interrupt.1"), node("data_to_json.1")],
    [
        "range.1:items > foreach.1:items",
        "foreach.1:current_item > data_mapper.1:x",
        "data_mapper.1:y > text_input_interrupt.1:message",
        "text_input_interrupt.1:text > foreach.1:loop_back",
        "foreach.1:collected_results > data_to_json.1:data",
    ],
)  # fmt: skip

FUSED = flow(
    "group_fused",
    [node("text_input.1", defaultValue="x"), node("text_processor.1", operation="uppercase"), node("text_output.1")],
    ["text_input.1:text > text_processor.1:text", "text_processor.1:text > text_output.1:text"],
    metadata={"flowdrop": {"fused": True}},
)


@pytest.fixture(scope="module")
def asked(airflow_server):
    for document in (LOOP, FUSED):
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    for document in (LOOP, FUSED):
        airflow_server.await_dag(f"flowdrop_{document['id']}")
    return Questions(airflow_server)


def clear(client: Any, dag_id: str, run_id: str, *task_ids: str) -> None:
    body = {
        "dry_run": False, "dag_run_id": run_id, "task_ids": list(task_ids), "only_failed": False,
        "include_downstream": True, "reset_dag_runs": True,
    }  # fmt: skip
    client.request("POST", f"/api/v2/dags/{dag_id}/clearTaskInstances", json=body)


def test_a_cleared_fused_group_runs_anew_and_leaves_its_jobs_once(asked, airflow_server):
    first = airflow_server.run("flowdrop_group_fused")
    clear(asked.client, "flowdrop_group_fused", first.run_id, "text_input.1")
    again = airflow_server.finished("flowdrop_group_fused", first.run_id)

    assert set(first.tasks) == {"text_input.1", "flowdrop_result"}
    assert again.tasks["text_input.1"]["try_number"] == 2
    assert (again.state, again.summary["outputs"]) == (first.state, first.summary["outputs"])
    assert sorted(job["node_id"] for job in again.jobs) == sorted(job["node_id"] for job in first.jobs)


@pytest.mark.long
def test_a_cleared_group_asks_from_the_beginning_and_one_marked_as_success_left_nothing(asked, airflow_server):
    dag_id, run_id = "flowdrop_group_asks", asked.start("flowdrop_group_asks")
    asked.wait_for(dag_id, run_id, "foreach.1", subject="Name 1?")
    asked.answer(dag_id, run_id, "foreach.1", "Submit", answer="Ada")
    asked.wait_for(dag_id, run_id, "foreach.1", subject="Name 2?")
    clear(asked.client, dag_id, run_id, "foreach.1")
    asked.wait_for(dag_id, run_id, "foreach.1", subject="Name 1?")
    path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/foreach.1"
    asked.client.request("PATCH", path, json={"new_state": "success"})
    run = airflow_server.finished(dag_id, run_id)

    assert (run.state, run.summary["status"]) == ("success", "completed")
    assert {task_id: task["state"] for task_id, task in run.tasks.items()} == {
        "range.1": "success", "foreach.1": "success", "data_to_json.1": "skipped", "flowdrop_result": "success",
    }  # fmt: skip
