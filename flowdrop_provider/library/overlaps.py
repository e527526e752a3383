"""What becomes of a trigger that fires while its workflow is still running, and how far a clock is blurred (TRIG-1, TRIG-2)."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowdrop_provider.document.models import TriggerConfig, Workflow

__all__ = ["BUFFER", "POLICIES", "Active", "Firing", "Verdict", "fire_delay", "firings", "jitter_bounds", "judge"]

SKIP, BUFFER, CANCEL, TERMINATE = POLICIES = ("skip", "buffer", "cancel", "terminate")

#: Where a trigger keeps its policy; FlowDrop's releases differ.
_POLICY_KEYS = ("overlap_policy", "overlap", "concurrency_policy")


@dataclass(frozen=True, slots=True)
class Firing:
    """How the triggers of a workflow fire.

    :ivar by_trigger: policy by trigger id; the id ``""`` stands for every other event.
    :ivar schedule: policy of its clock, ``""`` for none: then runs go on side by side, as Airflow's do.
    :ivar jitter: bounds of the clock's delay in seconds, or ``None``.
    """

    by_trigger: Mapping[str, str]
    schedule: str = ""
    jitter: tuple[float, float] | None = None

    @property
    def buffers(self) -> bool:
        """Whether a firing may have to wait for its turn."""
        return BUFFER in (self.schedule, *self.by_trigger.values())


def firings(workflow: Workflow, triggers: Iterable[TriggerConfig] = ()) -> Firing:
    """Return how a workflow's triggers fire: as ``metadata.flowdrop`` says for all of them, else as each says itself.

    A policy is judged by workflow, and an unknown one is ``skip`` (TRIG-1). Airflow does not tell which of several clocks of
    one DAG started a run, so the first trigger with a clock, by id, speaks for all.
    """
    own = _policy([workflow.settings])
    mine = sorted((item for item in triggers if item.enabled and item.workflow_id == workflow.id), key=lambda item: item.id)
    found = {item.id: own or _policy(_places(item)) for item in mine}
    clocks = [item for item in mine if "cron" in item.event_type.lower()]
    schedule = own or next((found[item.id] for item in clocks if found[item.id]), "")
    places: list[Sequence[Mapping[str, Any]]] = [[workflow.settings], *map(_places, clocks)]
    jitters = map(_jitter, places)
    policies = {"": own, **{item.id: found[item.id] for item in mine if item not in clocks}}
    return Firing({name: policy for name, policy in policies.items() if policy}, schedule, next(filter(None, jitters), None))


def _places(trigger: TriggerConfig) -> list[Mapping[str, Any]]:
    extra = dict(trigger.model_extra or {})
    settings = extra.get("settings")
    places: list[Mapping[str, Any]] = [trigger.orchestrator_settings, trigger.conditions, extra]
    return [*places, settings] if isinstance(settings, Mapping) else places


def _policy(places: Sequence[Mapping[str, Any]]) -> str:
    told = next((place[key] for place in places for key in _POLICY_KEYS if isinstance(place.get(key), str) and place[key]), "")
    name = told.strip().lower()
    return name if name in POLICIES or not name else SKIP


def _jitter(places: Sequence[Mapping[str, Any]]) -> tuple[float, float] | None:
    for place in places:
        nested = place.get("jitter")
        low, high = place.get("jitter_min"), place.get("jitter_max")
        if isinstance(nested, Mapping):
            low, high = nested.get("min"), nested.get("max")
        elif nested is not None:
            high = nested
        found = jitter_bounds(low, high)
        if found is not None:
            return found
    return None


def jitter_bounds(low: Any, high: Any) -> tuple[float, float] | None:
    """Return the bounds of a delay in seconds, ``None`` where it is off (TRIG-2).

    No greatest delay means none at all; a negative least is 0; a least above the greatest is both.
    """
    least, greatest = _seconds(low), _seconds(high)
    if greatest <= 0:
        return None
    least = max(least, 0.0)
    return (least, max(least, greatest))


def _seconds(value: Any) -> float:
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return found if math.isfinite(found) else 0.0


def fire_delay(bounds: tuple[float, float], *name: str) -> float:
    """Return the delay of one firing in seconds, drawn uniformly.

    It is drawn from the firing's name, so that every later look finds the same one without keeping it anywhere (TRIG-2).
    """
    return random.Random("\n".join(name)).uniform(*bounds)  # noqa: S311 - no secret


@dataclass(frozen=True, slots=True)
class Active:
    """A run of the same workflow that has not ended.

    :ivar number: its place in time.
    :ivar trigger: id of the trigger that started it, ``""`` for another start.
    """

    number: int
    trigger: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a firing: why it does not run (``""`` when it does), and the runs to cancel first."""

    refused: str = ""
    cancel: tuple[int, ...] = ()


def judge(policy: str, trigger: str, before: Sequence[Active]) -> Verdict:
    """Return what becomes of a firing (TRIG-1).

    :param before: the active runs of the workflow that were there before it, oldest first.

    A buffered firing waits in Airflow's own queue, where the DAG runs one at a time. Its slot is taken when another firing of
    the same trigger waits behind the oldest run.
    """
    if not before or not policy:
        return Verdict()
    if policy in (CANCEL, TERMINATE):
        return Verdict(cancel=tuple(run.number for run in before))
    if policy == BUFFER:
        waiting = any(run.trigger == trigger for run in before[1:])
        return Verdict("Another firing of this trigger waits already.") if waiting else Verdict()
    return Verdict("The workflow was still running.")
