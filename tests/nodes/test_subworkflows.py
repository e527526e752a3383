"""Starting other workflows and fetching their results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from flowdrop_provider.errors import LaunchError, NodeError
from flowdrop_provider.nodes.world import World

Run = Callable[..., dict[str, Any]]


class Runner:
    def __init__(self, **states: Mapping[str, Any]) -> None:
        self.states, self.started, self.waits = states, [], []

    def start(self, workflow_id: str, inputs: Mapping[str, Any]) -> str:
        if "undeclared" in inputs:
            raise LaunchError("There is no input 'undeclared'.")
        self.started.append((workflow_id, dict(inputs)))
        return "r1"

    def state(self, run_id: str) -> Mapping[str, Any] | None:
        return self.states.get(run_id)

    def wait(self, run_id: str, seconds: float, interval: float) -> Mapping[str, Any] | None:
        self.waits.append((run_id, seconds, interval))
        return self.states.get(run_id)


DONE = {"status": "completed_with_warnings", "outputs": {"a": 1}}


def test_a_started_run_is_not_waited_for_by_default(run_node: Run) -> None:
    runner = Runner(r1=DONE)
    outputs = run_node(
        "workflow_executor", {"workflow_id": "w"}, {"input_data": {"x": 1}}, world=World(extras={"workflows": runner})
    )
    assert (runner.started, runner.waits) == ([("w", {"x": 1})], [])
    assert (outputs["success"], outputs["status"], outputs["session_id"], outputs["job_id"]) == (True, "pending", "r1", "r1")


def test_a_waiting_mode_gives_the_outputs(run_node: Run) -> None:
    runner = Runner(r1=DONE)
    config = {"workflow_id": "w", "execution_mode": "synchronous", "timeout": 9, "poll_interval_ms": 500}
    outputs = run_node("workflow_executor", config, world=World(extras={"workflows": runner}))
    assert runner.waits == [("r1", 9.0, 0.5)]
    assert (outputs["success"], outputs["status"], outputs["outputs"]) == (True, "completed", {"a": 1})


def test_refused_inputs_and_a_failed_run_are_told(run_node: Run) -> None:
    failed = World(extras={"workflows": Runner(r1={"status": "failed", "error_message": "It broke."})})
    refused = run_node("workflow_executor", {"workflow_id": "w"}, {"input_data": {"undeclared": 1}}, world=failed)
    assert (refused["success"], refused["status"], refused["session_id"]) == (False, "failed", "")
    assert "undeclared" in refused["error_message"]
    broken = run_node("workflow_executor", {"workflow_id": "w", "execution_mode": "job_wait"}, world=failed)
    assert (broken["success"], broken["error_message"]) == (False, "It broke.")


def test_a_workflow_does_not_start_itself(run_node: Run) -> None:
    with pytest.raises(NodeError) as caught:
        run_node("workflow_executor", {"workflow_id": "w"}, world=World(extras={"workflows": Runner()}), workflow_id="w")
    assert caught.value.code == "workflow_recursion"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (DONE, (True, "completed", {"a": 1}, "")),
        ({"status": "running"}, (False, "running", {}, "The run is not over yet.")),
        ({"status": "cancelled"}, (False, "cancelled", {}, "")),
    ],
)
@pytest.mark.parametrize("waits", [True, False])
def test_results_are_fetched_by_the_session(run_node: Run, state: Any, expected: Any, waits: bool) -> None:
    runner = Runner(s=state)
    config = {"wait_for_completion": waits}
    outputs = run_node("workflow_results_retriever", config, {"session_id": "s"}, world=World(extras={"workflows": runner}))
    assert (outputs["success"], outputs["status"], outputs["outputs"], outputs["error_message"]) == expected
    assert bool(runner.waits) is waits


def test_an_unknown_run_and_a_broken_timeout(run_node: Run) -> None:
    world = World(extras={"workflows": Runner()})
    assert run_node("workflow_results_retriever", inputs={"session_id": "x"}, world=world)["status"] == "unknown"
    with pytest.raises(NodeError) as caught:
        run_node("workflow_results_retriever", {"timeout": "long"}, {"session_id": "x"}, world=world)
    assert caught.value.code == "invalid_parameter"
