"""Compile and run a small document in process, and look at what it left behind."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from flowdrop_provider.document.node_types import NodeTypeCatalogue
from flowdrop_provider.document.normalise import read_workflow
from flowdrop_provider.engine.compile import compile_workflow
from flowdrop_provider.engine.launch import launch
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.progress import Progress
from flowdrop_provider.engine.runner import RunResult, run_plan
from flowdrop_provider.nodes.registry import shipped_catalogue
from flowdrop_provider.nodes.world import World


def plan_of(document: dict[str, Any], catalogue: NodeTypeCatalogue | None = None) -> Plan:
    """The plan of a document."""
    return compile_workflow(read_workflow(document), catalogue or shipped_catalogue())


def run(plan: Plan, inputs: dict[str, Any] | None = None, world: World | None = None, **options: Any) -> RunResult:
    """Run a plan, or go on with ``progress=``."""
    return run_plan(plan, launch(plan, inputs=inputs), world or still_world(), **options)


def still_world() -> World:
    """A world whose clock stands still, so that two runs can be compared."""
    return World(now=lambda: dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc))


def through_text(progress: Progress) -> Progress:
    """The progress as another process would read it."""
    return Progress.from_data(json.loads(json.dumps(progress.to_data())))


def ran(result: RunResult) -> list[str]:
    """Executed nodes in the order they ended."""
    return [job["node_id"] for job in result.jobs if job["status"] not in {"skipped", "interrupted"}]


def last(result: RunResult, node_id: str) -> dict[str, Any]:
    """The last record of a node."""
    return [job for job in result.jobs if job["node_id"] == node_id][-1]


def facts(job: dict[str, Any]) -> dict[str, Any]:
    """What two runs of the same document must agree on, times and run ids left out."""
    names = ("node_id", "round", "order", "status", "skip_reason", "routed", "input_data", "output_data", "active_branches")
    return {name: job[name] for name in names}
