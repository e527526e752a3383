"""Retry policies of a deployment: more attempts than a document asks for, after a delay (on top of ERR-11).

A document's own retries stay immediate. A policy bounds all attempts of a node, so an author cannot raise it. ``ERR-2`` holds
for both: only an error that says it is retryable is tried again.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.errors import ConfigurationError

__all__ = ["LONGEST_WAIT", "RetryPolicies", "RetryPolicy"]

#: Seconds between two attempts at most: a waiting attempt keeps its worker.
LONGEST_WAIT = 300.0

_MOST_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a node is tried, and how long it waits in between.

    :ivar max_attempts: all attempts of one execution, the first and the document's own retries included.
    :ivar delay_seconds: before the first retry of this policy.
    :ivar backoff: factor on the delay from one retry to the next; 1 keeps it.
    :ivar jitter: share of the delay, 0 to 1, that is drawn at random, so that many runs do not retry in step.
    :ivar codes: error codes it is for; empty for every retryable error.
    """

    max_attempts: int = 1
    delay_seconds: float = 0.0
    backoff: float = 1.0
    jitter: float = 0.0
    codes: frozenset[str] = frozenset()

    @classmethod
    def from_data(cls, data: Any, place: str) -> RetryPolicy:
        """Return the policy that a setting describes.

        :param place: of the setting, for the error.
        :raises ConfigurationError: an unknown name, or a value out of bounds.
        """
        if not isinstance(data, Mapping) or not set(data) <= set(_BOUNDS) | {"codes"}:
            raise _refused(place, f"must be an object of {', '.join([*_BOUNDS, 'codes'])}")
        for name, (kind, low, high) in _BOUNDS.items():
            value = data.get(name, low)
            if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
                raise _refused(f"{place}.{name}", f"must be a number from {low} to {high}")
        codes = data.get("codes", [])
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            raise _refused(f"{place}.codes", "must be a list of error codes")
        return cls(**{**data, "codes": frozenset(codes)})

    def covers(self, error: Mapping[str, Any]) -> bool:
        """Return whether the policy is for an error's code."""
        return not self.codes or error["code"] in self.codes

    def wait(self, retry: int, rng: random.Random) -> float:
        """Return the seconds before a retry of this policy, the first of which is number 1."""
        try:
            delay = min(self.delay_seconds * self.backoff ** (retry - 1), LONGEST_WAIT)
        except OverflowError:
            delay = LONGEST_WAIT
        return delay * (1 - self.jitter * rng.random())


_BOUNDS: dict[str, tuple[Any, float, float]] = {
    "max_attempts": (int, 1, _MOST_ATTEMPTS),
    "delay_seconds": (int | float, 0, LONGEST_WAIT),
    "backoff": (int | float, 1, 10),
    "jitter": (int | float, 0, 1),
}


def _refused(place: str, sentence: str) -> ConfigurationError:
    return ConfigurationError(f"[flowdrop] retry_policies: {place} {sentence}.")


@dataclass(frozen=True, slots=True)
class RetryPolicies:
    """The policies of a deployment; a workflow's own wins over its node types'.

    :ivar sleep: waits between attempts.
    """

    by_node_type: Mapping[str, RetryPolicy] = field(default_factory=dict)
    by_workflow: Mapping[str, RetryPolicy] = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def from_data(cls, data: Any, sleep: Callable[[float], None] = time.sleep) -> RetryPolicies:
        """Return the policies of ``{"node_types": {id: policy}, "workflows": {id: policy}}``.

        :raises ConfigurationError: it is something else.
        """
        if not isinstance(data, Mapping) or not set(data) <= {"node_types", "workflows"}:
            raise _refused("the setting", "must be an object of node_types and workflows")
        found = {name: _policies(data.get(name, {}), name) for name in ("node_types", "workflows")}
        return cls(found["node_types"], found["workflows"], sleep)

    def find(self, workflow_id: str, node_type_id: str) -> RetryPolicy | None:
        """Return the policy of a node, or ``None``."""
        return self.by_workflow.get(workflow_id) or self.by_node_type.get(node_type_id)

    def next_wait(
        self, policy: RetryPolicy | None, error: Mapping[str, Any], attempt: int, own_retries: int, rng: random.Random
    ) -> float | None:
        """Return the seconds to wait before the next attempt, ``None`` for no more.

        :param attempt: how many attempts there were.
        :param own_retries: what is left of the document's retries; these wait for nothing (ERR-11).
        """
        bound = math.inf if policy is None else policy.max_attempts
        if error["retryable"] is not True or attempt >= bound:
            return None
        if attempt <= own_retries:
            return 0.0
        return policy.wait(attempt - own_retries, rng) if policy is not None and policy.covers(error) else None


def _policies(data: Any, place: str) -> dict[str, RetryPolicy]:
    if not isinstance(data, Mapping):
        raise _refused(place, "must be an object of policies by id")
    return {str(name): RetryPolicy.from_data(item, f"{place}.{name}") for name, item in data.items()}
