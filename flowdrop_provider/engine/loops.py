"""Driving loops: rounds, staleness, nested loops, budgets, and a state that can be put aside and taken up again.

A region is driven round by round. In a round every step happens at most once, in order: a node runs when its edges say so, a
nested loop runs to its end. An edge from a source whose execution lies a round behind, on a loop it shares with the consumer,
does not count (SG-19). When a round is over, a followed loopback edge starts the next one with its head (SG-7).

What was done is kept in :class:`LoopState`, plain data, so that an interrupt or a spent budget can stop anywhere and the same
driver goes on from there in another process (INT-1, ORC-10).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from flowdrop_provider.engine.execution import Execution
from flowdrop_provider.engine.plan import Plan, PlanNode, Region
from flowdrop_provider.engine.routing import Outcome, decide, delivered_inputs, edge_satisfied, port_value
from flowdrop_provider.engine.state import apply_update, initial_state, state_inputs
from flowdrop_provider.nodes.iteration import Iteration

__all__ = ["Budget", "Host", "LoopDriver", "LoopState", "Paused"]

#: Most rounds of a loop without an iterator, where neither the head nor the workflow says otherwise.
DEFAULT_MAX_ROUNDS = 100

Stamp = tuple[int, ...]


class Paused(Exception):  # noqa: N818 - a pause is no error
    """The region stops for now; its state says where. ``reason`` is ``None`` for an interrupt, else a budget (ORC-10)."""

    def __init__(self, reason: str | None, node_id: str | None = None, execution: Execution | None = None) -> None:
        super().__init__(reason or "interrupted")
        self.reason = reason
        self.node_id = node_id
        self.execution = execution


class Host(Protocol):
    """Who drives: executes nodes and takes their records."""

    def execute(self, node: PlanNode, inputs: dict[str, Any], iteration: Iteration | None) -> Execution:
        """Execute a node with its delivered inputs."""
        ...

    def begin(self, node: PlanNode, *, order: int, number: int, stamp: Stamp) -> None:
        """Take note that an execution begins, whose record will have the same order and number; may raise :class:`Paused`."""
        ...

    def emit(self, node: PlanNode, execution: Execution, *, order: int, number: int, stamp: Stamp) -> None:
        """Take the record of a finished execution."""
        ...

    def initial(self, node_id: str) -> Mapping[str, Any]:
        """Return the run's initial data for a node's ports."""
        ...


@dataclass(slots=True)
class Budget:
    """What a run may spend before it pauses (ORC-10): passes (rounds of any loop) and seconds; ``None`` for no limit."""

    max_passes: int | None = 100
    max_seconds: float | None = None
    passes: int = 0
    started: float = field(default_factory=time.monotonic)

    def spend_pass(self) -> str | None:
        """Count a pass and return why the run must pause, or ``None``."""
        self.passes += 1
        if self.max_passes is not None and self.passes > self.max_passes:
            return "pass_budget"
        if self.max_seconds is not None and time.monotonic() - self.started > self.max_seconds:
            return "time_budget"
        return None


@dataclass(slots=True)
class _Done:
    """The latest execution of a node: its outcome and the rounds it happened in, outermost loop first."""

    outcome: Outcome
    stamp: Stamp


@dataclass(slots=True)
class LoopState:
    """Where a region stands.

    :ivar rounds: current round by region id; absent before the first.
    :ivar done: nodes and nested regions that had their turn in the current round, by region id.
    :ivar forced: heads that a loopback edge dispatched for the current round, with the value it brought.
    """

    rounds: dict[str, int] = field(default_factory=dict)
    done: dict[str, set[str]] = field(default_factory=dict)
    forced: dict[str, Any] = field(default_factory=dict)
    latest: dict[str, _Done] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    iterations: dict[str, Iteration] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=initial_state)
    executions: int = 0

    def to_data(self) -> dict[str, Any]:
        """Return plain data for a checkpoint (SG-11)."""
        return {
            "rounds": self.rounds,
            "done": {region: sorted(steps) for region, steps in self.done.items()},
            "forced": self.forced,
            "latest": {node_id: _done_to_data(done) for node_id, done in self.latest.items()},
            "counts": self.counts,
            "iterations": {node_id: iteration.to_data() for node_id, iteration in self.iterations.items()},
            "shared": self.shared,
            "executions": self.executions,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> LoopState:
        """Return the state that :meth:`to_data` described."""
        return cls(
            rounds=dict(data["rounds"]),
            done={region: set(steps) for region, steps in data["done"].items()},
            forced=dict(data["forced"]),
            latest={node_id: _done_from_data(done) for node_id, done in data["latest"].items()},
            counts=dict(data["counts"]),
            iterations={node_id: Iteration.from_data(item) for node_id, item in data["iterations"].items()},
            shared=dict(data["shared"]),
            executions=int(data["executions"]),
        )


def _done_to_data(done: _Done) -> dict[str, Any]:
    return {"outcome": done.outcome.to_data(), "stamp": list(done.stamp)}


def _done_from_data(data: Mapping[str, Any]) -> _Done:
    return _Done(Outcome.from_data(data["outcome"]), tuple(data["stamp"]))


class LoopDriver:
    """Drives one region.

    :param outside: outcomes of finished nodes outside of the region.
    :param state: where to go on; a fresh one starts at the beginning.
    :raises Paused: from :meth:`run`, when a node waits or the budget is spent.
    """

    def __init__(
        self,
        plan: Plan,
        region: Region,
        host: Host,
        outside: Mapping[str, Outcome],
        *,
        state: LoopState | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._plan = plan
        self._region = region
        self._host = host
        self._outside = outside
        self._budget = budget or Budget()
        self._members = frozenset(region.nodes)
        self._heads = {inner.region_id: inner.heads for inner in _all_regions(region)}
        self._paths = {node_id: plan.nodes[node_id].regions for node_id in region.nodes}
        self.state = state or LoopState()
        self.warnings: list[str] = []
        self.ended: Execution | None = None

    def run(self) -> dict[str, Outcome]:
        """Run the region to its end and return the latest outcome of each node that ran."""
        self._run_region(self._region)
        return self.outcomes()

    def renew(self, budget: Budget) -> None:
        """Go on with a fresh budget (ORC-10); rounds keep counting."""
        self._budget = budget

    @property
    def over(self) -> bool:
        """Whether a node ended the whole run, by stopping it or by failing without an error edge."""
        return self.ended is not None

    def outcomes(self) -> dict[str, Outcome]:
        """Return the latest outcome of each node that ran so far."""
        return {node_id: done.outcome for node_id, done in self.state.latest.items()}

    def _run_region(self, region: Region) -> None:
        state = self.state
        state.rounds.setdefault(region.region_id, 0)
        while True:
            done = state.done.setdefault(region.region_id, set())
            for step in region.steps:
                name = step if isinstance(step, str) else step.region_id
                if name in done:
                    continue
                if isinstance(step, str):
                    self._turn(step)
                else:
                    self._run_region(step)
                    _reset(state, step)
                if self.over:
                    return
                done.add(name)
            if not self._next_round(region):
                return

    def _next_round(self, region: Region) -> bool:
        """Start the next round when a loopback edge was followed and the loop has budget left (SG-7)."""
        followed = self._followed(region)
        if not followed:
            return False
        state = self.state
        round_ = state.rounds[region.region_id] + 1
        limit = self._max_rounds(region)
        if limit is not None and round_ >= limit:
            self.warnings.append(f"The loop of {region.region_id!r} ended after {limit} rounds, its maximum (SG-7).")
            return False
        reason = self._budget.spend_pass()
        state.rounds[region.region_id] = round_
        state.done[region.region_id] = set()
        state.forced.update(followed)
        if reason is not None:
            raise Paused(reason)
        return True

    def _followed(self, region: Region) -> dict[str, Any]:
        """Return the heads that this round's loopback edges dispatch, with the value each brings (SG-5, SG-6)."""
        heads: dict[str, Any] = {}
        for head in region.heads:
            for edge in self._plan.nodes[head].loopbacks:
                done = self.state.latest.get(edge.source)
                if done is None or self._behind(done.stamp, edge.source, head) or not edge_satisfied(edge, done.outcome):
                    continue
                if self._over_with(edge.target):
                    continue
                heads[head] = port_value(done.outcome.ports, edge.source_port) if edge.source_port else None
        return heads

    def _max_rounds(self, region: Region) -> int | None:
        """Return the most rounds of a loop: none where an iterator bounds it, else the head's, the workflow's, the default."""
        if any(self._plan.nodes[head].node_type.processor == "foreach" for head in region.heads):
            return None
        for head in region.heads:
            configured = self._plan.nodes[head].config.get("maxIterations")
            if isinstance(configured, int) and not isinstance(configured, bool) and configured > 0:
                return configured
        configured = self._plan.settings.get("max_iterations")
        return configured if isinstance(configured, int) and configured > 0 else DEFAULT_MAX_ROUNDS

    def _turn(self, node_id: str) -> None:
        """Give a node its turn in the current round: it runs when its edges, or a loopback, say so."""
        node = self._plan.nodes[node_id]
        forced = node_id in self.state.forced
        visible = self._visible(node)
        if not forced and not (self._may_enter(node) and decide(node, visible).run):
            return
        inputs, _ = delivered_inputs(node, visible, self._host.initial(node_id))
        iteration = self._iteration(node)
        if iteration is not None and iteration.started:
            # Taken once (SG-4): handing the whole list over in every round would make a loop's cost quadratic.
            inputs.pop("items", None)
        if forced and "loop_back" in node.node_type.parameters:
            inputs["loop_back"] = self.state.forced[node_id]
        order, number, stamp = self._place(node)
        self._host.begin(node, order=order, number=number, stamp=stamp)
        execution = self._host.execute(node, {**inputs, **self._reserved(node)}, iteration)
        if execution.status == "interrupted":
            raise Paused(None, node_id, execution)
        self.state.forced.pop(node_id, None)
        self._note(node, execution)

    def _may_enter(self, node: PlanNode) -> bool:
        """Return whether a round has an item for the body: after its last item a ``foreach`` enters the loop no more (SG-4)."""
        for region_id in node.regions:
            heads = self._heads[region_id]
            if node.node_id not in heads and any(self._over_with(head) for head in heads):
                return False
        return True

    def _over_with(self, head: str) -> bool:
        iteration = self.state.iterations.get(head)
        return iteration is not None and iteration.started and not iteration.active

    def _visible(self, node: PlanNode) -> dict[str, Outcome]:
        """Return the outcomes that count for a node: everything outside, and inside what is not a round behind (SG-19)."""
        found: dict[str, Outcome] = {}
        for source in dict.fromkeys(edge.source for edge in node.incoming):
            if source not in self._members:
                if source in self._outside:
                    found[source] = self._outside[source]
                continue
            done = self.state.latest.get(source)
            if done is not None and not self._behind(done.stamp, source, node.node_id):
                found[source] = done.outcome
        return found

    def _behind(self, stamp: Stamp, source: str, consumer: str) -> bool:
        """Return whether an execution lies a round behind the consumer on the loops both share, outermost first."""
        shared = 0
        for left, right in zip(self._paths[source], self._paths[consumer], strict=False):
            if left != right:
                break
            shared += 1
        return stamp[:shared] < self._stamp(consumer)[:shared]

    def _stamp(self, node_id: str) -> Stamp:
        return tuple(self.state.rounds.get(region_id, 0) for region_id in self._paths[node_id])

    def _reserved(self, node: PlanNode) -> dict[str, Any]:
        """Return the reserved runtime inputs a node declares; building them for every node would cost every round (SG-2)."""
        declared = [name for name in node.node_type.parameters if name.startswith("__")]
        if not declared:
            return {}
        offered = state_inputs(self.state.shared, self._iterator_view(node))
        return {name: offered[name] for name in declared if name in offered}

    def _iterator_view(self, node: PlanNode) -> dict[str, Any] | None:
        for region_id in reversed(node.regions):
            iteration = self.state.iterations.get(region_id)
            if iteration is not None and iteration.active:
                item = iteration.items[iteration.index]
                return {"current_item": item, "current_index": iteration.index, "total_count": len(iteration.items)}
        return None

    def _iteration(self, node: PlanNode) -> Iteration | None:
        if node.node_type.processor != "foreach":
            return None
        return self.state.iterations.setdefault(node.node_id, Iteration())

    def _place(self, node: PlanNode) -> tuple[int, int, Stamp]:
        """Return order, number and round of the next execution of a node."""
        state, node_id = self.state, node.node_id
        return node.position + state.executions, state.counts.get(node_id, 0), self._stamp(node_id)

    def _note(self, node: PlanNode, execution: Execution) -> None:
        state, node_id = self.state, node.node_id
        order, number, stamp = self._place(node)
        state.executions += 1
        state.counts[node_id] = number + 1
        outcome = Outcome(execution.status, order, execution.routed, execution.active, execution.outputs)
        state.latest[node_id] = _Done(outcome, stamp)
        self._host.emit(node, execution, order=order, number=number, stamp=stamp)
        if execution.stopped or (execution.status == "failed" and not execution.routed):
            self.ended = execution
        elif "state_update" in execution.outputs:
            limit = self._plan.settings.get("max_iterations")
            state.shared = apply_update(
                state.shared,
                execution.outputs["state_update"],
                node_id=node_id,
                max_iterations=limit if isinstance(limit, int) else None,
            )


def _reset(state: LoopState, region: Region) -> None:
    """Forget the rounds of a finished nested loop, so that the next outer round starts it at 0 with a new iterator (SG-18)."""
    for inner in _all_regions(region):
        state.rounds.pop(inner.region_id, None)
        state.done.pop(inner.region_id, None)
        for head in inner.heads:
            state.iterations.pop(head, None)


def _all_regions(region: Region) -> Iterable[Region]:
    yield region
    for step in region.steps:
        if isinstance(step, Region):
            yield from _all_regions(step)
