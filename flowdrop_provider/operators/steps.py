"""What a node task does on the worker: decide, execute, record, hand on.

Imported when a task runs, never when a DAG file is parsed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from flowdrop_provider import conf
from flowdrop_provider.engine.execution import Execution, execute, failed, refused
from flowdrop_provider.engine.hooks import installed_hooks
from flowdrop_provider.engine.plan import Plan, PlanNode
from flowdrop_provider.engine.records import job_record, skipped_record
from flowdrop_provider.engine.reuse import Injection, pinned_execution
from flowdrop_provider.engine.routing import Decision, certainly_dead, decide, delivered_inputs, warn_of_conditions
from flowdrop_provider.engine.runner import RUN_FAILED, RUN_STOPPED, outcome_of
from flowdrop_provider.engine.strategies import OTHER_TRIGGER
from flowdrop_provider.errors import LaunchError, NodeError
from flowdrop_provider.library.happenings import job_happening
from flowdrop_provider.library.metrics import job_measurements, skip_measurements
from flowdrop_provider.nodes.api import NodeContext
from flowdrop_provider.nodes.registry import get_processor
from flowdrop_provider.nodes.world import utc_now
from flowdrop_provider.operators.groups import resume_group, run_group
from flowdrop_provider.operators.handover import HANDOVER_KEY, JOB_KEY, SKIPS_KEY, pack, storable
from flowdrop_provider.operators.reuse import given, recorded_values, taken_over
from flowdrop_provider.operators.run import RunOnAirflow
from flowdrop_provider.operators.slow_http import SlowCall, http_client_of
from flowdrop_provider.operators.sources import SourceOutcomes
from flowdrop_provider.operators.telemetry import measure, tell
from flowdrop_provider.operators.waiting import put_aside, taken_up

if TYPE_CHECKING:
    from airflow.sdk import Context

    from flowdrop_provider.operators.binding import FlowBinding

__all__ = ["resume_node", "run_node"]

log = logging.getLogger(__name__)


def run_node(binding: FlowBinding, node_id: str, context: Context, event: Any = None) -> dict[str, Any]:
    """Run a node and return its redacted outputs.

    :param event: what the task was resumed with: the reply of a slow HTTP call.
    :raises AirflowSkipException: no live edge leads to the node; the reason is in its record.
    :raises AirflowFailException: the node failed, routed or not.
    """
    run = RunOnAirflow(binding, context)
    if run.paused:
        put_aside()
    if node_id in run.plan.tools:
        # A tool may ask for consent between two calls; a group remembers what the calls before it gave.
        return run_group(binding, (node_id,), context)
    node = run.plan.nodes[node_id]
    sources = run.sources()
    decision = Decision(False, OTHER_TRIGGER) if node_id in run.resting() else decide(node, sources)
    if not decision.run:
        run.push(JOB_KEY, skipped_record(run.plan, node, run.identity(), decision.reason or ""))
        measure(skip_measurements({node_id: decision.reason or ""}, run.ti.dag_id))
        raise AirflowSkipException(f"Skipped: {decision.reason}.")
    try:
        execution = _execute_node(run, node, sources, event)
    except SlowCall as call:
        call.defer()
    if execution.status == "interrupted":
        # Only the gate's question comes from here: nodes that ask by themselves are groups. A group can wait.
        return run_group(binding, (node_id,), context)
    execution, handover = _handed_on(run, node, execution)
    record = job_record(run.plan, node, execution, run.identity(), run.policy, order=node.position)
    if execution.injected is not None and execution.injected["source"] != "pin":
        record.update(recorded_values(run, run.reuse(), node))  # type: ignore[typeddict-item]
    run.push(JOB_KEY, record)
    measure(job_measurements(record, run.ti.dag_id))
    tell(job_happening(record, run.ti.dag_id, run.plan.workflow_id))
    installed_hooks(tuple(conf.hooks())).done(record)
    run.push(HANDOVER_KEY, handover)
    warn_of_conditions(run.plan, node_id)
    _skip_the_dead(run, node, execution, sources)
    _raise_failure(run, execution)
    shown: dict[str, Any] = storable(record["output_data"])
    return shown


def resume_node(binding: FlowBinding, node_id: str, context: Context, event: Any) -> dict[str, Any]:
    """Go on after an answer to the gate's question, or begin after the run was paused before this node.

    :raises AirflowSkipException: as :func:`run_node`.
    :raises AirflowFailException: as :func:`run_node`, and when nobody answered in time.
    """
    if taken_up(RunOnAirflow(binding, context)) is None:
        return run_node(binding, node_id, context, event)
    return resume_group(binding, (node_id,), context, event)


def _execute_node(run: RunOnAirflow, node: PlanNode, sources: SourceOutcomes, event: Any) -> Execution:
    try:
        start, reuse = run.launch(), run.reuse()
    except LaunchError as error:
        return refused(node.to_run(), error, utc_now())
    if node.node_id in reuse.pins:
        return pinned_execution(node, reuse.pins[node.node_id], Injection("pin", reuse.at), utc_now())
    earlier = taken_over(run, reuse, (node.node_id,))
    if earlier:
        return given(reuse, earlier[node.node_id])
    inputs, collisions = delivered_inputs(node, sources, start.ports(node.node_id))
    for port in collisions:
        log.warning("Several sources deliver to port %r; the latest one counts (DATA-2).", port)
    world = run.world(sources)
    found = get_processor(node.node_type.processor)
    if found is not None and found.runs == "network":
        world.http = http_client_of(event)
    context = NodeContext(
        node_id=node.node_id,
        node_type_id=node.node_type.id,
        label=node.label,
        workflow_id=run.plan.workflow_id,
        run_id=run.ti.run_id,
        inputs=inputs,
        config=node.config,
        initial_data=start.flat,
        world=world,
        execution_id=run.identity().execution_id(node.node_id),
    )
    to_run, hooks = node.to_run(), installed_hooks(tuple(conf.hooks()))
    return hooks.around(
        to_run,
        lambda: execute(to_run, context),
        lambda done: job_record(run.plan, node, done, run.identity(), run.policy, order=node.position),
        inputs,
    )


def _handed_on(run: RunOnAirflow, node: PlanNode, execution: Execution) -> tuple[Execution, dict[str, Any]]:
    """Return an execution with what its successors get; a value for them that cannot be stored fails the node."""
    redactor = run.policy.redactor(execution.secrets)
    try:
        return execution, pack(run.plan, node, execution, redactor)
    except NodeError as error:
        lost = failed(node.to_run(), run.final_error(node.node_id, error), utc_now())
        lost.attempts, lost.params, lost.started = execution.attempts, execution.params, execution.started
        lost.secrets, lost.secret_parameters = execution.secrets, execution.secret_parameters
        return lost, pack(run.plan, node, lost, redactor)


def _skip_the_dead(run: RunOnAirflow, node: PlanNode, execution: Execution, sources: SourceOutcomes) -> None:
    skips = _skips(run.plan, node, execution, sources)
    if skips:
        run.push(SKIPS_KEY, skips)
        measure(skip_measurements(skips, run.ti.dag_id))
        run.skip_nodes(skips)


def _skips(plan: Plan, node: PlanNode, execution: Execution, sources: SourceOutcomes) -> dict[str, str]:
    """Return the nodes that this execution's end has decided, with the reason; they never start a process."""
    before = sources.known
    if execution.stopped or (execution.status == "failed" and not execution.routed):
        reason = RUN_STOPPED if execution.stopped else RUN_FAILED
        return {node_id: reason for node_id in plan.nodes if node_id != node.node_id and node_id not in before}
    after = {**before, node.node_id: outcome_of(node, execution)}
    already = set(certainly_dead(plan, before))
    return {node_id: "branch_not_active" for node_id in certainly_dead(plan, after) if node_id not in already}


def _raise_failure(run: RunOnAirflow, execution: Execution) -> None:
    if execution.status != "failed" or execution.error is None:
        return
    routed = " It is routed along its error edge." if execution.routed else ""
    # Airflow masks the log of the task, and writes the message into that of the executor as it is.
    told = run.policy.redactor(execution.secrets).redact(execution.error["message"])[0]
    message = f"{told} [{execution.error['code']}]{routed}"
    # No Airflow retry: FlowDrop's own retries are over, and a node-level error does not go away by itself (ERR-11).
    raise AirflowFailException(message) from execution.cause
