"""PostgreSQL and Redis that go away, forget, or have no room."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress

import psycopg2
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.distributed]

LOST = "failed (worker_lost)"


@contextmanager
def _under_way(bench, name: str, runs: int = 8):
    """Give runs whose first side effects are under way; they are answered when the block ends."""
    with bench.effects.holding("http_request.1", 60):
        started = bench.start(name, "faults_steps", runs)
        bench.until(lambda: bench.effects.waiting("http_request.1") >= 3, "requests are under way")
        yield started


@pytest.mark.parametrize(
    ("crash", "fault", "title"),
    [(False, "postgres-restart", "PostgreSQL restarted"), (True, "postgres-crash", "kill -9 of PostgreSQL, and its recovery")],
)
def test_postgres_goes_and_comes_back(bench, crash, fault, title):
    with _under_way(bench, fault) as runs:
        bench.server.postgres.restart(crash=crash)
    ended = _up_again(bench)
    bench.judge(
        fault,
        title,
        f"The API answers 500 for a moment; tasks ask again and go on.{ended}",
        runs,
        {"completed", LOST},
    )


def test_postgres_is_out_of_connections(bench):
    taken = []
    address = bench.server.postgres.url("psycopg2").replace("postgresql+psycopg2", "postgresql")
    with _under_way(bench, "postgres-full") as runs:
        with suppress(psycopg2.OperationalError):
            while True:
                taken.append(psycopg2.connect(address))
        with taken[0].cursor() as cursor:
            own = [connection.info.backend_pid for connection in taken]
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> ALL(%s) AND datname = 'airflow'"
            cursor.execute(cut, [own])
        with suppress(psycopg2.OperationalError):
            while True:
                taken.append(psycopg2.connect(address))
    time.sleep(15)
    for connection in taken:
        connection.close()
    ended = _up_again(bench)
    bench.judge(
        "postgres-full",
        "PostgreSQL out of connections for 15 s, all others cut",
        f"The API answers 500 meanwhile; tasks ask again and go on.{ended}",
        runs,
        {"completed", LOST},
    )


def test_redis_is_flushed(bench):
    with _under_way(bench, "redis-flush", 12) as runs:
        assert bench.server.redis_command("FLUSHALL").startswith(b"+OK")
    bench.judge(
        "redis-flush",
        "Redis flushed",
        "Nodes under way go on. Nodes that waited in the queue start late: after task_queued_timeout they are queued again.",
        runs,
        {"completed"},
    )

    lost = bench.client.get("/eventLogs", event="stuck in queued reschedule", limit=100)["event_logs"]
    assert {entry["run_id"] for entry in lost} & {run.key for run in runs}, "messages were lost, and sent again"


def test_redis_is_killed(bench):
    with _under_way(bench, "redis-killed", 12) as runs:
        bench.server.kill_service("redis")
        time.sleep(5)
        bench.server.start_service("redis")
    bench.judge(
        "redis-killed",
        "kill -9 of Redis (appendonly), 5 s without it",
        "Nodes under way go on, nothing new starts until Redis is there again.",
        runs,
        {"completed"},
    )


def _up_again(bench) -> str:
    """Start again what had ended by itself, as a supervisor would, and say what that was."""
    time.sleep(3)
    ended = [name for name, service in bench.server.services.items() if service.process.poll() is not None]
    for name in ended:
        bench.server.kill_service(name)
        bench.server.start_service(name)
    return f" Ended by themselves, and started again: {', '.join(ended)}." if ended else ""
