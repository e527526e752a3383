"""The operator of one node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from flowdrop_provider.library.sources import PlanSource

__all__ = ["FlowDropNodeOperator"]


class FlowDropNodeOperator(BaseOperator):
    """Runs one node of a FlowDrop workflow.

    :param flow_node_id: the node in the document.
    :param source: where the workflow's plan comes from; compiled on the worker, never at parse time.
    :param flow_task_ids: task id by node id, of all nodes of the workflow.
    :param launch_task_id: the task that hands on the inputs, inside a task group.

    Every node task has trigger rule ``all_done``; whether it runs is the engine's decision from its sources' outcomes.
    """

    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        flow_node_id: str,
        source: PlanSource,
        flow_task_ids: Mapping[str, str],
        launch_task_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.flow_node_id = flow_node_id
        self.source = source
        self.flow_task_ids = flow_task_ids
        self.launch_task_id = launch_task_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the node and return its redacted outputs; skip or fail the task as the engine says."""
        from flowdrop_provider.operators.steps import run_node

        return run_node(self, context)
