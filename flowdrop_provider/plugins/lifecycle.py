"""What happens when the scheduler starts."""

from __future__ import annotations

import os
import subprocess
import sys
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


def _deliver() -> None:
    """Keep the process running that tells Drupal about runs, where the deployment wants it; one that has died is replaced."""
    from flowdrop_provider import conf

    if conf.drupal_callback_seconds() <= 0 or any(process.poll() is None for process in _processes):
        return
    from flowdrop_provider.plugins.deliveries.service import start_beside

    _processes[:] = [start_beside(os.getpid())]


#: The process of this scheduler, once there is one.
_processes: list[subprocess.Popen[bytes]] = []
