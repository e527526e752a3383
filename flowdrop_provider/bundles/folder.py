"""A folder of exports as an Airflow DAG bundle, versioned by content.

On refresh each changed export is read, validated and compiled once. The good ones are built by a few loader files; every
broken one gets a small file of its own that raises its located error, so that it is an import error of its own in Airflow's
UI and hides nothing.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.base import BundleVersion

from flowdrop_provider.bundles.versions import NOTHING, ContentBundle
from flowdrop_provider.bundles.writing import BrokenExportError, raise_broken_export, switch_to, write_version
from flowdrop_provider.document.files import export_files
from flowdrop_provider.errors import ConfigurationError

__all__ = ["BrokenExportError", "FlowDropFolderBundle", "raise_broken_export"]


class FlowDropFolderBundle(ContentBundle):
    """Exports in a folder (or a ``config/sync`` directory, or a zip) as DAGs.

    :param path: the folder, the directory or the zip file.
    :param node_types: folder of the site's node types; by default looked for beside the exports.
    :param dag_options: passed to every DAG (JSON values only).
    """

    def __init__(self, *, path: str, node_types: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._source = Path(path)
        self._node_types = Path(node_types) if node_types else None

    @property
    def source(self) -> Path:
        """Where the exports come from."""
        return self._source

    def get_current_version(self) -> BundleVersion:
        """Return the content hash of the exports, and how many there are."""
        return BundleVersion(version=self._current or NOTHING, data={"source": str(self._source)})

    def _take_over(self) -> None:
        files = self._files()
        version = self._version_of(files)
        with self.lock():
            if not (self.versions_dir / version).exists():
                self._write(version, files)
            elif self._current != version:
                switch_to(self.versions_dir / version)
        self._current = version

    def _restore(self, version: str) -> None:
        """Write a version again, which works while the folder still holds it."""
        files = self._files()
        found = self._version_of(files)
        if found != version:
            raise ConfigurationError(
                f"Version {version} of bundle {self.name!r} is neither here nor in {self._source} any more.",
                code="CONF_BUNDLE_VERSION_GONE",
                hint="Share [dag_processor] dag_bundle_storage_path between machines, or deploy exports with git.",
            )
        with self.lock():
            if not (self.versions_dir / version).exists():
                self._write(version, files)

    def _files(self) -> list[Path]:
        if not self._source.exists():
            raise ConfigurationError(
                f"There are no exports at {self._source}.",
                code="CONF_BUNDLE_PATH",
                hint="Correct 'path' in [dag_processor] dag_bundle_config_list.",
            )
        if not self._source.is_dir():
            return [self._source]
        extra = sorted(self._node_types.glob("*.yml")) if self._node_types else []
        return [*export_files(self._source), *extra]

    def _write(self, version: str, files: list[Path]) -> None:
        def fill(documents: Path) -> Path:
            # An empty folder is a version too, one without workflows.
            documents.mkdir()
            self._copy(files, documents)
            return documents if self._source.is_dir() else documents / self._source.name

        write_version(self.versions_dir, version, fill, self._dag_options)

    def _copy(self, files: list[Path], documents: Path) -> None:
        root = self._source if self._source.is_dir() else self._source.parent
        for file in files:
            inside = file.relative_to(root) if file.is_relative_to(root) else Path("node_types", file.name)
            target = documents / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)

    def _version_of(self, files: Iterable[Path]) -> str:
        """Return the first 20 hex digits of a hash over names and contents, and what else decides about the DAGs."""
        digest = hashlib.sha256(self._made_by.encode())
        for file in files:
            name = file.relative_to(self._source) if file.is_relative_to(self._source) else file.name
            # A name may be no UTF-8; that makes one odd file, not a bundle that cannot be read.
            digest.update(f"\n{name}\n{file.stat().st_size}\n".encode("utf-8", "surrogateescape"))
            digest.update(file.read_bytes())
        return digest.hexdigest()[:20]
