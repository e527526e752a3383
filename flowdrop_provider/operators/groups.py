"""What a group task does on the worker: drive its steps with the in-process engine, record every job, hand values on.

Imported when a task runs, never when a DAG file is parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from flowdrop_provider.engine.execution import error_envelope
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.progress import Progress
from flowdrop_provider.engine.records import JobRecord, job_record
from flowdrop_provider.engine.redaction import Redactor
from flowdrop_provider.engine.routing import Outcome, certainly_dead
from flowdrop_provider.engine.runner import RUN_CANCELLED, RUN_FAILED, Runner
from flowdrop_provider.engine.segments import steps_of
from flowdrop_provider.errors import FlowDropError, NodeError
from flowdrop_provider.library.happenings import job_happening
from flowdrop_provider.library.metrics import Measurement, job_measurements, skip_measurements
from flowdrop_provider.operators.handover import HANDOVER_KEY, JOB_KEY, SKIPS_KEY, pack_outcome, storable
from flowdrop_provider.operators.reuse import given, recorded_values, taken_over
from flowdrop_provider.operators.run import RunOnAirflow
from flowdrop_provider.operators.sources import SourceOutcomes
from flowdrop_provider.operators.telemetry import measure, tell
from flowdrop_provider.operators.waiting import answer_of, keep, let_go, problem_with, put_aside, taken_up

if TYPE_CHECKING:
    from airflow.sdk import Context

    from flowdrop_provider.operators.binding import FlowBinding

__all__ = ["resume_group", "run_group"]

T = TypeVar("T")


def run_group(binding: FlowBinding, node_ids: tuple[str, ...], context: Context) -> dict[str, Any]:
    """Run the nodes of a group and return their redacted outputs by node id.

    A retry after a lost worker goes on from the last checkpoint; its first question is asked again.

    :raises AirflowSkipException: none of them ran.
    :raises AirflowFailException: one failed without an error edge.
    """
    run = RunOnAirflow(binding, context)
    progress = taken_up(run) if run.ti.try_number > 1 else None
    earlier = None if progress is not None else _earlier(run, node_ids)
    if earlier is not None:
        return earlier
    return _drive(run, node_ids, progress, {})


def _earlier(run: RunOnAirflow, node_ids: tuple[str, ...]) -> dict[str, Any] | None:
    """Hand on what the run that this one repeats left, or return ``None`` when this group has to run."""
    reuse = _checked(run.reuse)
    outcomes = taken_over(run, reuse, node_ids)
    if outcomes is None:
        return None
    log = _Log(run)
    for node_id, outcome in outcomes.items():
        if outcome.status == "completed":
            node, done = run.plan.nodes[node_id], given(reuse, outcome)
            record = job_record(run.plan, node, done, run.identity(), run.policy, order=node.position)
            record.update(recorded_values(run, reuse, node, f"{JOB_KEY}.{node.position}"))  # type: ignore[typeddict-item]
            log.take(record)
    return _conclude(run, node_ids, Progress(outcomes=outcomes), log)


def resume_group(binding: FlowBinding, node_ids: tuple[str, ...], context: Context, event: Any) -> dict[str, Any]:
    """Go on with a group that waited; a wrong answer is asked for again.

    :raises AirflowFailException: nobody answered in time (INT-18).
    """
    run = RunOnAirflow(binding, context)
    progress = taken_up(run)
    if progress is None or progress.waiting is None:
        # Without a checkpoint the group begins; with one and no question it was paused by somebody, and goes on.
        return _drive(run, node_ids, progress, {})
    waiting = progress.waiting
    answer: Mapping[str, Any] | None = answer_of(waiting, event)
    if answer is None:
        _count(run, "expired", waiting.node_id)
        _expire(run, node_ids, progress)
        raise AirflowFailException(f"Nobody answered node {waiting.node_id!r} in time. [interrupt_expired]")
    if waiting.kind != "timer":
        _count(run, "answered", waiting.node_id)
    problem = problem_with(waiting, answer)
    if problem is not None:
        _count(run, "asked", waiting.node_id)
        answer = let_go(run, waiting, problem)
    return _drive(run, node_ids, progress, {waiting.node_id: answer})


def _drive(
    run: RunOnAirflow, node_ids: tuple[str, ...], progress: Progress | None, answers: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    sources = run.sources()
    log = _Log(run)
    runner = _runner(run, node_ids, sources, log, progress, answers)
    reached = runner.run()
    while reached.waiting is not None:
        keep(run, reached)
        if reached.waiting.kind != "timer":
            _count(run, "asked", reached.waiting.node_id)
        answer = let_go(run, reached.waiting)
        runner = _runner(run, node_ids, sources, log, reached, {reached.waiting.node_id: answer})
        reached = runner.run()
    if reached.paused_reason is not None:
        keep(run, reached)
        put_aside()
    return _conclude(run, node_ids, reached, log, sources)


def _count(run: RunOnAirflow, what: str, node_id: str) -> None:
    tags = {"workflow": run.ti.dag_id, "node_type": run.plan.nodes[node_id].node_type.id}
    measure([Measurement(f"flowdrop.interrupt.{what}", 1, tags)])


def _conclude(
    run: RunOnAirflow, node_ids: tuple[str, ...], reached: Progress, log: _Log, sources: SourceOutcomes | None = None
) -> dict[str, Any]:
    """Hand on what the group did and end its task accordingly."""
    _hand_on(run, node_ids, reached)
    redactor = run.policy.redactor()
    known = sources if sources is not None else run.sources()
    _skip_the_dead(run, node_ids, reached, known, log.skips)
    if reached.error is not None:
        raise AirflowFailException(redactor.redact(f"{reached.error['message']} [{reached.error['code']}]")[0])
    if len(node_ids) == 1 and reached.outcomes[node_ids[0]].status == "failed":
        # As with every task of one node, the task tells the truth whether or not an error edge takes the failure.
        error = reached.outcomes[node_ids[0]].ports["error"]
        told = redactor.redact(f"{error['message']} [{error['code']}]")[0]
        raise AirflowFailException(f"{told} It is routed along its error edge.")
    if all(outcome.status == "skipped" for outcome in reached.outcomes.values()):
        raise AirflowSkipException(f"Skipped: {next(iter(log.skips.values()), 'branch_not_active')}.")
    shown: dict[str, Any] = storable(log.outputs)
    return shown


def _expire(run: RunOnAirflow, node_ids: tuple[str, ...], progress: Progress) -> None:
    """Cancel the run as nobody answered (INT-18): the rest is skipped, the error says so."""
    assert progress.waiting is not None  # noqa: S101 - the caller has looked
    node_id = progress.waiting.node_id
    progress.error = error_envelope(node_id, code="interrupt_expired", message="Nobody answered in time.")
    progress.ended, progress.waiting = RUN_CANCELLED, None
    node = run.plan.nodes[node_id]
    progress.outcomes[node_id] = Outcome("failed", node.position, ports={"error": progress.error})
    for other in node_ids:
        progress.outcomes.setdefault(other, Outcome("skipped"))
    _hand_on(run, node_ids, progress)
    _skip_the_dead(run, node_ids, progress, run.sources(), {})


class _Log:
    """Takes job records: pushes each as XCom of its own, remembers what was skipped and what came out."""

    def __init__(self, run: RunOnAirflow) -> None:
        self._run = run
        self.skips: dict[str, str] = {}
        self.outputs: dict[str, Any] = {}

    def take(self, record: JobRecord) -> None:
        if record["status"] == "skipped":
            self.skips[record["node_id"]] = record["skip_reason"] or ""
            return
        self.outputs[record["node_id"]] = record["output_data"]
        self.begin(record)
        measure(job_measurements(record, self._run.ti.dag_id))
        tell(job_happening(record, self._run.ti.dag_id, self._run.plan.workflow_id))

    def begin(self, record: JobRecord) -> None:
        """Push a record: that of an end takes the place of that of its beginning."""
        self._run.push(f"{JOB_KEY}.{record['order']}", record)


def _runner(
    run: RunOnAirflow,
    node_ids: tuple[str, ...],
    sources: SourceOutcomes,
    log: _Log,
    progress: Progress | None,
    answers: Mapping[str, Mapping[str, Any]],
) -> Runner:
    return Runner(
        run.plan,
        _checked(run.launch),
        run.world(),
        identity=run.identity(),
        policy=run.policy,
        steps=steps_of(run.plan, node_ids),
        outside=sources,
        progress=progress,
        answers=answers,
        on_record=log.take,
        on_begin=log.begin,
        pins=_checked(run.reuse).pins,
        signals=run.signal,
    )


def _checked(read: Callable[[], T]) -> T:
    """Return what a run was started with; what is not accepted fails the task with it.

    :raises AirflowFailException: the inputs, or what is to be taken over, are refused.
    """
    try:
        return read()
    except FlowDropError as error:
        raise AirflowFailException(str(error)) from error


def _hand_on(run: RunOnAirflow, node_ids: tuple[str, ...], progress: Progress) -> None:
    """Hand on the outcome of every node, with the values of those ports only that leave the group."""
    redactor = run.policy.redactor()
    nodes = {node_id: _packed(run, node_id, node_ids, progress, redactor) for node_id in list(progress.outcomes)}
    error = redactor.redact(progress.error)[0]
    run.push(HANDOVER_KEY, {"nodes": nodes, "ended": progress.ended, "error": error})


def _packed(
    run: RunOnAirflow, node_id: str, node_ids: tuple[str, ...], progress: Progress, redactor: Redactor
) -> dict[str, Any]:
    """Return what a node hands on; a value that cannot be stored fails the node, and the run unless an error edge takes it."""
    leaving = _leaving(run.plan, node_id, node_ids)
    try:
        return pack_outcome(progress.outcomes[node_id], leaving, redactor)
    except NodeError as error:
        node, told = run.plan.nodes[node_id], run.final_error(node_id, error)
        progress.outcomes[node_id] = Outcome("failed", node.position, node.routes_errors, ports={"error": told})
        if not node.routes_errors:
            progress.ended, progress.error = RUN_FAILED, told
        return pack_outcome(progress.outcomes[node_id], leaving, redactor)


def _leaving(plan: Plan, node_id: str, node_ids: tuple[str, ...]) -> frozenset[str] | None:
    carried = plan.carried_ports(node_id)
    if carried is None:
        return None
    outside = {edge.source_port for edge in plan.nodes[node_id].outgoing if edge.target not in node_ids and not edge.triggers}
    declared = {entry.port for entry in plan.output_ports if entry.node_id == node_id}
    return frozenset(outside | declared)


def _skip_the_dead(
    run: RunOnAirflow, node_ids: tuple[str, ...], progress: Progress, sources: SourceOutcomes, own: Mapping[str, str]
) -> None:
    known: dict[str, Outcome] = {**sources.known, **progress.outcomes}
    if progress.ended is not None:
        dead = [node_id for node_id in run.plan.nodes if node_id not in known]
    else:
        already = set(certainly_dead(run.plan, sources.known))
        dead = [node_id for node_id in certainly_dead(run.plan, known) if node_id not in already and node_id not in node_ids]
    reasons = dict.fromkeys(dead, progress.ended or "branch_not_active")
    if reasons or own:
        run.push(SKIPS_KEY, {**own, **reasons})
        measure(skip_measurements({**own, **reasons}, run.ti.dag_id))
    run.skip_nodes(dead)
