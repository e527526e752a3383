"""A large value that cannot be stored fails the node that made it, and says so (ERR-1): nobody's worker died."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from flowdrop_provider.engine.naming import RESULT_TASK_ID, task_ids
from flowdrop_provider.errors import NodeError
from flowdrop_provider.operators import groups, handover, steps, summary
from flowdrop_provider.operators.binding import FlowBinding
from flowdrop_provider.operators.handover import HANDOVER_KEY, JOB_KEY
from tests.engine.running import plan_of
from tests.flows import flow, node
from tests.operators.test_dead_branches import Task, asked

__all__ = ["asked"]

NODES = [node("text_input.1", defaultValue="x" * 500), node("text_output.1"), node("text_output.2")]
PLAIN = flow("large", NODES[:2], ["text_input.1:text > text_output.1:text"])
ROUTED = flow("large", NODES, ["text_input.1:text > text_output.1:text", "text_input.1:error > text_output.2:text"])


@pytest.fixture(autouse=True)
def full(monkeypatch, tmp_path):
    """Storage in which there is no room for anything."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(handover.conf, "large_value_path", lambda: f"file://{tmp_path}/file/values")
    monkeypatch.setattr(handover.conf, "large_value_bytes", lambda: 400)


class Tried(Task):
    max_tries = 1


def binding_of(document: dict[str, Any], *group: str) -> FlowBinding:
    plan = plan_of(document)
    names = {node_id: task_id if node_id not in group else "group" for node_id, task_id in task_ids(plan.nodes).items()}
    source: Any = SimpleNamespace(plan=plan, sibling=lambda _id: None)
    return FlowBinding(source, names, {task_id: (node_id,) for node_id, task_id in names.items()})


def context_of(task: Task) -> Any:
    return {"ti": task, "dag_run": SimpleNamespace(conf={}, triggering_user_name=""), "params": {}}


def test_its_record_is_a_failure_with_its_attempt(asked):
    store: dict[Any, Any] = {}
    with pytest.raises(AirflowFailException, match="value_not_stored"):
        steps.run_node(binding_of(PLAIN), "text_input.1", context_of(Task("text_input.1", store)))
    record = store["text_input.1", JOB_KEY]

    assert (record["status"], record["error"]["code"], len(record["attempts"])) == ("failed", "value_not_stored", 1)
    assert store["text_input.1", HANDOVER_KEY]["status"] == "failed"
    assert [message.tasks for message in asked] == [["text_output.1"]]


@pytest.mark.rule("ERR-7")
def test_an_error_edge_takes_it(asked):
    store: dict[Any, Any] = {}
    binding = binding_of(ROUTED)
    with pytest.raises(AirflowFailException, match="along its error edge"):
        steps.run_node(binding, "text_input.1", context_of(Task("text_input.1", store)))

    steps.run_node(binding, "text_output.2", context_of(Task("text_output.2", store)))
    assert "value_not_stored" in str(store["text_output.2", JOB_KEY]["output_data"])


def test_airflow_may_try_again_first(asked):
    store: dict[Any, Any] = {}
    with pytest.raises(NodeError):
        steps.run_node(binding_of(PLAIN), "text_input.1", context_of(Tried("text_input.1", store)))
    assert store == {}, "nothing is recorded of what is started again"


def test_the_same_in_a_group(asked):
    store: dict[Any, Any] = {}
    with pytest.raises(AirflowFailException, match="value_not_stored"):
        groups.run_group(binding_of(PLAIN, "text_input.1"), ("text_input.1",), context_of(Task("group", store)))

    told = store["group", HANDOVER_KEY]
    assert (told["ended"], told["error"]["code"]) == ("run_failed", "value_not_stored")
    assert told["nodes"]["text_input.1"]["status"] == "failed"


def test_outputs_of_a_run_that_cannot_be_stored_fail_the_run(asked, monkeypatch):
    store: dict[Any, Any] = {}
    binding = binding_of(flow("large", NODES[:1]))
    with monkeypatch.context() as room:
        room.setattr(handover.conf, "large_value_bytes", lambda: 10_000)
        steps.run_node(binding, "text_input.1", context_of(Task("text_input.1", store)))
    task = Task(RESULT_TASK_ID, store)
    task.get_task_states = lambda **_asked: {"run": {"text_input.1": "success"}}  # type: ignore[method-assign]
    with pytest.raises(AirflowFailException, match="value_not_stored"):
        summary.end_run(binding, context_of(task))

    assert store[RESULT_TASK_ID, summary.SUMMARY_KEY]["status"] == "failed"
