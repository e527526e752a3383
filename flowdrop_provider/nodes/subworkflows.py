"""Running other workflows from a workflow: start one, wait for it, fetch its results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, cast

from flowdrop_provider.errors import FlowDropError, NodeError
from flowdrop_provider.nodes._php.values import is_numeric, to_float, to_string
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.world import World

__all__ = ["WorkflowRunner", "workflow_executor", "workflow_results_retriever"]

_WAITS = frozenset({"sync", "synchronous", "wait", "job_wait", "inline"})
_MODES = ("job_fire_forget", "job_wait", "synchronous")
_FINISHED = frozenset({"completed", "completed_with_warnings", "failed", "cancelled"})
_MODULE: dict[str, Any] = {
    "category": "processing",
    "module": "flowdrop_workflow_executor",
    "runs": "workflow",
    "side_effects": True,
    "confirmation": {"policy": "skip"},
}
_TIMEOUT = param("timeout", configurable=True, default=300, description="Seconds to wait at most.")
_POLL = param("poll_interval_ms", configurable=True, default=2000, description="Milliseconds between two looks.")


class WorkflowRunner(Protocol):
    """Starts and follows runs of other workflows; a run's state is ``{status, outputs, error_message}``."""

    def start(self, workflow_id: str, inputs: Mapping[str, Any]) -> str:
        """Start a run and return its id; raises :class:`FlowDropError` when the inputs are refused (MAN-15)."""
        ...

    def state(self, run_id: str) -> Mapping[str, Any] | None:
        """Return the run's state, or ``None`` when there is no such run."""
        ...

    def wait(self, run_id: str, seconds: float, interval: float) -> Mapping[str, Any] | None:
        """Return the state once the run is over, or as it is after ``seconds``; looks every ``interval`` seconds."""
        ...


def _runner(world: World) -> WorkflowRunner:
    return cast("WorkflowRunner", world.require("workflows", "way to start other workflows", "Run on Airflow."))


def _positive(value: Any, fallback: float, what: str) -> float:
    if value is None:
        return fallback
    if isinstance(value, bool) or not is_numeric(value) or not 0 <= to_float(value) <= 86_400_000:
        raise NodeError(f"{what} must be a positive number.", code="invalid_parameter")
    return to_float(value)


def _milliseconds(context: NodeContext, started: float) -> int:
    return max(0, round((context.world.now().timestamp() - started) * 1000))


def _result(state: Mapping[str, Any] | None, run_id: str) -> dict[str, Any]:
    if state is None:
        return {"success": False, "status": "unknown", "outputs": {}, "error_message": f"There is no run {run_id!r}."}
    status = str(state.get("status") or "pending")
    outputs = state.get("outputs")
    return {
        "success": status.startswith("completed"),
        # To the drawing a run with warnings is a completed one, as FlowDrop's own interface says.
        "status": "completed" if status == "completed_with_warnings" else status,
        "outputs": dict(outputs) if isinstance(outputs, Mapping) else {},
        "error_message": str(state.get("error_message") or ""),
    }


@processor(
    "workflow_executor",
    label="Workflow Executor",
    description="Starts another workflow, and waits for it if asked to.",
    parameters=[
        param("workflow_id", configurable=True, required=True, title="Workflow"),
        param("input_data", connectable=True, default={}, title="Inputs"),
        param("execution_mode", "string", configurable=True, default="job_fire_forget", title="Mode", description=str(_MODES)),
        _TIMEOUT,
        _POLL,
    ],
    outputs=[
        output("success", "boolean"),
        output("status", "string"),
        output("outputs", "object"),
        output("error_message", "string"),
        output("execution_time_ms", "integer"),
        output("job_id", "string"),
        output("session_id", "string"),
    ],
    aliases=["flowdrop_workflow"],
    **_MODULE,
)
def workflow_executor(params: Params, context: NodeContext) -> Outputs:
    """Return the run's id as ``session_id`` and ``job_id``, and its end when the mode waits for it.

    A run that fails, or inputs the other workflow refuses, are told by ``success`` and ``error_message``; they do not fail
    this node, which did its work.

    :raises NodeError: ``workflow_recursion`` when a workflow would start itself, ``invalid_parameter``.
    """
    workflow_id = to_string(params["workflow_id"])
    if workflow_id == context.workflow_id:
        raise NodeError(f"The workflow {workflow_id!r} would start itself.", code="workflow_recursion")
    inputs = params["input_data"] if isinstance(params["input_data"], Mapping) else {}
    seconds = _positive(params["timeout"], 300, "The time-out")
    interval = _positive(params["poll_interval_ms"], 2000, "The poll interval") / 1000
    started = context.world.now().timestamp()
    runner = _runner(context.world)
    try:
        run_id = runner.start(workflow_id, inputs)
    except FlowDropError as error:
        refused = {"success": False, "status": "failed", "outputs": {}, "error_message": error.message}
        return {**refused, "execution_time_ms": _milliseconds(context, started), "job_id": "", "session_id": ""}
    waits = to_string(params["execution_mode"] or "") in _WAITS
    pending = {"success": True, "status": "pending", "outputs": {}, "error_message": ""}
    result = _result(runner.wait(run_id, seconds, interval), run_id) if waits else pending
    return {**result, "execution_time_ms": _milliseconds(context, started), "job_id": run_id, "session_id": run_id}


@processor(
    "workflow_results_retriever",
    label="Workflow Results Retriever",
    description="Fetches the results of a workflow that was started earlier.",
    parameters=[
        param("session_id", connectable=True, required=True, title="Session"),
        param("wait_for_completion", configurable=True, default=True, title="Wait for its end"),
        _TIMEOUT,
        _POLL,
    ],
    outputs=[
        output("success", "boolean"),
        output("status", "string"),
        output("outputs", "object"),
        output("error_message", "string"),
        output("wait_time_ms", "integer"),
    ],
    **{**_MODULE, "side_effects": False, "confirmation": {}},
)
def workflow_results_retriever(params: Params, context: NodeContext) -> Outputs:
    """Return the run's state; a run that is not over when the time is tells its status and why it has no outputs yet."""
    run_id = to_string(params["session_id"])
    started = context.world.now().timestamp()
    seconds = _positive(params["timeout"], 300, "The time-out")
    interval = _positive(params["poll_interval_ms"], 2000, "The poll interval") / 1000
    runner = _runner(context.world)
    state = runner.wait(run_id, seconds, interval) if params["wait_for_completion"] is not False else runner.state(run_id)
    result = _result(state, run_id)
    if not result["error_message"] and result["status"] not in _FINISHED:
        result["error_message"] = "The run is not over yet."
    return {**result, "wait_time_ms": _milliseconds(context, started)}
