"""Outlines kept by content: a document that has not changed is neither parsed nor validated again.

An entry is a JSON file named after the hash of the document, of the site's node types, and of this package's version.
Refusals are kept too. Entries are written beside and renamed, so that readers never see half of one; a cache that cannot be
written is no error, only slower.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from flowdrop_provider import __version__
from flowdrop_provider.library.outline import Outline

__all__ = ["OutlineCache", "content_key"]

#: Raise when the outline's shape changes.
FORMAT = 6


def content_key(document: bytes, node_types: str, policy: str) -> str:
    """Return the cache key of a document under a site's node types (their fingerprint) and a validation policy."""
    digest = hashlib.sha256(f"{FORMAT}\n{__version__}\n{policy}\n{node_types}\n".encode())
    digest.update(document)
    return digest.hexdigest()


class OutlineCache:
    """A folder of outlines by content key; ``None`` as folder keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: str) -> list[dict[str, Any]] | None:
        """Return the entries of a document (``{"outline": ...}`` or ``{"error": ...}`` each), ``None`` when not kept."""
        if self._folder is None:
            return None
        try:
            entries = json.loads((self._folder / f"{key}.json").read_bytes())
        except (OSError, ValueError):
            return None
        return entries if isinstance(entries, list) else None

    def put(self, key: str, entries: list[dict[str, Any]]) -> None:
        """Keep the entries of a document."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(json.dumps(entries, ensure_ascii=False, separators=(",", ":"), default=_plain))
            Path(name).replace(self._folder / f"{key}.json")


def _plain(value: Any) -> Any:
    if isinstance(value, Outline):
        return json.loads(value.to_json())
    raise TypeError(f"{type(value).__name__} is not JSON")
