"""Playground sessions and messages in FlowDrop's published shapes, keys in their order (PLAY-2, PLAY-4)."""

from __future__ import annotations

from typing import Any

from flowdrop_provider.plugins.api.ids import pipeline_id
from flowdrop_provider.plugins.api.reading import iso
from flowdrop_provider.tables.models import PlaygroundMessage, PlaygroundSession

__all__ = ["chat_row", "message_row", "message_status"]


def chat_row(chat: PlaygroundSession, status: str, run_ids: list[str]) -> dict[str, Any]:
    """Return a session, the same in lists and alone (PLAY-2).

    :param run_ids: runs of its turns, the newest first.
    """
    return {
        "id": str(chat.id),
        "workflowId": chat.workflow_id,
        "name": chat.name,
        "status": status,
        "createdAt": iso(chat.created_at),
        "updatedAt": iso(chat.updated_at),
        "metadata": dict(chat.extra or {}),
        "executions": [pipeline_id(chat.dag_id, run_id) for run_id in run_ids],
        "owner": {"id": chat.owner, "name": chat.owner},
    }


def message_row(message: PlaygroundMessage, chat: PlaygroundSession) -> dict[str, Any]:
    """Return a message; what it does not carry has no key (PLAY-4)."""
    row = {
        "id": str(message.id),
        "sessionId": str(chat.id),
        "role": message.role,
        "content": message.content,
        "timestamp": iso(message.created_at),
        "status": message.status,
        "sequenceNumber": message.sequence,
        "nodeId": message.node_id,
        "metadata": dict(message.extra or {}),
    }
    if message.parent_id is not None:
        row["parentMessageId"] = str(message.parent_id)
    if message.run_id is not None:
        row["executionId"] = pipeline_id(chat.dag_id, message.run_id)
    return row


def message_status(message: PlaygroundMessage) -> dict[str, Any]:
    """Return the light document of a message's progress (PLAY-4)."""
    return {
        "id": str(message.id),
        "status": message.status,
        "sequenceNumber": message.sequence,
        "timestamp": iso(message.created_at),
    }
