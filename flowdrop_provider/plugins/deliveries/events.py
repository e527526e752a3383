"""What a site has not been told about a run yet: a pure function of the run and of what the site has acknowledged."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from flowdrop_provider.engine.launch import split_conf
from flowdrop_provider.nodes.remote import CONTRACT
from flowdrop_provider.plugins.api.reading import Job, RunView, iso

__all__ = ["MOST_CHANGES", "Told", "news_of"]

Told = dict[str, Any]

#: Job changes in one event; more go into the next one.
MOST_CHANGES = 500

_FINAL = frozenset({"completed", "failed", "cancelled", "skipped"})
_RANK = {"idle": 0, "pending": 1, "running": 2, "interrupted": 3, **dict.fromkeys(_FINAL, 4)}


def news_of(view: RunView, told: Mapping[str, Any]) -> tuple[dict[str, Any], Told] | None:
    """Return the event that tells what is new, and what the site knows after it; ``None`` when nothing is.

    A job that went through several states since the last look is told as having been in each, from its own times, so that a
    site sees every state whatever the pace of looking.
    """
    after: Told = {"run": told.get("run"), "jobs": copy.deepcopy(dict(told.get("jobs") or {}))}
    changes: list[dict[str, Any]] = []
    complete = True
    looping = _looping(view)
    for job in view.jobs:
        if not job.record and job.node_id in looping and not view.finished:
            # In a loop each round has a job of its own; until the first has ended there is no telling which.
            continue
        found = list(_changes(job, after["jobs"].get(job.id)))
        if len(changes) + len(found) > MOST_CHANGES:
            complete = False
            break
        if found:
            changes += found
            after["jobs"][job.id] = [job.status, job.started]
    # The end of a run is told last, when everything before it is.
    status = view.status if complete or not view.finished else "running"
    if not changes and status == told.get("run"):
        return None
    after["run"] = status
    return {**_facts(view), "run": _run(view, status), "jobs": changes}, after


def _looping(view: RunView) -> frozenset[str]:
    regions = view.drawing.flow.get("regions")
    members = regions.values() if isinstance(regions, Mapping) else ()
    return frozenset(str(node_id) for nodes in members for node_id in nodes)


def _changes(job: Job, known: Any) -> Iterator[dict[str, Any]]:
    """Yield the states of a job since the one that is known, oldest first."""
    before, started = known if isinstance(known, list) and len(known) == 2 else ("idle", None)
    if before in _FINAL and (job.status != before or (started and job.started and job.started != started)):
        # Cleared, and so at its beginning again.
        before = "idle" if job.status != "idle" else before
        if job.status == "idle":
            yield _job(job, "idle")
            return
    if job.status == before:
        return
    passed = [status for status in ("pending", "running") if _RANK[before] < _RANK[status] < _RANK[job.status]]
    for status in passed if job.started is not None else ():
        yield _job(job, status)
    if job.status != "idle":
        yield _job(job, job.status)


def _job(job: Job, status: str) -> dict[str, Any]:
    final, begun = status in _FINAL, _RANK[status] >= _RANK["running"]
    told = {
        "id": job.id,
        "node_id": job.node_id,
        "node_type_id": job.node_type_id,
        "label": job.label,
        "status": status,
        "execution_number": job.execution_number,
        "started": job.started if begun else None,
        "completed": job.completed if final else None,
        "execution_time_ms": job.execution_time_us // 1000 if final and job.execution_time_us is not None else None,
        "error_message": job.error_message if final else None,
        "skip_reason": job.skip_reason if final else None,
    }
    if final and job.record:
        # As recorded: redacted and bounded.
        told |= {name: job.record.get(name) or {} for name in ("input_data", "output_data")}
    return told


def _run(view: RunView, status: str) -> dict[str, Any]:
    final = view.finished and status == view.status
    told: dict[str, Any] = {
        "status": status,
        "started": iso(view.run.start_date),
        "completed": iso(view.run.end_date) if final else None,
        "error": view.summary.get("error") if final else None,
    }
    return {**told, "outputs": view.summary.get("outputs") or {}} if final else told


def _facts(view: RunView) -> dict[str, Any]:
    return {
        "contract": CONTRACT,
        "pipeline_id": view.id,
        "workflow_id": view.drawing.workflow_id or view.run.dag_id,
        "dag_id": view.run.dag_id,
        "run_id": view.run.run_id,
        "revision": view.drawing.revision,
        "drupal_pipeline_id": split_conf(view.run.conf)[1].get("drupal_pipeline_id"),
    }
