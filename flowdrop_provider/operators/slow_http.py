"""Slow HTTP calls of a node's own task are made by the triggerer (``[flowdrop] http_defer_after``).

The first stretch of the task ends at the call; the second runs the processor again, and its first call gets the reply. A
processor that sends is written as one call (``http_request``, ``url_fetch``, ``webhook``), so nothing happens twice. A repeated
attempt, and every call of a loop or a fused group, is made in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from flowdrop_provider import conf
from flowdrop_provider.hooks.http import AirflowHttpClient
from flowdrop_provider.nodes.http_client import HttpPolicy
from flowdrop_provider.nodes.world import HttpReply, HttpRequest
from flowdrop_provider.triggers.http import EVENT_KEY, HttpRequestTrigger, reply_of

__all__ = ["SlowCall", "http_client_of"]


class SlowCall(BaseException):
    """A call that the triggerer is to make; no :class:`Exception`, so that no processor takes it for a failure of its own."""

    def __init__(self, request: HttpRequest, policy: HttpPolicy) -> None:
        super().__init__(request.url)
        self.request = request
        self.policy = policy

    def defer(self) -> NoReturn:
        """Give the worker back until the reply is there."""
        from airflow.sdk.exceptions import TaskDeferred

        raise TaskDeferred(trigger=HttpRequestTrigger.of(self.request, self.policy), method_name="resume")


def http_client_of(event: Any) -> AirflowHttpClient:
    """Return the HTTP client of a stretch of a node's task.

    :param event: what the task was resumed with, ``None`` in its first stretch.
    """
    if isinstance(event, Mapping) and EVENT_KEY in event:
        return _Answered(event)
    return _Deferring(conf.http_defer_after()) if conf.http_defer_after() > 0 else AirflowHttpClient()


class _Deferring(AirflowHttpClient):
    """Hands calls that may take long to the triggerer."""

    def __init__(self, after: float) -> None:
        super().__init__()
        self._after = after

    def send(self, request: HttpRequest) -> HttpReply:
        """Send a request that is allowed less time; hand over any other, one without a limit (0) too."""
        if 0 < request.timeout < self._after:
            return super().send(request)
        raise SlowCall(*self.prepared(request))


class _Answered(AirflowHttpClient):
    """Gives the reply that the triggerer brought, once."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        super().__init__()
        self._event: Mapping[str, Any] | None = event

    def send(self, request: HttpRequest) -> HttpReply:
        """Return the reply that is there, or send."""
        if self._event is None:
            return super().send(request)
        event, self._event = self._event, None
        return reply_of(event)
