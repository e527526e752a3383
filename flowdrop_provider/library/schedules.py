"""When a workflow starts by itself: cron expressions of its scheduled triggers and of the site's trigger configurations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flowdrop_provider.document.models import Node, TriggerConfig

__all__ = ["Schedule", "next_run", "node_schedules", "schedule_of", "trigger_schedules"]

#: Keys under which a trigger configuration may keep its expression; FlowDrop's releases differ.
_EXPRESSIONS = ("cron", "cron_expression", "expression", "schedule")
#: How far ahead a run is looked for; an expression without one until then never fires (30 February).
_YEARS = 5
#: Characters of an expression; naming every minute of an hour takes 170.
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Schedule:
    """One cron expression in its time zone; ``problem`` is the code of CRON-2, ``""`` for none.

    An unknown time zone falls back to UTC and is still reported.
    """

    cron: str
    timezone: str = "UTC"
    problem: str = ""

    @property
    def fires(self) -> bool:
        """Whether this ever starts a run: an empty, malformed or unsatisfiable expression does not (CRON-1)."""
        return self.problem in ("", "invalid_timezone")


def schedule_of(expression: Any, timezone: Any = "UTC") -> Schedule:
    """Return the schedule of what an author wrote.

    Only the empty text means "not scheduled"; anything else that is no expression is wrong (CRON-1). A problem of the
    expression takes precedence over one of the time zone (CRON-2).
    """
    zone, known = _zone(timezone)
    if expression in ("", None):
        return Schedule("", zone, "no_expression")
    text = str(expression)
    if not _satisfiable(text):
        return Schedule(text, zone, "invalid_expression")
    return Schedule(text, zone, "" if known else "invalid_timezone")


def _zone(timezone: Any) -> tuple[str, bool]:
    name = str(timezone or "UTC")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC", False
    return name, True


def _satisfiable(expression: str) -> bool:
    from croniter import croniter

    # Five fields: FlowDrop's cron has neither seconds nor years, and no words such as @daily. A field may list thousands of
    # moments, which Airflow expands and puts into words again and again.
    if len(expression) > _LONGEST or len(expression.split()) != 5 or not croniter.is_valid(expression):
        return False
    return _following(Schedule(expression), dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)) is not None


def _following(schedule: Schedule, after: dt.datetime) -> dt.datetime | None:
    from croniter import CroniterBadDateError, croniter

    local = after.astimezone(ZoneInfo(schedule.timezone))
    try:
        found: dt.datetime = croniter(schedule.cron, local, max_years_between_matches=_YEARS).get_next(dt.datetime)
    except CroniterBadDateError:
        return None
    return found


def next_run(schedule: Schedule, after: dt.datetime) -> tuple[dt.datetime | None, str]:
    """Return the next moment and the report's code (CRON-2); the same expression decides both."""
    return (_following(schedule, after) if schedule.fires else None), schedule.problem


def node_schedules(nodes: Iterable[Node]) -> list[Schedule]:
    """Return the schedules of a drawing's own scheduled triggers; one that is switched off counts as none."""
    return [
        schedule_of(node.config.get("scheduleExpression", ""), node.config.get("timezone"))
        for node in nodes
        if node.node_type_id == "scheduled_trigger" and node.config.get("enabled") is not False
    ]


def trigger_schedules(triggers: Iterable[TriggerConfig]) -> dict[str, list[Schedule]]:
    """Return the schedules of the site's cron triggers by workflow id."""
    found: dict[str, list[Schedule]] = {}
    for trigger in triggers:
        if trigger.enabled and trigger.workflow_id and "cron" in trigger.event_type.lower():
            found.setdefault(trigger.workflow_id, []).append(_configured(trigger))
    return found


def _configured(trigger: TriggerConfig) -> Schedule:
    places: list[Mapping[str, Any]] = [trigger.conditions, dict(trigger.model_extra or {})]
    settings = places[1].get("settings")
    places += [settings] if isinstance(settings, Mapping) else []
    expression = next((place[name] for place in places for name in _EXPRESSIONS if isinstance(place.get(name), str)), "")
    timezone = next((place["timezone"] for place in places if isinstance(place.get("timezone"), str)), "UTC")
    return schedule_of(expression, timezone)
