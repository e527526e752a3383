"""Other workflows, started from a node on Airflow: runs of their own DAGs, linked to the run that started them.

A workflow-as-node and a workflow inside a loop run inline, in the task of the calling node; ``workflow_executor`` starts a run
of the other workflow's DAG.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from flowdrop_provider import conf
from flowdrop_provider.engine.launch import CONF_KEY
from flowdrop_provider.engine.naming import RESULT_TASK_ID, airflow_id
from flowdrop_provider.engine.runner import RunResult
from flowdrop_provider.engine.subworkflows import InlineWorkflows
from flowdrop_provider.errors import NodeError
from flowdrop_provider.operators.handover import HANDOVER_KEY, Learn, open_values

__all__ = ["AirflowWorkflows"]

_ENDED = {"success": "completed", "failed": "failed"}


class AirflowWorkflows:
    """Implements :class:`~flowdrop_provider.nodes.subworkflows.WorkflowRunner` with DAG runs.

    :param inline: runs workflows in this process.
    :param ti: Airflow's task instance.
    :param workflow_id: the calling workflow, for the link.
    :param learn: takes the secrets that may be in what the other workflow gives.
    """

    def __init__(self, inline: InlineWorkflows, ti: Any, workflow_id: str, learn: Learn) -> None:
        self._inline = inline
        self._ti = ti
        self._workflow_id = workflow_id
        self._learn = learn

    def run(self, workflow_id: str, inputs: Mapping[str, Any]) -> RunResult:
        """Run a workflow inline."""
        return self._inline.run(workflow_id, inputs)

    def start(self, workflow_id: str, inputs: Mapping[str, Any]) -> str:
        """Start a run of the workflow's DAG and return ``dag id/run id``.

        :raises NodeError: ``workflow_missing`` when Airflow knows no such DAG, or refuses the inputs.
        """
        from airflow.sdk.exceptions import AirflowRuntimeError
        from airflow.sdk.execution_time.comms import TriggerDagRun
        from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

        dag_id = airflow_id(f"{conf.dag_id_prefix()}{workflow_id}")
        run_id = f"flowdrop__{uuid.uuid4()}"
        parent = {"dag_id": self._ti.dag_id, "run_id": self._ti.run_id, "task_id": self._ti.task_id}
        payload = {**inputs, CONF_KEY: {"parent": {**parent, "workflow_id": self._workflow_id}}}
        try:
            SUPERVISOR_COMMS.send(TriggerDagRun(dag_id=dag_id, run_id=run_id, conf=payload))
        except AirflowRuntimeError as error:
            raise NodeError(
                f"The workflow {workflow_id!r} could not be started: {error}",
                code="workflow_missing",
                hint=f"Airflow needs a DAG {dag_id!r} that accepts these inputs.",
            ) from error
        return f"{dag_id}/{run_id}"

    def state(self, run_id: str) -> Mapping[str, Any] | None:
        """Return ``{status, outputs, error_message}`` of a run, ``None`` when the id is none of ours."""
        dag_id, _, own = run_id.partition("/")
        if not own:
            return self._inline.state(run_id)
        state = self._ti.get_dagrun_state(dag_id, own)
        if state not in _ENDED:
            return {"status": "pending" if state == "queued" else "running", "outputs": {}, "error_message": ""}
        handover = self._ti.xcom_pull(dag_id=dag_id, run_id=own, task_ids=RESULT_TASK_ID, key=HANDOVER_KEY)
        if not isinstance(handover, Mapping):
            # A run that was ended from outside never reaches its last task (ORC-15).
            return {"status": "cancelled", "outputs": {}, "error_message": "The run was cancelled."}
        error = handover.get("error") or {}
        outputs = open_values(handover.get("outputs") or {}, self._learn)
        return {"status": handover["status"], "outputs": outputs, "error_message": error.get("message", "")}

    def wait(self, run_id: str, seconds: float, interval: float) -> Mapping[str, Any] | None:
        """Return the state once the run is over, or as it is after ``seconds``."""
        deadline = time.monotonic() + seconds
        while True:
            state = self.state(run_id)
            if state is None or state["status"] not in {"pending", "running"} or time.monotonic() >= deadline:
                return state
            time.sleep(max(0.2, min(interval, deadline - time.monotonic())))
