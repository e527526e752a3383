"""Sends metrics and writes events where the deployment says, and never fails or delays what it tells about.

Airflow's own client does the sending: over UDP, or with OpenTelemetry's exporter in the background. A host that does not
resolve turns it off for the process, with one line in the log.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from logging.handlers import WatchedFileHandler
from typing import Any

from flowdrop_provider import conf
from flowdrop_provider.library.metrics import METRICS, Measurement

__all__ = ["measure", "tell"]

log = logging.getLogger(__name__)


def measure(measurements: Iterable[Measurement]) -> None:
    """Send measurements; whatever goes wrong is logged, once for all of them, and goes no further."""
    try:
        from airflow.sdk.observability import stats

        for item in measurements:
            tags = dict(item.tags)
            if METRICS[item.name].kind == "timer":
                stats.timing(item.name, item.value, tags=tags)
            else:
                stats.incr(item.name, int(item.value), tags=tags)
    except Exception:
        # A run must not end because somebody's metrics server is away.
        log.warning("Metrics were not sent.", exc_info=True)


def tell(happening: Mapping[str, Any]) -> None:
    """Write an event as a line of JSON to the logger ``flowdrop.events``, where ``[flowdrop] event_log`` names a file."""
    try:
        path = conf.event_log()
        if path:
            _events(path).info(json.dumps(happening, ensure_ascii=False, default=str, separators=(",", ":")))
    except Exception:
        # As with metrics: what is told about matters more than telling.
        log.warning("An event was not written.", exc_info=True)


def _events(path: str) -> logging.Logger:
    """Return the logger, writing to the file; many processes append to it, a line with one write each."""
    events = logging.getLogger("flowdrop.events")
    if [getattr(handler, "baseFilename", None) for handler in events.handlers] != [path]:
        # Watched, so that logrotate may take the file away.
        handler = WatchedFileHandler(path, encoding="utf-8", delay=True, errors="backslashreplace")
        handler.setFormatter(logging.Formatter("%(message)s"))
        events.handlers[:], events.propagate = [handler], False
        events.setLevel(logging.INFO)
    return events
