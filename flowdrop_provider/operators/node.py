"""The operator of one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from flowdrop_provider.operators.binding import FlowBinding

__all__ = ["FlowDropNodeOperator"]


class FlowDropNodeOperator(BaseOperator):
    """Runs one node of a FlowDrop workflow; made by the DAG factory, which sets :attr:`binding`.

    It has no ``__init__`` of its own, because Airflow merges defaults once for every ``__init__`` on the way, which would add
    a third to the time of building a DAG.

    Every node task has trigger rule ``all_done``; whether it runs is the engine's decision from its sources' outcomes.
    """

    ui_color = "#e8f0fe"

    binding: FlowBinding

    @property
    def flow_node_id(self) -> str:
        """The node in the document."""
        return self.binding.node_ids[self.task_id][0]

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the node and return its redacted outputs; skip or fail the task as the engine says."""
        from flowdrop_provider.operators.steps import run_node

        return run_node(self.binding, self.flow_node_id, context)

    def resume(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Go on after an answer or a pause; called by Airflow in a new process."""
        from flowdrop_provider.operators.steps import resume_node

        return resume_node(self.binding, self.flow_node_id, context, event)
