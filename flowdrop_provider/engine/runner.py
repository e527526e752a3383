"""The in-process runner: steps of a plan, one after the other, in one process (ERR-3..10, ORC-7..11).

``flowdrop run`` drives a whole plan with it, an Airflow task a loop or a fused group. It walks the steps once; every decision
comes from :mod:`~flowdrop_provider.engine.routing`, every round from :mod:`~flowdrop_provider.engine.loops`, every execution
from :mod:`~flowdrop_provider.engine.execution`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

from flowdrop_provider.engine.execution import Execution, execute
from flowdrop_provider.engine.launch import Launch, workflow_outputs
from flowdrop_provider.engine.loops import Budget, LoopDriver, LoopState, Paused
from flowdrop_provider.engine.plan import Plan, PlanNode, Region
from flowdrop_provider.engine.progress import Progress, Waiting
from flowdrop_provider.engine.records import JobRecord, RecordPolicy, RunIdentity, job_record, skipped_record
from flowdrop_provider.engine.routing import BRANCH_NOT_ACTIVE, Outcome, decide, delivered_inputs, warn_of_conditions
from flowdrop_provider.engine.state import MaxIterationsExceeded, apply_update, state_inputs
from flowdrop_provider.nodes.api import NodeContext
from flowdrop_provider.nodes.iteration import Iteration
from flowdrop_provider.nodes.world import World

__all__ = ["RUN_FAILED", "RUN_PAUSED", "RUN_STOPPED", "RunResult", "Runner", "outcome_of", "run_plan", "run_status"]

log = logging.getLogger("flowdrop.engine")

#: Why nodes are skipped once the run has ended early.
RUN_FAILED, RUN_STOPPED, RUN_PAUSED = "run_failed", "run_stopped", "run_paused"

#: The run status of a state whose iteration count went past its maximum (SG-14).
MAX_ITERATIONS = "max_iterations_exceeded"


@dataclass(slots=True)
class RunResult:
    """The end of a run, or its pause.

    :ivar status: ``completed, completed_with_warnings, failed, paused`` or ``max_iterations_exceeded``.
    :ivar jobs: job records in the order they ended; skipped nodes included.
    :ivar progress: where a paused run goes on.
    """

    status: str
    outputs: dict[str, Any] = field(default_factory=dict)
    jobs: list[JobRecord] = field(default_factory=list)
    skipped_node_ids: list[str] = field(default_factory=list)
    error: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)


class Runner:
    """Drives steps of a plan.

    :param steps: the steps to drive, by default all.
    :param outside: outcomes of nodes that ran elsewhere.
    :param progress: where to go on; a fresh one starts at the beginning.
    :param answers: answers by node id, for nodes that wait: ``{"value", "answered_at", "user_id", ...}``.
    :param on_record: called with each job record as soon as the job has ended.
    :param budget: makes the budget of one stretch; a spent one is renewed when ``auto_resume`` (INT-12).
    """

    def __init__(
        self,
        plan: Plan,
        launch: Launch,
        world: World,
        *,
        identity: RunIdentity | None = None,
        policy: RecordPolicy | None = None,
        steps: tuple[str | Region, ...] | None = None,
        outside: Mapping[str, Outcome] | None = None,
        progress: Progress | None = None,
        answers: Mapping[str, Mapping[str, Any]] | None = None,
        on_record: Callable[[JobRecord], None] = lambda _record: None,
        budget: Callable[[], Budget] = Budget,
        auto_resume: bool = True,
    ) -> None:
        self.plan = plan
        self.progress = progress or Progress()
        self.warnings: list[str] = []
        self._launch = launch
        self._world = _with_tools(world, plan, _Chained(self.progress.outcomes, outside or {}), self.progress.tool_results)
        self._identity = identity or RunIdentity("local")
        self._policy = policy or RecordPolicy()
        self._steps = plan.steps if steps is None else steps
        self._outside = outside or {}
        self._answers = dict(answers or {})
        self._on_record = on_record
        self._budget = budget
        self._auto_resume = auto_resume

    def run(self) -> Progress:
        """Drive the steps until they are done, one waits, or the run ends; return how far it came."""
        progress = self.progress
        progress.waiting = progress.paused_reason = None
        for step in self._steps:
            name = step if isinstance(step, str) else step.region_id
            if name in progress.done:
                continue
            if isinstance(step, str):
                self._node(self.plan.nodes[step])
            else:
                self._region(step)
            if progress.paused:
                return progress
            progress.done.add(name)
        return progress

    def _known(self) -> Mapping[str, Outcome]:
        return _Chained(self.progress.outcomes, self._outside)

    def _node(self, node: PlanNode) -> None:
        known = self._known()
        decision = decide(node, known)
        if self.progress.ended is not None or not decision.run:
            self._skip(node, self.progress.ended or decision.reason or BRANCH_NOT_ACTIVE)
            return
        inputs, collisions = delivered_inputs(node, known, self.initial(node.node_id))
        for port in collisions:
            self._warn(f"Several sources deliver to port {port!r} of node {node.node_id!r}; the latest one counts (DATA-2).")
        if node.node_type.state_aware:
            inputs.update(state_inputs(self.progress.shared))
        execution = self.execute(node, inputs, None)
        if execution.status == "interrupted":
            self._wait(node, execution)
            return
        self.progress.outcomes[node.node_id] = outcome_of(node, execution)
        self.emit(node, execution, order=node.position, number=0, stamp=())
        self._note_end(node, execution)

    def _region(self, region: Region) -> None:
        progress = self.progress
        if progress.ended is None:
            state = progress.loops.setdefault(region.region_id, LoopState(shared=progress.shared))
            driver = self._driver(region, state)
            try:
                self._drive(driver, region)
            except Paused as pause:
                self._pause(pause, state)
            except MaxIterationsExceeded as error:
                self._end_by_count(error)
            progress.shared = state.shared
            progress.outcomes.update(driver.outcomes())
            self.warnings += driver.warnings
            if progress.paused:
                return
            if driver.ended is not None:
                self._note_end(self.plan.nodes[region.nodes[0]], driver.ended)
            progress.loops.pop(region.region_id, None)
        for node_id in region.nodes:
            if node_id not in progress.outcomes:
                self._skip(self.plan.nodes[node_id], progress.ended or BRANCH_NOT_ACTIVE)

    def _driver(self, region: Region, state: LoopState) -> LoopDriver:
        return LoopDriver(self.plan, region, self, self._known(), state=state, budget=self._budget())

    def _drive(self, driver: LoopDriver, region: Region) -> None:
        while True:
            try:
                driver.run()
            except Paused as pause:
                if pause.reason is None or not self._auto_resume:
                    raise
                log.info("The run budget of loop %s is spent (%s); going on with a fresh one.", region.region_id, pause.reason)
                driver.renew(self._budget())
            else:
                return

    def _pause(self, pause: Paused, state: LoopState) -> None:
        if pause.node_id is None or pause.execution is None:
            self.progress.paused_reason = pause.reason
        else:
            self._wait(self.plan.nodes[pause.node_id], pause.execution, state)

    def _wait(self, node: PlanNode, execution: Execution, state: LoopState | None = None) -> None:
        assert execution.interrupt is not None  # noqa: S101 - only interrupted executions come here
        number = state.counts.get(node.node_id, 0) if state else 0
        asked = execution.started.isoformat() if execution.started else ""
        self.progress.waiting = Waiting.of(node.node_id, execution.interrupt, number=number, asked_at=asked)
        order = node.position + (state.executions if state else 0)
        self.emit(node, execution, order=order, number=number, stamp=())

    def execute(self, node: PlanNode, inputs: dict[str, Any], iteration: Iteration | None) -> Execution:
        """Execute a node with its delivered inputs, and with the answer it waited for, if there is one (INT-4)."""
        context = NodeContext(
            node_id=node.node_id,
            node_type_id=node.node_type.id,
            label=node.label,
            workflow_id=self.plan.workflow_id,
            run_id=self._identity.run_id,
            inputs=inputs,
            config=node.config,
            initial_data=self._launch.flat,
            world=self._world,
            resume=self._answers.pop(node.node_id, None),
            iteration=iteration,
            execution_id=self._execution_id(node),
        )
        spent = self.progress.retries.get(node.node_id, 0)
        execution = execute(node.to_run(), context, retries_spent=spent)
        if len(execution.attempts) > 1:
            self.progress.retries[node.node_id] = spent + len(execution.attempts) - 1
        return execution

    def _execution_id(self, node: PlanNode) -> str:
        rounds = sum(state.executions for state in self.progress.loops.values())
        return self._identity.execution_id(node.node_id, rounds)

    def emit(self, node: PlanNode, execution: Execution, *, order: int, number: int, stamp: tuple[int, ...]) -> None:
        """Record a finished execution."""
        record = job_record(
            self.plan, node, execution, self._identity, self._policy, order=order, execution_number=number, round_=stamp
        )
        self._on_record(record)
        if execution.status != "interrupted":
            warn_of_conditions(self.plan, node.node_id)

    def initial(self, node_id: str) -> Mapping[str, Any]:
        """Return the run's initial data for a node's ports (DATA-6)."""
        return self._launch.ports(node_id)

    def _skip(self, node: PlanNode, reason: str) -> None:
        self.progress.outcomes[node.node_id] = Outcome("skipped")
        self._on_record(skipped_record(self.plan, node, self._identity, reason))

    def _warn(self, warning: str) -> None:
        log.warning(warning)
        self.warnings.append(warning)

    def _note_end(self, node: PlanNode, execution: Execution) -> None:
        if execution.stopped:
            self.progress.ended = RUN_STOPPED
        elif execution.status == "failed" and not execution.routed:
            self.progress.ended, self.progress.error = RUN_FAILED, execution.error
        elif not node.regions and "state_update" in execution.outputs:
            self._update_state(node, execution.outputs["state_update"])

    def _update_state(self, node: PlanNode, update: Any) -> None:
        progress, limit = self.progress, self.plan.settings.get("max_iterations")
        known = limit if isinstance(limit, int) else None
        try:
            progress.shared = apply_update(progress.shared, update, node_id=node.node_id, max_iterations=known)
        except MaxIterationsExceeded as error:
            self._end_by_count(error)

    def _end_by_count(self, error: MaxIterationsExceeded) -> None:
        self.progress.ended, self.progress.error = MAX_ITERATIONS, {**error.as_dict(), "node_id": None, "retryable": False}


def _with_tools(world: World, plan: Plan, known: Mapping[str, Outcome], results: MutableMapping[str, dict[str, Any]]) -> World:
    """Return the world with the run's tools, where the drawing has any."""
    if not plan.tools:
        return world
    from flowdrop_provider.engine.toolbox import RunTools

    equipped = replace(world, extras=dict(world.extras))
    equipped.extras["tools"] = RunTools(plan, equipped, known, results)
    return equipped


class _Chained(Mapping[str, Outcome]):
    """Own outcomes before outside ones; the outside may be a lazy mapping, which a ``ChainMap`` would read whole."""

    def __init__(self, own: Mapping[str, Outcome], outside: Mapping[str, Outcome]) -> None:
        self._own = own
        self._outside = outside

    def __getitem__(self, node_id: str) -> Outcome:
        return self._own[node_id] if node_id in self._own else self._outside[node_id]

    def __iter__(self) -> Any:
        return iter({**dict.fromkeys(self._own), **dict.fromkeys(self._outside)})

    def __len__(self) -> int:
        return len(set(self._own) | set(self._outside))


def run_plan(
    plan: Plan,
    launch: Launch,
    world: World,
    *,
    on_record: Callable[[JobRecord], None] = lambda _record: None,
    progress: Progress | None = None,
    **options: Any,
) -> RunResult:
    """Run a plan, or go on with a paused run, and return its result.

    :param on_record: called with each job record as soon as the job has ended.
    :param progress: of the paused run.
    :param options: further arguments of :class:`Runner` (``identity``, ``policy``, ``answers``, ``budget``, ``auto_resume``).
    """
    jobs: list[JobRecord] = []

    def keep(record: JobRecord) -> None:
        jobs.append(record)
        on_record(record)

    runner = Runner(plan, launch, world, on_record=keep, progress=progress, **options)
    reached = runner.run()
    produced = {node_id: dict(item.ports) for node_id, item in reached.outcomes.items() if item.status == "completed"}
    outputs, missing = workflow_outputs(plan, produced)
    status = run_status(jobs, reached)
    return RunResult(
        status=status,
        outputs={} if status in {MAX_ITERATIONS, "paused"} else outputs,
        jobs=jobs,
        skipped_node_ids=[job["node_id"] for job in jobs if job["status"] == "skipped"],
        error=reached.error,
        warnings=runner.warnings + missing,
        progress=reached,
    )


def run_status(jobs: list[JobRecord], progress: Progress) -> str:
    """Return the status of a run from its jobs and how far it came (ERR-9, ORC-11)."""
    failed = [job for job in jobs if job["status"] == "failed"]
    if progress.ended == MAX_ITERATIONS:
        return MAX_ITERATIONS
    if any(not job["routed"] for job in failed) or progress.ended == RUN_FAILED:
        return "failed"
    if progress.paused:
        return "paused"
    return "completed_with_warnings" if failed else "completed"


def outcome_of(node: PlanNode, execution: Execution) -> Outcome:
    """Return what an execution means to the node's successors."""
    return Outcome(execution.status, node.position, execution.routed, execution.active, execution.outputs)
