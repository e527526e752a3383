"""What a task knows of the nodes before it: handovers, read only when they are needed.

One pull is one HTTP call (about 11 ms), so a source is asked for when the engine's readiness rules get to it and never twice.
A source without a handover was skipped, or its worker died; one call tells which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowdrop_provider.engine.execution import error_envelope
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.routing import Outcome
from flowdrop_provider.operators.handover import HANDOVER_KEY, Learn, outcome_from

__all__ = ["SourceOutcomes", "lost_worker"]


def lost_worker(plan: Plan, node_id: str) -> Outcome:
    """Return the outcome of a node whose worker died: a failure with code ``worker_lost``, routed where it can be."""
    error = error_envelope(node_id, code="worker_lost", message="The worker that ran this node died.", retryable=True)
    return Outcome("failed", plan.nodes[node_id].position, plan.nodes[node_id].routes_errors, ports={"error": error})


class SourceOutcomes(Mapping[str, Outcome]):
    """Outcomes by node id, pulled lazily from the tasks of the same run.

    :param task_ids: task id by node id.
    :param ti: Airflow's task instance.
    :param learn: takes the secrets that may be in what is handed on.
    """

    def __init__(self, plan: Plan, task_ids: Mapping[str, str], ti: Any, learn: Learn) -> None:
        self._plan = plan
        self._task_ids = task_ids
        self._ti = ti
        self._learn = learn
        self._known: dict[str, Outcome] = {}
        self._pulled: dict[str, Any] = {}

    @property
    def known(self) -> dict[str, Outcome]:
        """The outcomes that were asked for so far."""
        return dict(self._known)

    def __getitem__(self, node_id: str) -> Outcome:
        if node_id not in self._task_ids:
            raise KeyError(node_id)
        if node_id not in self._known:
            self._known[node_id] = self._pull(node_id)
        return self._known[node_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._task_ids)

    def __len__(self) -> int:
        return len(self._task_ids)

    def _pull(self, node_id: str) -> Outcome:
        task_id = self._task_ids[node_id]
        handover = self._handover(task_id)
        if handover is None:
            return lost_worker(self._plan, node_id) if self._state(task_id) == "failed" else Outcome("skipped")
        if "nodes" not in handover:
            return outcome_from(handover, self._learn)
        found = handover["nodes"].get(node_id)
        return outcome_from(found, self._learn) if found is not None else Outcome("skipped")

    def _handover(self, task_id: str) -> Mapping[str, Any] | None:
        """Return what a task handed on; one pull a task, also where it ran several nodes."""
        if task_id not in self._pulled:
            self._pulled[task_id] = self._ti.xcom_pull(task_ids=task_id, key=HANDOVER_KEY)
        found = self._pulled[task_id]
        return found if isinstance(found, Mapping) else None

    def _state(self, task_id: str) -> str | None:
        states = self._ti.get_task_states(dag_id=self._ti.dag_id, run_ids=[self._ti.run_id], task_ids=[task_id])
        state: str | None = states.get(self._ti.run_id, {}).get(task_id)
        return state
