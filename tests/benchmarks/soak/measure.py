"""What grows on a running Airflow: workflows, runs at once, one large drawing, rounds, a week of history, hours of work."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil

from devtools.harness import AirflowHarness
from flowdrop_provider.plugins.api.ids import pipeline_id
from tests.benchmarks.filling import copy_run, table_bytes
from tests.benchmarks.soak.flows import LARGE, chained, large
from tests.engine.running import plan_of, run
from tests.plugins.client import api, follow, started

__all__ = ["history", "large_drawing", "many_runs", "many_workflows", "steady_work"]

Found = dict[str, Any]
#: Seconds after which a measurement gives up rather than wait for ever.
_PATIENCE = 1_800


def _memory(server: AirflowHarness) -> dict[str, float]:
    """Return what each service holds for itself alone, in MB; tasks that the scheduler has started are not counted with it."""
    found = {}
    for name, service in server.server.services.items():
        process = psutil.Process(service.process.pid)
        members = [process] if name == "scheduler" else [process, *process.children(recursive=True)]
        found[name] = round(sum(_own_bytes(member) for member in members) / 1e6, 1)
    return found


def _scheduler_seconds(server: AirflowHarness) -> float:
    """Return the processor seconds that the scheduler itself has used; its tasks are processes of their own."""
    spent = psutil.Process(server.server.services["scheduler"].process.pid).cpu_times()
    return float(spent.user + spent.system)


def _own_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0  # A worker that ended between two looks.


def _until(reached: Callable[[], bool], pause: float = 0.5) -> float:
    began = time.monotonic()
    while not reached():
        if time.monotonic() - began > _PATIENCE:
            raise TimeoutError(f"not reached in {_PATIENCE} s")
        time.sleep(pause)
    return time.monotonic() - began


def many_workflows(server: AirflowHarness, counts: tuple[int, ...]) -> list[Found]:
    """Lay more and more workflows of ten nodes into the folder; each step waits until Airflow knows them all.

    :returns: ``{workflows, seconds, memory}`` of each step; ``seconds`` from the last file on.
    """
    client, found, known = server.client(), [], 0
    for count in counts:
        for number in range(known, count):
            server.add_workflow(f"soak_many_{number}.json", chained(f"soak_many_{number}", 10))
        known = count
        seconds = _until(lambda count=count: _known(client, "flowdrop_soak_many_%") >= count)
        found.append({"workflows": count, "seconds": round(seconds, 1), "memory": _memory(server)})
    return found


def _known(client: Any, pattern: str) -> int:
    return int(client.get("/dags", dag_id_pattern=pattern, limit=1)["total_entries"])


def many_runs(server: AirflowHarness, count: int, *, fused: bool) -> Found:
    """Start many runs of ten nodes at once and wait for all of them.

    :returns: ``{runs, fused, seconds, per_minute, statuses, at_once, scheduler_s}``; ``at_once`` is the most that were seen
        running, ``scheduler_s`` the processor seconds of the scheduler itself.
    """
    name = f"soak_{'fused' if fused else 'tasks'}"
    server.add_workflow(f"{name}.json", chained(name, 10, fused=fused))
    server.await_dag(f"flowdrop_{name}", timeout=300)
    most = 0
    with api(server) as client, ThreadPoolExecutor(8) as pool:

        def counts() -> dict[str, int]:
            return dict(client.get("/runs/counts", params={"workflow_id": name}).json()["data"])

        before, scheduler = sum(counts().values()), _scheduler_seconds(server)
        began = time.monotonic()
        list(pool.map(lambda _: started(client, name), range(count)))

        def all_ended() -> bool:
            nonlocal most
            now = counts()
            most = max(most, now.get("running", 0))
            ended = sum(now.get(status, 0) for status in ("completed", "completed_with_warnings", "failed", "cancelled"))
            return ended >= before + count

        _until(all_ended, pause=1)
        seconds = time.monotonic() - began
        statuses = counts()
    per_minute = round(count / seconds * 60, 1)
    shown = {"runs": count, "fused": fused, "seconds": round(seconds, 1), "per_minute": per_minute}
    spent = round(_scheduler_seconds(server) - scheduler, 2)
    return {**shown, "statuses": statuses, "at_once": most, "scheduler_s": spent}


def large_drawing(server: AirflowHarness) -> Found:
    """A drawing of 500 nodes and 1,000 edges: in process, and fused on the scheduler with its trace.

    :returns: ``{nodes, edges, compile_ms, in_process_ms, known_s, run_s, trace_ms, trace_kb}``.
    """
    document = large()
    began = time.perf_counter()
    plan = plan_of(document)
    compiled = time.perf_counter()
    result = run(plan)
    done = time.perf_counter()
    assert result.status == "completed"
    server.add_workflow("soak_large.json", LARGE)
    known = _until(lambda: _known(server.client(), "flowdrop_soak_large") == 1)
    with api(server) as client:
        at = time.monotonic()
        pipeline = started(client, "soak_large")
        final = follow(client, pipeline, timeout=300)[-1]
        assert final["status"] == "completed", final
        took = time.monotonic() - at
        trace = [_timed(client, f"/runs/{pipeline}/trace") for _ in range(5)]
    return {
        "nodes": len(document["nodes"]),
        "edges": len(document["edges"]),
        "compile_ms": round((compiled - began) * 1000, 1),
        "in_process_ms": round((done - compiled) * 1000, 1),
        "known_s": round(known, 1),
        "run_s": round(took, 1),
        "trace_ms": round(statistics.median(item[0] for item in trace), 1),
        "trace_kb": round(trace[0][1] / 1000, 1),
    }


def _timed(client: httpx.Client, path: str) -> tuple[float, int]:
    began = time.perf_counter()
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return (time.perf_counter() - began) * 1000, len(answer.content)


def history(server: AirflowHarness, days: tuple[int, ...], *, a_day: int) -> list[Found]:
    """Put days of history into the database, and read at the end of each as people and dashboards do.

    :param days: at which days it is looked.
    :returns: ``{day, runs, jobs, bytes, reads}``; ``reads`` are medians in milliseconds by name.
    """
    workflows = 20
    for number in range(workflows):
        server.add_workflow(f"soak_week_{number}.json", chained(f"soak_week_{number}", 10, fused=True))
    for number in range(workflows):
        server.await_dag(f"flowdrop_soak_week_{number}", timeout=300)
    one = server.run("flowdrop_soak_week_0", timeout=300)
    found, before, first = [], table_bytes(server), 1
    for day in days:
        last = day * a_day
        jobs = copy_run(
            server, one.run_id, prefix="flowdrop_soak_week_", workflows=workflows, first=first, last=last,
            seconds_apart=86_400 / a_day,
        )  # fmt: skip
        first = last + 1
        grown = {table: size - before[table] for table, size in table_bytes(server).items()}
        found.append({"day": day, "runs": last, "jobs": jobs, "bytes": grown, "reads": _reads(server, last)})
    return found


def _reads(server: AirflowHarness, last: int) -> dict[str, float]:
    number = last // 2
    some = pipeline_id(f"flowdrop_soak_week_{number % 20}", f"bench__{number}")
    paths = {
        "list of runs": "/runs?limit=50",
        "one run": f"/runs/{some}/trace",
        "first page of jobs": "/jobs",
        "figures of a day": "/metrics",
    }
    with api(server) as client:
        client.timeout = httpx.Timeout(120)
        found = {name: statistics.median(_timed(client, path)[0] for _ in range(7)) for name, path in paths.items()}
        airflow = httpx.Client(base_url=server.url, headers=client.headers, timeout=120)
        own = "/api/v2/dags/~/dagRuns?limit=50&order_by=-id"
        found["Airflow's own list of runs"] = statistics.median(_timed(airflow, own)[0] for _ in range(7))
    return {name: round(value, 1) for name, value in found.items()}


def steady_work(server: AirflowHarness, seconds: float, *, every: float) -> list[Found]:
    """Start a fused run of ten nodes every few seconds, and look at memory and answers all the while.

    :returns: ``{at, started, ended, memory, answer_ms, run_s}`` about every ten seconds; ``run_s`` is the median of the runs
        that ended since the look before, from their start to their end.
    """
    server.add_workflow("soak_steady.json", chained("soak_steady", 10, fused=True))
    server.await_dag("flowdrop_soak_steady", timeout=300)
    began, found, open_runs, ended = time.monotonic(), [], {}, 0
    next_start, next_look = began, began + 10
    with api(server) as client:
        while (now := time.monotonic()) < began + seconds:
            if now >= next_start:
                open_runs[started(client, "soak_steady")] = time.monotonic()
                next_start += every
            if now >= next_look:
                took = _ended(client, open_runs)
                ended += len(took)
                answer = statistics.median(_timed(client, "/runs?limit=50")[0] for _ in range(3))
                found.append(
                    {
                        "at": round(now - began, 1),
                        "started": ended + len(open_runs),
                        "ended": ended,
                        "memory": _memory(server),
                        "answer_ms": round(answer, 1),
                        "run_s": round(statistics.median(took), 2) if took else None,
                    }
                )
                next_look += 10
            time.sleep(0.1)

        def all_ended() -> bool:
            _ended(client, open_runs)
            return not open_runs

        _until(all_ended, pause=1)
    return found


def _ended(client: httpx.Client, open_runs: dict[str, float]) -> list[float]:
    """Take the runs that have ended out of the open ones; return how long each took by its own record, in seconds."""
    took = []
    for pipeline in list(open_runs):
        run_ = client.get(f"/runs/{pipeline}/trace").json()["data"]["run"]
        if run_["status"] in {"completed", "completed_with_warnings", "failed", "cancelled"}:
            assert run_["status"] == "completed", run_
            del open_runs[pipeline]
            begun, done = (dt.datetime.fromisoformat(run_[name].replace("Z", "+00:00")) for name in ("started", "completed"))
            took.append((done - begun).total_seconds())
    return took
