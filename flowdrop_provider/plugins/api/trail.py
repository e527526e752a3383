"""The audit trail of workflows: their revisions, their runs however these were started, and what people did, in one order.

Airflow keeps the three apart: DAG versions, runs, and the action log, which knows nothing of schedules and of runs that other
runs started. Nothing is copied; what Airflow's retention takes away is away here as well.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import heapq
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from airflow.models.dag_version import DagVersion
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from flowdrop_provider.engine.launch import split_conf
from flowdrop_provider.plugins.api.drawings import drawing_of
from flowdrop_provider.plugins.api.exporting import canonical
from flowdrop_provider.plugins.api.ids import pipeline_id
from flowdrop_provider.plugins.api.reading import iso

__all__ = ["TASK_EVENTS", "Trail", "log_entry"]

#: What Airflow writes into the action log by itself: the states that tasks came into.
TASK_EVENTS = (
    "running", "success", "failed", "skipped", "up_for_retry", "up_for_reschedule", "deferred", "awaiting_input",
)  # fmt: skip
_DETAILS = ("method", "path", "client", "body", "state", "note", "only_failed", "dry_run", "revision")
#: Members of a run's own part of its ``conf`` that say where it came from.
_ORIGIN = ("source", "rerun_of", "parent", "drupal_pipeline_id")
_PAGE = 500

Open = Callable[[], AbstractContextManager[Session]]
Made = tuple[dt.datetime, Any, dict[str, Any]]


@dataclass(frozen=True)
class Trail:
    """What happened to some workflows in a period.

    :ivar dag_ids: whose; what a caller may read.
    :ivar open_session: a session a page, since an export may take minutes.
    """

    dag_ids: frozenset[str]
    since: dt.datetime
    until: dt.datetime
    open_session: Open

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield everything, the oldest first; what happened at one moment stays in the order of its kind and number."""
        sources = (
            self._walk(DagVersion, DagVersion.created_at, _revision),
            self._walk(DagRun, func.coalesce(DagRun.created_at, DagRun.run_after), _run),
            self._walk(Log, Log.dttm, _action, Log.event.not_in(TASK_EVENTS)),
        )
        for _, _, entry in heapq.merge(*sources, key=lambda made: made[0]):
            yield entry

    def _walk(
        self, model: Any, at: Any, tell: Callable[[Session, Any], dict[str, Any]], *more: ColumnElement[bool]
    ) -> Iterator[Made]:
        """Yield the rows of one table by their moment, page by page."""
        last: tuple[dt.datetime, Any] | None = None
        wanted: Select[Any] = select(model, at.label("at")).where(
            model.dag_id.in_(sorted(self.dag_ids)), at >= self.since, at < self.until, *more
        )
        while True:
            query = wanted.order_by(at, model.id).limit(_PAGE)
            if last is not None:
                query = query.where(or_(at > last[0], and_(at == last[0], model.id > last[1])))
            with self.open_session() as session:
                page = [(row.at, row[0].id, tell(session, row[0])) for row in session.execute(query).unique()]
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1][:2]


def _told(kind: str, event: str, at: dt.datetime | None, user: str | None, dag_id: str | None) -> dict[str, Any]:
    return {"at": iso(at), "kind": kind, "event": event, "user": user, "dag_id": dag_id}


def _revision(session: Session, version: DagVersion) -> dict[str, Any]:
    return {
        **_told("revision", "revision_seen", version.created_at, None, version.dag_id),
        "revision": drawing_of(session, version.dag_id, version.id).revision,
        "details": {
            "version": version.version_number,
            "bundle": version.bundle_name,
            "bundle_version": version.bundle_version,
        },
    }


def _run(session: Session, run: DagRun) -> dict[str, Any]:
    given, own = split_conf(run.conf)
    return {
        **_told("run", "run_created", run.created_at or run.run_after, run.triggering_user_name, run.dag_id),
        "run_id": run.run_id,
        "pipeline_id": pipeline_id(run.dag_id, run.run_id),
        "revision": drawing_of(session, run.dag_id, run.created_dag_version_id).revision,
        "type": str(getattr(run.run_type, "value", run.run_type)),
        "via": getattr(run.triggered_by, "value", None),
        "input_sha256": None if own.get("forgotten") else _hash({"inputs": given, "initial_data": own.get("initial_data")}),
        "details": {name: own[name] for name in _ORIGIN if name in own},
    }


def _action(_: Session, entry: Log) -> dict[str, Any]:
    told = log_entry(entry)
    return {
        **_told("action", entry.event, entry.dttm, entry.owner, entry.dag_id),
        **{name: told[name] for name in ("run_id", "pipeline_id", "task_id", "details")},
    }


def _hash(value: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


def log_entry(entry: Log) -> dict[str, Any]:
    """Return an entry of the action log as people see it."""
    return {
        "id": entry.id,
        "at": iso(entry.dttm),
        "event": entry.event,
        "user": entry.owner,
        "dag_id": entry.dag_id,
        "run_id": entry.run_id,
        "pipeline_id": pipeline_id(entry.dag_id, entry.run_id) if entry.dag_id and entry.run_id else None,
        "task_id": entry.task_id,
        "details": _details(entry.extra),
    }


def _details(extra: str | None) -> dict[str, Any]:
    """Return what an entry says about the request; inputs that Airflow's own entries copy stay out of it."""
    try:
        found = json.loads(extra or "{}")
    except ValueError:
        return {}
    return {name: found[name] for name in _DETAILS if name in found} if isinstance(found, dict) else {}
