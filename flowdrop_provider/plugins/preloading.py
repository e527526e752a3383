"""Loads once, in the scheduler, what each task would load again.

LocalExecutor forks its workers from the scheduler, and each task from a worker: what the scheduler has loaded, they all
have. The modules of this package alone are a third of a second of computing. Celery's workers are told the same by
``[celery] extra_celery_config`` (deploy/distributed/celery.env).
"""

from __future__ import annotations

import logging
from importlib import import_module

from airflow.configuration import conf as airflow_conf

from flowdrop_provider.nodes.registry import shipped_modules

__all__ = ["MODULES", "preload"]

log = logging.getLogger(__name__)

#: What a task of ours loads besides the nodes: Airflow's side of a task, the DAG and its drawing, the engine.
MODULES = (
    "airflow.sdk.execution_time.task_runner",
    "airflow.sdk.observability.stats",
    "flowdrop_provider.bundles.drupal",
    "flowdrop_provider.dag_factory",
    "flowdrop_provider.document.exports",
    "flowdrop_provider.engine.compile",
    "flowdrop_provider.expressions.configured",
    "flowdrop_provider.hooks.memory",
    "flowdrop_provider.hooks.models",
    "flowdrop_provider.library.overlaps",
    "flowdrop_provider.library.schedules",
    "flowdrop_provider.library.workshop",
    "flowdrop_provider.operators.groups",
    "flowdrop_provider.operators.steps",
    "flowdrop_provider.operators.summary",
    "jinja2.ext",
)


def preload() -> list[str]:
    """Load the modules where tasks are forked from this process, and return their names; one that cannot be is left out."""
    if "LocalExecutor" not in airflow_conf.get("core", "executor", fallback=""):
        return []
    loaded = []
    for name in (*MODULES, *shipped_modules()):
        try:
            import_module(name)
        except Exception:  # each task will say so by itself, at the node that needs it
            log.debug("%s is not loaded beforehand.", name, exc_info=True)
        else:
            loaded.append(name)
    return loaded
