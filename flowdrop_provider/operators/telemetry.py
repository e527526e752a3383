"""Sends metrics where the deployment's ``[metrics]`` settings say, and never fails or delays what it tells about.

Airflow's own client does the sending: over UDP, or with OpenTelemetry's exporter in the background. A host that does not
resolve turns it off for the process, with one line in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from flowdrop_provider.library.metrics import METRICS, Measurement

__all__ = ["measure"]

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
