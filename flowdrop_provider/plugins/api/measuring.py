"""Figures over a period: how often, how long, how long queued, how often failed; with the period before for comparison.

On PostgreSQL the database computes the percentiles; elsewhere at most :data:`MAX_SAMPLES` executions are read and computed
here, and the answer says so.
"""

from __future__ import annotations

import datetime as dt
import json
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import JSON, ColumnElement, Float, and_, case, cast, extract, func, literal, select, text, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION
from sqlalchemy.orm import Session

from flowdrop_provider.engine.naming import RESULT_TASK_ID
from flowdrop_provider.plugins.api.drawings import Drawing, latest_drawings
from flowdrop_provider.plugins.api.reading import is_job_key

__all__ = ["MAX_SAMPLES", "metrics", "seconds_between"]

MAX_SAMPLES = 50_000

_TOLD = ("status", "node_id", "node_type_id", "execution_time_us")
_NAMES = ("workflow_id", "node_id", "node_type_id")

#: The two percentiles of no values at all.
_NONE = (None, None)

#: Figures by whether they are of the period or of the one before, and by name.
Groups = dict[tuple[Any, ...], dict[str, Any]]


def seconds_between(session: Session, start: Any, end: Any) -> Any:
    """Return the seconds between two moments in the database's words; 0 where a clock was set back in between."""
    dialect = session.get_bind().dialect.name
    took: Any
    if dialect == "sqlite":
        took = (func.julianday(end) - func.julianday(start)) * 86_400.0
    elif dialect == "postgresql":
        # A float, where `extract` gives an exact number: those are slow to reckon with and to sort.
        took = func.date_part("epoch", end - start)
    else:
        took = extract("epoch", end - start)
    return case((end < start, 0.0), else_=took)


def _chosen(dag_ids: set[str], since: dt.datetime, until: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the condition for runs of the period and of the equally long one before it."""
    return DagRun.dag_id.in_(sorted(dag_ids)), DagRun.run_after >= since - (until - since), DagRun.run_after < until


def _runs(session: Session, current: ColumnElement[bool], chosen: tuple[ColumnElement[bool], ...]) -> Any:
    return select(
        current.label("now"),
        DagRun.dag_id.label("first"),
        DagRun.dag_id.label("second"),
        DagRun.dag_id.label("kind"),
        (DagRun.state == "failed").label("failed"),
        seconds_between(session, DagRun.start_date, DagRun.end_date).label("seconds"),
        seconds_between(session, DagRun.queued_at, DagRun.start_date).label("waited"),
    ).where(*chosen, DagRun.end_date.is_not(None))


def _jobs(session: Session, current: ColumnElement[bool], chosen: tuple[ColumnElement[bool], ...]) -> Any:
    """Return one row a job: its record tells node, time and outcome; a task without one (a lost worker) speaks for itself.

    Records and tasks are each looked up by run, once, and then laid together: PostgreSQL by itself would look through all
    records of a run for each of its tasks, which took half of the time.
    """
    runs = select(DagRun.id, DagRun.dag_id, DagRun.run_id, current.label("now")).where(*chosen).cte("runs")
    stored = _stored(session, runs)
    records = (
        select(stored.c.dag_run_id, stored.c.task_id, stored.c.map_index)
        .add_columns(*(stored.c.value[name].as_string().label(name) for name in _TOLD))
        .cte("records")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    status = func.coalesce(records.c.status, TaskInstance.state)
    ran = cast(records.c.execution_time_us, Float) / 1_000_000.0
    return (
        select(
            runs.c.now,
            runs.c.dag_id.label("first"),
            func.coalesce(records.c.node_id, TaskInstance.task_id).label("second"),
            func.coalesce(records.c.node_type_id, "").label("kind"),
            (status == "failed").label("failed"),
            func.coalesce(ran, seconds_between(session, TaskInstance.start_date, TaskInstance.end_date)).label("seconds"),
            seconds_between(session, TaskInstance.queued_dttm, TaskInstance.start_date).label("waited"),
        )
        .select_from(runs)
        .join(TaskInstance, and_(TaskInstance.dag_id == runs.c.dag_id, TaskInstance.run_id == runs.c.run_id))
        .outerjoin(
            records,
            and_(
                records.c.dag_run_id == runs.c.id,
                records.c.task_id == TaskInstance.task_id,
                records.c.map_index == TaskInstance.map_index,
            ),
        )
        .where(TaskInstance.task_id != RESULT_TASK_ID, status.in_(["completed", "success", "failed"]))
    )


def _stored(session: Session, runs: Any) -> Any:
    """Return the job records of runs such that asking for several members of one unpacks it once.

    PostgreSQL unpacks a large value anew for every member; what a concatenation returns is unpacked. ``OFFSET 0`` keeps the
    database from putting that expression in the place of each member again.
    """
    postgres = session.get_bind().dialect.name == "postgresql"
    value: ColumnElement[Any] = XComModel.__table__.c.value
    if postgres:
        value = case((func.jsonb_typeof(value) == "object", value.op("||")(text("'{}'::jsonb"))))
    return (
        select(XComModel.dag_run_id, XComModel.task_id, XComModel.map_index, type_coerce(value, JSON).label("value"))
        .join(runs, XComModel.dag_run_id == runs.c.id)
        .where(is_job_key())
        .offset(0 if postgres else None)
        .subquery("stored")
    )


def metrics(session: Session, dag_ids: set[str], group_by: str, since: dt.datetime, until: dt.datetime) -> list[dict[str, Any]]:
    """Return the figures of each group, the busiest first.

    :param group_by: ``workflow`` (runs), ``node`` or ``node_type`` (jobs); times in seconds.
    """
    if not dag_ids:
        return []
    source = _runs if group_by == "workflow" else _jobs
    keys = {"workflow": ("first",), "node": ("first", "second"), "node_type": ("kind",)}[group_by]
    compute = _computed if session.get_bind().dialect.name == "postgresql" else _sampled
    # Both periods at once: to make and plan such a query takes as long as to count a thousand jobs.
    found = compute(session, source(session, DagRun.run_after >= since, _chosen(dag_ids, since, until)), ("now", *keys))
    now, then = ({key[1:]: figures for key, figures in found.items() if bool(key[0]) is current} for current in (True, False))
    drawings = latest_drawings(session, {key[0] for key in now}) if group_by != "node_type" else {}
    rows = [{**_identity(group_by, key, drawings), **figures, "previous": then.get(key)} for key, figures in now.items()]
    return sorted(rows, key=lambda row: (-row["count"], json.dumps([row.get(name) for name in _NAMES])))


def _identity(group_by: str, key: tuple[str, ...], drawings: Mapping[str, Drawing]) -> dict[str, Any]:
    if group_by == "node_type":
        return {"node_type_id": key[0]}
    drawing = drawings.get(key[0], Drawing({}))
    found = {"dag_id": key[0], "workflow_id": drawing.workflow_id or key[0], "name": drawing.name or key[0]}
    if group_by == "workflow":
        return found
    node = drawing.nodes.get(key[1], {})
    return {**found, "node_id": key[1], "node_type_id": node.get("type"), "label": node.get("label") or key[1]}


def _computed(session: Session, query: Any, keys: tuple[str, ...]) -> Groups:
    # Compiling such a query takes PostgreSQL longer than running it.
    session.execute(text("SET LOCAL jit = off"))
    data = query.subquery()
    names = [data.c[key] for key in keys]
    # Two at once: each such aggregate sorts all values of its group.
    halves = literal([0.5, 0.95], ARRAY(DOUBLE_PRECISION))
    columns = (
        func.count(),
        func.count().filter(data.c.failed),
        func.percentile_cont(halves).within_group(data.c.seconds),
        func.max(data.c.seconds),
        func.avg(data.c.seconds),
        func.percentile_cont(halves).within_group(data.c.waited),
    )
    groups: Groups = {}
    for *key, count, failed, took, longest, mean, waited in session.execute(select(*names, *columns).group_by(*names)):
        (p50, p95), (waited_p50, waited_p95) = took or _NONE, waited or _NONE
        groups[tuple(key)] = _figures(count, failed, p50, p95, longest, mean, waited_p50, waited_p95, complete=True)
    return groups


def _sampled(session: Session, query: Any, keys: tuple[str, ...]) -> Groups:
    # The period that was asked for comes before the one to compare it with.
    rows = session.execute(query.order_by(query.selected_columns.now.desc()).limit(MAX_SAMPLES)).all()
    grouped: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        grouped.setdefault(tuple(getattr(row, key) for key in keys), []).append(row)
    complete = len(rows) < MAX_SAMPLES
    return {key: _of_samples(found, complete=complete) for key, found in grouped.items()}


def _of_samples(rows: list[Any], *, complete: bool) -> dict[str, Any]:
    seconds = [row.seconds for row in rows if row.seconds is not None]
    waited = [row.waited for row in rows if row.waited is not None]
    failed = sum(bool(row.failed) for row in rows)
    mean = statistics.fmean(seconds) if seconds else None
    spread = (_percentile(seconds, 50), _percentile(seconds, 95), max(seconds, default=None), mean)
    return _figures(len(rows), failed, *spread, _percentile(waited, 50), _percentile(waited, 95), complete=complete)


def _percentile(values: Iterable[float], percent: int) -> float | None:
    found = sorted(values)
    if len(found) < 2:
        return found[0] if found else None
    return statistics.quantiles(found, n=100, method="inclusive")[percent - 1]


def _figures(
    count: int,
    failed: int,
    p50: float | None,
    p95: float | None,
    longest: float | None,
    mean: float | None,
    waited_p50: float | None,
    waited_p95: float | None,
    *,
    complete: bool,
) -> dict[str, Any]:
    return {
        "count": count,
        "failed": failed,
        "failure_rate": round(failed / count, 6) if count else 0.0,
        "duration_s": {"p50": _rounded(p50), "p95": _rounded(p95), "max": _rounded(longest), "mean": _rounded(mean)},
        "queue_wait_s": {"p50": _rounded(waited_p50), "p95": _rounded(waited_p95)},
        "complete": complete,
    }


def _rounded(value: Any) -> float | None:
    return round(float(value), 6) if value is not None else None
