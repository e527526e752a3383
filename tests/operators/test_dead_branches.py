"""Nodes that do not run: on branches that were not taken they cost no process, one call skips their tasks (DESIGN 4)."""

from __future__ import annotations

import dataclasses
import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from flowdrop_provider.engine.naming import task_ids
from flowdrop_provider.operators import steps
from flowdrop_provider.operators.binding import FlowBinding
from flowdrop_provider.operators.handover import HANDOVER_KEY, JOB_KEY, SKIPS_KEY
from flowdrop_provider.operators.sources import SourceOutcomes
from tests.engine.running import plan_of
from tests.flows import flow, node

LIVE, DEAD = 8, 30


def forty() -> dict[str, Any]:
    """A gateway between a branch of 8 nodes that is taken and 30 nodes, in three rows, that are not."""
    nodes = [node("text_input.1", defaultValue="yes"), node("if_else.1", matchText="yes", operator="equals")]
    edges = ["text_input.1:text > if_else.1:data"]
    for name, port, length in (("1", "True", LIVE), *((str(row), "False", DEAD // 3) for row in (2, 3, 4))):
        row = [f"text_processor.{name}.{number}" for number in range(length)]
        nodes += [node(item, "text_processor", operation="uppercase", text="x") for item in row]
        edges += [f"if_else.1:{port} > {row[0]}:trigger"]
        edges += [f"{before}:text > {after}:text" for before, after in itertools.pairwise(row)]
    return flow("forty", nodes, edges)


class Task:
    """A task instance that remembers what it pushed, and pulls what the tasks before it did."""

    dag_id, run_id, map_index, try_number, id = "flowdrop_forty", "run", -1, 1, "0"

    def __init__(self, task_id: str, store: dict[tuple[str, str], Any]) -> None:
        self.task_id, self.store = task_id, store

    def xcom_push(self, key: str, value: Any) -> None:
        self.store[self.task_id, key] = value

    def xcom_pull(self, task_ids: str, key: str) -> Any:
        return self.store.get((task_ids, key))

    def get_task_states(self, **_asked: Any) -> dict[str, dict[str, str]]:
        return {"run": {}}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the tasks ask of Airflow's supervisor."""
    from airflow.sdk.execution_time import task_runner

    sent: list[Any] = []
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", SimpleNamespace(send=sent.append), raising=False)
    return sent


def test_thirty_dead_nodes_start_no_process(asked: list[Any]) -> None:
    plan = plan_of(forty())
    names = task_ids(plan.nodes)
    source: Any = SimpleNamespace(plan=plan, sibling=lambda _id: None)
    binding = FlowBinding(source, names, {task_id: (node_id,) for node_id, task_id in names.items()})
    store: dict[tuple[str, str], Any] = {}
    started, skipped = [], set()
    for node_id in plan.order:
        # As Airflow does: a task that was skipped is never given to a worker.
        if names[node_id] in skipped:
            continue
        started.append(node_id)
        context: Any = {
            "ti": Task(names[node_id], store),
            "dag_run": SimpleNamespace(conf={}, triggering_user_name=""),
            "params": {},
        }
        steps.run_node(binding, node_id, context)
        skipped |= {task_id for message in asked for task_id in message.tasks}

    assert len(plan.nodes) == 40
    assert len(started) == 10, "as many processes as live nodes"
    assert len(skipped) == DEAD
    assert [len(message.tasks) for message in asked] == [DEAD], "one call for all of them"
    assert store[names["if_else.1"], SKIPS_KEY] == dict.fromkeys(
        (node_id for node_id in plan.order if node_id not in started), "branch_not_active"
    )


@pytest.mark.rule("ORC-8")
def test_a_trigger_that_did_not_fire_is_skipped_in_its_own_task(asked: list[Any]) -> None:
    document = flow(
        "two", [node("trigger.1"), node("trigger.2"), node("data_to_json.2")], ["trigger.2:data > data_to_json.2:data"]
    )
    plan = dataclasses.replace(plan_of(document), strategy="flowdrop_runtime:synchronous")
    names = task_ids(plan.nodes)
    source: Any = SimpleNamespace(plan=plan, sibling=lambda _id: None)
    binding = FlowBinding(source, names, {task_id: (node_id,) for node_id, task_id in names.items()})
    store: dict[tuple[str, str], Any] = {}

    def run(node_id: str) -> Any:
        run_ = SimpleNamespace(conf={"trigger_node_id": "trigger.1"}, triggering_user_name="")
        context: Any = {"ti": Task(names[node_id], store), "dag_run": run_, "params": {}}
        return steps.run_node(binding, node_id, context)

    assert run("trigger.1")["data"] == {"trigger_node_id": "trigger.1"}
    for node_id, reason in (("trigger.2", "other_trigger"), ("data_to_json.2", "branch_not_active")):
        with pytest.raises(AirflowSkipException):
            run(node_id)
        assert store[names[node_id], JOB_KEY]["skip_reason"] == reason


def test_a_task_marked_as_success_left_nothing_so_its_nodes_count_as_skipped() -> None:
    plan = plan_of(forty())
    names = task_ids(plan.nodes)
    learned: set[str] = set()
    marked = SourceOutcomes(plan, names, Task("other", {}), learned.update)
    assert marked["if_else.1"].status == "skipped"
    dead = Task("other", {})
    dead.get_task_states = lambda **_asked: {"run": {names["if_else.1"]: "failed"}}  # type: ignore[method-assign]
    lost = SourceOutcomes(plan, names, dead, learned.update)["if_else.1"]
    assert (lost.status, lost.ports["error"]["code"]) == ("failed", "worker_lost")
    partly = Task("other", {("group", HANDOVER_KEY): {"nodes": {}, "ended": None, "error": None}})
    assert SourceOutcomes(plan, dict.fromkeys(names, "group"), partly, learned.update)["if_else.1"].status == "skipped"
