"""``${{ secrets.NAME }}`` in a node's configuration: resolved at the last moment, on the worker (R6.l, RT-GATE-12)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["has_reference", "substitute"]

_REFERENCE = re.compile(r"\$\{\{\s*secrets\.([A-Za-z_][A-Za-z0-9_.-]*)\s*\}\}")


def has_reference(value: Any) -> bool:
    """Return whether a configuration value contains a secret reference at any depth."""
    if isinstance(value, str):
        return "${{" in value and _REFERENCE.search(value) is not None
    if isinstance(value, Mapping):
        return any(has_reference(item) for item in value.values())
    return isinstance(value, list) and any(has_reference(item) for item in value)


def substitute(config: Mapping[str, Any], secret: Callable[[str], str]) -> tuple[dict[str, Any], list[str], list[str]]:
    """Return ``config`` with references replaced, the secret values used, and the top-level names that held one.

    :param secret: name -> value; raises :class:`~flowdrop_provider.errors.NodeError` for an unknown name.
    """
    used: list[str] = []
    names = [name for name, value in config.items() if has_reference(value)]
    if not names:
        return dict(config), used, names

    def replace(value: Any) -> Any:
        if isinstance(value, str):
            return _REFERENCE.sub(lambda match: _use(match.group(1), secret, used), value)
        if isinstance(value, Mapping):
            return {key: replace(item) for key, item in value.items()}
        return [replace(item) for item in value] if isinstance(value, list) else value

    return {name: replace(value) if name in names else value for name, value in config.items()}, used, names


def _use(name: str, secret: Callable[[str], str], used: list[str]) -> str:
    value = secret(name)
    used.append(value)
    return value
