"""Identifiers that travel in URLs: pipeline ids and cursors.

A pipeline id stands for ``(dag_id, run_id)``: base64url of both, so that run ids with ``:``, ``+`` or ``/`` survive any proxy.
It says nothing that the caller could not know, and every id decodes to one run or to none.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
from typing import Any

from flowdrop_provider.plugins.api.errors import ApiError, not_found

__all__ = ["etag", "open_cursor", "pack_cursor", "pipeline_id", "run_key"]

_MAX = 1_200


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(text: str) -> str:
    if len(text) > _MAX:
        raise ValueError(text)
    decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    if _encode(decoded) != text:
        raise ValueError(text)
    return decoded


def pipeline_id(dag_id: str, run_id: str) -> str:
    """Return the pipeline id of a run; stable for ever."""
    return _encode(f"{dag_id}\n{run_id}")


def run_key(value: str) -> tuple[str, str]:
    """Return ``(dag_id, run_id)`` of a pipeline id.

    :raises ApiError: 404 ``PIPELINE_NOT_FOUND`` when it is none.
    """
    try:
        dag_id, run_id = _decode(value).split("\n")
    except (ValueError, binascii.Error) as error:
        raise not_found("pipeline", value) from error
    return dag_id, run_id


def pack_cursor(*parts: str | float | dt.datetime | None) -> str:
    """Return an opaque cursor."""
    return _encode(json.dumps(parts, separators=(",", ":"), default=dt.datetime.isoformat))


def _moment(part: Any) -> dt.datetime:
    moment = dt.datetime.fromisoformat(str(part))
    if moment.tzinfo is None:
        raise ValueError(part)
    return moment


def open_cursor(value: str, *types: type) -> list[Any]:
    """Return the parts of a cursor.

    :param types: the expected types of the parts; a ``datetime`` has a time zone.
    :raises ApiError: 400 ``CURSOR_INVALID``.
    """
    try:
        parts = json.loads(_decode(value))
        if not isinstance(parts, list) or len(parts) != len(types):
            raise ValueError(value)
        parts = [_moment(part) if kind is dt.datetime else part for part, kind in zip(parts, types, strict=True)]
        if any(type(part) is not kind for part, kind in zip(parts, types, strict=True)):
            raise ValueError(value)
    except (ValueError, binascii.Error) as error:
        raise ApiError(400, "CURSOR_INVALID", "This cursor is not one that this API gave out.") from error
    return parts


def etag(*parts: object) -> str:
    """Return an entity tag over the facts that make an answer what it is."""
    return f'"{hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:24]}"'
