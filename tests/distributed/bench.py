"""Starts runs, watches them through a fault, and judges how each ended."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from devtools.distributed import WORKERS, DistributedAirflow
from devtools.harness import AirflowHarness
from flowdrop_provider.plugins.api.ids import pipeline_id
from tests.distributed.effects import Effects
from tests.plugins.client import API

RESULTS = Path(__file__).parents[2] / ".flowdrop" / "reliability.jsonl"
FINAL = {"completed", "failed", "cancelled", "skipped"}
AIRFLOW_STATE = {"completed": "success", "completed_with_warnings": "success", "failed": "failed", "cancelled": "failed"}
#: Longest that a run may take from the fault to its end, in seconds; far above what is measured.
PATIENCE = 300.0


class DistributedHarness(AirflowHarness):
    """The harness of :class:`AirflowHarness` over machines."""

    server_type = DistributedAirflow
    server: DistributedAirflow


@dataclass(frozen=True)
class Run:
    """A run that was started: its ``key`` is its run id, and what its side effects are counted under."""

    key: str
    dag_id: str

    @property
    def pipeline(self) -> str:
        return pipeline_id(self.dag_id, self.key)


@dataclass(frozen=True)
class Ended:
    """How a run ended: in FlowDrop's word, in Airflow's, with which error, and what is not right about it."""

    run: Run
    status: str
    state: str
    error: str
    effects: int
    repeated: int
    attempts: int
    unrecorded: int
    problems: tuple[str, ...]

    @property
    def how(self) -> str:
        return f"{self.status} ({self.error})" if self.error else self.status


class Bench:
    """The deployment under test, its receiver of side effects, and the book of what was seen."""

    def __init__(self, harness: DistributedHarness, effects: Effects) -> None:
        self.harness = harness
        self.server = harness.server
        self.effects = effects
        self.client = harness.client()
        self.ended: list[Ended] = []

    # What goes on

    def start(self, name: str, workflow: str, count: int) -> list[Run]:
        """Start so many runs together, named after the fault."""
        runs = [Run(f"{name}-{number}-{int(time.time())}", f"flowdrop_{workflow}") for number in range(1, count + 1)]
        for run in runs:
            self.client.trigger(run.dag_id, {"message": run.key}, run.key)
        return runs

    def until(self, what: Callable[[], Any], why: str, timeout: float = 120.0) -> Any:
        """Ask until the answer is true, through an API that may be away, and return the answer."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                answer = what()
            except (httpx.HTTPError, OSError):
                answer = None
            if answer:
                return answer
            assert time.monotonic() < deadline, f"{why}: not within {timeout:.0f} s"
            time.sleep(0.25)

    def tasks(self, run: Run) -> dict[str, Any]:
        return self.client.tasks(run.dag_id, run.key)

    def on(self, worker: str, runs: Iterable[Run], task_id: str) -> list[Run]:
        """Return the runs whose task is being executed by a worker now."""
        found = []
        for run in runs:
            task = self.tasks(run).get(task_id, {})
            if task.get("state") == "running" and task.get("hostname") == worker:
                found.append(run)
        return found

    def state(self, run: Run, task_id: str) -> str | None:
        """Return Airflow's state of a task."""
        found: str | None = self.tasks(run).get(task_id, {}).get("state")
        return found

    def busy(self, runs: Sequence[Run], task_id: str) -> None:
        """Wait until both workers execute the task of a run."""
        self.until(lambda: all(self.on(worker, runs, task_id) for worker in WORKERS), f"both workers execute {task_id}")

    def asking(self, runs: Sequence[Run], node_id: str) -> None:
        """Wait until both workers execute a node, and every request of one that is executed is under way."""
        self.busy(runs, node_id)

        def same() -> bool:
            return self.effects.waiting(node_id) == sum(len(self.on(worker, runs, node_id)) for worker in WORKERS)

        self.until(same, "the requests are under way")

    # How it ended

    def judge(self, fault: str, title: str, sees: str, runs: Sequence[Run], allowed: set[str]) -> list[Ended]:
        """Wait for the end of the runs, write the line of the table, and insist that all is right.

        :param sees: what the user sees, in words; what can be counted is counted.
        :param allowed: how a run may end: ``completed``, ``failed (worker_lost)``...
        """
        began = time.monotonic()
        for run in runs:
            self.until(partial(self._over, run), f"{run.key} ends", max(1.0, PATIENCE - (time.monotonic() - began)))
        seconds = time.monotonic() - began
        ended = [self.look(run, allowed) for run in runs]
        self.ended += ended
        self._write(fault, title, sees, ended, seconds)
        assert not [(item.run.key, item.how, item.problems) for item in ended if item.problems]
        return ended

    def look(self, run: Run, allowed: set[str]) -> Ended:
        """Read how a run ended from both interfaces and compare with what happened in the world."""
        state = self._state(run)
        trace = self.until(partial(self._trace, run), f"the trace of {run.key}")
        status, error = trace["run"]["status"], str((trace["run"]["error"] or {}).get("code") or "")
        seen = self.effects.of(run.key)
        attempts = _attempts(trace["timeline"])
        happened: Counter[str] = Counter()
        for (node_id, _), times in seen.items():
            happened[node_id] += times
        unrecorded = sum(max(0, times - attempts[node_id]) for node_id, times in happened.items())
        repeated = sum(times - 1 for times in seen.values())
        found = Ended(run, status, state, error, sum(seen.values()), repeated, sum(attempts.values()), unrecorded, ())
        return replace(found, problems=tuple(_problems(found, trace, happened, attempts, allowed)))

    def started(self, run: Run, node_id: str) -> float:
        """Return when a node began, as its record says, in seconds since 1970; now when it has none."""
        told = [job["started"] for job in self._trace(run)["timeline"] if job["node_id"] == node_id and job["started"]]
        return dt.datetime.fromisoformat(told[0].replace("Z", "+00:00")).timestamp() if told else time.time()

    def look_again(self) -> None:
        """Insist that no run has another status by now than when it ended."""
        changed = [item.run.key for item in self.ended if self._trace(item.run)["run"]["status"] != item.status]
        assert not changed, f"these runs changed their status after their end: {changed}"

    def _over(self, run: Run) -> bool:
        return self._state(run) in ("success", "failed")

    def _state(self, run: Run) -> str:
        return str(self.client.run(run.dag_id, run.key)["state"])

    def _trace(self, run: Run) -> dict[str, Any]:
        return dict(self.client.request("GET", f"{API}/runs/{run.pipeline}/trace")["data"])

    def _write(self, fault: str, title: str, sees: str, ended: Sequence[Ended], seconds: float) -> None:
        line = {
            "fault": fault,
            "title": title,
            "sees": sees,
            "runs": len(ended),
            "right": sum(not item.problems for item in ended),
            "ends": dict(sorted(Counter(item.how for item in ended).items())),
            "effects": sum(item.effects for item in ended),
            "repeated": sum(item.repeated for item in ended),
            "attempts": sum(item.attempts for item in ended),
            "lost": sum(problem.startswith("lost:") for item in ended for problem in item.problems),
            "seconds": round(seconds),
            "at": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
            "problems": [f"{item.run.key}: {problem}" for item in ended for problem in item.problems],
        }
        RESULTS.parent.mkdir(exist_ok=True)
        with RESULTS.open("a", encoding="utf-8") as book:
            book.write(json.dumps(line, ensure_ascii=False) + "\n")
            book.flush()
            os.fsync(book.fileno())


def _attempts(timeline: Iterable[dict[str, Any]]) -> Counter[str]:
    """Return the attempts that the records tell of, by node: those of a job, and new starts by Airflow before it."""
    found: Counter[str] = Counter()
    for job in timeline:
        if job["node_id"].startswith("http_request") and job["status"] in ("completed", "failed") and job["started"]:
            found[job["node_id"]] += max(1, len(job["attempts"])) + max(0, job["try_number"] - 1)
    return found


def _problems(
    found: Ended, trace: dict[str, Any], happened: Counter[str], attempts: Counter[str], allowed: set[str]
) -> Iterable[str]:
    if AIRFLOW_STATE.get(found.status) != found.state:
        yield f"FlowDrop says {found.status}, Airflow {found.state}"
    if found.how not in allowed:
        yield f"ended {found.how}, not as one of {sorted(allowed)}"
    for node_id, times in happened.items():
        if times > attempts[node_id]:
            yield f"{node_id} asked {times} times, and {attempts[node_id]} attempts are recorded"
    open_jobs = {node_id: item["status"] for node_id, item in trace["nodes"].items() if item["status"] not in FINAL}
    if open_jobs:
        yield f"jobs without an end: {open_jobs}"
    for node_id, item in trace["nodes"].items():
        if node_id.startswith("http_request") and item["status"] == "completed" and not happened[node_id]:
            yield f"lost: the side effect of {node_id}"
        if found.status == "completed" and item["status"] != "completed":
            yield f"lost: {node_id} is {item['status']} in a run that completed"
