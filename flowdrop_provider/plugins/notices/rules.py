"""The rules, and what they see in a workflow's runs; no database, no network.

The setting's shape is documented in ``docs/notices.md``.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from flowdrop_provider.errors import ConfigurationError

__all__ = ["KINDS", "Rule", "Seen", "kinds_of_run", "rate_kind", "read_rules", "slow_limit"]

KINDS = ("failure", "success", "warnings", "waiting", "slow", "error_rate", "recovered")
_CHANNELS = {"mail": ("to",), "webhook": ("conn_id",), "notifier": ("class",)}
_NUMBERS = ("slow_seconds", "slow_factor", "slow_last", "error_share", "error_min_runs", "window_minutes", "throttle_minutes")
#: Runs that must have succeeded before their median says anything.
_ENOUGH = 5
_BY_STATUS = {
    "completed": "success",
    "completed_with_warnings": "warnings",
    "failed": "failure",
    "cancelled": "",
    "paused": "waiting",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    :ivar workflows: patterns of DAG ids.
    :ivar on: what it tells, of :data:`KINDS`.
    :ivar channels: where it tells it, as configured.
    :ivar slow_seconds: a run is slow after these; 0 for no fixed limit.
    :ivar slow_factor: or after this many medians of the last ``slow_last`` successful runs; 0 for none.
    :ivar error_share: share of failed runs of the last ``window_minutes`` that is too high, of ``error_min_runs`` at least.
    :ivar throttle_minutes: of one kind and workflow, one notice in this time.
    """

    id: str
    channels: tuple[Mapping[str, Any], ...]
    workflows: tuple[str, ...] = ("*",)
    on: tuple[str, ...] = ("failure",)
    slow_seconds: float = 0
    slow_factor: float = 0
    slow_last: int = 20
    error_share: float = 0.5
    error_min_runs: int = 5
    window_minutes: float = 60
    throttle_minutes: float = 0

    def concerns(self, dag_id: str) -> bool:
        """Whether the rule is for this workflow."""
        return any(fnmatchcase(dag_id, pattern) for pattern in self.workflows)


@dataclass(frozen=True, slots=True)
class Seen:
    """A run as the rules see it.

    :ivar seconds: how long it took, or has taken so far.
    :ivar before: whether the run before it succeeded; ``None`` when there was none.
    """

    status: str
    finished: bool
    seconds: float
    before: bool | None = None


def read_rules(value: Any) -> list[Rule]:
    """Return the rules of the setting.

    :raises ConfigurationError: ``CONF_NOTICES``; it says which rule and why.
    """
    if not isinstance(value, list):
        raise _wrong("is no JSON list")
    rules = [_rule(entry, number) for number, entry in enumerate(value)]
    if len({rule.id for rule in rules}) != len(rules):
        raise _wrong("has two rules of one id")
    return rules


def _rule(entry: Any, number: int) -> Rule:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("channels"), list) or not entry["channels"]:
        raise _wrong(f"has no channels in rule {number}")
    for channel in entry["channels"]:
        kind = channel.get("kind") if isinstance(channel, Mapping) else None
        if kind not in _CHANNELS or not all(channel.get(name) for name in _CHANNELS[kind]):
            raise _wrong(f"has a channel in rule {number} that is no complete mail, webhook or notifier")
    given: dict[str, Any] = {"id": f"rule-{number}", **entry}
    wrong = [name for name, item in given.items() if name in _NUMBERS and not isinstance(item, int | float)]
    if wrong:
        raise _wrong(f"has no number in {wrong[0]} of rule {number}")
    try:
        members: dict[str, Any] = {name: tuple(item) if isinstance(item, list) else item for name, item in given.items()}
        rule = Rule(**members)
    except TypeError as error:
        raise _wrong(f"has an unknown member in rule {number}: {error}") from error
    if not set(rule.on) <= set(KINDS):
        raise _wrong(f"tells of something unknown in rule {number}; there are {', '.join(KINDS)}")
    return rule


def _wrong(why: str) -> ConfigurationError:
    return ConfigurationError(f"[flowdrop] notices {why}.", code="CONF_NOTICES", hint="See docs/notices.md for its shape.")


def kinds_of_run(rule: Rule, seen: Seen, limit: float | None) -> Iterator[str]:
    """Yield what the rule tells of one run.

    :param limit: seconds after which it is slow.
    """
    kind = _BY_STATUS.get(seen.status, "")
    if kind in rule.on:
        yield kind
    if "slow" in rule.on and seen.status == "running" and limit is not None and seen.seconds > limit:
        yield "slow"
    well = kind in ("success", "warnings")
    if "recovered" in rule.on and "error_rate" not in rule.on and well and seen.before is False:
        yield "recovered"


def slow_limit(rule: Rule, durations: Sequence[float]) -> float | None:
    """Return after how many seconds a run is slow, ``None`` when nothing says so.

    :param durations: seconds of the last successful runs.
    """
    limits = [rule.slow_seconds] if rule.slow_seconds > 0 else []
    if rule.slow_factor > 0 and len(durations) >= min(_ENOUGH, rule.slow_last):
        limits.append(rule.slow_factor * statistics.median(durations))
    return min(limits, default=None)


def rate_kind(rule: Rule, failed: int, ended: int, last: str | None) -> str | None:
    """Return ``error_rate`` when the share has become too high, ``recovered`` when it no longer is.

    :param last: what the rule told last of this workflow, of the two.
    """
    if "error_rate" not in rule.on:
        return None
    high = ended >= rule.error_min_runs and failed / ended >= rule.error_share
    if high:
        return "error_rate" if last != "error_rate" else None
    return "recovered" if last == "error_rate" else None
