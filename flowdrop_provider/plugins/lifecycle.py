"""What happens when the scheduler starts."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from airflow.listeners import hookimpl

__all__ = ["on_dag_run_failed", "on_dag_run_running", "on_starting"]


@hookimpl
def on_starting(component: Any) -> None:
    """Start delivering with the scheduler, so that what is left over from before it stopped need not wait for a run.

    Its executor starts after this, with what is loaded by then. Airflow calls this in each task as well, and one that
    LocalExecutor has forked from the scheduler has the scheduler's command line.
    """
    # A job says of what kind it is only after this.
    if "scheduler" in sys.argv and type(component).__name__ != "TaskRunnerMarker":
        _deliver()
        from flowdrop_provider.plugins.preloading import preload

        preload()


@hookimpl
def on_dag_run_running(dag_run: Any, msg: str) -> None:  # noqa: ARG001
    """Start delivering at the latest with the first run; Airflow calls this in its scheduler only, however that was started."""
    _deliver()
    _measure("flowdrop.run.started", dag_run)
    _judge(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:
    """Count a run that was ended from outside; one that ended by itself was counted by its last task."""
    if msg != "task_failure":
        _measure("flowdrop.run.aborted", dag_run)


def _tags(dag_run: Any) -> Any:
    """Return the tags of a run's DAG when it is one of ours, else none."""
    found = getattr(getattr(dag_run, "dag", None), "tags", None) or ()
    return found if _TAG in found else ()


def _judge(dag_run: Any) -> None:
    """Apply the overlap policy of a DAG's clock, if it has one."""
    tags = _tags(dag_run)
    if any(tag.startswith("overlap:") for tag in tags):
        from flowdrop_provider.plugins.overlaps import judge_clock

        judge_clock(dag_run, tags)


def _measure(name: str, dag_run: Any) -> None:
    if not _tags(dag_run):
        return
    from flowdrop_provider.library.metrics import Measurement
    from flowdrop_provider.operators.telemetry import measure

    measure([Measurement(name, 1, {"workflow": dag_run.dag_id})])


def _deliver() -> None:
    """Keep the processes running that tell Drupal and people about runs, where the deployment wants them.

    One that has died is replaced. They are two, so that a hanging mail server does not keep news from Drupal.
    """
    from flowdrop_provider import conf

    if conf.drupal_callback_seconds() > 0:
        _keep("flowdrop_provider.plugins.deliveries")
    if conf.notices_wanted():
        _keep("flowdrop_provider.plugins.notices")


def _keep(module: str) -> None:
    running = _processes.get(module)
    if running is not None and running.poll() is None:
        return
    from flowdrop_provider.plugins.deliveries.service import start_beside

    _processes[module] = start_beside(os.getpid(), module)


#: The tag of our DAGs, written out here because the module that names it loads the API.
_TAG = "flowdrop"

#: The processes of this scheduler by module, once there are any.
_processes: dict[str, subprocess.Popen[bytes]] = {}
