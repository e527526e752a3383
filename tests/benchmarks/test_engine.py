"""What the engine itself costs in process: a node of a pure chain, many nodes, many rounds (DESIGN 7)."""

from __future__ import annotations

import itertools
import json
import time

import pytest

from flowdrop_provider.engine.loops import Budget
from flowdrop_provider.nodes.world import World
from tests.benchmarks.conftest import FULL
from tests.engine.running import plan_of, run
from tests.flows import chain, flow, node
from tests.integration.scenarios import mapper

BUDGET_US = 100
#: A machine that others use too has slower caches and clocks, even by processor time.
SLOW_MACHINE = 3
#: Ten times as much may take this many times as long: room for noise, none for a square.
MOST_GROWTH = 20
LENGTHS = (10, 100, 500)
ROUNDS = (100, 1_000, 10_000) if FULL else (100, 1_000)


def microseconds(work, tries) -> float:
    """Return the processor time of the best of several calls: what else the machine does only ever adds."""
    found = []
    for _ in range(tries):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found) * 1e6


def test_a_node_of_a_pure_chain(figures):
    found = {}
    for length in LENGTHS:
        plan, world = plan_of(chain("pure", length)), World()
        assert run(plan, world=world).status == "completed"
        found[length] = microseconds(lambda plan=plan, world=world: run(plan, world=world), 200 if length == LENGTHS[0] else 10)
        figures(
            f"a pure chain of {length} nodes in process: {found[length] / length:.0f} µs a node (budget {BUDGET_US} µs at 10)"
        )

    assert found[10] / 10 <= BUDGET_US * SLOW_MACHINE
    assert found[100] <= found[10] * MOST_GROWTH
    assert found[500] <= found[100] * MOST_GROWTH / 2


def counting(rounds):
    """A loop over as many items, with one node in it."""
    items = json.dumps(list(range(rounds)))
    return flow(
        "rounds",
        [
            node("text_input.1", defaultValue=items),
            node("json_to_data.1"),
            node("foreach.1", maxIterations=rounds + 1),
            mapper("data_mapper.1", "x", "x"),
        ],
        [
            "text_input.1:text > json_to_data.1:json",
            "json_to_data.1:data > foreach.1:items",
            "foreach.1:item > data_mapper.1:x",
            "data_mapper.1:y > foreach.1:loop_back",
        ],
    )


@pytest.mark.slow
def test_a_round_of_a_loop(figures):
    found = {}
    for rounds in ROUNDS:
        plan = plan_of(counting(rounds))
        unbounded = {"budget": lambda: Budget(max_passes=None), "world": World()}
        result = run(plan, **unbounded)
        assert result.status == "completed"
        assert sum(job["node_id"] == "data_mapper.1" for job in result.jobs) == rounds
        found[rounds] = microseconds(lambda plan=plan, options=unbounded: run(plan, **options), 3)
        figures(f"a loop of {rounds:,} rounds with two nodes in process: {found[rounds] / rounds:.0f} µs a round")

    for fewer, more in itertools.pairwise(ROUNDS):
        assert found[more] <= found[fewer] * MOST_GROWTH
