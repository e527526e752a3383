"""The in-process runner: a plan, start to end, in one process (ORC-7, ERR-3..10, ORC-11).

``flowdrop run``, fused groups and tests use it. It walks the plan's order once; every decision comes from
:mod:`~flowdrop_provider.engine.routing` and every execution from :mod:`~flowdrop_provider.engine.execution`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.engine.execution import Execution, execute
from flowdrop_provider.engine.launch import Launch, workflow_outputs
from flowdrop_provider.engine.plan import Plan, PlanNode
from flowdrop_provider.engine.records import JobRecord, RecordPolicy, RunIdentity, job_record, skipped_record
from flowdrop_provider.engine.routing import Outcome, decide, delivered_inputs
from flowdrop_provider.errors import CompilationError
from flowdrop_provider.nodes.api import NodeContext
from flowdrop_provider.nodes.world import World

__all__ = ["RunResult", "outcome_of", "refuse_unrunnable", "run_plan", "run_status"]

log = logging.getLogger("flowdrop.engine")

#: Why nodes are skipped once the run has ended early.
RUN_FAILED, RUN_STOPPED, RUN_PAUSED = "run_failed", "run_stopped", "run_paused"


@dataclass(slots=True)
class RunResult:
    """The end of a run: status (``completed, completed_with_warnings, failed, paused``), outputs, jobs in order."""

    status: str
    outputs: dict[str, Any] = field(default_factory=dict)
    jobs: list[JobRecord] = field(default_factory=list)
    skipped_node_ids: list[str] = field(default_factory=list)
    error: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Run:
    plan: Plan
    launch: Launch
    world: World
    identity: RunIdentity
    policy: RecordPolicy
    on_record: Callable[[JobRecord], None]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    produced: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: list[JobRecord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    ended: str | None = None
    error: dict[str, Any] | None = None


def run_plan(
    plan: Plan,
    launch: Launch,
    world: World,
    *,
    identity: RunIdentity | None = None,
    policy: RecordPolicy | None = None,
    on_record: Callable[[JobRecord], None] = lambda _record: None,
) -> RunResult:
    """Run a plan and return its result.

    :param on_record: called with each job record as soon as the job has ended.
    :raises CompilationError: ``RUN_UNSUPPORTED`` before any node runs, when the plan has a loop (ORC-7).
    """
    refuse_unrunnable(plan)
    run = _Run(plan, launch, world, identity or RunIdentity("local"), policy or RecordPolicy(), on_record)
    for node in plan.nodes.values():
        _step(run, node)
    outputs, missing = workflow_outputs(plan, run.produced)
    return RunResult(
        status=run_status(run.jobs, interrupted=run.ended == RUN_PAUSED),
        outputs=outputs,
        jobs=run.jobs,
        skipped_node_ids=[job["node_id"] for job in run.jobs if job["status"] == "skipped"],
        error=run.error,
        warnings=run.warnings + missing,
    )


def refuse_unrunnable(plan: Plan) -> None:
    """Refuse a plan with loops before anything runs, naming the nodes (ORC-7)."""
    if plan.regions:
        loops = "; ".join(" -> ".join(region.nodes) for region in plan.regions.values())
        raise CompilationError(
            f"The workflow {plan.workflow_id!r} has a loop ({loops}), which cannot run yet.",
            code="RUN_UNSUPPORTED",
            locator=f"node.{next(iter(plan.regions))}",
            hint="Remove the loopback edge; loops come with the next release.",
        )


def run_status(jobs: list[JobRecord], *, interrupted: bool = False) -> str:
    """Return the terminal status of a run from its jobs (ERR-9, ORC-11)."""
    failed = [job for job in jobs if job["status"] == "failed"]
    if any(not job["routed"] for job in failed):
        return "failed"
    if interrupted:
        return "paused"
    return "completed_with_warnings" if failed else "completed"


def _step(run: _Run, node: PlanNode) -> None:
    decision = decide(node, run.outcomes)
    if run.ended is not None or not decision.run:
        reason = run.ended or decision.reason or ""
        run.outcomes[node.node_id] = Outcome("skipped")
        _emit(run, skipped_record(run.plan, node, run.identity, reason))
        return
    execution = _execute(run, node)
    run.outcomes[node.node_id] = outcome_of(node, execution)
    _emit(run, job_record(run.plan, node, execution, run.identity, run.policy, order=node.position))
    if execution.status == "completed":
        run.produced[node.node_id] = execution.outputs
    _note_end(run, execution)


def _execute(run: _Run, node: PlanNode) -> Execution:
    inputs, collisions = delivered_inputs(node, run.outcomes, run.launch.ports(node.node_id))
    for port in collisions:
        warning = f"Several sources deliver to port {port!r} of node {node.node_id!r}; the latest one counts (DATA-2)."
        log.warning(warning)
        run.warnings.append(warning)
    context = NodeContext(
        node_id=node.node_id,
        node_type_id=node.node_type.id,
        label=node.label,
        workflow_id=run.plan.workflow_id,
        run_id=run.identity.run_id,
        inputs=inputs,
        config=node.config,
        initial_data=run.launch.flat,
        world=run.world,
    )
    return execute(node.to_run(), context)


def outcome_of(node: PlanNode, execution: Execution) -> Outcome:
    """Return what an execution means to the node's successors."""
    return Outcome(execution.status, node.position, execution.routed, execution.active, execution.outputs)


def _emit(run: _Run, record: JobRecord) -> None:
    run.jobs.append(record)
    run.on_record(record)


def _note_end(run: _Run, execution: Execution) -> None:
    if execution.stopped:
        run.ended = RUN_STOPPED
    elif execution.status == "interrupted":
        run.ended = RUN_PAUSED
    elif execution.status == "failed" and not execution.routed:
        run.ended, run.error = RUN_FAILED, execution.error
