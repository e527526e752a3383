"""The last task of every workflow: it decides the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from flowdrop_provider.operators.binding import FlowBinding

__all__ = ["FlowDropResultOperator"]


class FlowDropResultOperator(BaseOperator):
    """Ends a run: fails it on an unrouted failure, else succeeds and returns the outputs and the summary (ERR-9, ORC-11).

    Made by the DAG factory, which sets:

    :ivar binding: the workflow.
    :ivar flow: the drawing and the revision, JSON text; kept with each version of the DAG, so that an old run is drawn with
        the graph it ran with.
    """

    ui_color = "#e6f4ea"

    binding: FlowBinding
    flow: str

    @classmethod
    def get_serialized_fields(cls) -> frozenset[str]:
        """Return the fields kept in the serialized DAG: Airflow's own and the drawing."""
        own: frozenset[str] = super().get_serialized_fields()  # type: ignore[no-untyped-call]
        return own | {"flow"}

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the run's summary, or fail the run with the first unrouted failure."""
        from flowdrop_provider.operators.summary import end_run

        return end_run(self.binding, context)
