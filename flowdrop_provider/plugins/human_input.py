"""Two gaps of Airflow 3.3's human-in-the-loop, closed in the API server.

A task instance has one question row, and asking again keeps the first question's text, options and fields: a second question
would be shown as the first. And an answer that arrives within seconds of the question can find the scheduler still busy with
the end of the first stretch; the scheduler then fails the resumed task. Measured: answers up to 4 s after the question lost 14
of 84 tasks; none was lost when the answer was held back until 7 s after it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy.orm import Session

__all__ = ["QuestionKeeper", "is_overdue", "locked_question", "settling_seconds"]

_QUESTION = re.compile(r"^/execution/hitlDetails/(?P<ti_id>[0-9a-f-]{36})$")
_ANSWER = re.compile(
    r"^/api/v2/dags/(?P<dag>[^/]+)/dagRuns/(?P<run>[^/]+)/taskInstances/(?P<task>[^/]+)/(?P<index>-?\d+)/hitlDetails$"
)

#: How long after a question its answer is held back at least, in seconds.
SETTLING_SECONDS = 7.0

#: A question is small; more than this is passed on without being read.
_MAX_BODY = 1_048_576

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


def settling_seconds(asked: dt.datetime | None, now: dt.datetime) -> float:
    """Return how long an answer must still be held back, 0 for not at all."""
    if asked is None:
        return 0.0
    return min(max(0.0, SETTLING_SECONDS - (now - asked).total_seconds()), SETTLING_SECONDS)


def locked_question(session: Session, ti_id: Any) -> tuple[TaskInstance | None, HITLDetail | None]:
    """Return a task and its question as they are now, the task locked until the transaction ends.

    Airflow's own route (3.3.2) locks as well, but then looks at the question as its session had read it before the lock, where
    of two answers at the same moment both are the first. Read again behind the lock, the second is seen for what it is.
    """
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance

    task = session.get(TaskInstance, ti_id, with_for_update={"of": TaskInstance}, populate_existing=True)
    return task, session.get(HITLDetail, ti_id, populate_existing=True) if task is not None else None


def is_overdue(task: TaskInstance, now: dt.datetime) -> bool:
    """Return whether a question's time is over, though Airflow's sweep has not come by yet (INT-19, INT-23)."""
    limit = task.trigger_timeout
    return limit is not None and limit <= now


class QuestionKeeper:
    """ASGI middleware on Airflow's API server; see the module docstring.

    :param app: the application behind it.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Pass a request on; a question is kept up to date, an answer held back until it can be taken."""
        if scope["type"] == "http":
            question = _QUESTION.match(scope["path"]) if scope["method"] == "POST" else None
            if question:
                await self._question(question["ti_id"], scope, receive, send)
                return
            answer = _ANSWER.match(scope["path"]) if scope["method"] == "PATCH" else None
            if answer:
                asked = await asyncio.to_thread(_asked_at, answer.groupdict())
                await asyncio.sleep(settling_seconds(asked, dt.datetime.now(dt.timezone.utc)))
        await self._app(scope, receive, send)

    async def _question(self, ti_id: str, scope: Any, receive: Receive, send: Send) -> None:
        body, messages = b"", []
        while True:
            message = await receive()
            messages.append(message)
            body += message.get("body", b"")
            if not message.get("more_body") or len(body) > _MAX_BODY:
                break
        replay = iter(messages)

        async def again() -> Any:
            found = next(replay, None)
            return found if found is not None else await receive()

        async def watch(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] in {200, 201} and len(body) <= _MAX_BODY:
                await asyncio.to_thread(_rewrite, ti_id, body)
            await send(message)

        await self._app(scope, again, watch)


def _asked_at(parts: dict[str, str]) -> dt.datetime | None:
    """Return when the question was put: the last change of its task instance."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        query = select(TaskInstance.updated_at).where(
            TaskInstance.dag_id == parts["dag"],
            TaskInstance.run_id == parts["run"],
            TaskInstance.task_id == parts["task"],
            TaskInstance.map_index == int(parts["index"]),
            TaskInstance.state == "awaiting_input",
        )
        found = session.scalar(query)
    return found if isinstance(found, dt.datetime) else None


def _rewrite(ti_id: str, body: bytes) -> None:
    """Write the new question over the old one, which Airflow keeps."""
    from uuid import UUID

    from airflow.models.hitl import HITLDetail
    from airflow.utils.session import create_session
    from sqlalchemy import update

    try:
        question = json.loads(body)
    except ValueError:
        return
    columns = ("subject", "body", "options", "defaults", "multiple", "params")
    values = {name: question[name] for name in columns if question.get(name) is not None}
    with create_session() as session:
        open_question = HITLDetail.responded_at.is_(None)
        session.execute(update(HITLDetail).where(HITLDetail.ti_id == UUID(ti_id), open_question).values(**values))
