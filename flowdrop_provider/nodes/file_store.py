"""The default file store: everything below one folder, however a name is written.

``public://a.txt`` is ``<root>/public/a.txt`` and ``private://a.txt`` is ``<root>/private/a.txt``; any other name is relative
to the root. A name that leaves the root, by ``..``, an absolute path or a symbolic link, is a node-level error.
"""

from __future__ import annotations

import os
from pathlib import Path

from flowdrop_provider.errors import NodeError

__all__ = ["LocalFileStore", "relative_name"]

_WRAPPERS = ("public://", "private://", "temporary://")
_MAX_NAME = 1024


class LocalFileStore:
    """Files below ``root`` (see the module docstring).

    :param root: an existing or new folder.
    :param max_bytes: the largest file this store writes or reads.
    """

    def __init__(self, root: str | os.PathLike[str], *, max_bytes: int = 50_000_000) -> None:
        self._root = Path(root).resolve()
        self._max_bytes = max_bytes

    def write(self, name: str, data: bytes, *, append: bool = False) -> str:
        """Write (or append) ``data`` and return ``name``; missing folders are made.

        :raises NodeError: ``path_refused`` outside the root, ``file_too_large``, ``file_not_written`` when the disk refuses.
        """
        path = self._path(name)
        try:
            size = len(data) + (path.stat().st_size if append and path.exists() else 0)
            self._check_size(name, size)
            path.parent.mkdir(parents=True, exist_ok=True)
            # O_NOFOLLOW closes the gap between the check and the opening.
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_APPEND if append else os.O_TRUNC)
            with os.fdopen(os.open(path, flags, 0o644), "wb") as file:
                file.write(data)
        except OSError as error:
            message = f"The file {name!r} cannot be written: {error.strerror}."
            raise NodeError(message, code="file_not_written") from error
        return name

    def exists(self, name: str) -> bool:
        """Return whether the file is there; raises ``path_refused`` outside the root."""
        return self._path(name).exists()

    def read(self, name: str) -> bytes:
        """Return the content.

        :raises NodeError: ``file_not_found``, ``file_too_large`` or ``path_refused``.
        """
        path = self._path(name)
        if not path.is_file():
            raise NodeError(f"There is no file {name!r}.", code="file_not_found")
        self._check_size(name, path.stat().st_size)
        return path.read_bytes()

    def _check_size(self, name: str, size: int) -> None:
        if size > self._max_bytes:
            raise NodeError(f"The file {name!r} is larger than {self._max_bytes} bytes.", code="file_too_large")

    def _path(self, name: str) -> Path:
        path = self._root / relative_name(name)
        # resolve() follows links of every existing part, so a link that leads outside is seen here.
        if not path.resolve().is_relative_to(self._root) or path.is_symlink() or path.resolve() == self._root:
            raise _refused(name)
        return path


def relative_name(name: str) -> str:
    """Return a name relative to a store's root; ``public://a`` is ``public/a``.

    :raises NodeError: ``path_refused`` for a name that leads out of the root, or nowhere.
    """
    relative = name
    for wrapper in _WRAPPERS:
        if name.startswith(wrapper):
            relative = f"{wrapper.removesuffix('://')}/{name.removeprefix(wrapper)}"
    parts = Path(relative).parts
    if "\0" in name or len(name) > _MAX_NAME or not parts or ".." in parts or Path(relative).is_absolute():
        raise _refused(name)
    return relative


def _refused(name: str) -> NodeError:
    return NodeError(
        f"The file name {name[:200]!r} leads outside the configured folder.",
        code="path_refused",
        hint="Use a relative name, or public:// or private://, without '..'.",
    )
