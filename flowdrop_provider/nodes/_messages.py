"""The shape of a chat message, shared by every node that handles conversations (MEM-5, MEM-11)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["INTERRUPTED", "call_id", "coerced", "content_text", "declared_calls", "interrupted_result"]

INTERRUPTED = "The tool call was interrupted; there is no result."


def content_text(content: Any) -> str:
    """Return a message's content as text: null is empty, anything structured is JSON, what JSON lacks is empty (MEM-5)."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    try:
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return ""


def coerced(entry: Any) -> dict[str, Any] | None:
    """Return an entry in flat shape, or ``None`` for one that is no map or has no role (MEM-5)."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("role"), str) or not entry["role"]:
        return None
    return {**entry, "content": content_text(entry.get("content"))}


def call_id(call: Any) -> str | None:
    """Return a declared tool call's id under either spelling, normalized first (MEM-11)."""
    if not isinstance(call, Mapping):
        return None
    found = call.get("tool_call_id") or call.get("id")
    return found if isinstance(found, str) else None


def declared_calls(message: Mapping[str, Any]) -> list[Any]:
    """Return the tool calls that an assistant turn declares."""
    calls = message.get("tool_calls")
    return calls if message.get("role") == "assistant" and isinstance(calls, list) else []


def interrupted_result(identity: str) -> dict[str, Any]:
    """Return the stand-in for a result that never came, marked as healed (MEM-3)."""
    return {"role": "tool", "tool_call_id": identity, "content": INTERRUPTED, "healed": True}
