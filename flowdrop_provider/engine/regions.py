"""Loops of a graph: regions, nested, each one step of a run (SG-16..18).

A loop is keyed by its head, the target of loopback edges. Its body is what lies on a way from the head to a tail, over
forward edges. Strictly nested bodies are distinct loops; bodies that overlap otherwise are merged into one. A ``foreach``
inside another loop takes its own body along: its results leave through its head, so its body lies on no forward way to the
outer tail, and by the letter of SG-16 two nested ``foreach`` would always be one loop.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from flowdrop_provider.document.handles import EdgeKind
from flowdrop_provider.engine.graphs import components, natural_key, topological_order
from flowdrop_provider.engine.plan import PlanEdge, Region

__all__ = ["Layout", "lay_out"]

_FREE = frozenset({EdgeKind.TOOL, EdgeKind.LOOPBACK, EdgeKind.AGENT_RESULT})

_Graph = Mapping[str, AbstractSet[str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The order of a run: steps (a node id or a region each), and what the author should know about the loops."""

    steps: tuple[str | Region, ...]
    warnings: tuple[str, ...]

    def node_ids(self) -> list[str]:
        """Return the node ids in order; a region's nodes stand together."""
        return [node_id for step in self.steps for node_id in ((step,) if isinstance(step, str) else step.nodes)]

    def regions(self) -> dict[str, Region]:
        """Return the outermost regions by id."""
        return {step.region_id: step for step in self.steps if isinstance(step, Region)}


def lay_out(
    executed: Iterable[str],
    edges: Iterable[PlanEdge],
    iterators: AbstractSet[str] = frozenset(),
    writers: AbstractSet[str] = frozenset(),
) -> Layout:
    """Return the layout of the executed nodes.

    :param iterators: the nodes that go through a list, ``foreach``.
    :param writers: nodes that keep something in a store. Where one is a dead end that a loop alone feeds, it belongs to the
        loop: a real agent loop appends to the conversation it reads, and would else append after its last round only.
    """
    members = set(executed)
    inside = [edge for edge in edges if edge.source in members and edge.target in members]
    forward: dict[str, set[str]] = {node_id: set() for node_id in members}
    for edge in inside:
        if edge.kind not in _FREE:
            forward[edge.source].add(edge.target)
    loopbacks = [(edge.source, edge.target) for edge in inside if edge.kind is EdgeKind.LOOPBACK]
    warnings: list[str] = []
    steps = _Scope(forward, iterators, writers, warnings).steps(members, loopbacks)
    closed = {pair for pair in loopbacks if any(_holds(step, *pair) for step in steps)}
    warnings += [
        f"The loopback edge from {source!r} to {head!r} closes no loop, because {source!r} does not come after {head!r}."
        for source, head in sorted(set(loopbacks) - closed)
    ]
    return Layout(tuple(steps), tuple(warnings))


def _holds(step: str | Region, source: str, head: str) -> bool:
    return isinstance(step, Region) and source in step.nodes and head in step.nodes


@dataclass(frozen=True, slots=True)
class _Scope:
    forward: _Graph
    iterators: AbstractSet[str]
    writers: AbstractSet[str]
    warnings: list[str]

    def steps(self, members: Collection[str], loopbacks: list[tuple[str, str]]) -> list[str | Region]:
        """Return the steps of a scope in order: its strongly connected components, each a node or a region."""
        inside = set(members)
        looped = {node: {*(self.forward[node] & inside), *_heads_of(node, loopbacks)} for node in members}
        found: dict[str, str | Region] = {}
        owner: dict[str, str] = {}
        for component in self._with_writers(components(looped), inside, loopbacks):
            own = [(tail, head) for tail, head in loopbacks if tail in component and head in component]
            step = self._region(set(component), own) if own else component[0]
            name = step if isinstance(step, str) else step.region_id
            found[name] = step
            owner.update(dict.fromkeys(component, name))
        before: dict[str, set[str]] = {name: set() for name in found}
        for node in members:
            for target in self.forward[node] & inside:
                if owner[target] != owner[node]:
                    before[owner[target]].add(owner[node])
        return [found[name] for name in topological_order(before, natural_key)]

    def _with_writers(self, found: list[list[str]], inside: set[str], loopbacks: list[tuple[str, str]]) -> list[list[str]]:
        """Return the components, the dead ends of a loop that write to a store joined to it."""
        ends = {node for node in self.writers & inside if not self.forward[node] & inside}
        sources = {end: {node for node in inside if end in self.forward[node]} for end in ends}
        joined: dict[str, list[str]] = {}
        for component in found:
            body = set(component)
            if any(tail in body and head in body for tail, head in loopbacks):
                joined.update((end, component) for end in ends - body if sources[end] and sources[end] <= body)
        for end in sorted(joined):
            joined[end].append(end)
        return [component for component in found if len(component) > 1 or component[0] not in joined]

    def _region(self, body: set[str], loopbacks: list[tuple[str, str]]) -> Region:
        """Return the region of a component: its outermost loop, and the loops nested in it as steps."""
        heads = self._outermost_heads(body, loopbacks)
        if len(heads) > 1:
            self.warnings.append(f"The loops of {', '.join(map(repr, sorted(heads)))} overlap and run as one (SG-18).")
        steps = self.steps(body, [(tail, head) for tail, head in loopbacks if head not in heads])
        nodes = tuple(node for step in steps for node in ((step,) if isinstance(step, str) else step.nodes))
        ordered = tuple(sorted(heads, key=natural_key))
        return Region(region_id=ordered[0], heads=ordered, nodes=nodes, steps=tuple(steps))

    def _bodies(self, body: set[str], loopbacks: list[tuple[str, str]]) -> dict[str, set[str]]:
        """Return the bodies by head, those of one head united (SG-16)."""
        bodies: dict[str, set[str]] = {}
        for tail, head in loopbacks:
            bodies.setdefault(head, {head}).update(_between(head, tail, body, self.forward))
        for inner in sorted(self.iterators & bodies.keys()):
            for head, nodes in bodies.items():
                if head != inner and inner in nodes and head not in bodies[inner]:
                    nodes.update(bodies[inner])
        return bodies

    def _outermost_heads(self, body: set[str], loopbacks: list[tuple[str, str]]) -> set[str]:
        """Return the heads of the outermost loop: the largest body, and every body that overlaps without being inside."""
        bodies = self._bodies(body, loopbacks)
        ranked = sorted(bodies, key=lambda head: (-len(bodies[head]), natural_key(head)))
        heads, union = {ranked[0]}, set(bodies[ranked[0]])
        for head in [*ranked, *ranked]:  # Twice: a merge may reach a body that was looked at before.
            if head not in heads and bodies[head] & union and not bodies[head] < union:
                heads.add(head)
                union |= bodies[head]
        return heads


def _heads_of(tail: str, loopbacks: list[tuple[str, str]]) -> set[str]:
    return {head for source, head in loopbacks if source == tail}


def _between(head: str, tail: str, body: set[str], forward: _Graph) -> set[str]:
    """Return the nodes on a way from head to tail inside ``body`` (SG-16)."""
    backward: dict[str, set[str]] = {node: set() for node in body}
    for node in body:
        for target in forward[node] & body:
            backward[target].add(node)
    return ({head} | _reach(head, forward, body)) & ({tail} | _reach(tail, backward, body))


def _reach(start: str, edges: _Graph, body: set[str]) -> set[str]:
    seen: set[str] = set()
    stack = [start]
    while stack:
        for target in edges[stack.pop()]:
            if target in body and target not in seen:
                seen.add(target)
                stack.append(target)
    return seen
