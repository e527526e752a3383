"""A folder of exports as an Airflow DAG bundle, versioned by content.

On refresh each changed export is read, validated and compiled once. The good ones are built by a few loader files; every
broken one gets a small file of its own that raises its located error, so that it is an import error of its own in Airflow's
UI and hides nothing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion

from flowdrop_provider import __version__, conf
from flowdrop_provider.bundles.writing import BrokenExportError, raise_broken_export, switch_to, write_version
from flowdrop_provider.document.files import export_files
from flowdrop_provider.errors import ConfigurationError

__all__ = ["BrokenExportError", "FlowDropFolderBundle", "raise_broken_export"]


class FlowDropFolderBundle(BaseDagBundle):
    """Exports in a folder (or a ``config/sync`` directory, or a zip) as DAGs.

    :param path: the folder, the directory or the zip file.
    :param node_types: folder of the site's node types; by default looked for beside the exports.
    :param dag_options: passed to every DAG (JSON values only).
    """

    supports_versioning = True

    def __init__(
        self,
        *,
        path: str,
        node_types: str | None = None,
        dag_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._source = Path(path)
        self._node_types = Path(node_types) if node_types else None
        self._dag_options = dag_options or {}
        self._current = self.version

    def initialize(self) -> None:
        """Make the wanted version available: the one asked for, or the newest."""
        if self.version is None:
            self.refresh()
        elif not self.path.exists():
            self._restore(self.version)
        super().initialize()

    @property
    def source(self) -> Path:
        """Where the exports come from."""
        return self._source

    @property
    def path(self) -> Path:
        """The folder with the loader files of the current version."""
        return self.versions_dir / (self._current or "none")

    def get_current_version(self) -> BundleVersion:
        """Return the content hash of the exports, and how many there are."""
        return BundleVersion(version=self._current or "none", data={"source": str(self._source)})

    def refresh(self) -> None:
        """Take over what has changed in the folder; a version once written is never changed.

        :raises ConfigurationError: the bundle is pinned to a version.
        """
        if self.version is not None:
            raise ConfigurationError("A bundle that is pinned to a version cannot be refreshed.", code="CONF_BUNDLE_PINNED")
        files = self._files()
        version = _content_version(self._source, files, self._dag_options)
        with self.lock():
            if not (self.versions_dir / version).exists():
                self._write(version, files)
            elif self._current != version:
                switch_to(self.versions_dir / version)
        self._current = version

    def _restore(self, version: str) -> None:
        """Write a version again on a machine that does not have it, which works while the folder still holds it."""
        files = self._files()
        found = _content_version(self._source, files, self._dag_options)
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


def _content_version(source: Path, files: Iterable[Path], options: dict[str, Any]) -> str:
    """Return the first 20 hex digits of a hash over names and contents, the options and the package's version."""
    digest = hashlib.sha256(f"{__version__}\n{conf.missing_processor()}\n{json.dumps(options, sort_keys=True)}".encode())
    for file in files:
        name = file.relative_to(source) if file.is_relative_to(source) else file.name
        digest.update(f"\n{name}\n{file.stat().st_size}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:20]
