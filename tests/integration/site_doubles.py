"""For a DAG file: what a real site's modules, model and memory are on a scheduler, as in tests/library/test_real_exports.py."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from flowdrop_provider.hooks.memory import SqlMemory
from flowdrop_provider.library import workshop
from flowdrop_provider.nodes import registry
from flowdrop_provider.operators import run as run_module
from tests.library.test_real_exports import Models, doubles

__all__ = ["install"]


def install(memory: Path) -> None:
    """Put the doubles in place of what is a site's own, in this process.

    :param memory: file that the processes of a run share what they remember in.
    """
    mine = doubles()
    registry._by_any_id().update(mine)
    shipped, unknown = registry.shipped_catalogue(), [item.node_type for name, item in mine.items() if "approval" in name]
    workshop.shipped_catalogue = lambda: shipped.extended(unknown)  # type: ignore[assignment]
    real = run_module.airflow_world
    store = SqlMemory(lambda: create_engine(f"sqlite:///{memory}", connect_args={"timeout": 60}))

    def world() -> Any:
        found = real()
        return dataclasses.replace(found, extras={**found.extras, "models": Models(), "memory": store})

    run_module.airflow_world = world
    # A conversation of its own for each run; on a real site it is the visitor's session.
    run_module.RunOnAirflow._people = lambda self: (self.ti.run_id, "7")  # type: ignore[method-assign]
