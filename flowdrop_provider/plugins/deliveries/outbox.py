"""The outbox: one row a run, at most one event of it on its way, nothing sent inside a transaction.

An event is written before it is sent and forgotten after it is acknowledged, so a process that dies in between sends it again
under the same id, and the site drops the repetition. Several processes may work at once: a row is claimed by its lease.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from airflow.models.dag import DagModel, DagTag
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import and_, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from flowdrop_provider.drupal.access import json_of
from flowdrop_provider.drupal.site import Site, refusal
from flowdrop_provider.errors import FlowDropError
from flowdrop_provider.plugins.api.reading import read_run
from flowdrop_provider.plugins.api.security import TAG
from flowdrop_provider.plugins.deliveries.events import news_of
from flowdrop_provider.tables.models import Delivery, utc_now

__all__ = ["Outbox"]

log = logging.getLogger("flowdrop.deliveries")

#: Runs looked at in one round.
_BATCH = 200
#: How old a run may be that nobody has told of yet, days; older ones ended before there was anybody to tell.
_HORIZON = dt.timedelta(days=1)
#: How long finished rows are kept, days.
_KEPT = dt.timedelta(days=30)
_LEASE = dt.timedelta(seconds=90)
_LONGEST_PAUSE = 60.0


@dataclass
class Outbox:
    """Finds what is new and delivers it.

    :ivar site_of: the connection of the site of a bundle, ``""`` for DAGs without one.
    :ivar open_site: the site of a connection.
    """

    site_of: Callable[[str | None], str]
    open_site: Callable[[str], Site]
    _sites: dict[str, Site] = field(default_factory=dict)

    def round(self) -> int:
        """Look at every open run, deliver what is due, and return how many events were acknowledged."""
        with create_session(scoped=False) as session:
            keys = [(run.dag_id, run.run_id, bundle) for run, bundle in _open_runs(session)]
        wanted = [(dag_id, run_id, self.site_of(bundle)) for dag_id, run_id, bundle in keys]
        away: set[str] = set()
        sent = 0
        for dag_id, run_id, connection_id in wanted:
            if not connection_id or connection_id in away:
                continue
            event = self._claimed(dag_id, run_id)
            if event is not None:
                why = self._send(connection_id, event)
                self._settle(dag_id, run_id, why)
                sent += why is None
                if why is not None and why[1]:
                    # The site is away; the others would only wait for it too.
                    away.add(connection_id)
        return sent

    def _claimed(self, dag_id: str, run_id: str) -> dict[str, Any] | None:
        """Return the event of a run that is due, made now if there was none; the row is then ours for the lease."""
        with create_session(scoped=False) as session:
            row = _row(session, dag_id, run_id)
            if row is None or row.next_attempt_at > utc_now():
                return None
            if row.event is None:
                _compose(session, row)
            if row.event is None:
                return None
            row.next_attempt_at = utc_now() + _LEASE
            return dict(row.event["body"])

    def _send(self, connection_id: str, event: dict[str, Any]) -> tuple[str, bool] | None:
        """Send an event; return ``None`` when it was acknowledged, else why not, and whether the site is away."""
        try:
            site = self._sites.get(connection_id) or self._sites.setdefault(connection_id, self.open_site(connection_id))
            reply = site.signed("POST", "/events", event, delivery=str(event["id"]))
            document = json_of(reply)
            if reply.status == 200 and document.get("success") is True:
                return None
            raise refusal(reply, document)
        except FlowDropError as error:
            self._sites.pop(connection_id, None)
            return f"{error.message} [{error.code}]", bool(getattr(error, "retryable", False))
        except Exception as error:  # noqa: BLE001 - one broken connection must not stop the others
            self._sites.pop(connection_id, None)
            return f"{type(error).__name__}: {error}", True

    def _settle(self, dag_id: str, run_id: str, why: tuple[str, bool] | None) -> None:
        with create_session(scoped=False) as session:
            row = _row(session, dag_id, run_id)
            if row is None or row.event is None:
                return
            row.updated_at = utc_now()
            if why is None:
                row.told, row.finished = row.event["told"], bool(row.event["final"])
                row.event, row.attempts, row.last_error, row.next_attempt_at = None, 0, None, utc_now()
                return
            row.attempts, row.last_error = row.attempts + 1, why[0][:1000]
            pause = min(_LONGEST_PAUSE, 2.0 ** min(row.attempts, 10) / 2)
            row.next_attempt_at = utc_now() + dt.timedelta(seconds=pause)
            log.warning("Callback %s was not delivered (attempt %d): %s", row.event["body"]["id"], row.attempts, why[0])

    @staticmethod
    def forget() -> int:
        """Delete the rows of runs that ended long ago; return how many."""
        with create_session(scoped=False) as session:
            old = delete(Delivery).where(Delivery.finished, Delivery.updated_at < utc_now() - _KEPT)
            return int(getattr(session.execute(old), "rowcount", 0) or 0)


def _open_runs(session: Session) -> list[tuple[DagRun, str | None]]:
    """Return the runs that a site may not know everything about, longest waiting first."""
    known = and_(Delivery.dag_id == DagRun.dag_id, Delivery.run_id == DagRun.run_id)
    active = DagRun.state.in_(["queued", "running"])
    new = and_(Delivery.number.is_(None), or_(active, DagRun.updated_at > utc_now() - _HORIZON))
    due = and_(Delivery.finished.is_(False), Delivery.next_attempt_at <= utc_now())
    rows = session.execute(
        select(DagRun, DagModel.bundle_name)
        .join(DagTag, and_(DagTag.dag_id == DagRun.dag_id, DagTag.name == TAG))
        .join(DagModel, DagModel.dag_id == DagRun.dag_id)
        .outerjoin(Delivery, known)
        .where(or_(new, due, and_(Delivery.finished, active)))
        .order_by(Delivery.updated_at.nulls_first(), DagRun.id)
        .limit(_BATCH)
    ).all()
    return [(run, bundle) for run, bundle in rows]


def _row(session: Session, dag_id: str, run_id: str) -> Delivery | None:
    """Return the row of a run, made if there is none; ``None`` while another process holds it."""
    wanted = select(Delivery).where(Delivery.dag_id == dag_id, Delivery.run_id == run_id)
    row = session.scalar(wanted.with_for_update(skip_locked=True))
    if row is not None:
        return row
    if session.scalar(wanted) is not None:
        return None
    try:
        with session.begin_nested():
            made = Delivery(dag_id=dag_id, run_id=run_id, told={}, sequence=0, finished=False, attempts=0)
            made.next_attempt_at = utc_now()
            session.add(made)
        return made
    except IntegrityError:
        return None


def _compose(session: Session, row: Delivery) -> None:
    """Put the run's news into its row, under the next number."""
    run = session.scalar(select(DagRun).where(DagRun.dag_id == row.dag_id, DagRun.run_id == row.run_id))
    row.updated_at = utc_now()
    if run is None:
        # Deleted by retention: there is nothing more to tell.
        row.finished = True
        return
    view = read_run(session, run)
    found = news_of(view, row.told)
    if found is None:
        row.finished = view.finished
        return
    body, told = found
    row.sequence, row.finished = row.sequence + 1, False
    body |= {"id": f"{view.id}:{row.sequence}", "sequence": row.sequence}
    row.event = {"body": body, "told": told, "final": view.finished and told["run"] == view.status}
