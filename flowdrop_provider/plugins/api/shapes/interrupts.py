"""Questions to people in FlowDrop's published shape (INT-22), told from Airflow's human-in-the-loop details.

Airflow keeps options and form fields, not FlowDrop's kind of question, so the kind is read from what was asked: one field
called ``answer`` is a text, other fields are a form, two options a confirmation, more a choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowdrop_provider.library.callbacks import CALL_FIELD
from flowdrop_provider.library.forms import ANSWER_FIELD
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.ids import pipeline_id
from flowdrop_provider.plugins.api.reading import iso

__all__ = ["answer_parts", "interrupt", "interrupt_status", "kind_of"]

_WAITING = frozenset({"awaiting_input", "deferred"})


def kind_of(options: list[str], params: Mapping[str, Any], *, multiple: bool) -> str:
    """Return ``text``, ``form``, ``confirmation``, ``choice``, or ``call`` for a wait that no person ends."""
    if CALL_FIELD in params:
        return "call"
    if params:
        return "text" if set(params) == {ANSWER_FIELD} else "form"
    return "choice" if multiple or len(options) != 2 else "confirmation"


def interrupt_status(detail: Any, state: str | None) -> str:
    """Return ``resolved`` once answered, ``pending`` while its task waits, else ``cancelled`` (the run was stopped)."""
    if detail.responded_at is not None:
        return "resolved"
    return "pending" if state in _WAITING else "cancelled"


def interrupt(detail: Any, task: Any, node_id: str, workflow_id: str, *, session_id: str | None = None) -> dict[str, Any]:
    """Return a question with all published keys, null where there is nothing (INT-22), and the OpenAPI document's besides.

    :param detail: Airflow's ``HITLDetail``.
    :param task: its task instance.
    :param session_id: the playground session whose turn asks, if it is one.
    """
    options, params = list(detail.options or []), dict(detail.params or {})
    kind = kind_of(options, params, multiple=bool(detail.multiple))
    pipeline = pipeline_id(task.dag_id, task.run_id)
    status = interrupt_status(detail, task.state)
    published = {
        "id": str(detail.ti_id),
        "type": kind,
        "status": status,
        "message": detail.body or detail.subject,
        "nodeId": node_id,
        "workflowId": workflow_id,
        "pipelineId": pipeline,
        "sessionId": session_id,
        "schema": _schema(params, kind) if params else None,
        "options": [{"value": option, "label": option} for option in options] or None,
        "context": {"subject": detail.subject},
        "defaultValue": _defaults(params) if params else detail.defaults,
        "responseData": _response(detail, kind),
        "createdAt": iso(detail.created_at),
        "expiresAt": iso(task.trigger_timeout),
        "scheduledAt": None,
        "resolvedAt": iso(detail.responded_at),
        "resolvedBy": (detail.responded_by or {}).get("name"),
        "direction": "outward",
        "jobId": None,
        "targetPipelineId": None,
        "initiatorUid": None,
        "reason": None,
        "linkedInterruptId": None,
    }
    return {**published, "executionId": pipeline, "config": _config(published, kind), "allowCancel": False}


def _schema(params: Mapping[str, Any], kind: str) -> dict[str, Any]:
    fields = {name: dict(param.get("schema") or {}) for name, param in params.items() if isinstance(param, Mapping)}
    if kind == "text":
        return fields.get(ANSWER_FIELD, {})
    return {"type": "object", "properties": fields}


def _defaults(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: param.get("value") for name, param in params.items() if isinstance(param, Mapping)}


def _config(published: Mapping[str, Any], kind: str) -> dict[str, Any]:
    config: dict[str, Any] = {"message": published["message"]}
    labels = [option["label"] for option in published["options"] or []]
    if kind == "confirmation" and len(labels) == 2:
        config |= {"confirm_label": labels[0], "cancel_label": labels[1]}
    elif kind == "choice":
        config |= {"options": published["options"] or []}
    elif kind == "form":
        config |= {"schema": published["schema"], "default_value": published["defaultValue"]}
    return config


def _response(detail: Any, kind: str) -> Any:
    if detail.responded_at is None:
        return None
    chosen, fields = list(detail.chosen_options or []), dict(detail.params_input or {})
    if kind in ("text", "form"):
        return fields.get(ANSWER_FIELD) if kind == "text" else fields
    if kind == "confirmation":
        return chosen == list(detail.options or [])[:1]
    return chosen if detail.multiple else (chosen or [None])[0]


def answer_parts(detail: Any, value: Any) -> tuple[list[str], dict[str, Any]]:
    """Return Airflow's ``(chosen options, form fields)`` of a published answer (measured with the editor).

    :raises ApiError: 400 ``ANSWER_INVALID``.
    """
    options, params = list(detail.options or []), dict(detail.params or {})
    kind = kind_of(options, params, multiple=bool(detail.multiple))
    if kind == "text" and isinstance(value, str):
        return options[:1], {ANSWER_FIELD: value}
    if kind == "form" and isinstance(value, dict):
        return options[:1], value
    if kind == "confirmation" and isinstance(value, bool):
        return [options[0] if value else options[1]], {}
    chosen = value if isinstance(value, list) else [value]
    if kind in ("choice", "confirmation") and chosen and all(item in options for item in chosen):
        return chosen, {}
    raise ApiError(400, "ANSWER_INVALID", f"This is no answer to a question of type {kind!r}.", details={"options": options})
