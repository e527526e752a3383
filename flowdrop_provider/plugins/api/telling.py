"""What a playground session tells of a run: answers, log lines, questions, the end; each of them once.

Everything is told from the run's records, so it is redacted and bounded as those are, and a session that nobody looked at while
its run went on tells the same afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import select
from sqlalchemy.orm import Session

from flowdrop_provider.library.callbacks import CALL_FIELD
from flowdrop_provider.plugins.api.conversations import append, hold, last_turn
from flowdrop_provider.plugins.api.reading import Job, RunView, read_run
from flowdrop_provider.plugins.api.shapes.interrupts import interrupt
from flowdrop_provider.plugins.api.shapes.pipelines import milliseconds
from flowdrop_provider.tables.models import PlaygroundMessage, PlaygroundSession

__all__ = ["News", "news_of", "tell"]

#: Log lines told of one run; a loop may have a hundred thousand jobs, and the run view shows them all.
_MAX_LINES = 500
_MAX_TEXT = 10_000

_STATUS_WORDS = {"pending": "pending", "running": "processing", "paused": "processing"}


@dataclass(frozen=True, slots=True)
class News:
    """One message about a run.

    :ivar source: what it tells of; the same is never told twice in a session.
    """

    source: str
    role: str
    content: str
    node_id: str | None = None
    status: str = "completed"
    extra: Mapping[str, Any] = field(default_factory=dict)


def tell(session: Session, chat: PlaygroundSession) -> str:
    """Add what has happened since a session was read last, and return its status.

    ``idle``, ``running``, ``awaiting_input``, ``completed`` or ``failed``; the editor polls on while ``running`` (STORE-12).
    """
    turn = last_turn(session, chat)
    if turn is not None and not turn.settled:
        # Somebody else may be telling the same; whoever gets the row second finds it told.
        hold(session, chat)
        turn = last_turn(session, chat)
    if turn is None or turn.settled:
        return turn.status if turn is not None else "idle"
    run = session.scalar(select(DagRun).where(DagRun.dag_id == chat.dag_id, DagRun.run_id == turn.run_id))
    if run is None:
        _end(session, chat, turn, "failed", [News("end", "system", "The run was removed from Airflow.")])
        return "failed"
    view = read_run(session, run)
    questions = _questions(session, run)
    _close_answered(session, chat, turn, view, questions)
    news = news_of(view, questions)
    if view.finished:
        status = "completed" if view.status in ("completed", "completed_with_warnings") else "failed"
        _end(session, chat, turn, status, news)
        return status
    _add(session, chat, turn, news)
    turn.status = _STATUS_WORDS[view.status]
    asks = any(item.extra.get("type") == "interrupt_request" for item in news)
    return "awaiting_input" if view.status == "paused" and asks else "running"


def _end(session: Session, chat: PlaygroundSession, turn: PlaygroundMessage, status: str, news: list[News]) -> None:
    _add(session, chat, turn, news)
    turn.status, turn.settled = status, True
    session.flush()


def _add(session: Session, chat: PlaygroundSession, turn: PlaygroundMessage, news: list[News]) -> None:
    model = PlaygroundMessage
    told = set(session.scalars(select(model.source).where(model.session_number == chat.number, model.run_id == turn.run_id)))
    for item in news:
        source = f"{turn.run_id}:{item.source}"
        if source not in told:
            told.add(source)
            append(
                session,
                chat,
                source=source,
                role=item.role,
                content=item.content[:_MAX_TEXT],
                status=item.status,
                node_id=item.node_id,
                run_id=turn.run_id,
                parent_id=turn.id,
                settled=True,
                extra=dict(item.extra),
            )


def _questions(session: Session, run: DagRun) -> dict[tuple[str, int], HITLDetail]:
    """Return the question of each task that put one, by task id and map index."""
    query = (
        select(HITLDetail)
        .join(TaskInstance, TaskInstance.id == HITLDetail.ti_id)
        .where(TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id)
    )
    return {(found.task_instance.task_id, found.task_instance.map_index): found for found in session.scalars(query)}


def _close_answered(
    session: Session,
    chat: PlaygroundSession,
    turn: PlaygroundMessage,
    view: RunView,
    questions: Mapping[tuple[str, int], HITLDetail],
) -> None:
    """Write onto told questions that they are answered, for whoever opens the session later (measured)."""
    model = PlaygroundMessage
    asked = session.scalars(
        select(model).where(model.session_number == chat.number, model.run_id == turn.run_id, model.status == "pending")
    )
    jobs = {f"{turn.run_id}:question:{job.id}": job for job in view.jobs}
    for message in asked:
        job = jobs.get(message.source)
        if job is None or job.status == "interrupted":
            continue
        detail = questions.get((job.task_id, job.map_index))
        message.status = "completed"
        if detail is not None and detail.responded_at is not None:
            shown = interrupt(detail, detail.task_instance, job.node_id, chat.workflow_id)
            told = {"response_value": shown["responseData"], "resolvedByUserName": shown["resolvedBy"]}
            message.extra = {**message.extra, **told}


def news_of(view: RunView, questions: Mapping[tuple[str, int], Any]) -> list[News]:
    """Return everything there is to tell of a run so far, in the order in which it happened.

    :param questions: Airflow's question details by task id and map index.
    """
    ended = sorted((job for job in view.jobs if job.status in ("completed", "failed")), key=lambda job: job.completed or "")
    news: list[News] = []
    for number, job in enumerate(ended):
        answer = _answer(job)
        news += [answer] if answer is not None else []
        if number < _MAX_LINES:
            news.append(_line(job))
    if len(ended) > _MAX_LINES:
        news.append(News("lines", "log", "More nodes ran than are told here; the run view shows all.", extra={"level": "info"}))
    news += [_question(job, detail) for job, detail in _open(view, questions)]
    return [*news, *_ending(view, spoken=any(item.role == "assistant" for item in news))]


def _open(view: RunView, questions: Mapping[tuple[str, int], Any]) -> Iterator[tuple[Job, Any]]:
    for job in view.jobs:
        detail = questions.get((job.task_id, job.map_index))
        waits = job.status == "interrupted" and job.task_state == "awaiting_input"
        asks = detail is not None and detail.responded_at is None and CALL_FIELD not in (detail.params or {})
        if waits and asks:
            yield job, detail


def _answer(job: Job) -> News | None:
    """Return the answer that a ``chat_output`` gives: its message, not its status word."""
    data = job.record.get("output_data")
    if job.status != "completed" or not isinstance(data, Mapping) or job.record.get("processor") != "chat_output":
        return None
    message = data.get("message", data.get("output"))
    text = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
    extra = {"nodeLabel": job.label, "duration": milliseconds(job.execution_time_us), "format": data.get("format", "text")}
    marks = {"truncated": True} if len(text) > _MAX_TEXT or job.record.get("truncated") else {}
    return News(f"answer:{job.id}", "assistant", text, job.node_id, extra={**extra, **marks})


def _line(job: Job) -> News:
    took = milliseconds(job.execution_time_us)
    failed = job.status == "failed"
    sentence = f"failed: {job.error_message or 'no reason was recorded'}" if failed else f"completed in {took or 0} ms"
    level = ("warning" if job.record.get("routed") else "error") if failed else "info"
    extra = {"level": level, "nodeLabel": job.label, "duration": took}
    status = "failed" if failed else "completed"
    return News(f"job:{job.id}", "log", f"{job.label} {sentence}", job.node_id, status, extra)


def _question(job: Job, detail: Any) -> News:
    shown = interrupt(detail, detail.task_instance, job.node_id, "")
    extra = {
        "type": "interrupt_request",
        "interrupt_id": shown["id"],
        "interrupt_type": shown["type"],
        "node_id": job.node_id,
        "nodeLabel": job.label,
        "allow_cancel": shown["allowCancel"],
        **{name: value for name, value in shown["config"].items() if name != "message"},
        **({"default_value": shown["defaultValue"]} if shown["defaultValue"] is not None else {}),
    }
    return News(f"question:{job.id}", "system", shown["message"] or "", job.node_id, "pending", extra)


def _ending(view: RunView, *, spoken: bool) -> list[News]:
    if not view.finished:
        return []
    if view.status == "cancelled":
        return [News("end", "system", "The run was stopped.", extra={"level": "warning"})]
    if view.status == "failed":
        failed = next((job for job in view.jobs if job.status == "failed" and not job.record.get("routed")), None)
        reason = f"{failed.label}: {failed.error_message}" if failed else "Airflow failed the run; its log says why."
        node = failed.node_id if failed else None
        return [
            News("end", "system", reason, node, "failed", {"level": "error", **({"nodeLabel": failed.label} if failed else {})})
        ]
    outputs = view.summary.get("outputs") or {}
    if spoken or not outputs:
        return []
    only = next(iter(outputs.values())) if len(outputs) == 1 else outputs
    only = next(iter(only.values())) if isinstance(only, Mapping) and len(only) == 1 else only
    text = only if isinstance(only, str) else json.dumps(only, ensure_ascii=False, indent=2)
    return [News("end", "assistant", text, extra={"truncated": True} if len(text) > _MAX_TEXT else {})]
