"""The playground: conversations with a workflow, each turn a run (PLAY-1..5)."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from fastapi import APIRouter, Body, Query
from sqlalchemy import func, select

from flowdrop_provider.plugins.api.auditing import audited
from flowdrop_provider.plugins.api.conversations import hold, last_turn, last_turns, message_page, send_turn, turn_runs
from flowdrop_provider.plugins.api.documents import document_of
from flowdrop_provider.plugins.api.drawings import drawing_of
from flowdrop_provider.plugins.api.errors import ApiError, not_found
from flowdrop_provider.plugins.api.launching import stop_run
from flowdrop_provider.plugins.api.pages import Page, page_of
from flowdrop_provider.plugins.api.routes.interrupts import Status, listed_interrupts
from flowdrop_provider.plugins.api.routes.launching import KeyHeader
from flowdrop_provider.plugins.api.security import UserDep, may_view_all_chats, of_chat, of_workflow
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.shapes.playground import chat_row, message_row, message_status
from flowdrop_provider.plugins.api.telling import tell
from flowdrop_provider.tables.models import PlaygroundMessage, PlaygroundSession

__all__ = ["router"]

router = APIRouter(tags=["playground"])

CHATS = of_workflow("GET", DagAccessEntity.RUN)
NEW = of_workflow("POST", DagAccessEntity.RUN)
VIEW = of_chat()
DRIVE = of_chat(drive=True)
Chat = Annotated[PlaygroundSession, VIEW]
Driven = Annotated[PlaygroundSession, DRIVE]

_MAX_NAME = 100
_MAX_CONTENT = 10_000
_MAX_MESSAGES = 500


def _text(body: dict[str, Any], name: str, most: int, default: str | None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or len(value) > most:
        raise ApiError(400, "BODY_INVALID", f"{name!r} must be a text of at most {most} characters.")
    return value


def _digits(value: str | None) -> int | None:
    """Return a cursor; anything but digits is ignored, not refused (PLAY-3)."""
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else None


def _moment(value: str | None) -> dt.datetime | None:
    """Return the moment a poll goes on from: the editor sends the timestamp of its last message (measured)."""
    if not value or _digits(value) is not None:
        return None
    try:
        found = dt.datetime.fromisoformat(value.replace(" ", "+").replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.timezone.utc)


def _rows(session: Any, chats: list[PlaygroundSession]) -> list[dict[str, Any]]:
    numbers = [chat.number for chat in chats]
    turns, runs = last_turns(session, numbers), turn_runs(session, numbers)
    rows = []
    for chat in chats:
        turn = turns.get(chat.number)
        status = "idle" if turn is None else turn.status if turn.settled else tell(session, chat)
        rows.append(chat_row(chat, status, runs.get(chat.number, [])))
    return rows


@router.get("/workflows/{id}/playground/sessions")
def list_sessions(
    session: SessionDep,
    user: UserDep,
    dag: Annotated[DagModel, CHATS],
    limit: int | None = None,
    offset: int | None = None,
    ids: str | None = None,
) -> dict[str, Any]:
    """Return the conversations with a workflow, the newest first; one's own only, unless one may edit the DAG (PLAY-5).

    ``ids`` narrows them to comma-separated internal ids; when none of its values is one, the page is empty (PLAY-1).
    """
    model = PlaygroundSession
    wanted = [model.dag_id == dag.dag_id]
    if not may_view_all_chats(session, user, dag.dag_id):
        wanted.append(model.owner == (user.get_name() or None))
    if ids is not None:
        numbers = [found for part in ids.split(",") if (found := _digits(part.strip())) is not None and found > 0]
        wanted.append(model.number.in_(numbers))
    page = Page.asked(limit, offset)
    total = session.scalar(select(func.count(model.number)).where(*wanted)) or 0
    query = select(model).where(*wanted).order_by(model.updated_at.desc(), model.number.desc())
    chats = list(session.scalars(query.limit(page.limit).offset(page.offset)))
    return page_of(_rows(session, chats), total, page)


@router.post("/workflows/{id}/playground/sessions", status_code=201, dependencies=[NEW, audited("flowdrop_new_session")])
def create_session(
    session: SessionDep,
    user: UserDep,
    dag: Annotated[DagModel, NEW],
    body: Annotated[dict[str, Any] | None, Body()] = None,
) -> dict[str, Any]:
    """Begin a conversation; it belongs to the caller.

    :raises ApiError: 400 ``BODY_INVALID``.
    """
    asked = body or {}
    model = PlaygroundSession
    count = session.scalar(select(func.count(model.number)).where(model.dag_id == dag.dag_id, model.owner == user.get_name()))
    name = _text(asked, "name", _MAX_NAME, f"Session {(count or 0) + 1}")
    extra = asked.get("metadata") or {}
    if not isinstance(extra, dict):
        raise ApiError(400, "BODY_INVALID", "'metadata' must be an object.")
    workflow_id = drawing_of(session, dag.dag_id, None).workflow_id or dag.dag_id
    chat = model(dag_id=dag.dag_id, workflow_id=workflow_id, name=name, owner=user.get_name() or None, extra=extra)
    session.add(chat)
    session.flush()
    return {"success": True, "data": chat_row(chat, "idle", [])}


@router.get("/playground/sessions/{session_id}")
def get_session(session: SessionDep, chat: Chat) -> dict[str, Any]:
    """Return one conversation without its messages."""
    return {"success": True, "data": _rows(session, [chat])[0]}


@router.delete("/playground/sessions/{session_id}", dependencies=[DRIVE, audited("flowdrop_delete_session")])
def delete_session(session: SessionDep, chat: Driven) -> dict[str, Any]:
    """Delete a conversation with its messages; its runs stay, like all runs."""
    from sqlalchemy import delete

    session.execute(delete(PlaygroundMessage).where(PlaygroundMessage.session_number == chat.number))
    session.delete(chat)
    session.flush()
    return {"success": True, "message": "The session was deleted."}


@router.get("/playground/sessions/{session_id}/messages")
def list_messages(
    session: SessionDep,
    chat: Chat,
    since: Annotated[str | None, Query(max_length=64)] = None,
    after: Annotated[str | None, Query(max_length=64)] = None,
    before: Annotated[str | None, Query(max_length=64)] = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """Return messages in the order they were told; the newest ones without a cursor (PLAY-3).

    ``after`` and ``before`` are sequence numbers, ``since`` is the timestamp of a message (or its sequence number); a cursor
    that is none is ignored. ``hasMore`` says that the page is full, ``hasOlder`` that older messages really exist.
    """
    status = tell(session, chat)
    most = min(max(limit if limit is not None else 100, 1), _MAX_MESSAGES)
    forward = _digits(after) if _digits(after) is not None else _digits(since)
    rows, older = message_page(
        session, chat, limit=most, after=forward, before=_digits(before), since=_moment(since) if forward is None else None
    )
    data = [message_row(message, chat) for message in rows]
    return {"success": True, "data": data, "hasMore": len(rows) == most, "hasOlder": older, "sessionStatus": status}


def _message(session: Any, chat: PlaygroundSession, value: str) -> PlaygroundMessage:
    try:
        found: PlaygroundMessage | None = session.get(PlaygroundMessage, UUID(value))
    except ValueError:
        found = None
    if found is None or found.session_number != chat.number:
        raise not_found("message", value)
    return found


@router.get("/playground/sessions/{session_id}/messages/{message_id}")
def get_message(session: SessionDep, chat: Chat, message_id: str) -> dict[str, Any]:
    """Return one message."""
    tell(session, chat)
    return {"success": True, "data": message_row(_message(session, chat, message_id), chat)}


@router.get("/playground/sessions/{session_id}/messages/{message_id}/status")
def get_message_status(session: SessionDep, chat: Chat, message_id: str) -> dict[str, Any]:
    """Return how far a message is, and nothing else of it (PLAY-4)."""
    tell(session, chat)
    return {"success": True, "data": message_status(_message(session, chat, message_id))}


@router.post("/playground/sessions/{session_id}/messages", dependencies=[DRIVE, audited("flowdrop_turn")])
def send_message(
    session: SessionDep,
    user: UserDep,
    chat: Driven,
    body: Annotated[dict[str, Any] | None, Body()] = None,
    key: KeyHeader = None,
) -> dict[str, Any]:
    """Send a message, ``{"content", "inputs"}``, and start the run that answers it; read the messages to follow it.

    ``inputs`` are judged exactly as those of a launch (API-2): names, or node id -> port -> value as the editor's form has it.

    :raises ApiError: 400 ``BODY_INVALID`` or ``LAUNCH_*``; 409 ``TURN_ACTIVE``, ``WORKFLOW_PAUSED``, or ``WORKFLOW_GONE`` when
        the workflow is no more (API-3).
    """
    asked = body or {}
    content = _text(asked, "content", _MAX_CONTENT, None)
    inputs = asked.get("inputs") or {}
    if not isinstance(inputs, dict):
        raise ApiError(400, "BODY_INVALID", "'inputs' must be an object.")
    dag = session.get(DagModel, chat.dag_id)
    if dag is None or dag.is_stale:
        raise ApiError(409, "WORKFLOW_GONE", "The session cannot go on: its workflow is not here any more.")
    found = document_of(dag, drawing_of(session, dag.dag_id, None))
    tell(session, chat)
    hold(session, chat)
    message = send_turn(session, chat, dag, found.plan if found is not None else None, user, content, inputs, key)
    return {"success": True, "data": message_row(message, chat)}


@router.post("/playground/sessions/{session_id}/stop", dependencies=[DRIVE, audited("flowdrop_stop_session")])
def stop_session(session: SessionDep, user: UserDep, chat: Driven) -> dict[str, Any]:
    """Stop the run that goes on in a conversation.

    :raises ApiError: 409 ``NO_EXECUTION`` when there is none.
    """
    tell(session, chat)
    turn = last_turn(session, chat)
    run = (
        session.scalar(select(DagRun).where(DagRun.dag_id == chat.dag_id, DagRun.run_id == turn.run_id))
        if turn is not None and not turn.settled
        else None
    )
    if run is None:
        raise ApiError(409, "NO_EXECUTION", "Nothing is running in this session.")
    stop_run(session, run, user, "From the playground.")
    return {"success": True, "message": "Execution stopped"}


@router.get("/playground/sessions/{session_id}/interrupts")
def list_session_interrupts(
    session: SessionDep,
    chat: Chat,
    status: Literal["pending", "resolved", "cancelled"] | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> dict[str, Any]:
    """Return the questions of a conversation's runs."""
    runs = turn_runs(session, [chat.number]).get(chat.number, [])
    conditions = [TaskInstance.dag_id == chat.dag_id, TaskInstance.run_id.in_(runs)]
    found: Status = status
    return listed_interrupts(session, conditions, found, Page.asked(limit, offset))
