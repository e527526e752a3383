"""Log lines of a run through Airflow's log reader, bounded in tasks, lines and text."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any

from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import Trigger
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from flowdrop_provider.plugins.api.reading import RunView, iso

__all__ = ["read_lines"]

_MAX_TASKS = 100
_MAX_LINES_READ = 20_000
_MAX_TEXT = 4_000
_SEVERITY = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


def read_lines(
    session: Session, view: RunView, level: str | None, node_id: str | None, limit: int
) -> tuple[list[dict[str, Any]], bool]:
    """Return the newest ``limit`` lines of a run in the order of time, and whether these are all.

    :param level: the least severity: ``debug``, ``info``, ``warning`` or ``error``.
    :param node_id: only the lines of this node.
    """
    by_task = {task_id: nodes[0] for task_id, nodes in view.drawing.tasks.items() if node_id is None or node_id in nodes}
    tasks = _tasks(session, view, list(by_task))
    least = _SEVERITY[level] if level else 0
    found: list[dict[str, Any]] = []
    for task in tasks:
        node = node_id or by_task[task.task_id]
        found += [line for line in _lines(session, view, task, node) if _SEVERITY.get(line["level"], 20) >= least]
        if len(found) > _MAX_LINES_READ:
            break
    found.sort(key=lambda line: line["timestamp"])
    return found[-limit:], len(found) <= limit and len(tasks) < _MAX_TASKS


def _tasks(session: Session, view: RunView, task_ids: list[str]) -> list[TaskInstance]:
    query = (
        select(TaskInstance)
        .where(
            TaskInstance.dag_id == view.run.dag_id,
            TaskInstance.run_id == view.run.run_id,
            TaskInstance.task_id.in_(task_ids),
            TaskInstance.try_number > 0,
        )
        .join(TaskInstance.dag_run)
        .options(joinedload(TaskInstance.trigger).joinedload(Trigger.triggerer_job), joinedload(TaskInstance.dag_model))
        .order_by(TaskInstance.start_date)
        .limit(_MAX_TASKS)
    )
    return list(session.scalars(query))


def _lines(session: Session, view: RunView, task: TaskInstance, node_id: str) -> Iterator[dict[str, Any]]:
    from airflow.exceptions import TaskNotFound
    from airflow.models.dagbag import DBDagBag
    from airflow.utils.log.log_reader import TaskLogReader

    reader = TaskLogReader()
    if not reader.supports_read:
        return
    dag = DBDagBag(load_op_links=False).get_dag_for_run(view.run, session=session)
    if dag is not None:
        # The remote log handlers ask the operator for its name.
        with contextlib.suppress(TaskNotFound):
            task.task = dag.get_task(task.task_id)
    # Log handlers take sessions of their own.
    session.commit()
    stream, _ = reader.read_log_chunks(task, task.try_number, {"download_logs": False})  # type: ignore[typeddict-item, typeddict-unknown-key]
    for number, message in enumerate(stream):
        if number >= _MAX_LINES_READ:
            return
        line = _line(message, node_id)
        # Without a time it is Airflow's reader that speaks, of files and machines.
        if line["timestamp"] is not None:
            yield line


def _line(message: Any, node_id: str) -> dict[str, Any]:
    """Return one line in FlowDrop's shape; whatever else Airflow knows of it is its context."""
    facts = message.model_dump() if hasattr(message, "model_dump") else {"event": str(message)}
    moment = facts.pop("timestamp", None)
    level = str(facts.pop("level", None) or "info").lower()
    text = str(facts.pop("event", ""))
    return {
        "timestamp": iso(moment) if isinstance(moment, dt.datetime) else moment,
        "level": level if level in _SEVERITY and level != "critical" else "error" if level == "critical" else "info",
        "message": text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…",
        "node_id": node_id,
        "context": {name: str(value)[:_MAX_TEXT] for name, value in facts.items() if name in ("logger", "error_detail")},
    }
