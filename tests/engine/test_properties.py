"""Random documents, acyclic and looped: whatever is drawn, a run ends once and in one way, however it is cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowdrop_provider.engine.loops import Budget
from flowdrop_provider.engine.plan import Plan
from tests.engine.running import facts, plan_of, run, through_text
from tests.engine.test_segments import run_in_segments
from tests.flows import edge, flow, node
from tests.integration.scenarios import SHOWN_LOOP_BACK, mapper

ENDS = {"completed", "completed_with_warnings", "failed"}
QUICK = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))

#: How a source may be wired on: ports that carry data, completion, a branch or an error.
PORTS = {
    "text_input": ["text", "trigger"],
    "text_processor": ["text", "trigger", "error"],
    "if_else": ["True", "False", "trigger", "error"],
    "stop": ["trigger"],
    "foreach": ["current_item", "collected_results", "trigger"],
    "data_mapper": ["y", "trigger", "error"],
}
INPUTS = {
    "text_processor": ["text", "trigger"],
    "if_else": ["data", "trigger"],
    "stop": ["trigger"],
    "data_mapper": ["x", "trigger"],
}


def drawn_node(kind: str, number: int, variant: int) -> dict[str, Any]:
    name = f"{kind}.{number}"
    if kind == "if_else":
        operator = ["equals", "not_equals", "regex"][variant % 3]
        return node(name, operator=operator, matchText="/(/" if operator == "regex" else "hello")
    if kind == "text_processor":
        return node(name, operation=["uppercase", "no_such", "trim"][variant % 3])
    if kind == "data_mapper":
        return mapper(name, ["x", '"hello"', "12 / (x - 1)"][variant % 3], "x")
    return node(name, defaultValue="hello") if kind == "text_input" else node(name)


@st.composite
def documents(draw: st.DrawFn, *, loops: bool) -> dict[str, Any]:
    """A document of three to nine nodes; forward edges only, and with ``loops`` a foreach around some of them."""
    kinds = ["text_processor", "if_else", "data_mapper", "data_mapper", "text_processor", *([] if loops else ["stop"])]
    chosen = ["text_input", *draw(st.lists(st.sampled_from(kinds), min_size=2, max_size=7))]
    nodes = [drawn_node(kind, index, draw(st.integers(0, 5))) for index, kind in enumerate(chosen)]
    edges: list[Any] = []
    for target in range(1, len(nodes)):
        for source in draw(st.sets(st.integers(0, target - 1), min_size=1, max_size=2)):
            port = draw(st.sampled_from(PORTS[chosen[source]]))
            inlet = draw(st.sampled_from(INPUTS[chosen[target]]))
            edges.append(edge(f"{nodes[source]['id']}:{port} > {nodes[target]['id']}:{inlet}", f"e{len(edges)}"))
    if loops:
        _add_loops(draw, chosen, nodes, edges)
    return flow("random", nodes, edges)


def _add_loops(draw: st.DrawFn, kinds: list[str], nodes: list[Any], edges: list[Any]) -> None:
    """Put a foreach before one of the nodes, and loopbacks into it and into up to one more node."""
    first = draw(st.integers(1, len(kinds) - 1))
    last = draw(st.integers(first, len(kinds) - 1))
    nodes += [node("range.1", start=1, end=draw(st.integers(0, 3))), node("foreach.1")]
    edges.append(edge("range.1:items > foreach.1:items"))
    inlet = INPUTS[kinds[first]][0]
    edges.append(edge(f"foreach.1:current_item > {nodes[first]['id']}:{inlet}", "enter"))
    back = draw(st.sampled_from(PORTS[kinds[last]]))
    edges.append(edge(f"{nodes[last]['id']}:{back} > foreach.1:loop_back", "back"))
    if draw(st.booleans()):
        nodes[first]["data"]["config"] |= {"maxIterations": 3, "ports": SHOWN_LOOP_BACK}
        edges.append(edge(f"{nodes[last]['id']}:trigger > {nodes[first]['id']}:loop_back", "again"))


DOCUMENTS = st.one_of(documents(loops=False), documents(loops=True))


def by_job(jobs: list[Any]) -> dict[Any, Any]:
    """What came of each job, by node and round; no job may be there twice."""
    found = {(job["node_id"], tuple(job["round"])): facts(job) for job in jobs}
    assert len(found) == len(jobs), "a node ran twice in a round"
    return found


@pytest.mark.rule("ORC-11", "BR-7", "SG-8")
@given(DOCUMENTS)
@QUICK
def test_a_run_ends_once_and_every_node_is_executed_or_skipped(document: dict[str, Any]) -> None:
    plan = plan_of(document)
    result = run(plan)
    assert result.status in ENDS
    jobs = by_job(result.jobs)
    executed = {node_id for (node_id, _), job in jobs.items() if job["status"] in {"completed", "failed"}}
    skipped = {node_id for (node_id, _), job in jobs.items() if job["status"] == "skipped"}
    assert executed | skipped == set(plan.nodes)
    assert not executed & skipped
    assert skipped == set(result.skipped_node_ids)
    orders = [job["order"] for job in jobs.values() if job["order"] is not None]
    assert len(orders) == len(set(orders))


@pytest.mark.rule("ORC-10", "SG-17")
@given(documents(loops=True), st.integers(0, 3))
@QUICK
def test_pausing_anywhere_changes_nothing(document: dict[str, Any], passes: int) -> None:
    plan = plan_of(document)
    jobs: list[Any] = []
    part = run(plan, budget=lambda: Budget(max_passes=passes), auto_resume=False)
    jobs += part.jobs
    while part.status == "paused":
        progress = through_text(part.progress)
        part = run(plan, progress=progress, budget=lambda: Budget(max_passes=passes), auto_resume=False)
        jobs += part.jobs
    whole = run(plan)
    assert [facts(job) for job in jobs] == [facts(job) for job in whole.jobs]
    assert (part.outputs, part.error) == (whole.outputs, whole.error)


@pytest.mark.rule("ERR-13")
@given(DOCUMENTS, st.booleans())
@QUICK
def test_tasks_and_fused_tasks_give_the_jobs_of_one_run(document: dict[str, Any], fused: bool) -> None:
    plan: Plan = plan_of(document)
    result = run(plan)
    whole, parts = by_job(result.jobs), by_job(run_in_segments(plan, {}, fused=fused))
    if result.progress.ended is None:
        assert parts == whole
        return
    # A run that ends early abandons what has not started; a segment may have started more or less than the one run.
    for key in parts.keys() & whole.keys():
        if "skipped" not in {parts[key]["status"], whole[key]["status"]}:
            assert parts[key] == whole[key]
