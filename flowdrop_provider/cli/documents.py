"""``flowdrop validate``, ``flowdrop plan`` and ``flowdrop run``."""

from __future__ import annotations

import argparse
import datetime as dt
import time
import uuid
from pathlib import Path
from typing import Any

from flowdrop_provider.cli.rendering import job_line, print_finding, print_json, say, short
from flowdrop_provider.cli.values import json_argument
from flowdrop_provider.engine.compile import compile_workflow
from flowdrop_provider.engine.launch import launch
from flowdrop_provider.engine.naming import task_ids
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.records import RunIdentity
from flowdrop_provider.engine.runner import RunResult, run_plan
from flowdrop_provider.engine.subworkflows import InlineWorkflows
from flowdrop_provider.errors import DocumentError
from flowdrop_provider.library.sources import PlanSource
from flowdrop_provider.library.workshop import Verdict, catalogue_for, examine_path, plan_or_raise
from flowdrop_provider.nodes.world import World, utc_now

__all__ = ["plan", "run", "validate"]


def validate(arguments: argparse.Namespace) -> int:
    """Print the findings of every workflow at the given paths; 1 when any has an error."""
    verdicts = [verdict for path in arguments.paths for verdict in examine_path(path, arguments.node_types)]
    valid = all(verdict.valid for verdict in verdicts)
    if arguments.json:
        print_json({"valid": valid, "files": [verdict.as_dict() for verdict in verdicts]})
    else:
        _print_verdicts(verdicts)
    return 0 if valid else 1


def _print_verdicts(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        for kind, findings in (("error", verdict.report.errors), ("warning", verdict.report.warnings)):
            for finding in findings:
                print_finding(kind, verdict.path, finding.as_dict())
    refused = [verdict for verdict in verdicts if not verdict.valid]
    good = len(verdicts) - len(refused)
    say(f"{good} of {len(verdicts)} valid." if verdicts else "No FlowDrop workflow found.")


def _one(arguments: argparse.Namespace) -> Verdict:
    """Return the one workflow a command is about."""
    verdicts = examine_path(arguments.file, arguments.node_types)
    if arguments.workflow:
        verdicts = [item for item in verdicts if item.loaded and item.loaded.workflow.id == arguments.workflow]
    if len(verdicts) == 1:
        return verdicts[0]
    ids = ", ".join(sorted(item.loaded.workflow.id for item in verdicts if item.loaded))
    raise DocumentError(
        f"There are {len(verdicts)} workflows here, and one is needed." if verdicts else "There is no such workflow here.",
        code="DOC_AMBIGUOUS" if verdicts else "DOC_MISSING",
        path=str(arguments.file),
        hint=f"Choose with --workflow: {ids}." if ids else None,
    )


def plan(arguments: argparse.Namespace) -> int:
    """Print the plan of a workflow; a valid structure is enough, so that an unknown processor can be looked at."""
    verdict = _one(arguments)
    if verdict.loaded is None:
        plan_or_raise(verdict)
    assert verdict.loaded is not None  # noqa: S101 - plan_or_raise raised otherwise
    catalogue = catalogue_for(Path(arguments.file), (), arguments.node_types)
    compiled = verdict.plan or compile_workflow(verdict.loaded.workflow, catalogue)
    if arguments.json:
        print_json(plan_as_dict(compiled))
    else:
        _print_plan(compiled)
    return 0


def plan_as_dict(compiled: Plan) -> dict[str, Any]:
    """Return the documented shape of ``flowdrop plan --json``."""
    names = task_ids(compiled.nodes)
    return {
        "workflow_id": compiled.workflow_id,
        "revision": compiled.revision,
        "nodes": [
            {
                "node_id": node_id,
                "node_type_id": node.node_type.id,
                "processor": node.node_type.processor,
                "task_id": names[node_id],
            }
            for node_id, node in compiled.nodes.items()
        ],
        "excluded": [{"node_id": node_id, "reason": reason} for node_id, reason in compiled.excluded.items()],
        "edges": [
            {
                "edge_id": edge.edge_id,
                "kind": edge.kind.value,
                "source": edge.source,
                "source_port": edge.source_port,
                "target": edge.target,
                "target_port": edge.target_port,
                "gated": edge.gated,
            }
            for edge in compiled.edges
        ],
        "regions": [
            {"region_id": region.region_id, "heads": list(region.heads), "nodes": list(region.nodes)}
            for region in compiled.regions.values()
        ],
        "order": list(compiled.order),
        "warnings": list(compiled.warnings),
    }


def _print_plan(compiled: Plan) -> None:
    say(f"{compiled.name} ({compiled.workflow_id}), revision {compiled.revision[:16]}")
    for number, (node_id, node) in enumerate(compiled.nodes.items(), start=1):
        sources = ", ".join(compiled.sources(node_id)) or "start"
        loop = f"  loop of {node.region}" if node.region else ""
        say(f"{number:4}. {node_id:<32} {node.node_type.processor or node.node_type.id:<24} after {sources}{loop}")
    for node_id, reason in compiled.excluded.items():
        say(f"   -  {node_id:<32} {reason}")
    for warning in compiled.warnings:
        say(f"warning: {warning}")


def run(arguments: argparse.Namespace) -> int:
    """Run a workflow in this process and print its jobs; 0 when it completed."""
    compiled = plan_or_raise(_one(arguments))
    inputs = json_argument(arguments.inputs, "--inputs")
    initial = json_argument(arguments.initial_data, "--initial-data")
    start = launch(compiled, inputs=inputs, initial_data=initial)
    identity = RunIdentity(run_id=f"local__{uuid.uuid4()}")
    show = (lambda _job: None) if arguments.json else (lambda job: say(job_line(job)))
    answers = json_argument(arguments.answers, "--answers") or {}
    result = _run_answering(compiled, answers, start, _world(arguments, compiled), identity=identity, on_record=show)
    document = {
        "status": result.status,
        "workflow_id": compiled.workflow_id,
        "revision": compiled.revision,
        "outputs": result.outputs,
        "jobs": result.jobs,
        "skipped_node_ids": result.skipped_node_ids,
        "error": result.error,
        "warnings": result.warnings,
        "waiting": result.progress.waiting.to_data() if result.progress.waiting else None,
    }
    if arguments.json:
        print_json(document)
    else:
        say(f"{result.status}: {short(result.outputs, 400)}")
        _print_question(result)
    return 0 if result.status.startswith("completed") else 1


def _world(arguments: argparse.Namespace, compiled: Plan) -> World:
    """Return this machine as the world, with the workflows beside the file as callable ones."""
    from flowdrop_provider.nodes.local_world import local_world

    world = local_world()
    source = PlanSource(Path(arguments.file), compiled.workflow_id, arguments.node_types)
    world.extras["workflows"] = InlineWorkflows(source.sibling, world, (compiled.workflow_id,))
    return world


def _run_answering(compiled: Plan, answers: dict[str, Any], *arguments: Any, **options: Any) -> RunResult:
    """Run a plan; answer its questions from ``answers`` by node id, and sit its timers out."""
    result = run_plan(compiled, *arguments, **options)
    while (waiting := result.progress.waiting) is not None:
        if waiting.kind == "timer":
            left = dt.datetime.fromisoformat(waiting.wait_until or waiting.asked_at) - utc_now()
            time.sleep(max(0.0, left.total_seconds()))
        elif waiting.node_id not in answers:
            return result
        answer = {
            "value": answers.get(waiting.node_id),
            "asked_at": waiting.asked_at,
            "answered_at": utc_now().isoformat(),
            "wait_until": waiting.wait_until,
            "timed_out": waiting.kind == "timer",
        }
        before = [job for job in result.jobs if job["status"] != "interrupted"]
        result = run_plan(compiled, *arguments, **options, progress=result.progress, answers={waiting.node_id: answer})
        result.jobs[:0] = before
    return result


def _print_question(result: RunResult) -> None:
    waiting = result.progress.waiting
    if waiting is not None:
        choices = f" ({', '.join(str(option['label']) for option in waiting.options)})" if waiting.options else ""
        say(f"Node {waiting.node_id!r} asks: {waiting.message}{choices}")
        say(f"    Answer with --answers '{{\"{waiting.node_id}\": ...}}'.")
