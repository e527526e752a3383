"""The first task of a workflow that runs inside somebody's own DAG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from flowdrop_provider.operators.binding import FlowBinding

__all__ = ["FlowDropLaunchOperator"]


class FlowDropLaunchOperator(BaseOperator):
    """Checks the inputs of a workflow and hands them on to its nodes (MAN-13..16).

    :param binding: the workflow.
    :param inputs: values by declared name; rendered by Airflow, so templates and XComs work.
    """

    template_fields = ("inputs",)

    def __init__(self, *, binding: FlowBinding, inputs: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.binding = binding
        self.inputs = inputs

    def execute(self, context: Context) -> None:
        """Hand the inputs on; a refused input fails this task and with it the workflow, before any node ran."""
        from flowdrop_provider.engine.launch import launch
        from flowdrop_provider.operators.handover import seal_values
        from flowdrop_provider.operators.run import LAUNCH_KEY, RunOnAirflow

        run = RunOnAirflow(self.binding, context)
        launch(run.plan, inputs=self.inputs)
        run.push(LAUNCH_KEY, seal_values(self.inputs, run.policy.redactor()))
