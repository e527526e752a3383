"""What happened, as documents of the Elastic Common Schema: one each for a job, the end of a run and an action of a person.

They are made from records and summaries, which are redacted and bounded; values of ports are not in them at all. What ECS has
no field for stands below ``flowdrop.``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

__all__ = ["action_happening", "job_happening", "run_happening"]

_ECS = "8.11.0"
_OUTCOMES = {"completed": "success", "completed_with_warnings": "success", "failed": "failure", "cancelled": "failure"}


def job_happening(record: Mapping[str, Any], dag_id: str, workflow_id: str) -> dict[str, Any]:
    """Return the event of a finished job.

    :param record: the job record as people see it.
    """
    status = str(record["status"])
    found = _event("job-finished", "process", "end", _OUTCOMES.get(status, "unknown"), record["completed"])
    found["event"] |= {"start": record["started"], "end": record["completed"]}
    if record["execution_time_us"] is not None:
        # ECS wants nanoseconds.
        found["event"]["duration"] = int(record["execution_time_us"]) * 1000
    found["flowdrop"] = {
        **_run(dag_id, str(record["run_id"]), workflow_id, record["revision"]),
        "job": {name: record[name] for name in ("id", "node_id", "node_type_id", "label", "status", "retry_count", "order")},
        "truncated": len(record["truncated"]),
    }
    return _said(found, f"Node {record['node_id']} {status}", record["error"])


def run_happening(
    summary: Mapping[str, Any], dag_id: str, run_id: str, started: dt.datetime | None, now: dt.datetime
) -> dict[str, Any]:
    """Return the event of a run's end.

    :param summary: what the last task hands on.
    """
    status = str(summary["status"])
    found = _event("run-finished", "process", "end", _OUTCOMES.get(status, "unknown"), _iso(now))
    if started is not None:
        duration = int((now - started).total_seconds() * 1_000_000) * 1000
        found["event"] |= {"start": _iso(started), "end": _iso(now), "duration": duration}
    found["flowdrop"] = {
        **_run(dag_id, run_id, str(summary["workflow_id"]), summary["revision"]),
        "status": status,
        "failed_node_ids": list(summary["failed_node_ids"]),
        "skipped": len(summary["skipped_node_ids"]),
    }
    return _said(found, f"Run {run_id} of {dag_id} {status}", summary["error"])


def action_happening(event: str, user: str, dag_id: str | None, run_id: str | None, http: Mapping[str, str]) -> dict[str, Any]:
    """Return the event of a person's, or a site's, action.

    :param event: name of the audit entry.
    :param http: ``{"method", "path"}`` of the request; its body stays out.
    """
    found = _event(event, "configuration", "change", "unknown", None)
    found |= {
        "user": {"name": user},
        "http": {"request": {"method": http["method"]}},
        "url": {"path": http["path"]},
        "flowdrop": {"dag_id": dag_id, "run_id": run_id},
    }
    return _said(found, f"{user}: {event}", None)


def _event(action: str, category: str, kind: str, outcome: str, moment: str | None) -> dict[str, Any]:
    return {
        "@timestamp": moment or _iso(dt.datetime.now(dt.timezone.utc)),
        "ecs": {"version": _ECS},
        "event": {
            "kind": "event",
            "action": action,
            "category": [category],
            "type": [kind],
            "outcome": outcome,
            "dataset": "flowdrop.events",
        },
        "service": {"type": "flowdrop", "name": "airflow"},
        "log": {"logger": "flowdrop.events", "level": "error" if outcome == "failure" else "info"},
    }


def _run(dag_id: str, run_id: str, workflow_id: str, revision: Any) -> dict[str, Any]:
    return {"dag_id": dag_id, "run_id": run_id, "workflow_id": workflow_id, "revision": revision}


def _said(found: dict[str, Any], message: str, error: Any) -> dict[str, Any]:
    if isinstance(error, Mapping):
        found["error"] = {"code": str(error.get("code") or ""), "message": str(error.get("message") or "")}
    return {**found, "message": message}


def _iso(moment: dt.datetime) -> str:
    return moment.astimezone(dt.timezone.utc).isoformat()
