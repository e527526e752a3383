"""Strategies: how Drupal says a workflow is to be run, by the identifiers it stores, and what that means here (ORC-1..8).

Drupal chooses an orchestrator for each firing; here a workflow has one layout in tasks, so it has one strategy, chosen from
what the document and the site's triggers name. What follows from it is decided by declared capabilities, never by identity
(ORC-5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flowdrop_provider.document.handles import EdgeKind
from flowdrop_provider.document.models import TriggerConfig, Workflow
from flowdrop_provider.engine.plan import Plan, PlanNode

__all__ = [
    "DEFAULT",
    "OTHER_TRIGGER",
    "SEVERAL",
    "TRIGGER_NODE",
    "UNKNOWN",
    "Choice",
    "Strategy",
    "choose",
    "find_strategy",
    "is_trigger",
    "loop_edges",
    "resting_triggers",
]

#: The member of a run's flat initial data that names the trigger node which fired (OCX-1).
TRIGGER_NODE = "trigger_node_id"
#: Why a trigger node was left out: the run says that another one fired (ORC-8).
OTHER_TRIGGER = "other_trigger"

#: Codes of warnings: the triggers disagree, and an identifier that is not known.
SEVERAL, UNKNOWN = "W_STRATEGY_SEVERAL", "W_STRATEGY_UNKNOWN"

#: Where a trigger's settings may keep the identifier; FlowDrop's releases differ.
_KEYS = ("orchestrator", "type", "orchestrator_id", "plugin_id")


@dataclass(frozen=True, slots=True)
class Strategy:
    """One strategy with its stable identifier (ORC-1) and what it declares about itself (ORC-5)."""

    identifier: str
    label: str
    capabilities: frozenset[str]

    @property
    def stateful(self) -> bool:
        """Whether it keeps the state of a run between rounds: it declares so."""
        return "stateful" in self.capabilities

    @property
    def synchronous(self) -> bool:
        """Whether the caller waits: declared, and not stateful (ORC-5)."""
        return "synchronous_execution" in self.capabilities and not self.stateful

    @property
    def walks_once(self) -> bool:
        """Whether it only walks the compiled order: it has neither jobs to come back to nor state, so no loops (ORC-7)."""
        return self.synchronous and "pipeline_based" not in self.capabilities

    @property
    def fused(self) -> bool:
        """Whether connected nodes share a task here: what runs in one go there runs in one process here."""
        return self.walks_once


def _strategy(identifier: str, label: str, *capabilities: str) -> Strategy:
    return Strategy(identifier, label, frozenset(capabilities))


_KNOWN = (
    _strategy("flowdrop_runtime:synchronous", "direct synchronous", "synchronous_execution"),
    _strategy(
        "flowdrop_runtime:synchronous_pipeline", "synchronous pipeline",
        "synchronous_execution", "pipeline_based", "job_tracking",
    ),
    _strategy(
        "flowdrop_runtime:asynchronous", "asynchronous",
        "async_execution", "parallel_execution", "pipeline_based", "job_tracking",
    ),
    _strategy(
        "flowdrop_stategraph:stategraph", "state graph",
        "synchronous_execution", "stateful", "pipeline_based", "job_tracking",
    ),
    _strategy(
        "flowdrop_airflow:airflow", "Airflow", "async_execution", "parallel_execution", "pipeline_based", "job_tracking",
    ),
)  # fmt: skip
#: By identifier; what stands behind the colon is the name that FlowDrop 1.x stored.
_BY_NAME = {name: item for item in _KNOWN for name in (item.identifier, item.identifier.split(":")[1])}

#: The last step of the chain, and where an unknown identifier leads (ORC-2, ORC-3). Never the state graph (ORC-4).
DEFAULT = _BY_NAME["asynchronous"]


def find_strategy(identifier: str) -> Strategy | None:
    """Return the strategy of a stored identifier, ``None`` for an unknown one."""
    return _BY_NAME.get(identifier.strip())


@dataclass(frozen=True, slots=True)
class Choice:
    """What a workflow is run with.

    :ivar named: whether somebody asked for it; else the deployment decides about the layout.
    :ivar warnings: ``(code, sentence, locator)``.
    """

    strategy: Strategy
    named: bool
    warnings: tuple[tuple[str, str, str], ...] = ()


def choose(workflow: Workflow, triggers: Iterable[TriggerConfig] = ()) -> Choice:
    """Return the strategy of a workflow (ORC-2).

    The document's own ``metadata.flowdrop.orchestrator`` stands above all, because it is about this workflow alone. Then come
    its triggers: one that fires before an entity is saved is direct synchronous, any other what its settings name. An unknown
    identifier is passed over with a warning (ORC-3).
    """
    warnings: list[tuple[str, str, str]] = []
    own = _first(_declared(workflow), "workflow.metadata", warnings)
    if own is not None:
        return Choice(own, True, tuple(warnings))
    found = [
        item
        for trigger in sorted(triggers, key=lambda trigger: trigger.id)
        if trigger.enabled and trigger.workflow_id == workflow.id
        if (item := _of_trigger(trigger, warnings)) is not None
    ]
    if not found:
        return Choice(DEFAULT, False, tuple(warnings))
    # A workflow has one layout: one that can loop serves a trigger that would not, and not the other way round.
    chosen = next((item for item in found if not item.walks_once), found[0])
    if any(item != chosen for item in found):
        names = ", ".join(sorted({item.identifier for item in found}))
        sentence = f"The workflow's triggers name several strategies ({names}); all its runs use {chosen.identifier}."
        warnings.append((SEVERAL, sentence, "workflow"))
    return Choice(chosen, True, tuple(warnings))


def _declared(workflow: Workflow) -> Iterator[Any]:
    yield workflow.settings.get("orchestrator")
    yield workflow.metadata.get("orchestrator")


def _of_trigger(trigger: TriggerConfig, warnings: list[tuple[str, str, str]]) -> Strategy | None:
    if "presave" in trigger.event_type.lower().replace("_", "").replace("-", ""):
        return _BY_NAME["synchronous"]
    extra = trigger.model_extra or {}
    places = [
        *(trigger.orchestrator_settings.get(key) for key in _KEYS),
        extra.get("orchestrator"),
        extra.get("orchestrator_id"),
    ]
    return _first(places, f"trigger.{trigger.id}", warnings)


def _first(values: Iterable[Any], locator: str, warnings: list[tuple[str, str, str]]) -> Strategy | None:
    """Return the first usable strategy; one that is no identifier we know is skipped, aloud (ORC-2, ORC-3)."""
    for value in values:
        if not isinstance(value, str) or not value.strip():
            continue
        found = find_strategy(value)
        if found is not None:
            return found
        sentence = f"The strategy {value[:80]!r} is not known here; the next one is used, at last {DEFAULT.identifier}."
        warnings.append((UNKNOWN, sentence, locator))
    return None


def loop_edges(plan: Plan) -> list[str]:
    """Return ``edge (source -> target)`` of each loopback edge: what a strategy that walks once refuses (ORC-7)."""
    return [f"{edge.edge_id!r} ({edge.source} -> {edge.target})" for edge in plan.edges if edge.kind is EdgeKind.LOOPBACK]


def is_trigger(node: PlanNode) -> bool:
    """Return whether a node hands on what starts a run."""
    name = node.node_type.processor
    return name == "trigger" or name.endswith("_trigger")


def resting_triggers(plan: Plan, flat: Mapping[str, Any]) -> frozenset[str]:
    """Return the trigger nodes that a run leaves out, because its initial data names the one that fired (ORC-8).

    :param flat: the run's flat initial data. Without a known name in it, nothing is left out; nodes that are no triggers never.
    """
    strategy = find_strategy(plan.strategy)
    triggers = {node_id for node_id, node in plan.nodes.items() if is_trigger(node)}
    fired = flat.get(TRIGGER_NODE)
    if strategy is None or not strategy.walks_once or fired not in triggers:
        return frozenset()
    return frozenset(triggers - {fired})
