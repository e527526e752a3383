"""Workflows inside workflows: run inline, in the process of the calling node.

A workflow-as-node type hands its ports to the inner workflow's declared inputs and gives back its declared outputs (MAN-13,
MAN-17). What fails inside fails the calling node, whose error edge may route it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flowdrop_provider.engine.launch import declared_inputs, launch
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.records import RunIdentity
from flowdrop_provider.engine.runner import RunResult, run_plan
from flowdrop_provider.errors import FlowDropError, NodeError
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params
from flowdrop_provider.nodes.world import World

__all__ = ["InlineWorkflows", "run_as_node"]

#: How deep workflows may call each other, whatever their ids.
MAX_DEPTH = 20

#: Parameters of a workflow-as-node type that configure the call and are no input of the inner workflow.
_CALL_SETTINGS = frozenset({"executionMode", "execution_mode", "timeout", "poll_interval_ms"})


class InlineWorkflows:
    """Finds and runs other workflows in this process.

    :param find: workflow id -> plan, or ``None`` when there is no such workflow.
    :param path: ids of the workflows that are being run, outermost first (recursion guard).
    """

    def __init__(self, find: Callable[[str], Plan | None], world: World, path: tuple[str, ...] = ()) -> None:
        self._find = find
        self._world = world
        self._path = path
        self._finished: dict[str, dict[str, Any]] = {}

    def run(self, workflow_id: str, inputs: Mapping[str, Any]) -> RunResult:
        """Run a workflow to its end.

        :raises NodeError: ``workflow_missing`` or ``workflow_recursion``.
        :raises LaunchError: the inputs are refused.
        """
        plan = self._find(workflow_id)
        if plan is None:
            raise NodeError(f"There is no workflow {workflow_id!r}.", code="workflow_missing")
        if workflow_id in self._path or len(self._path) >= MAX_DEPTH:
            shown = " -> ".join((*self._path, workflow_id))
            raise NodeError(f"The workflows call each other in a circle: {shown}.", code="workflow_recursion")
        names = {entry.name for entry in declared_inputs(plan)}
        start = launch(plan, inputs={name: value for name, value in inputs.items() if name in names})
        identity = RunIdentity(run_id=f"inline__{workflow_id}__{uuid.uuid4()}")
        return run_plan(plan, start, self.world_inside(workflow_id), identity=identity)

    def world_inside(self, workflow_id: str) -> World:
        """Return the world of a workflow that runs inside, one step further on the path."""
        inside = replace(self._world, extras=dict(self._world.extras))
        inner = InlineWorkflows(self._find, inside, (*self._path, workflow_id))
        inside.extras.update(workflows=inner)
        inside.extras.pop("tools", None)
        return inside

    def start(self, workflow_id: str, inputs: Mapping[str, Any]) -> str:
        """Run a workflow and keep its result; return its run id. In one process there is no later."""
        result = self.run(workflow_id, inputs)
        run_id = f"inline__{uuid.uuid4()}"
        message = (result.error or {}).get("message", "")
        self._finished[run_id] = {"status": result.status, "outputs": result.outputs, "error_message": message}
        return run_id

    def state(self, run_id: str) -> Mapping[str, Any] | None:
        """Return the state of a run that was started here, ``None`` when there is no such run."""
        return self._finished.get(run_id)

    def wait(self, run_id: str, seconds: float, interval: float) -> Mapping[str, Any] | None:
        """Return the state; a run that was started here is over."""
        del seconds, interval
        return self.state(run_id)


def run_as_node(workflow_id: str, params: Params, context: NodeContext) -> Outputs:
    """Run a workflow as a node: parameters are its inputs, its outputs the node's ports.

    :raises NodeError: ``workflow_failed`` with the inner error, ``workflow_waits`` when a node inside asks somebody, or what
        refused the inputs.
    """
    workflows = context.world.extras.get("workflows")
    if workflows is None:
        raise NodeError("This run has no way to run other workflows.", code="service_unavailable")
    inputs = {name: value for name, value in params.items() if name not in _CALL_SETTINGS and value is not None}
    try:
        result: RunResult = workflows.run(workflow_id, inputs)
    except NodeError:
        raise
    except FlowDropError as refusal:
        raise NodeError(refusal.message, code=refusal.code.lower(), hint=refusal.hint) from refusal
    if result.status.startswith("completed"):
        return dict(result.outputs)
    if result.progress.waiting is not None:
        raise NodeError(f"The workflow {workflow_id!r} waits for an answer inside.", code="workflow_waits")
    error = result.error or {}
    raise NodeError(
        f"The workflow {workflow_id!r} failed: {error.get('message', result.status)}",
        code="workflow_failed",
        details={"workflow_id": workflow_id, "status": result.status, "error": error} if error else None,
    )
