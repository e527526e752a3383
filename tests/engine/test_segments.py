"""A plan cut into tasks, each with a runner of its own, gives what one run gives (DESIGN 4, ERR-13)."""

from __future__ import annotations

from typing import Any

import pytest

from flowdrop_provider.engine.launch import launch
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.routing import Outcome
from flowdrop_provider.engine.runner import RUN_FAILED, RUN_STOPPED, Runner
from flowdrop_provider.engine.segments import segments, steps_of
from tests.engine.running import facts, plan_of, run, still_world
from tests.integration.scenarios import EVENT, UNFUSED


def run_in_segments(plan: Plan, inputs: dict[str, Any], *, fused: bool) -> list[dict[str, Any]]:
    """Run every segment with what the earlier ones left, until one ends the run."""
    outside: dict[str, Outcome] = {}
    jobs: list[Any] = []
    for segment in segments(plan, fused=fused, fusable=lambda node: True):
        steps = steps_of(plan, segment.node_ids)
        runner = Runner(plan, launch(plan, inputs=inputs), still_world(), steps=steps, outside=outside, on_record=jobs.append)
        reached = runner.run()
        outside.update(reached.outcomes)
        if reached.ended in {RUN_FAILED, RUN_STOPPED}:
            break
    return jobs


@pytest.mark.rule("ERR-13")
@pytest.mark.parametrize("fused", [False, True], ids=["tasks", "fused"])
@pytest.mark.parametrize(
    ("document", "inputs"),
    [(item[0], {} if item[0] is EVENT else item[1]) for item in UNFUSED],
    ids=lambda item: str(item.get("id", item)),
)
def test_segments_give_the_jobs_of_one_run(document: Any, inputs: Any, fused: bool) -> None:
    plan = plan_of(document)
    whole = {(job["node_id"], tuple(job["round"])): facts(job) for job in run(plan, inputs).jobs}
    parts = {(job["node_id"], tuple(job["round"])): facts(job) for job in run_in_segments(plan, inputs, fused=fused)}
    assert {key: whole[key] for key in parts} == parts
    assert {key[0] for key in whole.keys() - parts.keys()} <= {
        node_id for node_id, _ in whole if whole[node_id, _]["skip_reason"] in {RUN_FAILED, RUN_STOPPED}
    }


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("document", [item[0] for item in UNFUSED], ids=lambda item: item["id"])
def test_every_node_is_in_one_segment_behind_its_sources(document: Any, fused: bool) -> None:
    plan = plan_of(document)
    seen: list[str] = []
    for segment in segments(plan, fused=fused, fusable=lambda node: node.node_type.processor != "if_else"):
        needed = {source for node_id in segment.node_ids for source in plan.sources(node_id)}
        assert needed <= {*seen, *segment.node_ids}
        seen += segment.node_ids
    assert sorted(seen) == sorted(plan.nodes)
