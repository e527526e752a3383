"""How long what runs leave behind is kept, and what of it stays when its values are forgotten; no database, no clock.

The setting's shape is documented in ``docs/operating.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from flowdrop_provider.engine.launch import CONF_KEY, split_conf
from flowdrop_provider.errors import ConfigurationError

__all__ = ["HOLD", "STATES", "Retention", "Rule", "forgotten_conf", "forgotten_record", "forgotten_summary", "read_retention"]

#: Whoever may edit a run holds it with this word in its note.
HOLD = "#hold"

#: Airflow's final states of a run; a run that was stopped is ``failed``.
STATES = ("success", "failed")

#: The member of that part that says that inputs are gone, so that nobody takes the run for one without any.
_FORGOTTEN = "forgotten"

#: What stays of a run's own part of its ``conf``: who started it and from where, no values.
_KEPT_IN_CONF = frozenset({"source", "request", "rerun_of", "parent", "session", "drupal_pipeline_id", _FORGOTTEN})
_TABLES = ("conversations_days", "snapshots_days", "deliveries_days", "notices_days")


@dataclass(frozen=True, slots=True)
class Rule:
    """How long the runs of some workflows are kept; the first rule that fits a workflow and a state counts.

    A run falls out of what is kept when it is older than the days, or not among the newest of its workflow and state. 0 sets
    no bound, so a rule without any keeps everything.

    :ivar workflows: patterns of DAG ids.
    :ivar states: of :data:`STATES`.
    :ivar values_days: input and output are forgotten after so many days.
    :ivar values_runs: and of all but so many of the newest runs.
    :ivar records_days: job records are forgotten after so many days.
    :ivar records_runs: and of all but so many of the newest runs.
    """

    workflows: tuple[str, ...] = ("*",)
    states: tuple[str, ...] = STATES
    values_days: float = 0
    values_runs: int = 0
    records_days: float = 0
    records_runs: int = 0

    def fits(self, dag_id: str, state: str) -> bool:
        """Whether the rule is for runs of this workflow that ended so."""
        return state in self.states and any(fnmatchcase(dag_id, pattern) for pattern in self.workflows)


@dataclass(frozen=True, slots=True)
class Retention:
    """What a deployment keeps; a number of days for each of our own tables, 0 for ever."""

    runs: tuple[Rule, ...] = ()
    conversations_days: float = 0
    snapshots_days: float = 0
    deliveries_days: float = 0
    notices_days: float = 0

    def rule(self, dag_id: str, state: str) -> Rule | None:
        """Return the rule that counts."""
        return next((rule for rule in self.runs if rule.fits(dag_id, state)), None)


def read_retention(value: Any) -> Retention:
    """Return what the setting says.

    :raises ConfigurationError: ``CONF_RETENTION``; it says what is wrong.
    """
    if not isinstance(value, Mapping):
        raise _wrong("is no JSON object")
    rules = value.get("runs", [])
    if not isinstance(rules, list):
        raise _wrong("has no list under runs")
    unknown = sorted(set(value) - {"runs", *_TABLES})
    if unknown:
        raise _wrong(f"has an unknown member {unknown[0]}")
    days = {name: _number(value[name], name) for name in _TABLES if name in value}
    return Retention(tuple(_rule(entry, number) for number, entry in enumerate(rules)), **days)


def _rule(entry: Any, number: int) -> Rule:
    if not isinstance(entry, Mapping):
        raise _wrong(f"has no object as rule {number}")
    unknown = sorted(set(entry) - {item.name for item in fields(Rule)})
    if unknown:
        raise _wrong(f"has an unknown member {unknown[0]} in rule {number}")
    given: dict[str, Any] = {}
    for name, item in entry.items():
        given[name] = _words(item, name) if name in ("workflows", "states") else _number(item, name)
        if name.endswith("_runs"):
            given[name] = int(given[name])
    rule = Rule(**given)
    if not set(rule.states) <= set(STATES):
        raise _wrong(f"has an unknown state in rule {number}; there are {' and '.join(STATES)}")
    return rule


def _words(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise _wrong(f"has no list of words in {name}")
    return tuple(value)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise _wrong(f"has no number from 0 in {name}")
    return value


def _wrong(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"[flowdrop] retention {why}.", code="CONF_RETENTION", hint="See docs/operating.md for its shape."
    )


def forgotten_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job record without input and output; ``truncated`` says how large they were, as of anything that was cut."""
    return _without(record, ("input_data", "output_data"))


def forgotten_summary(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's summary without its outputs, marked alike."""
    return _without(summary, ("outputs",))


def _without(value: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    marks = value.get("truncated")
    truncated = dict(marks) if isinstance(marks, Mapping) else {}
    for name in names:
        if not value.get(name):
            continue
        # What was cut before is part of what is gone now; the largest size that is known is the truest.
        inner = [size for path, size in truncated.items() if path.split(".")[0] == name and isinstance(size, int)]
        truncated = {path: size for path, size in truncated.items() if path.split(".")[0] != name}
        truncated[name] = max([_size(value[name]), *inner])
    return {**value, **{name: {} for name in names if name in value}, "truncated": truncated}


def forgotten_conf(conf: Any) -> dict[str, Any] | None:
    """Return a run's ``conf`` without inputs, initial data and what it took over from another run."""
    given, own = split_conf(conf)
    if not given and set(own) <= _KEPT_IN_CONF:
        return None if conf is None else dict(conf)
    return {CONF_KEY: {**{name: item for name, item in own.items() if name in _KEPT_IN_CONF}, _FORGOTTEN: True}}


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass"))
