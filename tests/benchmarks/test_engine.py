"""The engine in process stays within its budget, and grows with the work and not with its square (DESIGN 7)."""

from __future__ import annotations

from tests.benchmarks.soak.engine import microseconds_a_node, microseconds_a_round

BUDGET_US = 100
#: A machine that others use too has slower caches and clocks, even by processor time.
SLOW_MACHINE = 3
#: What one takes of many may be so many times what one takes of few.
MOST_GROWTH = 2


def test_a_node_of_a_pure_chain(figures):
    found = {length: microseconds_a_node(length) for length in (10, 100, 500)}
    for length, taken in found.items():
        figures(f"a pure chain of {length} nodes in process: {taken:.0f} µs a node (budget {BUDGET_US} µs at 10)")

    assert found[10] <= BUDGET_US * SLOW_MACHINE
    assert max(found[100], found[500]) <= found[10] * MOST_GROWTH


def test_a_round_of_a_loop(figures):
    found = {rounds: microseconds_a_round(rounds) for rounds in (100, 1_000)}
    for rounds, taken in found.items():
        figures(f"a loop of {rounds:,} rounds with two nodes in process: {taken:.0f} µs a round")

    assert found[1_000] <= found[100] * MOST_GROWTH
