"""Triggers: where a run starts, and what it was started with (OCX-1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flowdrop_provider.document.node_types import Output, Parameter
from flowdrop_provider.nodes._php.arrays import Key, merge, to_json
from flowdrop_provider.nodes._php.values import require
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["eca_trigger", "event_trigger", "manual_trigger", "scheduled_trigger", "trigger", "webhook_trigger"]

_START: dict[str, Any] = {
    "start": True,
    "pure": False,
    "visual_type": "trigger",
    "supported_visual_types": ("trigger", "default"),
}
_COMMON = [
    param("data", connectable=True),
    param("triggerData", configurable=True, default={}),
    param("workflowId", configurable=True, default=""),
    param("pipelineId", configurable=True, default=""),
    param("description", configurable=True, default=""),
    param("enabled", configurable=True, default=True),
]
_OUTPUTS: list[Output] = [
    output("trigger_type", "string"),
    output("trigger_data", "object"),
    output("workflow_id", "string"),
    output("pipeline_id", "string"),
    output("timestamp", "integer"),
    output("execution_id", "string"),
]


def _settings(*ports: str, **defaults: Any) -> list[Parameter]:
    """Return the common parameters and those of one trigger; the further ones are read by the schedule, not by the node."""
    wired = [param(name, connectable=True) for name in ports]
    return [*_COMMON, *wired, *(param(name, configurable=True, default=value) for name, value in defaults.items())]


def _delivered(context: NodeContext) -> Mapping[str, Any]:
    """Return what the run hands to the trigger: its ports' values over the initial data."""
    return {**context.initial_data, **context.inputs}


def _now(context: NodeContext) -> int:
    return int(context.world.now().timestamp())


def _unique_id(prefix: str, context: NodeContext) -> str:
    """Return an id in the shape of PHP's ``uniqid(prefix, true)``: microseconds in hexadecimal, and eight random digits."""
    microseconds = int(context.world.now().timestamp() * 1_000_000)
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{prefix}{seconds:08x}{rest:05x}.{context.world.rng.randrange(10**8):08}"


def _fired(kind: str, data: Any, params: Params, context: NodeContext) -> Outputs:
    """Return the outputs all first-generation triggers share (measured)."""
    return {
        "trigger_type": kind,
        "trigger_data": data,
        "workflow_id": "" if params["workflowId"] is None else params["workflowId"],
        "pipeline_id": "" if params["pipelineId"] is None else params["pipelineId"],
        "timestamp": _now(context),
        "execution_id": _unique_id(f"trigger_{kind}_", context),
    }


def _saved(params: Params) -> Any:
    """Return the author's trigger data; anything but a list or object is an error (measured)."""
    return require("array", [] if params["triggerData"] is None else params["triggerData"], "The trigger data")


def _picked(delivered: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known fields of what was delivered; null means the default, unknown fields are dropped (measured)."""
    return {name: default if delivered.get(name) is None else delivered[name] for name, default in defaults.items()}


def _with(data: Any, additions: Mapping[str, Any]) -> Any:
    added: dict[Key, Any] = merge(data, dict(additions))
    return to_json(added)


@processor(
    "manual_trigger",
    label="Manual Trigger",
    category="trigger",
    description="Starts the run by hand.",
    parameters=_settings("customData", "executionNotes", defaultInputs={}, allowCustomInputs=True, showInputForm=False),
    outputs=_OUTPUTS,
    **_START,
)
def manual_trigger(params: Params, context: NodeContext) -> Outputs:
    """Return what the run was started with, or else the author's trigger data (measured)."""
    saved, delivered = _saved(params), dict(_delivered(context))
    marks = {"manual_execution": True, "execution_source": "manual", "user_initiated": True}
    return _fired("manual", _with(delivered or saved, marks), params, context)


def _calendar(now: dt.datetime) -> dict[str, Any]:
    return {
        "scheduled_time": now.strftime("%Y-%m-%d %H:%M:%S"),
        "timestamp": int(now.timestamp()),
        "timezone": "UTC",
        "year": now.year,
        "month": now.month,
        "day": now.day,
        "hour": now.hour,
        "minute": now.minute,
        "second": now.second,
        "day_of_week": now.isoweekday() % 7,
        "day_of_year": now.timetuple().tm_yday - 1,
        "week_of_year": now.isocalendar()[1],
    }


@processor(
    "scheduled_trigger",
    label="Scheduled Trigger",
    category="trigger",
    description="Starts the run on a schedule.",
    parameters=_settings("schedule_data", "execution_context",
        scheduleExpression="", timezone="UTC", startDate="", endDate="", maxExecutions=0, executionCount=0,
        lastExecution="", nextExecution="",
    ),
    outputs=_OUTPUTS,
    **_START,
)  # fmt: skip
def scheduled_trigger(params: Params, context: NodeContext) -> Outputs:
    """Return the trigger data, the moment's calendar fields in UTC and what was delivered; later ones win (measured)."""
    marks = {
        "schedule_execution": True,
        "execution_source": "schedule",
        "schedule_expression": params["scheduleExpression"] or "",
    }
    calendar = _calendar(context.world.now().astimezone(dt.timezone.utc))
    data = merge(_saved(params), {**calendar, **marks}, dict(_delivered(context)))
    return _fired("schedule", to_json(data), params, context)


_REQUEST = {
    "method": "POST",
    "headers": {},
    "body": {},
    "query_params": {},
    "path": "",
    "ip": "",
    "user_agent": "",
    "content_type": "application/json",
    "content_length": 0,
}


@processor(
    "webhook_trigger",
    label="Webhook Trigger",
    category="trigger",
    description="Starts the run on an HTTP request.",
    parameters=_settings("webhook_payload", "method", "headers", "body", "query_params", "ip", "user_agent",
        webhookUrl="", allowedMethods=["POST"], requireAuthentication=False, authenticationToken="",
        validateSignature=False, signatureSecret="", maxPayloadSize=1048576,
    ),
    outputs=_OUTPUTS,
    **_START,
)  # fmt: skip
def webhook_trigger(params: Params, context: NodeContext) -> Outputs:
    """Return the trigger data overlaid by the request's known fields (measured)."""
    saved, delivered = _saved(params), _delivered(context)
    request = _picked(delivered, _REQUEST) if delivered else {}
    marks = {"webhook_execution": True, "execution_source": "webhook", "webhook_timestamp": _now(context)}
    return _fired("webhook", _with(saved, {**request, **marks}), params, context)


@processor(
    "event_trigger",
    label="Event Trigger",
    category="trigger",
    description="Starts the run on an event of the site.",
    parameters=_settings("event_data", "event_type", "source", "event_id", "priority", "category", "severity", "context",
        eventTypes=[], eventSources=[], eventCategories=[], minSeverity="info", eventFilters={}, eventTimeout=30,
        eventRetryCount=3, eventRetryDelay=5,
    ),
    outputs=_OUTPUTS,
    **_START,
)  # fmt: skip
def event_trigger(params: Params, context: NodeContext) -> Outputs:
    """Return the trigger data overlaid by the event's known fields; the filters are not applied here (measured)."""
    saved, delivered = _saved(params), _delivered(context)
    defaults = {
        "event_type": "unknown",
        "event_data": {},
        "source": "system",
        "timestamp": _now(context),
        "event_id": _unique_id("event_", context),
        "priority": "normal",
        "category": "general",
        "severity": "info",
    }
    event = _picked(delivered, defaults) if delivered else {}
    marks = {"event_execution": True, "execution_source": "event", "event_timestamp": _now(context)}
    return _fired("event", _with(saved, {**event, **marks}), params, context)


_ECA_FIELDS = ("eca_event", "eca_conditions", "eca_actions", "eca_context", "eca_entity", "eca_user", "eca_parameters")


@processor(
    "eca_trigger",
    label="ECA Trigger",
    category="trigger",
    description="Starts the run from an ECA model of the site.",
    parameters=_settings(ecaEvent="", ecaConditions=[], ecaActions=[], ecaContext={}),
    outputs=_OUTPUTS,
    **_START,
)
def eca_trigger(params: Params, context: NodeContext) -> Outputs:
    """Return the trigger data overlaid by the ECA fields that were delivered."""
    saved, delivered = _saved(params), _delivered(context)
    defaults = {name: "" if name == "eca_event" else {} for name in _ECA_FIELDS}
    fields = _picked(delivered, defaults) if delivered else {}
    marks = {"eca_execution": True, "execution_source": "eca", "eca_timestamp": _now(context)}
    return _fired("eca", _with(saved, {**fields, **marks}), params, context)


@processor(
    "trigger",
    label="Trigger",
    category="inputs",
    description="Starts the run; hands on what it was started with.",
    parameters=[param("variant", "string", default="start")],
    outputs=[
        output("data", "object"),
        *(output(name, exposed=False) for name in ("cron", "form", "form_id", "form_state", "form_values", "user")),
    ],
    module="flowdrop_trigger",
    start=True,
    visual_type="terminal",
    supported_visual_types=("default", "simple", "terminal"),
)
def trigger(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the whole initial data as ``data`` (OCX-1), and of the event's own fields those it has."""
    data = dict(context.initial_data)
    fields = ("cron", "form", "form_id", "form_state", "form_values", "user")
    return {"data": data, **{name: data[name] for name in fields if name in data}}
