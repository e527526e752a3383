"""Which place a memory node means: one decision for all of them, with refusal instead of a shared place (MEM-6, 7, 13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.values import to_string
from flowdrop_provider.nodes.api import NodeContext
from flowdrop_provider.nodes.memory_store import Place

__all__ = ["SCOPES", "explicit_place", "place_of"]

#: The id of each scope in an execution; an empty id of the identity scopes means that nobody is known.
_IDS: dict[str, Callable[[NodeContext], str]] = {
    "global": lambda context: "",  # noqa: ARG005
    "workflow": lambda context: context.workflow_id,
    "session": lambda context: _identity(context.world.session_id),
    "pipeline": lambda context: context.run_id,
    "user": lambda context: _identity(context.world.user_id),
    "node": lambda context: f"{context.workflow_id}/{context.node_id}",
}
SCOPES = tuple(_IDS)
_IDENTITY_SCOPES = frozenset({"session", "user"})
#: How "nobody" is spelled: no id, and Drupal's id of the anonymous user.
_NOBODY = frozenset({"", "0"})
_MAX_KEY = 512


def _identity(value: Any) -> str:
    """Return a usable id as text, else ``""``."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    return "" if text in _NOBODY else text


def place_of(context: NodeContext, scope: str, key: Any) -> Place | None:
    """Return the place of ``key`` in a scope of this execution, or ``None`` when the scope refuses.

    A refusal is logged once; the caller must then leave the store alone (MEM-7).
    """
    return _place(context, scope, _IDS[scope](context), key)


def explicit_place(context: NodeContext, scope: Any, scope_id: Any, key: Any) -> Place | None:
    """Return the place an author names by scope *and* id; an identity scope without an id refuses as well."""
    name = to_string(scope)
    if name not in _IDS:
        raise NodeError(f"There is no memory scope {name!r}.", code="unknown_scope", hint=f"Use one of {', '.join(SCOPES)}.")
    given = "" if scope_id is None else to_string(scope_id)
    return _place(context, name, _identity(given) if name in _IDENTITY_SCOPES else given, key)


def _place(context: NodeContext, scope: str, scope_id: str, key: Any) -> Place | None:
    if scope in _IDENTITY_SCOPES and not scope_id:
        context.world.log.warning(
            "The memory scope %r is refused, because this run knows no %s (node %s, pipeline %s, workflow %s).",
            scope,
            scope,
            context.node_id,
            context.run_id,
            context.workflow_id,
        )
        return None
    text = to_string(key)
    if not text or len(text) > _MAX_KEY or len(scope_id) > _MAX_KEY:
        raise NodeError(f"A memory key has 1 to {_MAX_KEY} characters.", code="invalid_key")
    return Place(scope, scope_id, text)
