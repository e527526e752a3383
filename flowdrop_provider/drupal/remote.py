"""Runs nodes in Drupal, through the module's route ``execute-node``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flowdrop_provider.drupal.access import json_of
from flowdrop_provider.drupal.site import Site, refusal

__all__ = ["DrupalNodes"]


class DrupalNodes:
    """Implements :class:`~flowdrop_provider.nodes.remote.RemoteNodes`.

    :param site: gives the site when the first node needs it.
    :param timeout: seconds a node may work before its request counts as lost; a longer one answers "running".
    """

    def __init__(self, site: Callable[[], Site], *, timeout: float = 120.0) -> None:
        self._site = site
        self._timeout = timeout

    def execute(self, request: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """Return the reply; see :meth:`~flowdrop_provider.nodes.remote.RemoteNodes.execute`."""
        reply = self._site().signed("POST", "/execute-node", request, delivery=key, timeout=self._timeout)
        document = json_of(reply)
        if reply.status != 200 or "status" not in document:
            raise refusal(reply, document)
        return document
