"""How a workflow did over time: runs in equal slices of a period, for small plots."""

from __future__ import annotations

import datetime as dt
from typing import Any

from airflow.models.dagrun import DagRun
from sqlalchemy import Integer, case, cast, func, select
from sqlalchemy.orm import Session

from flowdrop_provider.plugins.api.measuring import seconds_between
from flowdrop_provider.plugins.api.reading import iso

__all__ = ["trend"]


def trend(session: Session, dag_ids: set[str], since: dt.datetime, until: dt.datetime, points: int) -> list[dict[str, Any]]:
    """Return ``points`` slices of a period with ended runs, failed ones and their mean seconds (``None`` without a run)."""
    width = (until - since).total_seconds() / points
    took = seconds_between(session, DagRun.start_date, DagRun.end_date)
    place = cast(func.floor(seconds_between(session, since, DagRun.run_after) / width), Integer).label("place")
    data = (
        select(place, took.label("took"), case((DagRun.state == "failed", 1), else_=0).label("failed"))
        .where(DagRun.dag_id.in_(sorted(dag_ids)), DagRun.run_after >= since, DagRun.run_after < until)
        .where(DagRun.end_date.is_not(None))
        .subquery()
    )
    query = select(data.c.place, func.count(), func.sum(data.c.failed), func.avg(data.c.took)).group_by(data.c.place)
    found = {row[0]: row for row in session.execute(query)} if dag_ids else {}
    return [_slice(found.get(number), since + dt.timedelta(seconds=width * number)) for number in range(points)]


def _slice(row: Any, at: dt.datetime) -> dict[str, Any]:
    if row is None:
        return {"at": iso(at), "count": 0, "failed": 0, "mean_s": None}
    return {
        "at": iso(at),
        "count": row[1],
        "failed": int(row[2]),
        "mean_s": round(float(row[3]), 3) if row[3] is not None else None,
    }
