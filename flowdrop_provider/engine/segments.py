"""Which steps of a plan share a task: a loop always, in fused mode also what hangs together (DESIGN 4).

A segment is driven by one :class:`~flowdrop_provider.engine.runner.Runner`; records, retries and errors stay per node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flowdrop_provider.engine.plan import Plan, PlanNode, Region

__all__ = ["Segment", "segments", "steps_of"]


@dataclass(frozen=True, slots=True)
class Segment:
    """Steps that run in one task.

    :ivar name: node id the task is named after.
    :ivar kind: ``node``, ``loop``, ``fused``, or ``wait`` for a node that waits for somebody or something.
    """

    name: str
    kind: str
    node_ids: tuple[str, ...]


def segments(plan: Plan, *, fused: bool, fusable: Callable[[PlanNode], bool]) -> list[Segment]:
    """Return the segments of a plan in an order that respects their dependencies.

    :param fused: join connected steps whose nodes all are ``fusable``.

    Nodes that share the run's state must see each other's changes, which tasks of their own could not; a plan with such a node
    outside of a loop is one segment.
    """
    if _shares_state(plan):
        return [Segment(plan.order[0], "fused", plan.order)]
    if not fused:
        return [_alone(step) for step in plan.steps]
    return _fuse(plan, fusable)


def _shares_state(plan: Plan) -> bool:
    aware = [node for node in plan.nodes.values() if node.node_type.state_aware]
    return any(node.region is None for node in aware) or len({node.region for node in aware}) > 1


def _members(step: str | Region) -> tuple[str, ...]:
    return (step,) if isinstance(step, str) else step.nodes


def _alone(step: str | Region) -> Segment:
    return Segment(step, "node", (step,)) if isinstance(step, str) else Segment(step.region_id, "loop", step.nodes)


def _fuse(plan: Plan, fusable: Callable[[PlanNode], bool]) -> list[Segment]:
    """Join steps of equal depth, where depth counts the borders to steps that cannot be fused on the way to a step.

    An edge between two fusable steps keeps the depth or raises it, any other edge raises it; so an edge between two groups
    always leads to a higher depth, and the groups cannot wait for each other in a circle.
    """
    step_of = {node_id: index for index, step in enumerate(plan.steps) for node_id in _members(step)}
    can = [all(fusable(plan.nodes[node_id]) for node_id in _members(step)) for step in plan.steps]
    depth: list[int] = []
    leader = list(range(len(plan.steps)))
    for index, step in enumerate(plan.steps):
        before = {step_of[source] for node_id in _members(step) for source in plan.sources(node_id)} - {index}
        depth.append(max((depth[other] + (0 if can[index] and can[other] else 1) for other in before), default=0))
        for other in before:
            if can[index] and can[other] and depth[other] == depth[index]:
                _join(leader, other, index)
    return _groups(plan, leader, depth)


def _find(leader: list[int], index: int) -> int:
    while leader[index] != index:
        index = leader[index]
    return index


def _join(leader: list[int], left: int, right: int) -> None:
    first, second = sorted((_find(leader, left), _find(leader, right)))
    leader[second] = first


def _groups(plan: Plan, leader: list[int], depth: list[int]) -> list[Segment]:
    joined: dict[int, list[str | Region]] = {}
    for index, step in enumerate(plan.steps):
        joined.setdefault(_find(leader, index), []).append(step)
    found = []
    for first in sorted(joined, key=lambda index: (depth[index], index)):
        steps = joined[first]
        node_ids = tuple(node_id for step in steps for node_id in _members(step))
        found.append(_alone(steps[0]) if len(steps) == 1 else Segment(node_ids[0], "fused", node_ids))
    return found


def steps_of(plan: Plan, node_ids: Iterable[str]) -> tuple[str | Region, ...]:
    """Return the steps of a plan that consist of the given nodes."""
    wanted = set(node_ids)
    return tuple(step for step in plan.steps if wanted.issuperset(_members(step)))
