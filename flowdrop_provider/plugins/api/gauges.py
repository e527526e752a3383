"""What Prometheus is told of workflows: gauges of this moment, read from Airflow's own tables at each scrape.

Counts of what has happened go out as metrics of :mod:`flowdrop_provider.library.metrics`; these need no StatsD.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

__all__ = ["GAUGES", "gauges_text"]

#: Labels and help of each gauge.
GAUGES: dict[str, tuple[tuple[str, ...], str]] = {
    "flowdrop_runs_open": (("workflow", "state"), "Runs that are queued or running at this moment."),
    "flowdrop_runs_ended_last_hour": (("workflow", "state"), "Runs that ended within the last hour."),
    "flowdrop_run_last_end_timestamp_seconds": (("workflow", "state"), "When the last run that ended so ended."),
    "flowdrop_interrupts_waiting": (("workflow",), "Tasks that wait for a person, or in a paused run."),
}
_OPEN, _ENDED = ("queued", "running"), ("success", "failed")

Sample = tuple[str, tuple[str, ...], float]


def gauges_text(session: Session, dag_ids: set[str], now: dt.datetime) -> bytes:
    """Return the gauges of some workflows in Prometheus' text format; a workflow without runs has zeros."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(list(_samples(session, sorted(dag_ids), now))))
    return generate_latest(registry)


class _Collected(Collector):
    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = list(samples)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the families; the client library asks once."""
        for name, (labels, text) in GAUGES.items():
            family = GaugeMetricFamily(name, text, labels=labels)
            for _, values, number in (sample for sample in self._samples if sample[0] == name):
                family.add_metric(values, number)
            yield family


def _samples(session: Session, dag_ids: list[str], now: dt.datetime) -> Iterator[Sample]:
    mine = DagRun.dag_id.in_(dag_ids)
    lately = DagRun.end_date > now - dt.timedelta(hours=1)
    yield from _counted(session, "flowdrop_runs_open", dag_ids, _OPEN, mine)
    yield from _counted(session, "flowdrop_runs_ended_last_hour", dag_ids, _ENDED, mine, lately)
    last = select(DagRun.dag_id, DagRun.state, func.max(DagRun.end_date)).where(mine, DagRun.state.in_(_ENDED))
    for dag_id, state, end in session.execute(last.group_by(DagRun.dag_id, DagRun.state)):
        if end is not None:
            yield "flowdrop_run_last_end_timestamp_seconds", (dag_id, str(state)), end.timestamp()
    waiting = select(TaskInstance.dag_id, func.count()).where(
        TaskInstance.dag_id.in_(dag_ids), TaskInstance.state == "awaiting_input"
    )
    found = {row[0]: row[1] for row in session.execute(waiting.group_by(TaskInstance.dag_id))}
    for dag_id in dag_ids:
        yield "flowdrop_interrupts_waiting", (dag_id,), found.get(dag_id, 0)


def _counted(session: Session, name: str, dag_ids: list[str], states: tuple[str, ...], *where: Any) -> Iterator[Sample]:
    query = select(DagRun.dag_id, DagRun.state, func.count()).where(*where, DagRun.state.in_(states))
    found = {
        (dag_id, str(state)): count for dag_id, state, count in session.execute(query.group_by(DagRun.dag_id, DagRun.state))
    }
    for dag_id in dag_ids:
        for state in states:
            yield name, (dag_id, state), found.get((dag_id, state), 0)
