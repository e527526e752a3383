"""The book of notices: each is written once, under a key that says what it is about, and sent from there.

Writing is what happens exactly once, whatever the number of schedulers; the key is unique. Sending is tried again with growing
pauses, and given up after :data:`ATTEMPTS` with the reason kept in the row.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from flowdrop_provider.plugins.notices.rules import Rule
from flowdrop_provider.tables.models import Notice, utc_now

__all__ = ["ATTEMPTS", "About", "forget", "last_rate", "send_due", "write"]

log = logging.getLogger("flowdrop.notices")

ATTEMPTS = 8
_LEASE = dt.timedelta(seconds=120)
_KEPT = dt.timedelta(days=90)
_RATES = ("error_rate", "recovered")


@dataclass(frozen=True, slots=True)
class About:
    """What a notice is about.

    :ivar occasion: what tells two notices of the same kind apart: the run and its clear number, or the number of the episode.
    """

    kind: str
    dag_id: str
    run_id: str | None
    occasion: str


def write(session: Session, rule: Rule, about: About, body: Mapping[str, Any]) -> int:
    """Write a notice for each channel of a rule; return how many are new and to be sent."""
    written = 0
    for number, channel in enumerate(rule.channels):
        words = (rule.id, str(number), about.kind, about.dag_id, about.occasion)
        key = hashlib.sha256("\n".join(words).encode()).hexdigest()
        if session.scalar(select(Notice.number).where(Notice.key == key)) is not None:
            continue
        throttled = _throttled(session, rule, number, about)
        row = Notice(key=key, rule=rule.id, kind=about.kind, dag_id=about.dag_id, run_id=about.run_id, channel_number=number)
        row.channel, row.body = dict(channel), dict(body)
        row.status = "throttled" if throttled else "waiting"
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            continue
        written += not throttled
    return written


def _throttled(session: Session, rule: Rule, number: int, about: About) -> bool:
    if rule.throttle_minutes <= 0:
        return False
    since = utc_now() - dt.timedelta(minutes=rule.throttle_minutes)
    same = (Notice.rule == rule.id, Notice.kind == about.kind, Notice.dag_id == about.dag_id, Notice.channel_number == number)
    recent = select(Notice.number).where(*same, Notice.status != "throttled", Notice.created_at > since)
    return session.scalar(recent.limit(1)) is not None


def last_rate(session: Session, rule: Rule, dag_id: str) -> tuple[str | None, int]:
    """Return what a rule told last about a workflow's error rate, and a number for the next episode."""
    mine = (Notice.rule == rule.id, Notice.dag_id == dag_id, Notice.kind.in_(_RATES), Notice.channel_number == 0)
    found = session.execute(select(Notice.kind, Notice.number).where(*mine).order_by(Notice.number.desc()).limit(1)).first()
    return (found.kind, found.number) if found is not None else (None, 0)


def send_due(open_session: Callable[[], Any], send: Callable[[Mapping[str, Any], Mapping[str, Any]], None]) -> dict[str, int]:
    """Send what is due, outside of any transaction; return how many had which outcome."""
    outcomes = {"sent": 0, "retried": 0, "dead": 0}
    with open_session() as session:
        due = select(Notice).where(Notice.status == "waiting", Notice.next_attempt_at <= utc_now())
        rows = session.scalars(due.order_by(Notice.number).limit(50).with_for_update(skip_locked=True)).all()
        claimed = []
        for row in rows:
            row.next_attempt_at, row.attempts = utc_now() + _LEASE, row.attempts + 1
            claimed.append((row.number, dict(row.channel), {**row.body, "id": f"notice-{row.number}"}))
    for number, channel, body in claimed:
        why = None
        try:
            send(channel, body)
        except Exception as error:  # noqa: BLE001 - one broken channel must not stop the others
            why = f"{type(error).__name__}: {error}"[:1000]
        with open_session() as session:
            outcomes[_settle(session.get(Notice, number), why)] += 1
    return outcomes


def _settle(row: Notice, why: str | None) -> str:
    row.last_error = why
    if why is None:
        row.status = "sent"
        return "sent"
    log.warning("Notice %d was not sent (attempt %d): %s", row.number, row.attempts, why)
    if row.attempts >= ATTEMPTS:
        row.status = "dead"
        return "dead"
    row.next_attempt_at = utc_now() + dt.timedelta(seconds=min(1800.0, 2.0**row.attempts))
    return "retried"


def forget(session: Session) -> None:
    """Delete notices of long ago."""
    session.execute(delete(Notice).where(Notice.created_at < utc_now() - _KEPT))
