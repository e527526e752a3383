"""Appending to a conversation: no tool result twice, no tool call left open before a person speaks (MEM-1..3, MEM-10)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flowdrop_provider.nodes._messages import call_id, coerced, declared_calls, interrupted_result

__all__ = ["append_messages"]


def append_messages(stored: Iterable[Any], incoming: Iterable[Any]) -> tuple[list[dict[str, Any]], int]:
    """Return the conversation with the incoming messages, and how many of them became new entries (MEM-14).

    Messages are coerced to flat shape first; what is no message is left out (MEM-5).
    """
    conversation = _Conversation()
    for message in filter(None, map(coerced, stored)):
        conversation.add(message)
    added = sum(conversation.append(message) for message in filter(None, map(coerced, incoming)))
    return conversation.messages, added


class _Conversation:
    """The messages in order, and the ids of calls and results among them."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._declared: dict[str, dict[str, Any]] = {}
        self._results: dict[str, dict[str, Any]] = {}

    def add(self, message: dict[str, Any]) -> bool:
        """Put a message at the end, whatever it is."""
        self.messages.append(message)
        self._remember(message)
        return True

    def _remember(self, message: dict[str, Any]) -> None:
        for identity in _call_ids(message):
            self._declared.setdefault(identity, message)
        answered = _result_id(message)
        if message["role"] == "tool" and answered:
            self._results[answered] = message

    def append(self, message: dict[str, Any]) -> bool:
        """Append one message by the rules; return whether it became an entry of its own."""
        known = self._results.get(_result_id(message) or "") if message["role"] == "tool" else None
        if known is not None:
            self._replace_healed(known, message)
            return False
        if self._is_repeated_turn(message):
            return False
        if message["role"] == "user":
            self._heal()
        return self.add(message)

    def _replace_healed(self, placeholder: dict[str, Any], message: dict[str, Any]) -> None:
        """Put a real result where a placeholder stood; anything else that repeats an id is dropped (MEM-1, MEM-10)."""
        if placeholder.get("healed") and not message.get("healed"):
            placeholder.clear()
            placeholder.update({name: value for name, value in message.items() if name != "healed"})

    def _is_repeated_turn(self, message: dict[str, Any]) -> bool:
        """Return whether an assistant turn declares only calls that are declared already (MEM-2)."""
        calls = declared_calls(message)
        return bool(calls) and all(call_id(call) in self._declared for call in calls)

    def _heal(self) -> None:
        """Answer each open call with a placeholder directly behind the turn that declared it (MEM-3)."""
        open_calls = [identity for identity in self._declared if identity not in self._results]
        if not open_calls:
            return
        by_turn: dict[int, list[str]] = {}
        for identity in open_calls:
            by_turn.setdefault(id(self._declared[identity]), []).append(identity)
        healed: list[dict[str, Any]] = []
        for message in self.messages:
            healed.append(message)
            for identity in by_turn.get(id(message), ()):
                self._results[identity] = placeholder = interrupted_result(identity)
                healed.append(placeholder)
        self.messages = healed


def _call_ids(message: dict[str, Any]) -> list[str]:
    return [identity for call in declared_calls(message) if (identity := call_id(call))]


def _result_id(message: dict[str, Any]) -> str | None:
    identity = message.get("tool_call_id")
    return identity if isinstance(identity, str) and identity else None
