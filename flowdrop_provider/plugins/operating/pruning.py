"""Forgets what runs left behind, by the deployment's retention: values first, records later, a run a transaction.

Only runs that have ended are touched, and not within an hour of their end: what they hand on may still be fetched by the run
that started them. Runs themselves, task instances and logs stay for ``airflow db clean``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from airflow.models.dag import DagTag
from airflow.models.dagrun import DagRun, DagRunNote
from airflow.models.task_state_store import TaskStateStoreModel
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from flowdrop_provider import conf
from flowdrop_provider.errors import ConfigurationError
from flowdrop_provider.library.retention import (
    HOLD,
    STATES,
    Retention,
    Rule,
    forgotten_conf,
    forgotten_record,
    forgotten_summary,
    read_retention,
)
from flowdrop_provider.operators.handover import HANDOVER_KEY, delete_stored, stored_places
from flowdrop_provider.operators.run import LAUNCH_KEY
from flowdrop_provider.operators.summary import SUMMARY_KEY
from flowdrop_provider.plugins.api.reading import is_job_key
from flowdrop_provider.plugins.api.security import TAG
from flowdrop_provider.plugins.operating.books import prune_tables
from flowdrop_provider.tables.models import utc_now

__all__ = ["Pruning", "prune", "prune_here"]

#: Runs that ended more lately than this are left alone whatever a rule says.
_GRACE = dt.timedelta(hours=1)
#: Runs looked for at a time.
_BATCH = 100
_RETURNED = "return_value"

Open = Callable[[], AbstractContextManager[Session]]


@dataclass
class Pruning:
    """What was forgotten, or would be.

    :ivar values: ``runs`` whose values went, ``records`` that lost theirs, ``handed_over`` values deleted, ``stored`` files.
    :ivar records: ``runs`` whose job records went, and how many these were.
    :ivar held: runs that would have lost something and are held.
    :ivar tables: deleted rows of our own tables.
    """

    dry_run: bool
    values: dict[str, int] = field(default_factory=lambda: {"runs": 0, "records": 0, "handed_over": 0, "stored": 0})
    records: dict[str, int] = field(default_factory=lambda: {"runs": 0, "records": 0})
    held: int = 0
    tables: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as they are printed."""
        return {
            "dry_run": self.dry_run,
            "values": self.values,
            "records": self.records,
            "held": self.held,
            "tables": self.tables,
        }


def prune_here(*, dry_run: bool = False, retention: dict[str, Any] | None = None) -> dict[str, Any]:
    """Prune this deployment and return the numbers of :class:`Pruning`.

    :param retention: in the place of ``[flowdrop] retention``, in the same shape.
    :raises ConfigurationError: ``CONF_RETENTION``: the shape is wrong, or nothing says what to forget.
    """
    wanted = read_retention(conf.retention() if retention is None else retention)
    if wanted == Retention():
        raise ConfigurationError(
            "Nothing says what to forget.",
            code="CONF_RETENTION",
            hint="Set [flowdrop] retention, or give bounds on the command line; see docs/operating.md.",
        )
    return prune(lambda: create_session(scoped=False), wanted, utc_now(), dry_run=dry_run).as_dict()


def prune(open_session: Open, retention: Retention, now: dt.datetime, *, dry_run: bool = False) -> Pruning:
    """Forget what the retention says and return how much that was.

    :param dry_run: does the same and takes it back.
    """
    done = Pruning(dry_run)
    with open_session() as session:
        flows = sorted(session.scalars(select(DagTag.dag_id).where(DagTag.name == TAG)))
    for dag_id in flows:
        for state in STATES:
            rule = retention.rule(dag_id, state)
            if rule is not None:
                _prune_runs(open_session, done, _Runs(dag_id, state, rule, now))
    with open_session() as session:
        done.tables = prune_tables(session, retention, now)
        if dry_run:
            session.rollback()
    return done


@dataclass(frozen=True)
class _Runs:
    """The runs of one workflow that ended in one state."""

    dag_id: str
    state: str
    rule: Rule
    now: dt.datetime

    def old(self, session: Session, days: float, newest: int) -> ColumnElement[bool] | None:
        """Return the condition for runs beyond the bounds, ``None`` when there is none."""
        bounds: list[ColumnElement[bool]] = []
        if days > 0:
            bounds.append(DagRun.end_date < self.now - dt.timedelta(days=days))
        if newest > 0:
            last = session.scalar(select(DagRun.id).where(*self._mine).order_by(DagRun.id.desc()).offset(newest - 1).limit(1))
            bounds += [DagRun.id < last] if last is not None else []
        return and_(*self._mine, DagRun.end_date < self.now - _GRACE, or_(*bounds)) if bounds else None

    @property
    def _mine(self) -> tuple[ColumnElement[bool], ...]:
        return DagRun.dag_id == self.dag_id, DagRun.state == self.state


def _prune_runs(open_session: Open, done: Pruning, runs: _Runs) -> None:
    rule = runs.rule
    # Records first: a run that loses them need not lose its values one by one before.
    steps = (
        (rule.records_days, rule.records_runs, _any_of_ours(), _forget_run),
        (rule.values_days, rule.values_runs, _handed_over(), _forget_values),
    )
    held: set[int] = set()
    # A dry run takes everything back, so that the second step finds again what the first has counted.
    counted: set[int] = set()
    for days, newest, has_some, forget in steps:
        with open_session() as session:
            old = runs.old(session, days, newest)
            if old is None:
                continue
            some = exists().where(XComModel.dag_run_id == DagRun.id, has_some)
            held |= set(session.scalars(select(DagRun.id).where(old, some, _held())))
        for number in _numbers(open_session, and_(old, some, ~_held())):
            if number in counted:
                continue
            counted.add(number)
            with open_session() as session:
                _forget(session, done, number, runs.state, forget)
    done.held += len(held)


def _numbers(open_session: Open, wanted: ColumnElement[bool]) -> Iterator[int]:
    """Yield the numbers of runs, the oldest first, a page at a time; what happens to them meanwhile does not matter."""
    after = 0
    while True:
        with open_session() as session:
            page = session.scalars(select(DagRun.id).where(wanted, DagRun.id > after).order_by(DagRun.id).limit(_BATCH)).all()
        yield from page
        if len(page) < _BATCH:
            return
        after = page[-1]


def _held() -> ColumnElement[bool]:
    return exists().where(DagRunNote.dag_run_id == DagRun.id, DagRunNote.content.contains(HOLD, autoescape=True))


def _handed_over() -> ColumnElement[bool]:
    return or_(XComModel.key == LAUNCH_KEY, XComModel.key.startswith(HANDOVER_KEY, autoescape=True))


def _any_of_ours() -> ColumnElement[bool]:
    return XComModel.key.startswith("flowdrop_", autoescape=True)


def _forget(session: Session, done: Pruning, number: int, state: str, forget: Callable[..., list[str]]) -> None:
    """Forget something of one run, unless it was cleared or is in somebody else's hands at this moment."""
    wanted = select(DagRun).where(DagRun.id == number, DagRun.state == state).with_for_update(skip_locked=True, of=DagRun)
    run = session.scalars(wanted).unique().one_or_none()
    if run is None:
        return
    stored = forget(session, done, run)
    if done.dry_run:
        session.rollback()
        done.values["stored"] += len(stored)
        return
    session.commit()
    # After the commit: a reference to a file that is gone would be worse than a file that nobody refers to.
    done.values["stored"] += sum(delete_stored(place) for place in stored)


def _forget_values(session: Session, done: Pruning, run: DagRun) -> list[str]:
    """Take input and output out of a run; return where large values of it lie."""
    stored = _delete_handed_over(session, done, run)
    shown = select(XComModel).where(XComModel.dag_run_id == run.id, or_(is_job_key(), XComModel.key == SUMMARY_KEY))
    for row in session.scalars(shown):
        if isinstance(row.value, dict):
            row.value = forgotten_summary(row.value) if row.key == SUMMARY_KEY else forgotten_record(row.value)
            done.values["records"] += row.key != SUMMARY_KEY
    done.values["runs"] += 1
    return stored


def _forget_run(session: Session, done: Pruning, run: DagRun) -> list[str]:
    """Take everything of ours out of a run; return where large values of it lie."""
    stored = _delete_handed_over(session, done, run)
    counted = select(func.count()).where(XComModel.dag_run_id == run.id, is_job_key())
    done.records["records"] += session.scalar(counted) or 0
    done.records["runs"] += 1
    _delete(session, run, _any_of_ours())
    return stored


def _delete_handed_over(session: Session, done: Pruning, run: DagRun) -> list[str]:
    """Delete what nodes handed on and returned, what waited in their state, and the inputs; return where large values lie."""
    mine = select(XComModel.task_id).where(XComModel.dag_run_id == run.id, _any_of_ours()).distinct()
    tasks: Sequence[str] = session.scalars(mine).all()
    returned = and_(XComModel.key == _RETURNED, XComModel.task_id.in_(tasks))
    handed = session.scalars(select(XComModel.value).where(XComModel.dag_run_id == run.id, _handed_over())).all()
    done.values["handed_over"] += len(handed)
    _delete(session, run, or_(_handed_over(), returned))
    state = TaskStateStoreModel
    session.execute(delete(state).where(state.dag_run_id == run.id, state.task_id.in_(tasks)))
    left = forgotten_conf(run.conf)
    if left != run.conf:
        run.conf = left
    return stored_places(list(handed))


def _delete(session: Session, run: DagRun, what: ColumnElement[bool]) -> None:
    session.execute(delete(XComModel).where(XComModel.dag_run_id == run.id, what).execution_options(synchronize_session=False))
