"""What ties an operator to its workflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flowdrop_provider.library.sources import PlanSource

__all__ = ["FlowBinding"]


@dataclass(frozen=True, slots=True)
class FlowBinding:
    """The workflow of an operator, the same object for all operators of one DAG.

    :ivar source: where the plan comes from; compiled on the worker, never at parse time.
    :ivar task_ids: task id by node id, of all nodes of the workflow.
    :ivar node_ids: the nodes of each task.
    :ivar launch_task_id: the task that hands on the inputs, inside a task group.
    """

    source: PlanSource
    task_ids: Mapping[str, str]
    node_ids: Mapping[str, tuple[str, ...]]
    launch_task_id: str | None = None
