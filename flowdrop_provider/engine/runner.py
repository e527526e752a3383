"""The in-process runner: steps of a plan, one after the other, in one process (ERR-3..10, ORC-7..11).

``flowdrop run`` drives a whole plan with it, an Airflow task a loop or a fused group. It walks the steps once; every decision
comes from :mod:`~flowdrop_provider.engine.routing`, every round from :mod:`~flowdrop_provider.engine.loops`, every execution
from :mod:`~flowdrop_provider.engine.execution`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flowdrop_provider.engine.execution import Execution, execute
from flowdrop_provider.engine.gate import CONSENTS, consent_of
from flowdrop_provider.engine.hooks import Hooks
from flowdrop_provider.engine.launch import Launch, workflow_outputs
from flowdrop_provider.engine.loops import Budget, LoopDriver, LoopState, Paused
from flowdrop_provider.engine.plan import Plan, PlanNode, Region
from flowdrop_provider.engine.progress import Progress, Waiting
from flowdrop_provider.engine.records import JobRecord, RecordPolicy, RunIdentity, begun_record, job_record, skipped_record
from flowdrop_provider.engine.results import (
    MAX_ITERATIONS,
    PAUSE_ASKED,
    RUN_CANCELLED,
    RUN_FAILED,
    RUN_PAUSED,
    RUN_STOPPED,
    RunResult,
    run_status,
)
from flowdrop_provider.engine.reuse import Injection, Seed, pinned_execution
from flowdrop_provider.engine.routing import (
    BRANCH_NOT_ACTIVE,
    Chained,
    Decision,
    Outcome,
    decide,
    delivered_inputs,
    warn_of_conditions,
)
from flowdrop_provider.engine.state import MaxIterationsExceeded, apply_update, state_inputs
from flowdrop_provider.engine.strategies import OTHER_TRIGGER, resting_triggers
from flowdrop_provider.engine.toolbox import with_tools
from flowdrop_provider.nodes.api import NodeContext
from flowdrop_provider.nodes.iteration import Iteration
from flowdrop_provider.nodes.world import World

__all__ = [
    "PAUSE_ASKED",
    "RUN_CANCELLED",
    "RUN_FAILED",
    "RUN_PAUSED",
    "RUN_STOPPED",
    "RunResult",
    "Runner",
    "outcome_of",
    "run_plan",
    "run_status",
]

log = logging.getLogger("flowdrop.engine")

NO_HOOKS = Hooks()


class _Cancelled(Exception):  # noqa: N818 - being told to stop is no error
    """Somebody cancelled the run; nothing more starts."""


class Runner:
    """Drives steps of a plan.

    :param steps: the steps to drive, by default all.
    :param outside: outcomes of nodes that ran elsewhere.
    :param progress: where to go on; a fresh one starts at the beginning.
    :param answers: answers by node id, for nodes that wait: ``{"value", "answered_at", "user_id", ...}``.
    :param on_record: called with each job record as soon as the job has ended.
    :param on_begin: called with a record before a node with side effects is executed, which its process may not survive.
    :param budget: makes the budget of one stretch; a spent one is renewed when ``auto_resume`` (INT-12).
    :param pins: outputs by node id that stand in for an execution.
    :param seed: what an earlier run has done already; only for a run that has not begun.
    :param signals: asked before each execution: ``cancel`` ends the run, ``pause`` pauses it, ``None`` goes on (INT-5).
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
        on_begin: Callable[[JobRecord], None] | None = None,
        budget: Callable[[], Budget] = Budget,
        auto_resume: bool = True,
        pins: Mapping[str, Mapping[str, Any]] | None = None,
        seed: Seed | None = None,
        signals: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.plan = plan
        self._seed = seed if progress is None else None
        self.progress = progress or (seed.progress(plan) if seed else Progress())
        self.warnings: list[str] = []
        self._launch = launch
        self._answers, self._resumed = dict(answers or {}), ""
        world = replace(world, extras={**world.extras, CONSENTS: self._take_consents()})
        self._world = with_tools(world, plan, Chained(self.progress.outcomes, outside or {}), self.progress.tool_results)
        self._identity = identity or RunIdentity("local")
        self._policy = replace(policy or RecordPolicy(), known=world.known_secrets)
        self._steps = plan.steps if steps is None else steps
        self._outside = outside or {}
        self._on_record, self._on_begin = on_record, on_begin
        self._budget, self._auto_resume = budget, auto_resume
        self._pins = pins or {}
        self._signals = signals
        self._resting = resting_triggers(plan, launch.flat)

    def run(self) -> Progress:
        """Drive the steps until they are done, one waits, or the run ends; return how far it came."""
        progress = self.progress
        progress.waiting = progress.paused_reason = None
        self._record_seed()
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

    def _take_consents(self) -> dict[str, Mapping[str, Any]]:
        """Return the consent that the answer to a gate's question is, by digest; such an answer is no answer to its node.

        A question that nobody answered in time cancels the run (INT-18).
        """
        waiting = self.progress.waiting
        answer = self._answers.get(waiting.node_id) if waiting is not None else None
        if waiting is None or answer is None:
            return {}
        if answer.get("expired"):
            self.progress.ended = RUN_CANCELLED
        found = consent_of(waiting, answer)
        if found is None:
            return {}
        del self._answers[waiting.node_id]
        self._resumed = waiting.node_id
        return dict([found])

    def _record_seed(self) -> None:
        """Record the jobs that an earlier run did (INT-10)."""
        seed, self._seed = self._seed, None
        for node_id, outcome in seed.outcomes.items() if seed else ():
            node, now = self.plan.nodes[node_id], self._world.now()
            done = Execution(outputs=dict(outcome.ports), active=outcome.active, started=now, completed=now)
            done.injected = seed.injection.to_data() if seed else None
            self.emit(node, done, order=node.position, number=0, stamp=())

    def _known(self) -> Mapping[str, Outcome]:
        return Chained(self.progress.outcomes, self._outside)

    def _node(self, node: PlanNode) -> None:
        known = self._known()
        decision = Decision(False, OTHER_TRIGGER) if node.node_id in self._resting else decide(node, known)
        if self.progress.ended is not None or not decision.run:
            self._skip(node, self.progress.ended or decision.reason or BRANCH_NOT_ACTIVE)
            return
        inputs, collisions = delivered_inputs(node, known, self.initial(node.node_id))
        for port in collisions:
            self._warn(f"Several sources deliver to port {port!r} of node {node.node_id!r}; the latest one counts (DATA-2).")
        if node.node_type.state_aware:
            inputs.update(state_inputs(self.progress.shared))
        try:
            self.begin(node, order=node.position, number=0, stamp=())
            execution = self.execute(node, inputs, None)
        except Paused as pause:
            self.progress.paused_reason = pause.reason
            return
        except _Cancelled:
            self.progress.ended = RUN_CANCELLED
            self._skip(node, RUN_CANCELLED)
            return
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
            except _Cancelled:
                progress.ended = RUN_CANCELLED
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
                if pause.reason in {None, PAUSE_ASKED} or not self._auto_resume:
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
        if node.node_id in self._pins:
            return self._pinned(node)
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
        to_run, hooks = node.to_run(), self._hooks()
        execution = hooks.around(
            to_run,
            lambda: execute(to_run, context, retries_spent=spent),
            lambda done: job_record(self.plan, node, done, self._identity, self._policy, order=node.position),
            inputs,
        )
        if len(execution.attempts) > 1:
            self.progress.retries[node.node_id] = spent + len(execution.attempts) - 1
        return execution

    def _hooks(self) -> Hooks:
        found: Hooks = self._world.extras.get("hooks") or NO_HOOKS
        return found

    def _heed_signals(self) -> None:
        signal = self._signals()
        if signal == "cancel":
            raise _Cancelled
        if signal == "pause":
            raise Paused(PAUSE_ASKED)

    def _pinned(self, node: PlanNode) -> Execution:
        now = self._world.now()
        return pinned_execution(node, self._pins[node.node_id], Injection("pin", now.isoformat()), now)

    def _execution_id(self, node: PlanNode) -> str:
        rounds = sum(state.executions for state in self.progress.loops.values())
        return self._identity.execution_id(node.node_id, rounds)

    def begin(self, node: PlanNode, *, order: int, number: int, stamp: tuple[int, ...]) -> None:
        """Begin an execution unless somebody wants none; one with side effects is recorded at once.

        :raises Paused: somebody asked for a pause; what was under way has finished (INT-5).
        """
        if node.node_id not in self._answers and node.node_id != self._resumed:
            # An answer that was given is taken first: a pause must not lose it.
            self._heed_signals()
        self._resumed = ""
        if self._on_begin is not None and node.node_type.side_effects and node.node_id not in self._pins:
            self._on_begin(begun_record(self.plan, node, self._identity, self._world.now(), order, number, stamp))

    def emit(self, node: PlanNode, execution: Execution, *, order: int, number: int, stamp: tuple[int, ...]) -> None:
        """Record a finished execution."""
        record = job_record(
            self.plan, node, execution, self._identity, self._policy, order=order, execution_number=number, round_=stamp
        )
        self._on_record(record)
        self._hooks().done(record)
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
    :param options: further arguments of :class:`Runner` (``identity``, ``policy``, ``answers``, ``budget``, ``auto_resume``,
        ``pins``, ``seed``, ``signals``).
    """
    jobs: list[JobRecord] = []

    def keep(record: JobRecord) -> None:
        jobs.append(record)
        on_record(record)

    runner = Runner(plan, launch, world, on_record=keep, progress=progress, **options)
    reached = runner.run()
    seed: Seed | None = options.get("seed") if progress is None else None
    produced = {node_id: dict(item.ports) for node_id, item in reached.outcomes.items() if item.status == "completed"}
    outputs, missing = workflow_outputs(plan, produced)
    status = run_status(jobs, reached)
    return RunResult(
        status=status,
        outputs={} if status in {MAX_ITERATIONS, "paused", "cancelled"} else outputs,
        jobs=jobs,
        skipped_node_ids=[job["node_id"] for job in jobs if job["status"] == "skipped"],
        error=reached.error,
        warnings=runner.warnings + missing,
        progress=reached,
        seeded=seed.count if seed else 0,
    )


def outcome_of(node: PlanNode, execution: Execution) -> Outcome:
    """Return what an execution means to the node's successors."""
    return Outcome(execution.status, node.position, execution.routed, execution.active, execution.outputs)
