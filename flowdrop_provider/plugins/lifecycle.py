"""What happens when the scheduler starts."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

from airflow.listeners import hookimpl

__all__ = ["on_dag_run_running", "on_starting"]


@hookimpl
def on_starting(component: Any) -> None:  # noqa: ARG001 - Airflow tells which component before it knows its kind
    """Start delivering with the scheduler, so that what is left over from before it stopped need not wait for a run."""
    if "scheduler" in sys.argv:
        _deliver()


@hookimpl
def on_dag_run_running(dag_run: Any, msg: str) -> None:  # noqa: ARG001
    """Start delivering at the latest with the first run; Airflow calls this in its scheduler only, however that was started."""
    _deliver()


@cache
def _deliver() -> None:
    """Start the process that tells Drupal about runs, once, and only where the deployment wants it."""
    from flowdrop_provider import conf

    if conf.drupal_callback_seconds() > 0:
        from flowdrop_provider.plugins.deliveries.service import start_beside

        start_beside(os.getpid())
