"""Looks at the runs and writes notices; reads Airflow's own tables only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from airflow.models.dag import DagTag
from airflow.models.dagrun import DagRun
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from flowdrop_provider.plugins.api.reading import RunView, read_run
from flowdrop_provider.plugins.api.security import TAG
from flowdrop_provider.plugins.notices import book
from flowdrop_provider.plugins.notices.book import About
from flowdrop_provider.plugins.notices.rules import Rule, Seen, kinds_of_run, rate_kind, slow_limit
from flowdrop_provider.tables.models import utc_now

__all__ = ["Watch"]

#: Ended runs are looked at this long after their end; older ones ended while nobody was there to tell of them.
_HORIZON = dt.timedelta(hours=1)
#: Runs looked at in one round.
_BATCH = 500
_SAID = {
    "failure": "failed",
    "success": "succeeded",
    "warnings": "ended with warnings",
    "waiting": "waits for somebody",
    "slow": "is slow",
    "error_rate": "fails too often",
    "recovered": "works again",
}


@dataclass
class Watch:
    """Finds what the rules tell.

    :ivar base_url: address of the Airflow UI, for links; empty for none.
    :ivar read: reads a run.
    """

    rules: Sequence[Rule]
    base_url: str = ""
    read: Callable[[Session, DagRun], RunView] = read_run
    _done: dict[tuple[int, int], dt.datetime] = field(default_factory=dict)

    def round(self, session: Session) -> int:
        """Look at what runs and at what ended lately; return how many notices are new."""
        now, written = utc_now(), 0
        self._done = {key: moment for key, moment in self._done.items() if moment > now - 2 * _HORIZON}
        for run in self._runs(session, now):
            rules = [rule for rule in self.rules if rule.concerns(run.dag_id)]
            key = (run.id, run.clear_number)
            if not rules or key in self._done:
                continue
            view = self.read(session, run)
            for rule in rules:
                written += self._about_run(session, rule, view, now)
            if view.finished:
                self._done[key] = now
        return written + self._rates(session, now)

    def look_again(self) -> None:
        """Forget which runs were done with: what was written about them may be lost with its transaction."""
        self._done.clear()

    def _runs(self, session: Session, now: dt.datetime) -> Sequence[DagRun]:
        open_or_new = or_(DagRun.state == "running", DagRun.end_date > now - _HORIZON)
        query = select(DagRun).join(DagTag, and_(DagTag.dag_id == DagRun.dag_id, DagTag.name == TAG)).where(open_or_new)
        return session.scalars(query.order_by(DagRun.id.desc()).limit(_BATCH)).all()

    def _about_run(self, session: Session, rule: Rule, view: RunView, now: dt.datetime) -> int:
        run = view.run
        seconds = ((run.end_date or now) - (run.start_date or now)).total_seconds()
        before = _before(session, run) if "recovered" in rule.on and view.finished else None
        limit = slow_limit(rule, _durations(session, rule, run)) if "slow" in rule.on and not view.finished else None
        seen, written = Seen(view.status, view.finished, seconds, before), 0
        for kind in kinds_of_run(rule, seen, limit):
            detail = f"running for {seconds:.0f} s, {limit:.0f} s are usual at most" if kind == "slow" and limit else ""
            questions = _waiting(view) if kind == "waiting" else ""
            about = About(kind, run.dag_id, run.run_id, f"{run.run_id}\n{run.clear_number}\n{questions}")
            written += book.write(session, rule, about, self._body(about, view.summary.get("error"), detail))
        return written

    def _rates(self, session: Session, now: dt.datetime) -> int:
        written = 0
        for rule in self.rules:
            if "error_rate" not in rule.on:
                continue
            for dag_id, failed, ended in _counts(session, now - dt.timedelta(minutes=rule.window_minutes)):
                if not rule.concerns(dag_id):
                    continue
                last, episode = book.last_rate(session, rule, dag_id)
                kind = rate_kind(rule, failed, ended, last)
                if kind is not None and (kind == "error_rate" or "recovered" in rule.on):
                    about = About(kind, dag_id, None, str(episode))
                    detail = f"{failed} of {ended} runs failed in {rule.window_minutes:g} minutes"
                    written += book.write(session, rule, about, self._body(about, None, detail))
        return written

    def _body(self, about: About, error: Any, detail: str) -> dict[str, Any]:
        link = f"{self.base_url.rstrip('/')}/dags/{quote(about.dag_id, safe='')}" if self.base_url else ""
        if link and about.run_id:
            link += f"/runs/{quote(about.run_id, safe='')}/plugin/flowdrop-run"
        return {
            "kind": about.kind,
            "subject": f"{about.dag_id} {_SAID[about.kind]}",
            "dag_id": about.dag_id,
            "run_id": about.run_id,
            "detail": detail,
            "link": link,
            "error": dict(error) if isinstance(error, Mapping) else None,
        }


def _waiting(view: RunView) -> str:
    """Return what tells a second wait of a run from its first: the jobs that wait."""
    return ",".join(sorted(job.id for job in view.jobs if job.status == "interrupted"))


def _before(session: Session, run: DagRun) -> bool | None:
    earlier = (DagRun.dag_id == run.dag_id, DagRun.id < run.id, DagRun.state.in_(["success", "failed"]))
    state = session.scalar(select(DagRun.state).where(*earlier).order_by(DagRun.id.desc()).limit(1))
    return None if state is None else state == "success"


def _durations(session: Session, rule: Rule, run: DagRun) -> list[float]:
    if rule.slow_factor <= 0:
        return []
    good = (DagRun.dag_id == run.dag_id, DagRun.state == "success", DagRun.start_date.is_not(None))
    rows = session.execute(
        select(DagRun.start_date, DagRun.end_date).where(*good).order_by(DagRun.id.desc()).limit(rule.slow_last)
    ).all()
    return [(row.end_date - row.start_date).total_seconds() for row in rows if row.end_date is not None]


def _counts(session: Session, since: dt.datetime) -> Iterator[tuple[str, int, int]]:
    """Yield each workflow with its failed and all of its ended runs; one without any run lately is not among them."""
    rows = session.execute(
        select(DagRun.dag_id, DagRun.state, func.count())
        .join(DagTag, and_(DagTag.dag_id == DagRun.dag_id, DagTag.name == TAG))
        .where(DagRun.end_date > since, DagRun.state.in_(["success", "failed"]))
        .group_by(DagRun.dag_id, DagRun.state)
    ).all()
    found: dict[str, dict[str, int]] = {}
    for dag_id, state, count in rows:
        found.setdefault(dag_id, {})[str(state)] = count
    for dag_id, counts in sorted(found.items()):
        yield dag_id, counts.get("failed", 0), sum(counts.values())
