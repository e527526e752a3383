"""Follow a run in the terminal: one line per job, as soon as it has ended."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping

from devtools.client import FINISHED, RESULT_TASK, AirflowClient, Json

SYMBOLS = {"completed": "✓", "failed": "✗", "skipped": "–", "interrupted": "?", "cancelled": "■"}  # noqa: RUF001
PLAIN_SYMBOLS = {"completed": "ok", "failed": "!!", "skipped": "--", "interrupted": "??", "cancelled": "xx"}
# What a job's status is when its task ended without leaving a record (a node decided dead by an earlier one, a lost worker).
_STATUS_OF_STATE = {
    "success": "completed", "failed": "failed", "skipped": "skipped", "upstream_failed": "skipped", "removed": "cancelled",
}  # fmt: skip
_WIDTH = 60


def follow(client: AirflowClient, dag_id: str, run_id: str, write: Callable[[str], None], timeout: float) -> Json:
    """Write a line for every job as it ends and return the finished run; ``TimeoutError`` after ``timeout`` seconds."""
    shown: set[str] = set()
    deadline = time.monotonic() + timeout
    while True:
        run = client.run(dag_id, run_id)
        for line in _new_lines(client, dag_id, run_id, shown):
            write(line)
        if run["state"] in FINISHED:
            return run
        if time.monotonic() > deadline:
            raise TimeoutError(f"The run is still {run['state']} after {timeout:.0f} s.")
        time.sleep(0.3)


def _new_lines(client: AirflowClient, dag_id: str, run_id: str, shown: set[str]) -> Iterator[str]:
    ended = [task for task in client.tasks(dag_id, run_id).values() if task["state"] in _STATUS_OF_STATE]
    for task in sorted(ended, key=lambda task: task["end_date"] or ""):
        if task["task_id"] not in shown:
            shown.add(task["task_id"])
            yield from _task_lines(client, dag_id, run_id, task)


def _task_lines(client: AirflowClient, dag_id: str, run_id: str, task: Json) -> list[str]:
    if task["task_id"] == RESULT_TASK:
        return []
    symbols = SYMBOLS if (sys.stdout.encoding or "").lower().startswith("utf") else PLAIN_SYMBOLS
    jobs = client.task_jobs(dag_id, run_id, task["task_id"]) or [_job_of(task)]
    return [job_line(job, symbols) for job in jobs]


def _job_of(task: Json) -> Json:
    """Return as much of a job record as Airflow itself knows about a task."""
    label = task.get("task_display_name") or task["task_id"]
    return {"label": label, "status": _STATUS_OF_STATE[task["state"]], "skip_reason": "not on the way this run took"}


def job_line(job: Json, symbols: Mapping[str, str]) -> str:
    """Return the line for one job record: symbol of its status, label, duration, and what it gave or why it did not."""
    return f"  {symbols.get(job['status'], ' ')} {job['label'][:28]:<28} {_duration(job):>9}  {_outcome(job)}".rstrip()


def _duration(job: Json) -> str:
    microseconds = job.get("execution_time_us")
    return "" if microseconds is None or job["status"] == "skipped" else f"{microseconds / 1000:.1f} ms"


def _outcome(job: Json) -> str:
    if job["status"] == "skipped":
        return f"skipped: {job.get('skip_reason') or 'not reached'}"
    if job.get("error"):
        return _short(job["error"].get("message", ""))
    return _short(job.get("output_data") or {})


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"
