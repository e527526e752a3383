"""A slow HTTP call, made by the triggerer: the worker is free until the reply is there.

The request was prepared on the worker, credentials included; Airflow encrypts what a trigger is made of. The reply comes back
sealed, because Airflow keeps a trigger's event readable.

Airflow starts a trigger again in another triggerer when the first one died. What may have changed something is not sent again
then: before it is sent, the task's XCom :data:`SENDING_KEY` says so, and a trigger that finds it there fires with an error.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cache
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from flowdrop_provider import conf
from flowdrop_provider.errors import NodeError
from flowdrop_provider.library.sealing import cipher
from flowdrop_provider.nodes.http_client import HttpPolicy, PinnedHttpClient
from flowdrop_provider.nodes.world import HttpReply, HttpRequest, utc_now

__all__ = ["EVENT_KEY", "SENDING_KEY", "HttpRequestTrigger", "reply_of"]

#: Member of the event that holds the sealed reply.
EVENT_KEY = "flowdrop_http"

#: XCom key that says that the call of this try is being made; Airflow deletes it before another try.
SENDING_KEY = "flowdrop_sending"

#: Methods that change nothing, so a call may be repeated (RFC 9110, 9.2.1).
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

#: Bytes of a body that travel in an event; it lies in the database until the task has gone on.
MAX_BODY = 1_000_000

#: Calls that one triggerer has under way.
_THREADS = 64


class HttpRequestTrigger(BaseTrigger):
    """Sends one request and fires with its reply, or with the node-level error instead.

    :param request: fields of :class:`~flowdrop_provider.nodes.world.HttpRequest`, the body in base64.
    :param policy: fields of :class:`~flowdrop_provider.nodes.http_client.HttpPolicy`.
    """

    def __init__(self, request: dict[str, Any], policy: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.request = request
        self.policy = policy

    @classmethod
    def of(cls, request: HttpRequest, policy: HttpPolicy) -> HttpRequestTrigger:
        """Return the trigger of a prepared request."""
        body = base64.b64encode(request.body).decode() if request.body is not None else None
        limits = {**asdict(policy), "allow_hosts": sorted(policy.allow_hosts), "allow_networks": list(policy.allow_networks)}
        return cls({**asdict(request), "headers": dict(request.headers), "body": body}, limits)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and its arguments."""
        return "flowdrop_provider.triggers.http.HttpRequestTrigger", {"request": self.request, "policy": self.policy}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Send the request in a thread and fire once."""
        loop = asyncio.get_running_loop()
        told = await loop.run_in_executor(_threads(), self._told)
        sealed = cipher(conf.seal_keys()).encrypt(json.dumps(told).encode()).decode()
        yield TriggerEvent({EVENT_KEY: sealed})  # type: ignore[no-untyped-call]

    def _told(self) -> dict[str, Any]:
        if str(self.request["method"]).upper() in _SAFE or self._claimed():
            return _sent(self.request, self.policy)
        facts = {"code": "call_lost", "retryable": True, "details": None, "hint": "Ask the other system."}
        return {"error": {"message": "The triggerer that made this call died; it may have been made.", **facts}}

    def _claimed(self) -> bool:
        """Note down that this call is being made; return whether nobody had before."""
        ti: Any = self.task_instance
        if ti is None:
            return True
        from airflow.sdk.execution_time.xcom import XCom

        place = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id, "map_index": ti.map_index}
        if XCom.get_one(key=SENDING_KEY, **place) is not None:
            return False
        XCom.set(key=SENDING_KEY, value={"at": utc_now().isoformat()}, **place)
        return True


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="flowdrop-http")


def _sent(request: Mapping[str, Any], policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the reply, or the error, as plain data."""
    body = base64.b64decode(request["body"]) if request["body"] is not None else None
    limits = {
        **policy,
        "allow_hosts": frozenset(policy["allow_hosts"]),
        "allow_networks": tuple(policy["allow_networks"]),
        "max_body": min(MAX_BODY, policy["max_body"]),
    }
    try:
        reply = PinnedHttpClient(HttpPolicy(**limits)).send(HttpRequest(**{**request, "body": body}))
    except NodeError as error:
        hint = (
            "Such a reply needs its worker: set [flowdrop] http_defer_after to 0." if error.code == "body_too_large" else None
        )
        facts = {"code": error.code, "retryable": error.retryable, "details": error.details, "hint": hint or error.hint}
        return {"error": {"message": error.message, **facts}}
    return {"reply": {**asdict(reply), "body": base64.b64encode(reply.body).decode()}}


def reply_of(event: Mapping[str, Any]) -> HttpReply:
    """Return the reply in an event.

    :raises NodeError: what the call ended with instead.
    """
    told = json.loads(cipher(conf.seal_keys()).decrypt(str(event[EVENT_KEY]).encode()))
    if "error" in told:
        raise NodeError(told["error"].pop("message"), **told["error"])
    facts = told["reply"]
    pairs = tuple((name, value) for name, value in facts["headers"])
    history = tuple(tuple((name, value) for name, value in block) for block in facts["history"])
    return HttpReply(**{**facts, "headers": pairs, "history": history, "body": base64.b64decode(facts["body"])})
