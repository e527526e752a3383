"""Small graph algorithms over node ids, iterative so that depth is never a limit."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Mapping

__all__ = ["components", "find_cycle", "natural_key", "topological_order"]

Graph = Mapping[str, Iterable[str]]

_DIGITS = re.compile(r"(\d+)")


def natural_key(node_id: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key under which ``node.2`` comes before ``node.10``."""
    parts = _DIGITS.split(node_id)
    return tuple((0, int(part), "") if part.isdecimal() and len(part) < 19 else (1, 0, part) for part in parts if part)


def find_cycle(successors: Graph) -> list[str] | None:
    """Return the nodes of one cycle in order, or ``None``; a node outside the mapping's keys is ignored."""
    state: dict[str, int] = {}
    for root in successors:
        if root in state:
            continue
        state[root] = 1
        path, stack = [root], [iter(successors[root])]
        while stack:
            child = next((node for node in stack[-1] if node in successors), None)
            if child is None:
                stack.pop()
                state[path.pop()] = 2
            elif state.get(child) == 1:
                return path[path.index(child) :]
            elif child not in state:
                state[child] = 1
                path.append(child)
                stack.append(iter(successors[child]))
    return None


def topological_order(predecessors: Graph, key: Callable[[str], object]) -> list[str]:
    """Return the keys of ``predecessors`` so that each comes after its predecessors; ties by ``key``.

    The graph must be acyclic; predecessors that are no keys are ignored.
    """
    waiting = {node: {before for before in befores if before in predecessors} for node, befores in predecessors.items()}
    after: dict[str, list[str]] = {node: [] for node in waiting}
    for node, befores in waiting.items():
        for before in befores:
            after[before].append(node)
    ready = [(key(node), node) for node, befores in waiting.items() if not befores]
    heapq.heapify(ready)
    order = []
    while ready:
        _, node = heapq.heappop(ready)
        order.append(node)
        for follower in after[node]:
            waiting[follower].discard(node)
            if not waiting[follower]:
                heapq.heappush(ready, (key(follower), follower))
    return order


def components(successors: Graph) -> list[list[str]]:
    """Return the strongly connected components (Tarjan, iterative), each sorted, in no particular order."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    on_stack: set[str] = set()
    stack: list[str] = []
    found: list[list[str]] = []

    def open_node(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        on_stack.add(node)

    def close_node(node: str) -> None:
        if low[node] != index[node]:
            return
        cut = stack.index(node)
        found.append(sorted(stack[cut:]))
        on_stack.difference_update(stack[cut:])
        del stack[cut:]

    for root in successors:
        if root in index:
            continue
        open_node(root)
        work = [(root, iter(successors[root]))]
        while work:
            node, children = work[-1]
            child = next((item for item in children if item in successors and (item not in index or item in on_stack)), None)
            if child is None:
                work.pop()
                close_node(node)
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
            elif child in index:
                low[node] = min(low[node], index[child])
            else:
                open_node(child)
                work.append((child, iter(successors[child])))
    return found
