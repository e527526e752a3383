"""The state of a run: what nodes share besides their ports (SG-1..3, SG-14)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowdrop_provider.errors import FlowDropError

__all__ = ["MaxIterationsExceeded", "apply_update", "initial_state", "state_inputs"]

#: Fields merged key by key; ``messages`` appends, everything else is replaced (SG-1).
_MERGED = frozenset({"data", "metadata"})


class MaxIterationsExceeded(FlowDropError):  # noqa: N818 - the name of the run status it leads to
    """A state update pushed the iteration count past the maximum: the run ends without results (SG-14)."""

    default_code = "MAX_ITERATIONS_EXCEEDED"


def initial_state() -> dict[str, Any]:
    """Return the state a run starts with."""
    return {"messages": [], "data": {}, "metadata": {}, "iteration_count": 0}


def apply_update(
    state: Mapping[str, Any], update: Any, *, node_id: str = "", max_iterations: int | None = None
) -> dict[str, Any]:
    """Return a new state with an update applied; the old one is not changed (SG-1).

    :raises MaxIterationsExceeded: the update's ``iteration_count`` lies strictly above ``max_iterations``.
    """
    if not isinstance(update, Mapping):
        return dict(state)
    merged = dict(state)
    for name, value in update.items():
        if name == "messages":
            merged[name] = [*merged.get(name, []), *(value if isinstance(value, list) else [value])]
        elif name in _MERGED and isinstance(value, Mapping):
            merged[name] = {**merged.get(name, {}), **value}
        else:
            merged[name] = value
    _check_count(merged, node_id, max_iterations)
    return merged


def _check_count(state: Mapping[str, Any], node_id: str, max_iterations: int | None) -> None:
    count = state.get("iteration_count")
    if max_iterations is not None and isinstance(count, int) and count > max_iterations:
        raise MaxIterationsExceeded(
            f"The iteration count reached {count}; {max_iterations} are allowed (node {node_id!r}).",
            locator=f"node.{node_id}",
            hint="Raise max_iterations in the workflow's settings, or correct the loop's condition.",
        )


def state_inputs(state: Mapping[str, Any], iterator: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the reserved runtime inputs; only parameters a node declares ever see them (SG-2, CFG-8)."""
    inputs = {"__state__": dict(state), "__messages__": state.get("messages", []), "__data__": state.get("data", {})}
    if iterator is None:
        return inputs
    return {**inputs, "__iterator__": dict(iterator), "__current_item__": iterator.get("current_item")}
