"""What a run does not execute again: pinned outputs, and what an earlier run left (INT-10, INT-11).

A *pin* stands in for a node's execution wherever the node would run, in every round of a loop. A *seed* says what an earlier
run has already done, so that only the rest is executed. Both leave job records that say where the outputs came from.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.engine.execution import Execution, refused
from flowdrop_provider.engine.outputs import active_branches, check_json, strip_hidden
from flowdrop_provider.engine.plan import Plan, PlanNode, Region
from flowdrop_provider.engine.progress import Progress
from flowdrop_provider.engine.routing import Outcome
from flowdrop_provider.errors import NodeError, SnapshotError
from flowdrop_provider.nodes.world import utc_now

__all__ = ["Injection", "Seed", "downstream", "pinned_execution", "refuse_shared_state", "seed"]

log = logging.getLogger("flowdrop.engine")


@dataclass(frozen=True, slots=True)
class Injection:
    """Where outputs come from that were not computed in this run.

    :ivar source: id of the run they were computed in, or ``pin`` when somebody gave them.
    :ivar at: when they were put in, ISO 8601.
    """

    source: str
    at: str

    def to_data(self) -> dict[str, str]:
        """Return plain data, as job records carry it."""
        return {"source": self.source, "at": self.at}


@dataclass(slots=True)
class Seed:
    """What a run starts with that is already done.

    :ivar outcomes: by node id; every one of them ``completed``.
    :ivar passed_over: nodes whose recorded work cannot be used, with the reason; they run again.
    """

    injection: Injection
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many nodes are not executed again (INT-10)."""
        return len(self.outcomes)

    def progress(self, plan: Plan) -> Progress:
        """Return the progress of a run that starts with this seed."""
        steps = ((step, step) if isinstance(step, str) else (step.region_id, step.nodes[0]) for step in plan.steps)
        done = {name for name, member in steps if member in self.outcomes}
        done |= {step.region_id for step in plan.regions.values() if any(node in self.outcomes for node in step.nodes)}
        return Progress(done=done, outcomes=dict(self.outcomes))


def pinned_execution(node: PlanNode, ports: Mapping[str, Any], injection: Injection, now: dt.datetime) -> Execution:
    """Return the execution that a pin stands for: completed, without an attempt, with the outputs that were given.

    A branch is chosen as the processor would choose it, by the ``active_branches`` output (BR-3). Outputs that are no JSON fail
    the node (ERR-6).
    """
    outputs = strip_hidden(node.node_type, node.config, ports)
    try:
        check_json(outputs, node_id=node.node_id, node_type_id=node.node_type.id)
    except NodeError as error:
        return refused(node.to_run(), error, now)
    active = active_branches(outputs)
    return Execution(outputs=outputs, active=active, started=now, completed=now, injected=injection.to_data())


def downstream(start: Iterable[str], edges: Iterable[tuple[str, str]]) -> set[str]:
    """Return what lies behind ``start``, itself included, along directed edges."""
    following: dict[str, list[str]] = {}
    for source, target in edges:
        following.setdefault(source, []).append(target)
    found, pending = set(start), list(start)
    while pending:
        for target in following.get(pending.pop(), ()):
            if target not in found:
                found.add(target)
                pending.append(target)
    return found


def refuse_shared_state(plan: Plan) -> None:
    """Refuse to start in the middle of a workflow whose nodes share run state: nobody kept that state (INT-15).

    :raises SnapshotError: ``SNAPSHOT_STATE_SHARED``.
    """
    sharing = [node_id for node_id, node in plan.nodes.items() if node.node_type.state_aware]
    if sharing:
        raise SnapshotError(
            f"The nodes of workflow {plan.workflow_id!r} share run state, which the outputs of an earlier run do not hold.",
            code="SNAPSHOT_STATE_SHARED",
            locator=f"node.{sharing[0]}",
            hint="Run the workflow from its beginning.",
        )


def seed(
    plan: Plan,
    outputs: Mapping[str, Mapping[str, Any]],
    source: str,
    *,
    finished: Iterable[str] = (),
    from_node: str | None = None,
) -> Seed:
    """Return the seed of a run from the outputs that an earlier run left.

    :param outputs: outputs by node id, of completed nodes only.
    :param source: id of the earlier run.
    :param finished: nodes that had their turn in the earlier run without running; a loop counts as done when each of its nodes
        completed or had its turn.
    :param from_node: execute this node and everything behind it, whatever the earlier run did; by default only what it lacks.
    :raises SnapshotError: ``SNAPSHOT_STATE_SHARED``, or ``SNAPSHOT_NODE_UNKNOWN`` for a ``from_node`` that the plan lacks.
    """
    refuse_shared_state(plan)
    found = Seed(Injection(source, utc_now().isoformat()))
    again = _again(plan, from_node)
    settled = set(outputs) | set(finished)
    for node_id, ports in outputs.items():
        node = plan.nodes.get(node_id)
        reason = _why_not(plan, node, again, settled)
        if node is None or reason is not None:
            found.passed_over[node_id] = reason or "unknown_node"
            log.info("Node %r of run %s is not taken over: %s.", node_id, source, found.passed_over[node_id])
            continue
        found.outcomes[node_id] = Outcome("completed", node.position, False, active_branches(ports), dict(ports))
    return found


def _again(plan: Plan, from_node: str | None) -> set[str]:
    if from_node is None:
        return set()
    if from_node not in plan.nodes:
        raise SnapshotError(
            f"There is no node {from_node!r} that runs in workflow {plan.workflow_id!r}.",
            code="SNAPSHOT_NODE_UNKNOWN",
            locator=f"node.{from_node}",
            hint=f"Nodes that run: {', '.join(plan.order[:12])}.",
        )
    return downstream([from_node], ((edge.source, edge.target) for edge in plan.edges))


def _why_not(plan: Plan, node: PlanNode | None, again: set[str], settled: set[str]) -> str | None:
    if node is None:
        return "unknown_node"
    region: Region | None = plan.regions.get(node.region) if node.region is not None else None
    members = region.nodes if region is not None else (node.node_id,)
    if any(member in again for member in members):
        return "runs_again"
    # Half a loop cannot be continued from outputs alone: the round it stood in is not among them.
    return "loop_unfinished" if any(member not in settled for member in members) else None
