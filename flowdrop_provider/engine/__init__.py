"""The engine: what a run is. Compile a workflow to a plan, decide what runs, execute a node, record what came of it."""

from __future__ import annotations

from flowdrop_provider.engine.compile import compile_workflow
from flowdrop_provider.engine.launch import Launch, launch
from flowdrop_provider.engine.plan import Plan, PlanEdge, PlanNode, Region
from flowdrop_provider.engine.records import JobRecord, RecordPolicy, RunIdentity
from flowdrop_provider.engine.runner import RunResult, run_plan

__all__ = [
    "JobRecord",
    "Launch",
    "Plan",
    "PlanEdge",
    "PlanNode",
    "RecordPolicy",
    "Region",
    "RunIdentity",
    "RunResult",
    "compile_workflow",
    "launch",
    "run_plan",
]
