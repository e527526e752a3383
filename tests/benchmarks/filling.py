"""Many runs in a database at once: one real run, copied by the database itself over workflows and time.

The copies are written in the order of time, as Airflow writes: the rows of a run lie beside each other on the disk.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, create_engine, text

__all__ = ["copy_run", "table_bytes"]

_RUNS = """
INSERT INTO dag_run ({columns}) SELECT {values} FROM dag_run r, generate_series(:first, :last) n
JOIN dag_version v ON v.dag_id = :prefix || (n % :workflows) WHERE r.dag_id = :prefix || '0' AND r.run_id = :run
ORDER BY n DESC
"""
_TASKS = """
INSERT INTO task_instance ({columns}) SELECT {values} FROM task_instance t
JOIN dag_run r ON r.run_id LIKE 'bench\\_\\_%' AND substr(r.run_id, 8)::int BETWEEN :first AND :last
WHERE t.dag_id = :prefix || '0' AND t.run_id = :run ORDER BY r.id, t.start_date
"""
_VALUES = """
INSERT INTO xcom ({columns}) SELECT {values} FROM xcom x
JOIN dag_run r ON r.run_id LIKE 'bench\\_\\_%' AND substr(r.run_id, 8)::int BETWEEN :first AND :last
WHERE x.dag_id = :prefix || '0' AND x.run_id = :run ORDER BY r.id, x.timestamp
"""
_TABLES = ("dag_run", "task_instance", "xcom")


def copy_run(
    server: Any, run_id: str, *, prefix: str, workflows: int, last: int, first: int = 1, seconds_apart: float = 300.0
) -> int:
    """Copy a run of the workflow ``<prefix>0`` and return how many job records there are.

    :param server: the running :class:`~devtools.harness.AirflowHarness`; only its database is touched.
    :param workflows: over how many workflows, ``<prefix>0`` and on, the copies go in turn.
    :param first: number of the first copy; the n-th began ``n * seconds_apart`` ago, as ``bench__<n>``.
    """
    past = f"now() - n * interval '{seconds_apart} seconds'"
    runs = {
        "id": None, "run_id": "'bench__' || n", "dag_id": "v.dag_id", "created_dag_version_id": "v.id", "run_after": past,
        "queued_at": past, "start_date": f"{past} + interval '1 second'", "end_date": f"{past} + n % 60 * interval '1 second'",
        "logical_date": "NULL",
    }  # fmt: skip
    tasks = {
        "id": "gen_random_uuid()", "run_id": "r.run_id", "dag_id": "r.dag_id", "dag_version_id": "r.created_dag_version_id",
        "queued_dttm": "r.queued_at", "start_date": "r.start_date", "end_date": "r.end_date",
    }  # fmt: skip
    values = {"dag_run_id": "r.id", "run_id": "r.run_id", "dag_id": "r.dag_id"}
    given = {"run": run_id, "first": first, "last": last, "prefix": prefix, "workflows": workflows}
    engine = _engine(server)
    with engine.begin() as connection:
        _copy(connection, "dag_run", "r", _RUNS, runs, given)
        _copy(connection, "task_instance", "t", _TASKS, tasks, given)
        _copy(connection, "xcom", "x", _VALUES, values, given)
        connection.execute(text("ANALYZE dag_run, task_instance, xcom"))
        count = connection.execute(
            text("SELECT count(*) FROM xcom WHERE key = 'flowdrop_job' OR key LIKE 'flowdrop\\_job.%'")
        ).scalar()
    engine.dispose()
    return int(count or 0)


def table_bytes(server: Any) -> dict[str, int]:
    """Return what each table of runs takes on disk, its indexes included, in bytes."""
    engine = _engine(server)
    with engine.connect() as connection:
        query = text("SELECT pg_total_relation_size(CAST(:table AS regclass))")
        found = {table: int(connection.execute(query, {"table": table}).scalar() or 0) for table in _TABLES}
    engine.dispose()
    return found


def _engine(server: Any) -> Any:
    return create_engine(server.server.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])


def _copy(
    connection: Connection, table: str, alias: str, statement: str, replaced: dict[str, str | None], given: dict[str, Any]
) -> None:
    columns = connection.execute(
        text("SELECT column_name FROM information_schema.columns WHERE table_name = :t"), {"t": table}
    ).scalars()
    names = [name for name in columns if replaced.get(name, "") is not None]
    values = ", ".join(replaced.get(name) or f"{alias}.{name}" for name in names)
    sql = text(statement.format(columns=", ".join(names), values=values))
    connection.execute(sql, {name: value for name, value in given.items() if f":{name}" in statement})
