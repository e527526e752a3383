"""Readiness and data flow: whether a node runs, and with which values (DATA-1..6, BR-1..7, ERR-10).

Pure functions over the outcomes of a node's sources. The in-process runner, the loop driver and the Airflow operators all
ask here; nothing else decides what an edge means.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.document.handles import EdgeKind
from flowdrop_provider.engine.outputs import unified_output
from flowdrop_provider.engine.plan import Plan, PlanEdge, PlanNode

__all__ = [
    "Chained",
    "Decision",
    "Outcome",
    "certainly_dead",
    "decide",
    "delivered_inputs",
    "edge_satisfied",
    "warn_of_conditions",
]

log = logging.getLogger("flowdrop.engine")

#: Reason of every node that its sources did not activate (BR-7).
BRANCH_NOT_ACTIVE = "branch_not_active"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished node means to its successors.

    :ivar status: ``completed``, ``failed`` or ``skipped``; ``failed`` counts for error edges only, and only when routed.
    :ivar ports: values by output port; key presence is meaningful (DATA-1).
    :ivar active: emitted active branches, lower-cased; empty when none were emitted.
    """

    status: str
    order: int | None = None
    routed: bool = False
    active: frozenset[str] = frozenset()
    ports: Mapping[str, Any] = field(default_factory=dict)

    def to_data(self) -> dict[str, Any]:
        """Return plain data for a checkpoint."""
        return {
            "status": self.status,
            "order": self.order,
            "routed": self.routed,
            "active": sorted(self.active),
            "ports": dict(self.ports),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Outcome:
        """Return the outcome that :meth:`to_data` described."""
        return cls(data["status"], data["order"], data["routed"], frozenset(data["active"]), data["ports"])


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a node runs, and why not."""

    run: bool
    reason: str | None = None


def edge_satisfied(edge: PlanEdge, source: Outcome | None) -> bool:
    """Return whether a finished source satisfies an edge.

    An error edge asks for a routed failure (ERR-10), every other edge for a completed source on an active branch (BR-1).
    """
    if source is None:
        return False
    if edge.kind is EdgeKind.ERROR:
        return source.status == "failed" and source.routed
    if source.status != "completed":
        return False
    return not edge.gated or not source.active or edge.source_port.strip().lower() in source.active


def decide(node: PlanNode, outcomes: Mapping[str, Outcome]) -> Decision:
    """Return whether a node runs, its sources being final (DATA-4).

    :param outcomes: outcomes by node id; a missing source never ran.
    """
    if _ready(node, lambda edge: edge_satisfied(edge, outcomes.get(edge.source))):
        return Decision(True)
    return Decision(False, BRANCH_NOT_ACTIVE)


def _ready(node: PlanNode, satisfied: Callable[[PlanEdge], bool]) -> bool:
    if not node.incoming:
        return True
    if any(edge.kind is EdgeKind.ERROR and satisfied(edge) for edge in node.incoming):
        return True
    triggers = [edge for edge in node.incoming if edge.triggers]
    if triggers:
        return any(satisfied(edge) for edge in triggers)
    filled: dict[str, bool] = {}
    for edge in node.incoming:
        filled[edge.target_port] = filled.get(edge.target_port, False) or satisfied(edge)
    return all(filled.values())


def certainly_dead(plan: Plan, known: Mapping[str, Outcome]) -> list[str]:
    """Return nodes that cannot run any more whatever the unfinished ones do, in plan order.

    :param known: outcomes of finished nodes. Everything else is assumed to end in the way that helps most. The nodes of a loop
        are dead together or not at all, because a loopback edge may run what no forward edge can.
    """
    dead: list[str] = []
    lost = {node_id for node_id, outcome in known.items() if outcome.status == "skipped"}
    for step in plan.steps:
        members = [step] if isinstance(step, str) else list(step.nodes)
        gone = _dead_members(plan, members, known, lost)
        if gone and len(gone) == len(members):
            dead += gone
            lost.update(gone)
    return dead


def _dead_members(plan: Plan, members: list[str], known: Mapping[str, Outcome], lost: set[str]) -> list[str]:
    gone: set[str] = set()

    def possible(edge: PlanEdge) -> bool:
        if edge.source in lost or edge.source in gone:
            return False
        outcome = known.get(edge.source)
        return outcome is None or edge_satisfied(edge, outcome)

    for node_id in members:
        if node_id not in known and not _ready(plan.nodes[node_id], possible):
            gone.add(node_id)
    return [node_id for node_id in members if node_id in gone]


def delivered_inputs(
    node: PlanNode, outcomes: Mapping[str, Outcome], initial: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Return the values delivered to a node's ports, and the ports where several sources collided (DATA-1..3, DATA-6).

    :param initial: the run's initial data for this node by port; edges win over it, even with null.
    """
    values = dict(initial or {})
    chosen: dict[str, tuple[tuple[int, str], Any]] = {}
    collisions = []
    for edge, outcome in _deliveries(node.incoming, outcomes):
        rank = (outcome.order if outcome.order is not None else -1, edge.source)
        previous = chosen.get(edge.target_port)
        if previous is not None:
            collisions.append(edge.target_port)
        if previous is None or rank >= previous[0]:
            chosen[edge.target_port] = (rank, port_value(outcome.ports, edge.source_port))
    values.update({port: value for port, (_, value) in chosen.items()})
    return values, sorted(set(collisions))


def _deliveries(edges: Iterable[PlanEdge], outcomes: Mapping[str, Outcome]) -> Iterable[tuple[PlanEdge, Outcome]]:
    for edge in edges:
        outcome = outcomes.get(edge.source)
        if edge.triggers or not edge.source_port or not edge.target_port or outcome is None:
            continue
        if edge_satisfied(edge, outcome) and has_port(outcome.ports, edge.source_port):
            yield edge, outcome


def has_port(ports: Mapping[str, Any], port: str) -> bool:
    """Return whether a source produced a port; the unified ``output`` always is (DATA-9)."""
    return port in ports or port == "output"


def port_value(ports: Mapping[str, Any], port: str) -> Any:
    """Return the value of a port; the unified ``output`` is composed from the exposed outputs (DATA-9)."""
    return ports[port] if port in ports else unified_output(ports)


def warn_of_conditions(plan: Plan, node_id: str) -> None:
    """Warn of the conditions on the edges of a node that was executed: a removed feature that gates nothing (EDGE-8, SG-9)."""
    for edge_id in plan.conditions.get(node_id, ()):
        log.warning("The condition on edge %r from node %r gates nothing; conditions were removed (EDGE-8).", edge_id, node_id)


class Chained(Mapping[str, Outcome]):
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
