"""What the engine costs in process: a node of a pure chain, a round of a loop (DESIGN 7)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from flowdrop_provider.engine.loops import Budget
from flowdrop_provider.nodes.world import World
from tests.engine.running import plan_of, run
from tests.flows import chain, flow, node
from tests.integration.scenarios import mapper

__all__ = ["measure", "microseconds_a_node", "microseconds_a_round"]

LENGTHS = (10, 50, 100, 250, 500)
ROUNDS = (100, 300, 1_000, 3_000, 10_000)


def measure(*, short: bool) -> dict[str, dict[str, float]]:
    """Return microseconds a node by the length of the chain, and a round by the rounds of the loop."""
    lengths, rounds = (LENGTHS[:2], ROUNDS[:2]) if short else (LENGTHS, ROUNDS)
    return {
        "node_us": {str(length): round(microseconds_a_node(length), 1) for length in lengths},
        "round_us": {str(count): round(microseconds_a_round(count), 1) for count in rounds},
    }


def microseconds_a_node(length: int) -> float:
    """Return what a node of a pure chain takes."""
    plan, world = plan_of(chain("pure", length)), World()
    assert run(plan, world=world).status == "completed"
    return _best(lambda: run(plan, world=world), max(10, 2_000 // length)) / length


def microseconds_a_round(rounds: int) -> float:
    """Return what a round takes of a loop with two nodes, and make sure that there were so many."""
    plan = plan_of(_counting(rounds))
    options: dict[str, Any] = {"budget": lambda: Budget(max_passes=None), "world": World()}
    result = run(plan, **options)
    assert result.status == "completed"
    assert sum(job["node_id"] == "data_mapper.1" for job in result.jobs) == rounds
    return _best(lambda: run(plan, **options), 3) / rounds


def _best(work: Callable[[], object], tries: int) -> float:
    """Return the processor time of the best of several calls in microseconds: what else the machine does only ever adds."""
    found = []
    for _ in range(tries):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found) * 1e6


def _counting(rounds: int) -> dict[str, Any]:
    nodes = [
        node("text_input.1", defaultValue=json.dumps(list(range(rounds)))),
        node("json_to_data.1"),
        node("foreach.1", maxIterations=rounds + 1),
        mapper("data_mapper.1", "x", "x"),
    ]
    edges = [
        "text_input.1:text > json_to_data.1:json",
        "json_to_data.1:data > foreach.1:items",
        "foreach.1:item > data_mapper.1:x",
        "data_mapper.1:y > foreach.1:loop_back",
    ]
    return flow("rounds", nodes, edges)
