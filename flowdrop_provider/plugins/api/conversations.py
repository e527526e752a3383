"""Playground sessions in our own tables, and their turns, each of which is a run (PLAY-1..5, API-2, MEM-9).

Nobody writes messages while a run goes on: whoever reads a session first tells what has happened since the last time
(:mod:`~flowdrop_provider.plugins.api.telling`). Writers hold the session's row, so that sequence numbers and times only rise.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.models.dag import DagModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from flowdrop_provider import conf
from flowdrop_provider.engine.launch import chat_turn
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.library.identity import ChatIdentity, sign_identity
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.launching import LaunchRequest, start_run
from flowdrop_provider.tables.models import PlaygroundMessage, PlaygroundSession, utc_now

__all__ = ["append", "hold", "last_turn", "last_turns", "message_page", "send_turn", "turn_runs"]

#: Between two messages at least, so that a cursor of milliseconds tells them apart.
_TICK = dt.timedelta(milliseconds=1)

#: Earlier messages that a turn hands to the workflow.
_HISTORY = 100


def hold(session: Session, chat: PlaygroundSession) -> None:
    """Take the session's row until the transaction ends; everything known of it is read again."""
    session.execute(
        select(PlaygroundSession)
        .where(PlaygroundSession.number == chat.number)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def append(session: Session, chat: PlaygroundSession, **facts: Any) -> PlaygroundMessage:
    """Add the next message of a held session.

    :param facts: columns of :class:`~flowdrop_provider.tables.models.PlaygroundMessage`.
    """
    chat.last_sequence += 1
    chat.updated_at = max(utc_now(), chat.updated_at + _TICK)
    message = PlaygroundMessage(
        session_number=chat.number, sequence=chat.last_sequence, created_at=chat.updated_at, **{"id": uuid.uuid4(), **facts}
    )
    session.add(message)
    session.flush()
    return message


def last_turn(session: Session, chat: PlaygroundSession) -> PlaygroundMessage | None:
    """Return the user's newest message as the database has it now; ``settled`` once its run has been told to its end."""
    return last_turns(session, [chat.number]).get(chat.number)


def last_turns(session: Session, numbers: Iterable[int]) -> dict[int, PlaygroundMessage]:
    """Return the newest user's message of each session, by the session's number; in one query."""
    model = PlaygroundMessage
    newest = (
        select(model.session_number, func.max(model.sequence).label("sequence"))
        .where(model.session_number.in_(list(numbers)), model.role == "user")
        .group_by(model.session_number)
        .subquery()
    )
    query = select(model).join(
        newest, (model.session_number == newest.c.session_number) & (model.sequence == newest.c.sequence)
    )
    found = session.scalars(query.execution_options(populate_existing=True))
    return {message.session_number: message for message in found}


def turn_runs(session: Session, numbers: Iterable[int]) -> dict[int, list[str]]:
    """Return the run ids of each session's turns, the newest first; in one query."""
    model = PlaygroundMessage
    query = (
        select(model.session_number, model.run_id)
        .where(model.session_number.in_(list(numbers)), model.role == "user", model.run_id.is_not(None))
        .order_by(model.sequence.desc())
    )
    found: dict[int, list[str]] = {}
    for number, run_id in session.execute(query):
        found.setdefault(number, []).append(str(run_id))
    return found


def message_page(
    session: Session,
    chat: PlaygroundSession,
    *,
    limit: int,
    after: int | None,
    before: int | None,
    since: dt.datetime | None,
) -> tuple[list[PlaygroundMessage], bool]:
    """Return messages in their order, and whether there are older ones than these.

    :param after: only those with a greater sequence number, the oldest ``limit`` of them.
    :param before: only those with a smaller one, the newest ``limit`` of them; so too without any cursor.
    :param since: only those later than a moment, the oldest ``limit`` of them.
    """
    model = PlaygroundMessage
    query = select(model).where(model.session_number == chat.number)
    forward = after is not None or since is not None
    if after is not None:
        query = query.where(model.sequence > after)
    if since is not None:
        query = query.where(model.created_at > since)
    if before is not None:
        query = query.where(model.sequence < before)
    found = list(session.scalars(query.order_by(model.sequence if forward else model.sequence.desc()).limit(limit)))
    rows = found if forward else found[::-1]
    if rows:
        return rows, rows[0].sequence > 1
    return rows, forward and chat.last_sequence > 0


def send_turn(
    session: Session,
    chat: PlaygroundSession,
    dag: DagModel,
    plan: Plan | None,
    user: BaseUser,
    content: str,
    inputs: Mapping[str, Any],
    key: str | None,
) -> PlaygroundMessage:
    """Store a message of the user in a held session and start the run that answers it.

    :param key: the ``Idempotency-Key`` header: the same key gives the same message, whatever happened since.
    :raises ApiError: 409 ``TURN_ACTIVE`` while the message before it is worked on; 400 for inputs that a launch
        refuses (API-2).
    """
    source = f"turn:{key}" if key else f"turn:{uuid.uuid4()}"
    model = PlaygroundMessage
    earlier = session.scalar(select(model).where(model.session_number == chat.number, model.source == source))
    if earlier is not None:
        return earlier
    before = last_turn(session, chat)
    if before is not None and not before.settled:
        raise ApiError(409, "TURN_ACTIVE", "The message before this one is still being worked on.")
    message_id = uuid.uuid4()
    run_id = f"playground__{message_id}"
    identity = ChatIdentity(str(chat.id), chat.owner or "")
    history = _history(session, chat)
    asked = LaunchRequest(
        inputs,
        chat_turn(plan, content, str(chat.id), str(message_id), history) if plan is not None else {},
        "playground",
        extra={"session": sign_identity(identity, dag.dag_id, run_id, conf.seal_keys())},
        run_id=run_id,
    )
    try:
        start_run(session, dag, plan, user, asked)
    except ApiError as error:
        if error.status == 422:
            raise ApiError(400, error.code, error.message, details=error.details) from error
        raise
    return append(session, chat, id=message_id, source=source, role="user", content=content, status="pending", run_id=run_id)


def _history(session: Session, chat: PlaygroundSession) -> list[dict[str, str]]:
    """Return what was said before, oldest first."""
    model = PlaygroundMessage
    query = (
        select(model.role, model.content)
        .where(model.session_number == chat.number, model.role.in_(["user", "assistant"]))
        .order_by(model.sequence.desc())
        .limit(_HISTORY)
    )
    return [{"role": role, "content": content} for role, content in reversed(session.execute(query).all())]
