"""A run seen from inside one of its tasks: identity, launch payload, XCom, skips."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flowdrop_provider import conf
from flowdrop_provider.engine.execution import error_envelope
from flowdrop_provider.engine.launch import CONF_KEY, Launch, declared_inputs, launch, split_conf, takes_events
from flowdrop_provider.engine.records import RecordPolicy, RunIdentity
from flowdrop_provider.engine.routing import Outcome
from flowdrop_provider.engine.strategies import find_strategy, resting_triggers
from flowdrop_provider.engine.subworkflows import InlineWorkflows
from flowdrop_provider.engine.toolbox import RunTools
from flowdrop_provider.errors import LaunchError, NodeError
from flowdrop_provider.library.identity import read_identity
from flowdrop_provider.nodes.world import World
from flowdrop_provider.operators.callbacks import AirflowCallbacks
from flowdrop_provider.operators.handover import open_values, storable
from flowdrop_provider.operators.reuse import Reuse, opened_reuse
from flowdrop_provider.operators.sources import SourceOutcomes
from flowdrop_provider.operators.subruns import AirflowWorkflows
from flowdrop_provider.operators.world import airflow_world

if TYPE_CHECKING:
    from airflow.sdk import Context

    from flowdrop_provider.operators.binding import FlowBinding

__all__ = ["LAUNCH_KEY", "PAUSE_MEMBER", "RunOnAirflow"]

#: XCom key of the launch payload that a task group's first task hands on.
LAUNCH_KEY = "flowdrop_launch"


#: The member of the run's own configuration that says who paused it, when and why.
PAUSE_MEMBER = "paused"

#: A group of nodes looks this often whether its run was paused, in seconds.
_LOOK_SECONDS = 2.0


class RunOnAirflow:
    """The run a task belongs to.

    :param binding: the task's workflow.
    :param context: Airflow's task context.
    """

    def __init__(self, binding: FlowBinding, context: Context) -> None:
        self._source = binding.source
        self.plan = binding.source.plan
        self.task_ids = binding.task_ids
        self.context = context
        self.ti: Any = context["ti"]
        self.policy = RecordPolicy(conf.record_max_bytes(), conf.store_data(), conf.sensitive_keys())
        self._launch_task_id = binding.launch_task_id
        self._looked = time.monotonic()

    def identity(self) -> RunIdentity:
        """Return which run and task a record belongs to."""
        return RunIdentity(
            run_id=self.ti.run_id,
            dag_id=self.ti.dag_id,
            task_id=self.ti.task_id,
            map_index=self.ti.map_index if self.ti.map_index is not None else -1,
            try_number=self.ti.try_number,
        )

    def push(self, key: str, value: Any) -> None:
        """Store a value as XCom of this task, visible at once."""
        self.ti.xcom_push(key=key, value=storable(value))

    def learn(self, secrets: Iterable[str]) -> None:
        """Take secret values that may be in what this task got: neither a record nor a line of the log shows them."""
        from airflow.sdk.log import mask_secret

        for secret in set(secrets) - self.policy.known:
            self.policy.known.add(secret)
            mask_secret(secret)

    def sources(self) -> SourceOutcomes:
        """Return what the nodes before this task's did, read when it is asked for."""
        return SourceOutcomes(self.plan, self.task_ids, self.ti, self.learn)

    def world(self, known: Mapping[str, Outcome] | None = None) -> World:
        """Return the services for processors.

        :param known: outcomes of the node's sources, for a single node that consumes tools; a group brings its own.
        """
        world = airflow_world()
        world.session_id, world.user_id = self._people()
        world.known_secrets = self.policy.known
        inline = InlineWorkflows(self._source.sibling, world, (self.plan.workflow_id,))
        world.extras["workflows"] = AirflowWorkflows(inline, self.ti, self.plan.workflow_id, self.learn)
        world.extras["callbacks"] = AirflowCallbacks(self.ti.id)
        if known is not None and self.plan.tools:
            world.extras["tools"] = RunTools(self.plan, world, known, {})
        return world

    def _people(self) -> tuple[str, str]:
        """Return the chat session and the user whose memory this run may use, ``""`` for none (MEM-8, MEM-9).

        In a session that is its owner; else whoever triggered the run, as Airflow knows them. A schedule is nobody.
        """
        identity = read_identity(self.own_conf().get("session"), self.ti.dag_id, self.ti.run_id, conf.seal_keys())
        if identity is not None:
            return identity.session_id, identity.owner
        return "", self.context["dag_run"].triggering_user_name or ""

    def launch(self) -> Launch:
        """Return the run's initial data from its configuration, checked as every launch is (MAN-13..16).

        :raises LaunchError: the inputs are not accepted.
        """
        if self._launch_task_id is not None:
            handed_on = self.ti.xcom_pull(task_ids=self._launch_task_id, key=LAUNCH_KEY) or {}
            return self._launch_from(open_values(handed_on, self.learn), {})
        given, own = split_conf(getattr(self.context["dag_run"], "conf", None))
        defaults = {name: value for name, value in self.context["params"].items() if value is not None}
        return self._launch_from({**defaults, **given}, own)

    def resting(self) -> frozenset[str]:
        """Return the trigger nodes that this run leaves out (ORC-8); inputs that are refused name no trigger."""
        strategy = find_strategy(self.plan.strategy)
        if strategy is None or not strategy.walks_once:
            return frozenset()
        try:
            return resting_triggers(self.plan, self.launch().flat)
        except LaunchError:
            return frozenset()

    def _launch_from(self, payload: Mapping[str, Any], own: Mapping[str, Any]) -> Launch:
        initial = own.get("initial_data")
        payload = {name: value for name, value in payload.items() if name != CONF_KEY}
        names = {entry.name for entry in declared_inputs(self.plan)}
        event = takes_events(self.plan)
        inputs = {name: value for name, value in payload.items() if name in names or not event}
        flat = {**payload, **(initial if isinstance(initial, Mapping) else {})} if event else initial
        return launch(self.plan, inputs=inputs, initial_data=flat)

    def own_conf(self) -> Mapping[str, Any]:
        """Return the run's own part of its configuration, as it was when this task started."""
        return split_conf(getattr(self.context["dag_run"], "conf", None))[1]

    def reuse(self) -> Reuse:
        """Return what this run takes over from the run it repeats.

        :raises LaunchError: ``LAUNCH_REUSE``.
        """
        return opened_reuse(self.own_conf(), self.ti.dag_id, self.ti.run_id)

    @property
    def tried_again(self) -> bool:
        """Whether Airflow starts this task again when it raises anything: a task without side effects has a second try."""
        return int(self.ti.try_number) <= int(getattr(self.ti, "max_tries", 0) or 0)

    def final_error(self, node_id: str, error: NodeError) -> dict[str, Any]:
        """Return the payload of an error that ends a node; it is raised instead where Airflow starts the task again."""
        if self.tried_again:
            raise error
        return error_envelope(node_id, code=error.code, message=error.message, retryable=error.retryable)

    @property
    def paused(self) -> bool:
        """Whether somebody had paused the run when this task started."""
        return bool(self.own_conf().get(PAUSE_MEMBER))

    def signal(self) -> str | None:
        """Return ``pause`` when somebody has paused the run: what a task of several nodes asks between them (INT-5).

        A look is a call to the API server, so there is one in :data:`_LOOK_SECONDS` at most.
        """
        if self.paused:
            return "pause"
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return None
        self._looked = time.monotonic()
        return "pause" if split_conf(self._conf_now())[1].get(PAUSE_MEMBER) else None

    def _conf_now(self) -> Any:
        from airflow.sdk.execution_time.comms import GetDagRun
        from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

        return getattr(SUPERVISOR_COMMS.send(GetDagRun(dag_id=self.ti.dag_id, run_id=self.ti.run_id)), "conf", None)

    def skip_nodes(self, node_ids: Iterable[str]) -> None:
        """Skip the tasks of nodes that have not started; one call, no process. A task of several nodes needs all of them."""
        from airflow.sdk.execution_time.comms import SkipDownstreamTasks
        from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

        dead = set(node_ids)
        tasks = {task_id for task_id in map(self.task_ids.get, dead) if task_id}
        alive = {task_id for node_id, task_id in self.task_ids.items() if node_id not in dead}
        wanted = sorted(tasks - alive)
        if wanted:
            SUPERVISOR_COMMS.send(SkipDownstreamTasks(tasks=list(wanted)))
