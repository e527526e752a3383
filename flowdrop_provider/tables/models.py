"""The tables, and their names: every one begins with ``flowdrop_``."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from airflow.utils.sqlalchemy import UtcDateTime
from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Base", "Delivery", "Notice", "PlaygroundMessage", "PlaygroundSession", "Snapshot", "utc_now"]

#: The width of ids that Airflow bounds to 250 characters.
ID_LENGTH = 250


def utc_now() -> dt.datetime:
    """Return the current moment, aware, UTC."""
    return dt.datetime.now(dt.timezone.utc)


class Base(DeclarativeBase):
    """The registry of this package's tables, apart from Airflow's own."""


class PlaygroundSession(Base):
    """A conversation with one workflow (PLAY-2).

    :ivar number: the internal id, known to the ``ids`` filter only (PLAY-1).
    :ivar owner: the Airflow user that made it; a session without an owner belongs to nobody (MEM-9).
    :ivar last_sequence: sequence number of its newest message, 0 for none.
    """

    __tablename__ = "flowdrop_playground_session"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid, unique=True, default=uuid.uuid4)
    dag_id: Mapped[str] = mapped_column(String(ID_LENGTH), index=True)
    workflow_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    name: Mapped[str] = mapped_column(String(100))
    owner: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    extra: Mapped[dict[str, Any]] = mapped_column("metadata", JSON, default=dict)
    last_sequence: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class PlaygroundMessage(Base):
    """One message of a session (PLAY-4).

    :ivar sequence: 1, 2, 3 ... in the session.
    :ivar source: what it was told from (a job, a question, the end of a run), so that nothing is told twice.
    :ivar run_id: the run of the turn; on a user's message the run that it started.
    :ivar settled: on a user's message, whether everything of its run has been told.
    """

    __tablename__ = "flowdrop_playground_message"
    __table_args__ = (
        Index("idx_flowdrop_message_sequence", "session_number", "sequence", unique=True),
        Index("idx_flowdrop_message_source", "session_number", "source", unique=True),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid.uuid4)
    session_number: Mapped[int] = mapped_column(ForeignKey(PlaygroundSession.number, ondelete="CASCADE"))
    sequence: Mapped[int] = mapped_column(Integer)
    source: Mapped[str] = mapped_column(String(300))
    role: Mapped[str] = mapped_column(String(16))
    content: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    node_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    run_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    parent_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    settled: Mapped[bool] = mapped_column(default=False)
    extra: Mapped[dict[str, Any]] = mapped_column("metadata", JSON, default=dict)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class Snapshot(Base):
    """A saved state of a run (SNAP-1); one an execution, saving again replaces it (INT-9).

    :ivar number: the internal id that a save answers with.
    :ivar document: the snapshot in the published camelCase shape.
    """

    __tablename__ = "flowdrop_snapshot"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    execution_id: Mapped[str] = mapped_column(String(700), unique=True)
    dag_id: Mapped[str] = mapped_column(String(ID_LENGTH), index=True)
    workflow_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    status: Mapped[str] = mapped_column(String(32))
    owner: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class Delivery(Base):
    """What a Drupal site knows about a run, and the callback that is on its way to it; one row a run.

    :ivar sequence: number of the last event that was made; events of a run go out one after the other.
    :ivar told: what the site has acknowledged: ``{"run": status, "jobs": {job id: [status, started]}}``.
    :ivar event: the event that is not acknowledged yet, with ``told`` as it will be then; ``None`` when there is none.
    :ivar finished: whether the site knows the end of the run; a cleared run is taken up again.
    :ivar next_attempt_at: when the event is sent next; also the lease of the process that sends it.
    """

    __tablename__ = "flowdrop_delivery"
    __table_args__ = (
        Index("idx_flowdrop_delivery_run", "dag_id", "run_id", unique=True),
        Index("idx_flowdrop_delivery_open", "finished", "next_attempt_at"),
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    dag_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    run_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    sequence: Mapped[int] = mapped_column(Integer, default=0)
    told: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    event: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), nullable=True)
    finished: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class Notice(Base):
    """A notice to one channel of one rule: written once, sent from here.

    :ivar key: digest of what it is about; unique, so that nobody is told twice.
    :ivar channel: the channel as it was configured then; secrets stand in connections, not here.
    :ivar status: ``waiting``, ``sent``, ``throttled`` or ``dead``: given up, with the reason in ``last_error``.
    """

    __tablename__ = "flowdrop_notice"
    __table_args__ = (
        Index("idx_flowdrop_notice_key", "key", unique=True),
        Index("idx_flowdrop_notice_due", "status", "next_attempt_at"),
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(ID_LENGTH))
    kind: Mapped[str] = mapped_column(String(16))
    dag_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    run_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    channel_number: Mapped[int] = mapped_column(Integer)
    channel: Mapped[dict[str, Any]] = mapped_column(JSON)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(16), default="waiting")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
