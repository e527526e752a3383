"""What every bundle of exports has in common: versions by content, each written once and never changed."""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.base import BaseDagBundle

from flowdrop_provider import __version__, conf
from flowdrop_provider.errors import ConfigurationError

__all__ = ["NOTHING", "ContentBundle"]

#: Version of a bundle that has never seen its source.
NOTHING = "none"


class ContentBundle(BaseDagBundle):
    """A bundle whose versions are named by a hash over their content.

    :param dag_options: passed to every DAG (JSON values only).
    """

    supports_versioning = True

    def __init__(self, *, dag_options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
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
    def path(self) -> Path:
        """The folder with the loader files of the current version."""
        return self.versions_dir / (self._current or NOTHING)

    def refresh(self) -> None:
        """Take over what the source has now.

        :raises ConfigurationError: ``CONF_BUNDLE_PINNED``: the bundle is pinned to a version.
        """
        if self.version is not None:
            raise ConfigurationError("A bundle that is pinned to a version cannot be refreshed.", code="CONF_BUNDLE_PINNED")
        self._take_over()

    @property
    def _made_by(self) -> str:
        """What decides about the DAGs besides the documents: another release or other settings make other versions."""
        return f"{__version__}\n{conf.missing_processor()}\n{json.dumps(self._dag_options, sort_keys=True)}"

    @abstractmethod
    def _take_over(self) -> None:
        """Make a version of what the source has now the current one."""

    @abstractmethod
    def _restore(self, version: str) -> None:
        """Get a version that this machine does not have.

        :raises ConfigurationError: ``CONF_BUNDLE_VERSION_GONE``.
        """
