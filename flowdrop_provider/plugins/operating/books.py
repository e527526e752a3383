"""Old rows of our own tables: conversations, snapshots, and what Drupal and people were told."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from flowdrop_provider.library.retention import Retention
from flowdrop_provider.tables.models import Delivery, Notice, PlaygroundMessage, PlaygroundSession, Snapshot

__all__ = ["prune_tables"]


def prune_tables(session: Session, retention: Retention, now: dt.datetime) -> dict[str, int]:
    """Delete old rows and return how many, by what they are.

    A conversation is as old as its last message. What is still to be told is not deleted, however old.
    """

    def before(days: float) -> dt.datetime | None:
        return now - dt.timedelta(days=days) if days > 0 else None

    found = dict.fromkeys(("conversations", "messages", "snapshots", "deliveries", "notices"), 0)
    if moment := before(retention.conversations_days):
        silent = select(PlaygroundSession.number).where(PlaygroundSession.updated_at < moment)
        # Not left to the foreign key: SQLite does not keep it unless it is told to.
        found["messages"] = _deleted(session, delete(PlaygroundMessage).where(PlaygroundMessage.session_number.in_(silent)))
        found["conversations"] = _deleted(session, delete(PlaygroundSession).where(PlaygroundSession.updated_at < moment))
    if moment := before(retention.snapshots_days):
        found["snapshots"] = _deleted(session, delete(Snapshot).where(Snapshot.updated_at < moment))
    if moment := before(retention.deliveries_days):
        found["deliveries"] = _deleted(session, delete(Delivery).where(Delivery.finished, Delivery.updated_at < moment))
    if moment := before(retention.notices_days):
        told = (Notice.status != "waiting", Notice.created_at < moment)
        found["notices"] = _deleted(session, delete(Notice).where(*told))
    return found


def _deleted(session: Session, statement: Any) -> int:
    result: Any = session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)
