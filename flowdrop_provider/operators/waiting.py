"""Waiting on Airflow: for a person's answer by its human-in-the-loop state, for a moment by the triggerer (INT-1..4).

The state of the waiting group is put into the task's state store before the task lets go of its worker, together with the
run's clear number: a resume and a retry go on from there, a clear starts anew. Airflow does not check an answer against its
schema, so that is done here, and a wrong answer is asked for again.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Mapping
from typing import Any, NoReturn

from flowdrop_provider.engine.progress import Progress, Waiting
from flowdrop_provider.engine.redaction import Redactor
from flowdrop_provider.library.callbacks import CALL_FIELD
from flowdrop_provider.library.forms import ANSWER_FIELD
from flowdrop_provider.nodes.world import utc_now
from flowdrop_provider.operators.handover import open_values, seal_values, storable
from flowdrop_provider.operators.run import RunOnAirflow

__all__ = ["answer_of", "keep", "let_go", "problem_with", "put_aside", "taken_up"]

#: Key of the checkpoint in the task's state store.
CHECKPOINT = "flowdrop_progress"

#: A shorter wait than this keeps its worker: putting a task aside and taking it up costs one to two seconds.
SHORT_WAIT_SECONDS = 10.0


def keep(run: RunOnAirflow, progress: Progress) -> None:
    """Put the progress into the task's state store, sealed: it holds values of ports."""
    everything = Redactor(run.policy.known, frozenset({"progress"}))
    packed: Any = seal_values({"progress": progress.to_data()}, everything)
    run.context["task_state_store"].set(CHECKPOINT, {"clear_number": _clear_number(run), "packed": packed})


def taken_up(run: RunOnAirflow) -> Progress | None:
    """Return the progress that was put aside, or ``None``: there is none, or the run was cleared since."""
    found: Any = run.context["task_state_store"].get(CHECKPOINT)
    if not isinstance(found, Mapping) or found.get("clear_number") != _clear_number(run):
        return None
    return Progress.from_data(open_values(found["packed"], run.learn)["progress"])


def _clear_number(run: RunOnAirflow) -> int:
    return int(getattr(run.context["dag_run"], "clear_number", None) or 0)


def let_go(run: RunOnAirflow, waiting: Waiting, problem: str | None = None) -> Mapping[str, Any]:
    """Wait as a question or a timer asks for: return the answer of a short wait, else give the worker back.

    :param problem: why the last answer was not accepted, shown with the question.
    """
    return _wait_until(waiting) if waiting.kind == "timer" else _ask(run, waiting, problem)


def put_aside() -> NoReturn:
    """Give the worker back until somebody resumes the run (INT-5); no question is asked, so nobody's inbox shows one."""
    from airflow.sdk.exceptions import TaskAwaitingInput

    raise TaskAwaitingInput(method_name="resume", timeout=None)


def _wait_until(waiting: Waiting) -> Mapping[str, Any]:
    moment = dt.datetime.fromisoformat(waiting.wait_until or utc_now().isoformat())
    left = (moment - utc_now()).total_seconds()
    if left > SHORT_WAIT_SECONDS:
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger
        from airflow.sdk.exceptions import TaskDeferred

        raise TaskDeferred(trigger=DateTimeTrigger(moment=moment), method_name="resume")
    time.sleep(max(0.0, left))
    return _timed(waiting)


def _timed(waiting: Waiting) -> dict[str, Any]:
    return {
        "value": None,
        "asked_at": waiting.asked_at,
        "answered_at": utc_now().isoformat(),
        "wait_until": waiting.wait_until,
        "user_id": None,
        "timed_out": True,
    }


def _ask(run: RunOnAirflow, waiting: Waiting, problem: str | None) -> NoReturn:
    from airflow.sdk import Param
    from airflow.sdk.exceptions import TaskAwaitingInput
    from airflow.sdk.execution_time.hitl import upsert_hitl_detail

    label = run.plan.nodes[waiting.node_id].label
    message = str(storable(run.policy.redactor().redact(waiting.message)[0]))
    shown = f"**The last answer was not accepted:** {problem}\n\n{message}" if problem else message
    upsert_hitl_detail(
        ti_id=run.ti.id,
        options=storable([str(option["label"]) for option in waiting.options]) or ["Submit"],
        subject=_subject(message) or label,
        body=shown,
        multiple=waiting.kind == "choice" and waiting.schema.get("type") == "array",
        params={name: Param(**field).serialize() for name, field in storable(_fields(waiting)).items()},
    )
    expires = dt.timedelta(seconds=waiting.expires_in) if waiting.expires_in else None
    raise TaskAwaitingInput(method_name="resume", timeout=expires)


def _subject(message: str) -> str:
    first = message.strip().splitlines()[0] if message.strip() else ""
    return first if len(first) <= 120 else f"{first[:117]}..."


def _fields(waiting: Waiting) -> dict[str, dict[str, Any]]:
    """Return the form's fields as parameters: of a form its properties, of a text one field, of a choice none."""
    if waiting.kind == "call":
        return {ANSWER_FIELD: {"default": None}, CALL_FIELD: {"default": waiting.context.get(CALL_FIELD)}}
    if waiting.kind == "text":
        return {ANSWER_FIELD: {"default": waiting.default or "", **_form_schema(waiting.schema), "type": "string"}}
    if waiting.kind != "form":
        return {}
    properties = waiting.schema.get("properties")
    given = waiting.default if isinstance(waiting.default, Mapping) else {}
    required = waiting.schema.get("required")
    return {
        name: _field(fragment, given.get(name), name in (required if isinstance(required, list) else []))
        for name, fragment in (properties if isinstance(properties, Mapping) else {}).items()
        if isinstance(fragment, Mapping)
    }


def _field(fragment: Mapping[str, Any], default: Any, required: bool) -> dict[str, Any]:
    schema = _form_schema(fragment)
    names = schema.get("type")
    types = list(names) if isinstance(names, list) else [names] if names else []
    if types and not required:
        schema["type"] = [*types, "null"]
    return {"default": default if default is not None else fragment.get("default"), **schema}


def _form_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    known = ("type", "title", "description", "enum", "format", "minimum", "maximum", "minLength", "maxLength")
    return {name: schema[name] for name in known if name in schema}


def answer_of(waiting: Waiting, event: Any) -> dict[str, Any] | None:
    """Return the answer in an event of Airflow's, or ``None`` when nobody answered in time (INT-18)."""
    if waiting.kind == "timer":
        return _timed(waiting)
    if not isinstance(event, Mapping) or event.get("error_type") == "timeout":
        return None
    responded: Any = event.get("responded_at")
    user = event.get("responded_by_user")
    return {
        "value": _value(waiting, event.get("chosen_options") or [], event.get("params_input") or {}),
        "asked_at": waiting.asked_at,
        "answered_at": responded.isoformat() if hasattr(responded, "isoformat") else responded or utc_now().isoformat(),
        "user_id": user.get("id") if isinstance(user, Mapping) else None,
        "timed_out": bool(event.get("timedout")),
        **({CALL_FIELD: waiting.context.get(CALL_FIELD)} if waiting.kind == "call" else {}),
    }


def _value(waiting: Waiting, chosen: list[str], fields: Mapping[str, Any]) -> Any:
    if waiting.kind in ("text", "call"):
        return fields.get(ANSWER_FIELD)
    if waiting.kind == "form":
        return {name: value for name, value in fields.items() if value is not None}
    values = [option["value"] for option in waiting.options if storable(str(option["label"])) in chosen]
    if waiting.schema.get("type") == "array":
        return values
    return values[0] if values else None


def problem_with(waiting: Waiting, answer: Mapping[str, Any]) -> str | None:
    """Return why an answer does not fit the question's schema, or ``None`` when it does."""
    if waiting.kind == "timer" or not waiting.schema:
        return None
    from flowdrop_provider.expressions.schemas import schema_errors

    wrong = schema_errors(json.loads(json.dumps(answer["value"])), waiting.schema)
    return "; ".join(wrong[:3]) if wrong else None
