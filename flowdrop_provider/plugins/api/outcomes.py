"""What came of runs, for a system that asks from time to time instead of being told (OCX-2, OCX-3, OCX-8, OCX-9).

Oldest end first, in pages that a cursor continues: whoever keeps the last cursor is told of each ended run once, however many
ended meanwhile. A run that waits is in no page.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from airflow.models.dagrun import DagRun
from sqlalchemy import ColumnElement, tuple_
from sqlalchemy.orm import Session

from flowdrop_provider.engine.launch import CONF_KEY, split_conf
from flowdrop_provider.plugins.api import run_lists
from flowdrop_provider.plugins.api.drawings import latest_drawings
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.ids import open_cursor, pack_cursor
from flowdrop_provider.plugins.api.launching import SOURCES
from flowdrop_provider.plugins.api.reading import iso, plain
from flowdrop_provider.plugins.overlaps import TRIGGER_MEMBER

__all__ = ["SETTLED", "list_outcomes"]

#: An end is dated before the transaction that stores it is through, so a later date can be seen first. By this time all are.
SETTLED = dt.timedelta(seconds=5)


def list_outcomes(
    session: Session,
    readable: set[str],
    may_read_values: Callable[[str], bool],
    *,
    source: str,
    now: dt.datetime,
    limit: int,
    cursor: str | None,
) -> tuple[list[dict[str, Any]], str | None, bool]:
    """Return a page of ended runs, the cursor to go on with, and whether there is more now.

    :param readable: the DAGs whose runs may be told of.
    :param may_read_values: tells of one of them whether its outputs may be told as well; asked of those in the page.
    :param source: who asked for the run, one of :data:`~.launching.SOURCES`: the only thing that tells whose runs these are.
    :returns: the cursor stays what it was while nothing has ended.
    :raises ApiError: 400 ``SOURCE_UNKNOWN`` or ``CURSOR_INVALID``.
    """
    if source not in SOURCES:
        known = ", ".join(SOURCES)
        raise ApiError(400, "SOURCE_UNKNOWN", f"No run is started by {source[:40]!r}; there are {known}.")
    conditions: list[ColumnElement[bool]] = [
        DagRun.dag_id.in_(sorted(readable)),
        DagRun.state.in_(["success", "failed"]),
        DagRun.end_date <= now - SETTLED,
        DagRun.conf[CONF_KEY]["source"].as_string() == source,
    ]
    if cursor is not None:
        conditions.append(tuple_(DagRun.end_date, DagRun.id) > tuple(open_cursor(cursor, dt.datetime, int)))
    query = run_lists.columns().add_columns(DagRun.id.label("row")).where(*conditions)
    rows = session.execute(query.order_by(DagRun.end_date, DagRun.id).limit(limit + 1)).all()
    page = rows[:limit]
    drawings = latest_drawings(session, {row.dag_id for row in page})
    open_to = {dag_id for dag_id in {row.dag_id for row in page} if may_read_values(dag_id)}
    following = pack_cursor(page[-1].end_date, page[-1].row) if page else cursor
    shown = [_outcome(row, drawings.get(row.dag_id), values=row.dag_id in open_to) for row in page]
    return shown, following, len(rows) > limit


def _outcome(row: Any, drawing: Any, *, values: bool) -> dict[str, Any]:
    shown, summary = run_lists.shown_run(row, drawing), plain(row.summary)
    return {
        # One id under both names: what the start answered is what is polled (OCX-7).
        "execution_id": shown["id"],
        "pipeline_id": shown["id"],
        "workflow_id": shown["workflow_id"],
        "status": shown["outcome"],
        "started": iso(row.start_date),
        "completed": shown["lastExecuted"],
        "source": shown["source"],
        "trigger": split_conf(row.conf)[1].get(TRIGGER_MEMBER),
        "outputs": summary.get("outputs") or {} if values else None,
        "error": plain(summary.get("error")) or None,
    }
