"""What a repeated run takes over from the run it repeats: recorded outputs and pins, put into its ``conf`` by the API.

The member is sealed with the deployment's key and bound to one run. Otherwise whoever may start a run could pass over a check,
or use an approval that somebody gave for another run, by writing it into the ``conf``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flowdrop_provider.engine.execution import Execution
from flowdrop_provider.engine.plan import PlanNode
from flowdrop_provider.engine.redaction import Redactor
from flowdrop_provider.engine.reuse import Injection
from flowdrop_provider.engine.routing import Outcome
from flowdrop_provider.errors import LaunchError
from flowdrop_provider.nodes.world import utc_now
from flowdrop_provider.operators.handover import HANDOVER_KEY, JOB_KEY, open_values, outcome_from, seal_values

if TYPE_CHECKING:
    from flowdrop_provider.operators.run import RunOnAirflow

__all__ = ["REUSE_KEY", "Reuse", "given", "opened_reuse", "recorded_values", "sealed_reuse", "taken_over"]

#: The member of the run's own part of its ``conf``.
REUSE_KEY = "reuse"


@dataclass(frozen=True, slots=True)
class Reuse:
    """What a run does not execute.

    :ivar source: run id of the run it repeats, of the same DAG.
    :ivar at: when that was decided, ISO 8601.
    :ivar nodes: nodes whose outputs come from there.
    :ivar pins: outputs by node id that somebody gave.
    """

    source: str = ""
    at: str = ""
    nodes: frozenset[str] = frozenset()
    pins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def sealed_reuse(dag_id: str, run_id: str, reuse: Reuse) -> dict[str, Any]:
    """Return the member for the ``conf`` of exactly this run."""
    content = {
        "dag_id": dag_id,
        "run_id": run_id,
        "source": reuse.source,
        "at": reuse.at,
        "nodes": sorted(reuse.nodes),
        "pins": {node_id: dict(ports) for node_id, ports in reuse.pins.items()},
    }
    return seal_values({REUSE_KEY: json.dumps(content)}, Redactor([], frozenset({REUSE_KEY})))[REUSE_KEY]


def opened_reuse(own: Mapping[str, Any], dag_id: str, run_id: str) -> Reuse:
    """Return what a run takes over, nothing when its ``conf`` says nothing of it.

    :param own: the run's own part of its ``conf``.
    :raises LaunchError: ``LAUNCH_REUSE`` when the member was not sealed for this run.
    """
    member = own.get(REUSE_KEY)
    if member is None:
        return Reuse()
    content = _opened(member)
    if content.get("dag_id") != dag_id or content.get("run_id") != run_id:
        raise LaunchError(
            "The outputs that this run is to take over were not put in for it.",
            code="LAUNCH_REUSE",
            locator="conf.flowdrop.reuse",
            hint="Repeat a run with POST /runs/{id}/rerun.",
        )
    return Reuse(content["source"], content["at"], frozenset(content["nodes"]), content["pins"])


def _opened(member: Any) -> dict[str, Any]:
    from cryptography.fernet import InvalidToken

    sealed = isinstance(member, Mapping) and isinstance(member.get("sealed"), str) and len(member) == 1
    try:
        content = json.loads(open_values({REUSE_KEY: member}, lambda _: None)[REUSE_KEY]) if sealed else {}
    except (InvalidToken, ValueError):
        content = {}
    return content if isinstance(content, dict) else {}


def taken_over(run: RunOnAirflow, reuse: Reuse, node_ids: tuple[str, ...]) -> dict[str, Outcome] | None:
    """Return the outcomes that a task's nodes had in the earlier run, or ``None`` when it left none: then they run."""
    handover = _pulled(run, reuse, node_ids[0], HANDOVER_KEY) if reuse.nodes.issuperset(node_ids) else None
    if not isinstance(handover, Mapping):
        return None
    each = handover.get("nodes") if "nodes" in handover else {node_ids[0]: handover}
    return {node_id: outcome_from(item, run.learn) for node_id, item in (each or {}).items() if node_id in node_ids}


def recorded_values(run: RunOnAirflow, reuse: Reuse, node: PlanNode, key: str = JOB_KEY) -> dict[str, Any]:
    """Return what the earlier run's record shows of a node: all its values, where a handover has the carried ones only.

    :param key: where the record lies; a group keeps those of its nodes by their order.
    """
    record = _pulled(run, reuse, node.node_id, key)
    if not isinstance(record, Mapping) or record.get("node_id") != node.node_id:
        return {}
    return {name: record[name] for name in ("input_data", "output_data", "truncated", "redacted") if name in record}


def given(reuse: Reuse, outcome: Outcome) -> Execution:
    """Return the execution that an outcome of the earlier run stands for."""
    now = utc_now()
    execution = Execution(outputs=dict(outcome.ports), active=outcome.active, started=now, completed=now)
    execution.injected = Injection(reuse.source, reuse.at).to_data()
    return execution


def _pulled(run: RunOnAirflow, reuse: Reuse, node_id: str, key: str) -> Any:
    return run.ti.xcom_pull(dag_id=run.ti.dag_id, run_id=reuse.source, task_ids=run.task_ids[node_id], key=key)
