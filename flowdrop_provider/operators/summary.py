"""How a run ended: the outcomes of all nodes, the outputs, the reasons.

Imported when the last task runs, never when a DAG file is parsed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from flowdrop_provider.engine.launch import workflow_outputs
from flowdrop_provider.engine.records import bounded
from flowdrop_provider.engine.redaction import Redactor
from flowdrop_provider.engine.routing import Outcome
from flowdrop_provider.errors import NodeError
from flowdrop_provider.library.happenings import run_happening
from flowdrop_provider.library.metrics import run_measurements
from flowdrop_provider.nodes.world import utc_now
from flowdrop_provider.operators.handover import HANDOVER_KEY, JOB_KEY, SKIPS_KEY, seal_values, storable
from flowdrop_provider.operators.run import RunOnAirflow
from flowdrop_provider.operators.sources import lost_worker
from flowdrop_provider.operators.telemetry import measure, tell

if TYPE_CHECKING:
    from airflow.sdk import Context

    from flowdrop_provider.operators.binding import FlowBinding

__all__ = ["SUMMARY_KEY", "end_run"]

#: XCom key of the run summary, there also when the task fails.
SUMMARY_KEY = "flowdrop_run"

#: The error of a node whose question nobody answered in time.
EXPIRED = "interrupt_expired"


def end_run(binding: FlowBinding, context: Context) -> dict[str, Any]:
    """Return the run's summary, or fail the run with its first unrouted failure (ERR-9, ORC-11)."""
    run = RunOnAirflow(binding, context)
    summary, outputs = _summary(run, _outcomes(run))
    run.push(SUMMARY_KEY, summary)
    started, now = getattr(context["dag_run"], "start_date", None), utc_now()
    measure(run_measurements(summary, run.ti.dag_id, started, now))
    tell(run_happening(summary, run.ti.dag_id, run.ti.run_id, started, now))
    run.push(HANDOVER_KEY, {"status": summary["status"], "outputs": outputs, "error": summary["error"]})
    if summary["status"] in ("failed", "cancelled"):
        error = summary["error"]
        raise AirflowFailException(f"Node {error['node_id']!r} failed: {error['message']} [{error['code']}]")
    shown: dict[str, Any] = storable(summary)
    return shown


def _states(run: RunOnAirflow) -> dict[str, str | None]:
    """Return the state of every task of the workflow, in one call."""
    task_ids = list(dict.fromkeys(run.task_ids.values()))
    found = run.ti.get_task_states(dag_id=run.ti.dag_id, run_ids=[run.ti.run_id], task_ids=task_ids)
    states: dict[str, str | None] = found.get(run.ti.run_id, {})
    return states


def _outcomes(run: RunOnAirflow) -> dict[str, Outcome]:
    """Return the outcome of every node, reading values only where they can matter for the result."""
    sources = run.sources()
    states, grouped = _states(run), Counter(run.task_ids.values())
    wanted = {entry.node_id for entry in run.plan.output_ports}
    last = {node_id for node_id, node in run.plan.nodes.items() if not node.outgoing and not run.plan.output_ports}
    found = {}
    for node_id, task_id in run.task_ids.items():
        state = states.get(task_id)
        matters = node_id in wanted | last or grouped[task_id] > 1
        if state == "failed" or (state == "success" and matters):
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
    redactor = run.policy.redactor()
    shown, truncated = bounded(redactor.redact(outputs)[0], run.policy.max_bytes)
    packed, unstored = _sealed(run, outputs, redactor)
    error = _error(run, unrouted[0]) if unrouted else unstored
    status = _status(error, failed)
    summary = {
        "status": status,
        "workflow_id": run.plan.workflow_id,
        "revision": run.plan.revision,
        "outputs": shown,
        "truncated": truncated,
        "failed_node_ids": failed,
        "skipped_node_ids": skipped,
        "skip_reasons": _skip_reasons(run, skipped, outcomes),
        "error": error,
        "warnings": missing,
    }
    return summary, packed


def _sealed(
    run: RunOnAirflow, outputs: Mapping[str, Any], redactor: Redactor
) -> tuple[dict[str, dict[str, Any]], dict[str, Any] | None]:
    """Return the outputs packed for a calling workflow, and the error of the run when they cannot be stored."""
    try:
        return seal_values(outputs, redactor), None
    except NodeError as error:
        return {}, run.final_error(run.ti.task_id, error)


def _status(error: Mapping[str, Any] | None, failed: list[str]) -> str:
    """Return the status of the run; a question that nobody answered in time cancels it (INT-18)."""
    if error is not None:
        return "cancelled" if error["code"] == EXPIRED else "failed"
    return "completed_with_warnings" if failed else "completed"


def _skip_reasons(run: RunOnAirflow, skipped: list[str], outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Return why each node was skipped: told by the task that decided it, or by the skipped task itself."""
    reasons: dict[str, str] = {}
    deciders = dict.fromkeys(run.task_ids[node_id] for node_id, item in outcomes.items() if item.status != "skipped")
    for task_id in deciders if skipped else ():
        if reasons.keys() >= set(skipped):
            break
        found = run.ti.xcom_pull(task_ids=task_id, key=SKIPS_KEY)
        reasons.update(found if isinstance(found, Mapping) else {})
    for node_id in skipped:
        if node_id not in reasons:
            record = run.ti.xcom_pull(task_ids=run.task_ids[node_id], key=JOB_KEY)
            reasons[node_id] = record["skip_reason"] if isinstance(record, Mapping) else "branch_not_active"
    return {node_id: reasons[node_id] for node_id in skipped}


def _error(run: RunOnAirflow, node_id: str) -> dict[str, Any]:
    """Return the error of a failed node as people see it."""
    task_id = run.task_ids[node_id]
    for key, place in ((JOB_KEY, None), (HANDOVER_KEY, "nodes")):
        found = run.ti.xcom_pull(task_ids=task_id, key=key)
        if isinstance(found, Mapping) and (place is None or place in found) and isinstance(found.get("error"), Mapping):
            return dict(run.policy.redactor().redact(dict(found["error"]))[0])
    return dict(lost_worker(run.plan, node_id).ports["error"])
