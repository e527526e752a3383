"""The workflows that are laid out in numbers."""

from __future__ import annotations

import itertools
import json
from typing import Any

from tests.flows import chain, flow, node

__all__ = ["LARGE", "chained", "large"]

SIZE = 500


def chained(flow_id: str, length: int, *, fused: bool = False) -> str:
    """A row of pure nodes as an export, a task a node or all in one task."""
    return json.dumps(chain(flow_id, length, **({"metadata": {"flowdrop": {"fused": True}}} if fused else {})))


def large() -> dict[str, Any]:
    """500 nodes and 1,000 edges: values go from one node to the next, order from each to the two after it."""
    ids = ["text_input.1", *(f"text_processor.{number}" for number in range(1, SIZE))]
    nodes = [node(ids[0], defaultValue="hello"), *(node(name, operation="uppercase") for name in ids[1:])]
    values = [f"{before}:text > {after}:text" for before, after in itertools.pairwise(ids)]
    order = [f"{before}:trigger > {after}:trigger" for before, after in zip(ids, ids[2:], strict=False)]
    more = [f"{ids[0]}:trigger > {after}:trigger" for after in ids[-3:]]
    return flow("soak_large", nodes, [*values, *order, *more], metadata={"flowdrop": {"fused": True}})


LARGE = json.dumps(large())
