"""The world of ``flowdrop run`` and ``flowdrop process``: this machine, its environment, its network, a folder of files."""

from __future__ import annotations

import os
from pathlib import Path

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.file_store import LocalFileStore
from flowdrop_provider.nodes.http_client import HttpPolicy, PinnedHttpClient
from flowdrop_provider.nodes.memory_store import InProcessMemory
from flowdrop_provider.nodes.models import EnvironmentModels
from flowdrop_provider.nodes.world import World

__all__ = ["local_world"]


def local_world() -> World:
    """Return a world for one process.

    Environment: ``FLOWDROP_SECRET_<NAME>`` for secrets, ``FLOWDROP_ALLOWED_HOSTS`` for internal hosts and networks that HTTP
    nodes may reach, ``FLOWDROP_FILE_ROOT`` for the folder of file nodes (``./flowdrop_files``).
    """
    entries = [entry.strip() for entry in os.environ.get("FLOWDROP_ALLOWED_HOSTS", "").split(",") if entry.strip()]
    policy = HttpPolicy(
        allow_hosts=frozenset(entry.lower() for entry in entries if "/" not in entry),
        allow_networks=tuple(entry for entry in entries if "/" in entry),
    )
    root = Path(os.environ.get("FLOWDROP_FILE_ROOT", "flowdrop_files"))
    extras = {"memory": InProcessMemory(), "models": EnvironmentModels()}
    return World(secret=_secret, http=PinnedHttpClient(policy), files=LocalFileStore(root), extras=extras)


def _secret(name: str) -> str:
    variable = f"FLOWDROP_SECRET_{name.upper()}"
    value = os.environ.get(variable)
    if value is None:
        raise NodeError(f"There is no secret {name!r}.", code="secret_missing", hint=f"Set {variable} in the environment.")
    return value
