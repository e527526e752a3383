"""The last task of every workflow: it decides the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from flowdrop_provider.library.sources import PlanSource

__all__ = ["FlowDropResultOperator"]


class FlowDropResultOperator(BaseOperator):
    """Ends a run: fails it on an unrouted failure, else succeeds and returns the outputs and the summary (ERR-9, ORC-11).

    :param flow: the drawing and the revision, JSON text; kept with each version of the DAG, so that an old run is drawn with
        the graph it ran with.
    """

    ui_color = "#e6f4ea"

    def __init__(
        self,
        *,
        source: PlanSource,
        flow_task_ids: Mapping[str, str],
        flow: str,
        launch_task_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.launch_task_id = launch_task_id
        self.source = source
        self.flow_task_ids = flow_task_ids
        self.flow = flow

    @classmethod
    def get_serialized_fields(cls) -> frozenset[str]:
        """Return the fields kept in the serialized DAG: Airflow's own and the drawing."""
        own: frozenset[str] = super().get_serialized_fields()  # type: ignore[no-untyped-call]
        return own | {"flow"}

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the run's summary, or fail the run with the first unrouted failure."""
        from flowdrop_provider.operators.summary import end_run

        return end_run(self, context)
