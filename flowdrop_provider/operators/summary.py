"""How a run ended: the outcomes of all nodes, the outputs, the reasons.

Imported when the last task runs, never when a DAG file is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from flowdrop_provider.engine.launch import workflow_outputs
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.records import bounded
from flowdrop_provider.engine.routing import Outcome
from flowdrop_provider.operators.handover import HANDOVER_KEY, JOB_KEY, SKIPS_KEY, seal_values
from flowdrop_provider.operators.run import RunOnAirflow
from flowdrop_provider.operators.sources import SourceOutcomes, lost_worker

if TYPE_CHECKING:
    from airflow.sdk import Context

    from flowdrop_provider.operators.binding import FlowBinding

__all__ = ["SUMMARY_KEY", "end_run"]

#: XCom key of the run summary, there also when the task fails.
SUMMARY_KEY = "flowdrop_run"


def end_run(binding: FlowBinding, context: Context) -> dict[str, Any]:
    """Return the run's summary, or fail the run with its first unrouted failure (ERR-9, ORC-11)."""
    run = RunOnAirflow(binding, context)
    summary, outputs = _summary(run, _outcomes(run))
    run.push(SUMMARY_KEY, summary)
    run.push(HANDOVER_KEY, {"status": summary["status"], "outputs": outputs})
    if summary["status"] == "failed":
        error = summary["error"]
        raise AirflowFailException(f"Node {error['node_id']!r} failed: {error['message']} [{error['code']}]")
    return summary


def _states(run: RunOnAirflow) -> dict[str, str | None]:
    """Return the task state of every node, in one call."""
    found = run.ti.get_task_states(dag_id=run.ti.dag_id, run_ids=[run.ti.run_id], task_ids=list(run.task_ids.values())).get(
        run.ti.run_id, {}
    )
    return {node_id: found.get(task_id) for node_id, task_id in run.task_ids.items()}


def _outcomes(run: RunOnAirflow) -> dict[str, Outcome]:
    """Return the outcome of every node, reading values only where they can matter for the result."""
    sources = SourceOutcomes(run.plan, run.task_ids, run.ti)
    wanted = {entry.node_id for entry in run.plan.output_ports}
    last = {node_id for node_id, node in run.plan.nodes.items() if not node.outgoing and not run.plan.output_ports}
    found = {}
    for node_id, state in _states(run).items():
        if state == "failed" or (state == "success" and node_id in wanted | last):
            found[node_id] = sources[node_id]
        else:
            found[node_id] = Outcome("completed" if state == "success" else "skipped")
    return found


def _summary(run: RunOnAirflow, outcomes: Mapping[str, Outcome]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the summary as people see it, and the outputs as a calling workflow gets them."""
    produced = {node_id: dict(outcome.ports) for node_id, outcome in outcomes.items() if outcome.status == "completed"}
    outputs, missing = workflow_outputs(run.plan, produced)
    failed = [node_id for node_id, outcome in outcomes.items() if outcome.status == "failed"]
    unrouted = [node_id for node_id in failed if not outcomes[node_id].routed]
    skipped = [node_id for node_id, outcome in outcomes.items() if outcome.status == "skipped"]
    redactor = run.policy.redactor([])
    shown, truncated = bounded(redactor.redact(outputs)[0], run.policy.max_bytes)
    status = "failed" if unrouted else "completed_with_warnings" if failed else "completed"
    summary = {
        "status": status,
        "workflow_id": run.plan.workflow_id,
        "revision": run.plan.revision,
        "outputs": shown,
        "truncated": truncated,
        "failed_node_ids": failed,
        "skipped_node_ids": skipped,
        "skip_reasons": _skip_reasons(run, skipped, outcomes),
        "error": _error(run, unrouted[0]) if unrouted else None,
        "warnings": missing,
    }
    return summary, seal_values(outputs, redactor)


def _skip_reasons(run: RunOnAirflow, skipped: list[str], outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Return why each node was skipped: told by the node that decided it, or by the skipped task itself."""
    reasons: dict[str, str] = {}
    deciders = [node_id for node_id, outcome in outcomes.items() if outcome.status != "skipped"] if skipped else []
    for node_id in deciders:
        if reasons.keys() >= set(skipped):
            break
        if _decides(run.plan, node_id):
            found = run.ti.xcom_pull(task_ids=run.task_ids[node_id], key=SKIPS_KEY)
            reasons.update(found if isinstance(found, Mapping) else {})
    for node_id in skipped:
        if node_id not in reasons:
            record = run.ti.xcom_pull(task_ids=run.task_ids[node_id], key=JOB_KEY)
            reasons[node_id] = record["skip_reason"] if isinstance(record, Mapping) else "branch_not_active"
    return {node_id: reasons[node_id] for node_id in skipped}


def _decides(plan: Plan, node_id: str) -> bool:
    node = plan.nodes[node_id]
    return bool(node.branches) or node.routes_errors or bool(node.outgoing) or node.node_type.terminal


def _error(run: RunOnAirflow, node_id: str) -> dict[str, Any]:
    record = run.ti.xcom_pull(task_ids=run.task_ids[node_id], key=JOB_KEY)
    if isinstance(record, Mapping) and isinstance(record.get("error"), dict):
        return dict(record["error"])
    return dict(lost_worker(run.plan, node_id).ports["error"])
