"""Which branch a value selects: the configured ``branches`` are the authority, and no other name leaves a node (BR-4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowdrop_provider.errors import NodeError

__all__ = ["choose_branch", "default_branch"]

_BOOLEAN_TEXTS = {"true": True, "1": True, "false": False, "0": False}


def choose_branch(value: Any, branches: Any, shipped: Sequence[Mapping[str, Any]], *, missing: str | None = None) -> str:
    """Return the lower-cased name of the branch that ``value`` selects.

    :param branches: the configured list of ``{"name", "value"}``; anything that holds no usable entry means ``shipped``.
    :param missing: what to return when nothing matches; ``None`` raises a node-level error ``no_branch``.
    """
    entries = _usable(branches) or _usable(shipped)
    for branch in entries:
        if _selects(value, branch.get("value")):
            return str(branch["name"]).strip().lower()
    if missing is not None:
        return missing
    names = ", ".join(str(branch["name"]) for branch in entries)
    raise NodeError(f"No branch carries the value {value!r}; there is {names}.", code="no_branch")


def default_branch(name: Any, branches: Sequence[Mapping[str, Any]], value: Any) -> str:
    """Return the declared branch called ``name`` (any case); raise ``no_branch`` when none is (BR-4, LANG-27)."""
    wanted = name.strip().lower() if isinstance(name, str) else ""
    for branch in _usable(list(branches)):
        if wanted and branch["name"].strip().lower() == wanted:
            return str(branch["name"])
    raise NodeError(
        f"No branch carries the value {value!r}, and the default branch {name!r} is not among the branches.",
        code="no_branch",
        hint="Add a branch with this value, or choose an existing default branch.",
    )


def _usable(branches: Any) -> list[Mapping[str, Any]]:
    """Return the entries whose name is a non-empty text."""
    items = branches.values() if isinstance(branches, Mapping) else branches
    entries = items if isinstance(items, Sequence) and not isinstance(items, str) else list(items or ())
    return [entry for entry in entries if isinstance(entry, Mapping) and _is_name(entry.get("name"))]


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and bool(name.strip())


def _selects(value: Any, wanted: Any) -> bool:
    """Compare type-aware: booleans with their spellings, texts without case, everything else by type and value."""
    if isinstance(value, bool):
        return value is _as_boolean(wanted)
    if isinstance(value, str) and isinstance(wanted, str):
        return value.lower() == wanted.lower()
    return type(value) is type(wanted) and bool(value == wanted)


def _as_boolean(wanted: Any) -> bool | None:
    if isinstance(wanted, bool):
        return wanted
    if isinstance(wanted, int):
        return {0: False, 1: True}.get(wanted)
    return _BOOLEAN_TEXTS.get(wanted.strip().lower()) if isinstance(wanted, str) else None
