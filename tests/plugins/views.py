"""Runs as the database would give them, for tests of what answers look like."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

from flowdrop_provider.plugins.api.drawings import Drawing
from flowdrop_provider.plugins.api.reading import JOB_KEY, _view

START = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.timezone.utc)


def moment(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def record(node_id: str, status: str = "completed", at: float = 0, order: int = 1, **more: Any) -> dict[str, Any]:
    found = {
        "id": f"job-{node_id}-{order}",
        "node_id": node_id,
        "node_type_id": node_id.split(".")[0],
        "processor": node_id.split(".")[0],
        "label": node_id,
        "status": status,
        "order": order,
        "round": [],
        "started": moment(at).isoformat() if status != "skipped" else None,
        "completed": moment(at + 1).isoformat() if status in ("completed", "failed") else None,
        "execution_time_us": 1_000_000 if status in ("completed", "failed") else None,
        "input_data": {"in": node_id},
        "output_data": {"out": node_id},
        "active_branches": [],
        "routed": False,
        "error": None,
    }
    return {**found, **more}


def task(
    task_id: str, state: str | None = "success", tries: int = 1, at: float = 0, ended: float | None = 1
) -> SimpleNamespace:
    return SimpleNamespace(
        task_id=task_id,
        map_index=-1,
        state=state,
        try_number=tries,
        queued_dttm=moment(at) if state else None,
        start_date=moment(at) if tries else None,
        end_date=moment(ended) if ended is not None and tries else None,
        updated_at=moment(ended or at),
        dag_version_id=None,
    )


def value(task_id: str, content: Any, key: str = JOB_KEY) -> SimpleNamespace:
    return SimpleNamespace(task_id=task_id, map_index=-1, key=key, value=content, timestamp=moment(2))


def drawing(*nodes: str, edges: tuple[dict[str, Any], ...] = (), group: dict[str, str] | None = None) -> Drawing:
    drawn = [
        {"id": node, "label": node, "type": node.split(".")[0], "task_id": (group or {}).get(node, node)} for node in nodes
    ]
    return Drawing({"workflow_id": "flow", "name": "Flow", "revision": "r1", "nodes": drawn, "edges": list(edges)})


def line(
    source: str, port: str, target: str, kind: str = "data", target_port: str = "in", gated: bool = False
) -> dict[str, Any]:
    ends = {"source": source, "source_port": port, "target": target, "target_port": target_port}
    return {"id": f"{source}>{target}", "kind": kind, "gated": gated, **ends}


def view(state: str, picture: Drawing, tasks: list[Any], values: list[Any], **more: Any) -> Any:
    facts = {
        "id": 1,
        "dag_id": "flowdrop_flow",
        "run_id": "manual__2026-03-01T12:00:00+00:00",
        "state": state,
        "queued_at": START,
        "start_date": START,
        "end_date": moment(9) if state in ("success", "failed") else None,
        "updated_at": moment(9),
        "conf": {},
        "run_type": "manual",
        "triggered_by": None,
        "triggering_user_name": "ann",
        "note": None,
    }
    return _view(SimpleNamespace(**{**facts, **more}), picture, tasks, values)
