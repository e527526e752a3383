"""Snapshots in the published shapes: rows and envelopes in snake case, the document in camel case (SNAP-1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flowdrop_provider.engine.launch import chat_of
from flowdrop_provider.engine.snapshots import snapshot_of
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.reading import Job, RunView, iso
from flowdrop_provider.plugins.api.shapes.pipelines import redacted, shown_inputs
from flowdrop_provider.tables.models import Snapshot

__all__ = ["complete", "sent_snapshot", "snapshot_answer", "snapshot_of_run", "snapshot_row"]

#: Members of a snapshot document; a save may spell them in either case.
_MEMBERS = {
    "workflow_id": "workflowId",
    "workflow_version": "workflowVersion",
    "execution_id": "executionId",
    "status": "status",
    "node_states": "nodeStates",
    "initial_input": "initialInput",
    "iteration_count": "iterationCount",
    "thread_id": "threadId",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    "metadata": "metadata",
    "messages": "messages",
}


def sent_snapshot(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a caller sent, in camel case; members that a snapshot does not have are dropped.

    :raises ApiError: 400 ``BODY_INVALID``.
    """
    inner = body.get("snapshot")
    given = {**(inner if isinstance(inner, Mapping) else {}), **body}
    found = {camel: given.get(camel, given.get(snake)) for snake, camel in _MEMBERS.items()}
    found = {name: value for name, value in found.items() if value is not None}
    if not isinstance(found.get("executionId"), str) or not found["executionId"]:
        raise ApiError(400, "BODY_INVALID", "A snapshot needs an 'execution_id'.")
    for name in ("nodeStates", "initialInput", "metadata"):
        if found.get(name) == []:
            found[name] = {}  # PHP's empty object
        if not isinstance(found.get(name, {}), Mapping):
            raise ApiError(400, "BODY_INVALID", f"{name!r} must be an object.")
    return found


def complete(sent: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
    """Return a sent document with every published member, its values redacted like those of records."""
    shown, _ = redacted({name: sent[name] for name in ("nodeStates", "initialInput") if name in sent})
    return {
        "iterationCount": 0,
        "threadId": None,
        "nodeStates": {},
        "initialInput": {},
        "status": "unknown",
        **sent,
        **shown,
        "createdAt": sent.get("createdAt") or iso(now),
        "updatedAt": iso(now),
    }


def snapshot_of_run(view: RunView) -> dict[str, Any]:
    """Return the snapshot of a run, from its records (INT-6)."""
    found = snapshot_of(
        None,
        [_record(job) for job in view.jobs],
        execution_id=view.id,
        status=view.status,
        initial_input=shown_inputs(view)[0],
        metadata={"engine": "airflow", "dag_id": view.run.dag_id, "run_id": view.run.run_id},
        thread_id=chat_of(view.run.conf),
        iteration_count=max((job.record["round"][0] for job in view.jobs if job.record.get("round")), default=0),
        created_at=view.run.queued_at,
        updated_at=dt.datetime.now(dt.timezone.utc),
    )
    return {**found, "workflowId": view.drawing.workflow_id or "unknown", "workflowVersion": view.drawing.revision[:16]}


def _record(job: Job) -> Mapping[str, Any]:
    told = {"id": job.id, "node_id": job.node_id, "status": job.status, "skip_reason": job.skip_reason, "error": job.error}
    return {**job.record, **told}


def snapshot_row(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot as the list shows it."""
    return {
        "entity_id": snapshot.number,
        "execution_id": snapshot.execution_id,
        "workflow_id": snapshot.workflow_id,
        "status": snapshot.status,
        "thread_id": snapshot.document.get("threadId"),
        "created": iso(snapshot.created_at),
        "changed": iso(snapshot.updated_at),
        "node_count": len(snapshot.document.get("nodeStates") or {}),
    }


def snapshot_answer(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot with its document."""
    return {**snapshot_row(snapshot), "snapshot": dict(snapshot.document)}
