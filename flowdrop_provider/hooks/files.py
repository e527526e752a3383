"""Files of nodes in object storage: everything below one configured URL (``s3://bucket/folder``, ``file:///srv/flowdrop``)."""

from __future__ import annotations

from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.file_store import relative_name

__all__ = ["ObjectFileStore"]


class ObjectFileStore:
    """Implements :class:`~flowdrop_provider.nodes.world.FileStore` with Airflow's ``ObjectStoragePath``.

    :param root: the URL below which all files are kept; credentials come from the connection in it (``s3://conn_id@bucket``).
    :param max_bytes: the largest file this store writes or reads.
    """

    def __init__(self, root: str, *, max_bytes: int = 50_000_000) -> None:
        self._root = root.rstrip("/")
        self._max_bytes = max_bytes

    def write(self, name: str, data: bytes, *, append: bool = False) -> str:
        """Write and return ``name``; appending reads and writes anew, because object stores cannot append.

        :raises NodeError: ``path_refused``, ``file_too_large`` or ``file_not_written``.
        """
        path = self._path(name)
        try:
            content = path.read_bytes() + data if append and path.exists() else data
            self._check_size(name, len(content))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise NodeError(f"The file {name!r} cannot be written: {error}.", code="file_not_written") from error
        return name

    def exists(self, name: str) -> bool:
        """Return whether the file is there."""
        return bool(self._path(name).exists())

    def read(self, name: str) -> bytes:
        """Return the content.

        :raises NodeError: ``file_not_found``, ``file_too_large`` or ``path_refused``.
        """
        path = self._path(name)
        if not path.is_file():
            raise NodeError(f"There is no file {name!r}.", code="file_not_found")
        self._check_size(name, int(path.stat().st_size))
        return bytes(path.read_bytes())

    def _check_size(self, name: str, size: int) -> None:
        if size > self._max_bytes:
            raise NodeError(f"The file {name!r} is larger than {self._max_bytes} bytes.", code="file_too_large")

    def _path(self, name: str) -> Any:
        from airflow.sdk import ObjectStoragePath

        return ObjectStoragePath(f"{self._root}/{relative_name(name)}")
