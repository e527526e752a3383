"""The operator of several nodes: a loop, or a fused group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from flowdrop_provider.operators.binding import FlowBinding

__all__ = ["FlowDropGroupOperator"]


class FlowDropGroupOperator(BaseOperator):
    """Runs a loop, or a fused group of nodes, in one task; made by the DAG factory, which sets :attr:`binding`.

    Every execution leaves a job record of its own (``flowdrop_job.<order>``) as soon as it has ended, so that rounds are seen
    as they happen. A retry of Airflow's goes on from the last checkpoint; a clear starts the group anew.
    """

    ui_color = "#fef7e0"

    binding: FlowBinding

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the group and return the redacted outputs of its nodes by node id."""
        from flowdrop_provider.operators.groups import run_group

        return run_group(self.binding, self.binding.node_ids[self.task_id], context)

    def resume(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Go on after an answer or a timer; called by Airflow in a new process."""
        from flowdrop_provider.operators.groups import resume_group

        return resume_group(self.binding, self.binding.node_ids[self.task_id], context, event)
