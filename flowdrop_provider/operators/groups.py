"""What a group task does on the worker: drive its steps with the in-process engine, record every job, hand values on.

Imported when a task runs, never when a DAG file is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.progress import Progress
from flowdrop_provider.engine.records import JobRecord
from flowdrop_provider.engine.routing import Outcome, certainly_dead
from flowdrop_provider.engine.runner import RUN_FAILED, RUN_STOPPED, Runner
from flowdrop_provider.engine.segments import steps_of
from flowdrop_provider.errors import FlowDropError
from flowdrop_provider.operators.handover import HANDOVER_KEY, JOB_KEY, SKIPS_KEY, pack_outcome
from flowdrop_provider.operators.run import RunOnAirflow
from flowdrop_provider.operators.sources import SourceOutcomes

if TYPE_CHECKING:
    from airflow.sdk import Context

    from flowdrop_provider.operators.binding import FlowBinding

__all__ = ["run_group"]


def run_group(binding: FlowBinding, node_ids: tuple[str, ...], context: Context) -> dict[str, Any]:
    """Run the nodes of a group and return their redacted outputs by node id.

    :raises AirflowSkipException: none of them ran.
    :raises AirflowFailException: one failed without an error edge.
    """
    run = RunOnAirflow(binding, context)
    sources = SourceOutcomes(run.plan, run.task_ids, run.ti)
    log = _Log(run)
    progress = _runner(run, node_ids, sources, log).run()
    _hand_on(run, node_ids, progress)
    _skip_the_dead(run, node_ids, progress, sources, log.skips)
    if progress.ended == RUN_FAILED and progress.error is not None:
        raise AirflowFailException(f"{progress.error['message']} [{progress.error['code']}]")
    if not log.outputs:
        raise AirflowSkipException(f"Skipped: {next(iter(log.skips.values()), 'branch_not_active')}.")
    return log.outputs


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
        self._run.push(f"{JOB_KEY}.{record['order']}", record)


def _runner(run: RunOnAirflow, node_ids: tuple[str, ...], sources: SourceOutcomes, log: _Log) -> Runner:
    try:
        start = run.launch()
    except FlowDropError as error:
        raise AirflowFailException(str(error)) from error
    return Runner(
        run.plan,
        start,
        run.world(),
        identity=run.identity(),
        policy=run.policy,
        steps=steps_of(run.plan, node_ids),
        outside=sources,
        on_record=log.take,
    )


def _hand_on(run: RunOnAirflow, node_ids: tuple[str, ...], progress: Progress) -> None:
    """Hand on the outcome of every node, with the values of those ports only that leave the group."""
    redactor = run.policy.redactor([])
    nodes = {
        node_id: pack_outcome(outcome, _leaving(run.plan, node_id, node_ids), redactor)
        for node_id, outcome in progress.outcomes.items()
    }
    run.push(HANDOVER_KEY, {"nodes": nodes, "ended": progress.ended, "error": progress.error})


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
    if progress.ended in {RUN_FAILED, RUN_STOPPED}:
        dead = [node_id for node_id in run.plan.nodes if node_id not in known]
    else:
        already = set(certainly_dead(run.plan, sources.known))
        dead = [node_id for node_id in certainly_dead(run.plan, known) if node_id not in already and node_id not in node_ids]
    reasons = dict.fromkeys(dead, progress.ended or "branch_not_active")
    if reasons or own:
        run.push(SKIPS_KEY, {**own, **reasons})
    run.skip_nodes(dead)
