"""What every node that waits reads from its answer: the value, who gave it, and how long it took (INT-4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flowdrop_provider.errors import ExpressionError, NodeError
from flowdrop_provider.expressions.schemas import schema_errors
from flowdrop_provider.nodes.api import Outputs

__all__ = ["answered", "checked", "invalid", "moment"]


def moment(value: Any) -> dt.datetime | None:
    """Return an ISO 8601 text as an aware moment in UTC, ``None`` when it is none."""
    if not isinstance(value, str):
        return None
    try:
        read = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return read.replace(tzinfo=read.tzinfo or dt.timezone.utc).astimezone(dt.timezone.utc)


def answered(resume: Mapping[str, Any]) -> Outputs:
    """Return ``response_time`` (seconds from the question to the answer, or null) and ``user_id``."""
    asked, given = moment(resume.get("asked_at")), moment(resume.get("answered_at"))
    seconds = max(0.0, (given - asked).total_seconds()) if asked and given else None
    return {"response_time": seconds, "user_id": resume.get("user_id")}


def invalid(sentence: str, **details: Any) -> NodeError:
    """Return the error of an answer that does not fit its question."""
    return NodeError(sentence, code="invalid_answer", details=details or None, hint="Ask again and answer as the form says.")


def checked(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return the answer when it fits the schema.

    :raises NodeError: ``invalid_answer`` with the violations, ``invalid_schema`` when the schema itself is broken.
    """
    try:
        errors = schema_errors(value, schema)
    except ExpressionError as error:
        raise NodeError(error.message, code="invalid_schema") from error
    if errors:
        raise invalid(f"The answer does not fit: {errors[0]}.", errors=errors)
    return value
