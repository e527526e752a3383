"""Waiting for a time or for another system: delay, schedule, rate limit, call and wait (ERR-4, INT-20).

A node says until when it waits; the engine decides how: a short wait sleeps, a longer one frees the worker.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any, Protocol, cast

from flowdrop_provider.errors import ExpressionError, NodeError
from flowdrop_provider.expressions.dates import read_moment
from flowdrop_provider.nodes._answers import answered, moment
from flowdrop_provider.nodes._messages import content_text
from flowdrop_provider.nodes._php.jsons import json_encode
from flowdrop_provider.nodes._php.values import is_numeric, to_float, to_string
from flowdrop_provider.nodes.api import Interrupt, NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.memory_store import MISSING, Place, memory_of
from flowdrop_provider.nodes.network import request_headers
from flowdrop_provider.nodes.world import HttpRequest, World

__all__ = ["CallbackService", "call_and_wait", "delay", "rate_limit", "schedule"]

_UNITS = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}
#: Seconds; FlowDrop's own limit of a timer (``timer_max_delay``).
_LONGEST = 31_536_000
_MODULE: dict[str, Any] = {"module": "flowdrop_interrupt", "supported_visual_types": ("default", "simple")}
_TIMER_OUTPUTS = [
    output("scheduled_at", "string"),
    output("resumed_at", "string"),
    output("drift_seconds", "number"),
    output("resolved_by_timer", "boolean"),
    output("user_id"),
]


def _seconds(value: Any, what: str) -> float:
    if isinstance(value, bool) or not is_numeric(value) or not 0 <= to_float(value) <= _LONGEST:
        raise NodeError(f"{what} must be a number from 0 to {_LONGEST:,} seconds.", code="invalid_parameter")
    return to_float(value)


def _resumed(context: NodeContext, scheduled: dt.datetime, resume: Mapping[str, Any]) -> Outputs:
    """Return what a timer tells: when it was due, when it went on, how late, and whether a person ended it early."""
    resumed = moment(resume.get("answered_at")) or context.world.now()
    return {
        "scheduled_at": scheduled.isoformat(),
        "resumed_at": resumed.isoformat(),
        "drift_seconds": round((resumed - scheduled).total_seconds(), 6),
        "resolved_by_timer": bool(resume.get("timed_out", True)),
        "user_id": resume.get("user_id"),
    }


def _scheduled(context: NodeContext, fallback: dt.datetime) -> dt.datetime:
    """Return the moment the timer was set to; the resume names it, since asking the clock again would move it."""
    return moment((context.resume or {}).get("wait_until")) or fallback


def _wait(message: str, until: dt.datetime, **facts: Any) -> Interrupt:
    return Interrupt("timer", message, wait_until=until.isoformat(), context=facts)


@processor(
    "delay",
    label="Delay",
    category="timing",
    description="Waits for a while.",
    parameters=[
        param("value", configurable=True, connectable=True, required=True, title="How long"),
        param("unit", "string", configurable=True, default="seconds", enum=tuple(_UNITS), title="Unit"),
    ],
    outputs=_TIMER_OUTPUTS,
    runs="time",
    **_MODULE,
)
def delay(params: Params, context: NodeContext) -> Outputs:
    """Wait ``value`` units, a year at most, and tell when the node went on and how late.

    :raises NodeError: ``invalid_parameter`` for a length that is no number, negative or too long.
    """
    factor = _UNITS[params["unit"] or "seconds"]
    value = to_float(params["value"]) if is_numeric(params["value"]) else params["value"]
    seconds = _seconds(value * factor if isinstance(value, float) else value, "The delay")
    if context.resume is None:
        raise _wait(f"Waiting for {seconds:g} seconds.", context.world.now() + dt.timedelta(seconds=seconds))
    asked = moment(context.resume.get("asked_at")) or context.world.now()
    return _resumed(context, _scheduled(context, asked + dt.timedelta(seconds=seconds)), context.resume)


@processor(
    "schedule",
    label="Schedule",
    category="timing",
    description="Waits until a date and time.",
    parameters=[param("when", configurable=True, connectable=True, required=True, title="When", description="ISO 8601.")],
    outputs=_TIMER_OUTPUTS,
    runs="time",
    **_MODULE,
)
def schedule(params: Params, context: NodeContext) -> Outputs:
    """Wait until ``when`` (ISO 8601, a Unix timestamp, or a word such as ``tomorrow``); a moment that is over does not wait.

    :raises NodeError: ``invalid_date``, or ``invalid_parameter`` for a moment more than a year away.
    """
    now = context.world.now()
    try:
        until = read_moment(params["when"], now).astimezone(dt.timezone.utc)
    except ExpressionError as error:
        raise NodeError(error.message, code="invalid_date") from error
    if context.resume is not None:
        return _resumed(context, _scheduled(context, until), context.resume)
    if until <= now:
        return _resumed(context, until, {"answered_at": now.isoformat()})
    _seconds((until - now).total_seconds(), "The time until then")
    raise _wait(f"Waiting until {until.isoformat()}.", until)


@processor(
    "rate_limit",
    label="Rate Limit",
    category="timing",
    description="Lets a number of executions pass in a window of time and holds the others back.",
    parameters=[
        param("limit", "integer", configurable=True, required=True, minimum=1, maximum=10_000, title="Executions"),
        param("window", configurable=True, required=True, title="Window", description="Seconds."),
        param("identifier", configurable=True, connectable=True, title="What is limited together"),
    ],
    outputs=[*_TIMER_OUTPUTS, output("throttled", "boolean")],
    runs="time",
    **_MODULE,
)
def rate_limit(params: Params, context: NodeContext) -> Outputs:
    """Pass at once while the window has room, else wait for the slot that was reserved; ``throttled`` tells which.

    The slots of an identifier (by default this node of this workflow) are kept in the memory store, so runs share them.
    """
    window = _seconds(params["window"], "The window")
    now = context.world.now()
    if context.resume is not None:
        return {**_resumed(context, _scheduled(context, now), context.resume), "throttled": True}
    identifier = content_text(params["identifier"]) or f"{context.workflow_id}/{context.node_id}"
    slot = _reserve(context, identifier, int(params["limit"]), window, now.timestamp())
    until = dt.datetime.fromtimestamp(slot, dt.timezone.utc)
    if slot <= now.timestamp():
        return {**_resumed(context, now, {"answered_at": now.isoformat()}), "throttled": False}
    raise _wait(f"The limit of {params['limit']} in {window:g} seconds is reached.", until, throttled=True)


def _reserve(context: NodeContext, identifier: str, limit: int, window: float, now: float) -> float:
    """Take the next free slot, in Unix seconds: now, or a window after the ``limit``-th slot before it."""
    place, store = Place("rate_limit", "", identifier), memory_of(context.world)
    with store.locked(place):
        kept = store.get(place)
        slots = [] if kept is MISSING else [slot for slot in kept if slot > now - window]
        slot = now if len(slots) < limit else max(now, slots[-limit] + window)
        store.put(place, [*slots, slot], window + max(0.0, slot - now) + 1)
    return slot


class CallbackService(Protocol):
    """Makes the addresses that other systems call back (INT-19)."""

    def make(self, interrupt_id: str, expires_in: float) -> str:
        """Return the callback URL of an interrupt that is about to wait ``expires_in`` seconds."""
        ...


def _callbacks(world: World) -> CallbackService:
    how = "Callbacks need a run on Airflow whose interfaces the other system can reach."
    return cast("CallbackService", world.require("callbacks", "address to be called back at", how))


@processor(
    "call_and_wait",
    label="Call and Wait",
    category="tools",
    description="Calls another system and waits until it calls back.",
    module="flowdrop_interrupt",
    parameters=[
        param("url", configurable=True, connectable=True, required=True, title="URL"),
        param("payload", configurable=True, connectable=True, default={}, title="Payload"),
        param("headers", configurable=True, default={}, exposed=False),
        param("timeout", configurable=True, default=30, exposed=False, description="Seconds for the call itself."),
        param("expires_in", configurable=True, default=3600, description="Seconds to wait for the callback."),
        param("allow_internal_requests", configurable=True, default=False, description="Only as the deployment allows."),
    ],
    outputs=[output("response"), output("interrupt_id", "string", exposed=False), output("response_time", exposed=False)],
    runs="network",
    side_effects=True,
    confirmation={"policy": "ask"},
)
def call_and_wait(params: Params, context: NodeContext) -> Outputs:
    """POST ``{callback_url, interrupt_id, payload}`` and wait; ``response`` is the callback's body, unchanged (INT-20).

    A call that fails, or is answered with 400 or more, fails the node before it waits. Internal addresses stay refused unless
    the deployment allows them, whatever ``allow_internal_requests`` says (NET-1).

    :raises NodeError: ``invalid_parameter``, ``http_status``, and what the HTTP client raises.
    """
    if context.resume is not None:
        resume = context.resume
        return {
            "response": resume.get("value"),
            "interrupt_id": str(resume.get("interrupt_id") or ""),
            "response_time": answered(resume)["response_time"],
        }
    expires = _seconds(params["expires_in"], "The time to wait")
    if expires <= 0:
        raise NodeError("The time to wait must be more than 0 seconds.", code="invalid_parameter")
    interrupt_id = str(uuid.UUID(int=context.world.rng.getrandbits(128), version=4))
    _call(params, context, interrupt_id, expires)
    raise Interrupt(
        "call", "Waiting for the callback.", expires_in=expires, context={"interrupt_id": interrupt_id, "inbox": False}
    )


def _call(params: Params, context: NodeContext, interrupt_id: str, expires: float) -> None:
    body = {
        "callback_url": _callbacks(context.world).make(interrupt_id, expires),
        "interrupt_id": interrupt_id,
        "payload": params["payload"],
    }
    request = HttpRequest(
        method="POST",
        url=to_string(params["url"]),
        headers={**request_headers(params["headers"] or {}), "Content-Type": "application/json"},
        body=(json_encode(body) or "").encode(),
        timeout=_seconds(30 if params["timeout"] is None else params["timeout"], "The time-out"),
    )
    reply = context.world.require_http().send(request)
    if reply.status >= 400:
        message = f"The call was answered with {reply.status} {reply.reason}."
        raise NodeError(message, code="http_status", details={"status_code": reply.status})
