"""Retry policies of a deployment: on top of a document's own retries, bounded, recorded attempt by attempt."""

from __future__ import annotations

import random
from typing import Any

import pytest

from flowdrop_provider.engine import execution as engine_execution
from flowdrop_provider.engine.retries import LONGEST_WAIT, RetryPolicies, RetryPolicy
from flowdrop_provider.errors import ConfigurationError, NodeError
from flowdrop_provider.nodes.api import Processor
from flowdrop_provider.nodes.registry import get_processor
from flowdrop_provider.nodes.world import World
from tests.engine.running import last, plan_of, run
from tests.engine.test_runs import CATALOGUE, DOUBLE
from tests.flows import flow, node

TWICE = {"max_attempts": 3, "delay_seconds": 2, "backoff": 3}


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a node that always fails under a setting; give its job and the seconds it waited."""

    def start(
        setting: Any, *, code: str = "busy", retryable: bool = True, retries: int = 0
    ) -> tuple[dict[str, Any], list[float]]:
        def fail(params: Any, context: Any) -> Any:
            raise NodeError("No.", code=code, retryable=retryable)

        mine, waits = Processor("double", fail, DOUBLE), []
        monkeypatch.setattr(engine_execution, "get_processor", lambda name: mine if name == "double" else get_processor(name))
        world = World(rng=random.Random(7), extras={"retries": RetryPolicies.from_data(setting, waits.append)})
        return last(run(plan_of(flow("f", [node("double.1", maxRetries=retries)]), CATALOGUE), world=world), "double.1"), waits

    return start


@pytest.mark.parametrize(
    ("setting", "retries", "attempts", "waits"),
    [
        ({}, 0, 1, []),
        ({"node_types": {"double": TWICE}}, 0, 3, [2, 6]),
        ({"node_types": {"other": TWICE}}, 0, 1, []),
        ({"workflows": {"f": TWICE}}, 0, 3, [2, 6]),
        ({"workflows": {"f": TWICE}, "node_types": {"double": {"max_attempts": 9}}}, 0, 3, [2, 6]),
        # The document's own retry comes first and at once.
        ({"node_types": {"double": TWICE}}, 1, 3, [2]),
        # An author cannot have more attempts than the deployment allows.
        ({"node_types": {"double": TWICE}}, 5, 3, []),
        ({"node_types": {"double": {**TWICE, "codes": ["busy"]}}}, 0, 3, [2, 6]),
        ({"node_types": {"double": {**TWICE, "codes": ["http_status"]}}}, 1, 2, []),
    ],
)
def test_attempts_and_waits(tried: Any, setting: Any, retries: int, attempts: int, waits: list[float]) -> None:
    job, waited = tried(setting, retries=retries)
    assert (len(job["attempts"]), waited) == (attempts, waits)
    assert [attempt["error"]["code"] for attempt in job["attempts"]] == ["busy"] * attempts
    assert all(attempt["started"] and attempt["execution_time_us"] >= 0 for attempt in job["attempts"])


@pytest.mark.rule("ERR-2")
def test_an_error_that_is_not_retryable_is_never_tried_again(tried: Any) -> None:
    assert len(tried({"node_types": {"double": TWICE}}, retryable=False)[0]["attempts"]) == 1


def test_waits_are_spread_and_bounded() -> None:
    policy, rng = RetryPolicy(9, 100, 10, 0.5), random.Random(1)
    waits = [policy.wait(number, rng) for number in (1, 1, 2, 400)]
    assert waits[0] != waits[1]
    assert all(50 <= wait <= LONGEST_WAIT for wait in waits)


@pytest.mark.parametrize(
    "setting",
    [
        [],
        {"nodes": {}},
        {"node_types": []},
        {"node_types": {"x": {"max_attempts": 0}}},
        {"node_types": {"x": {"max_attempts": True}}},
        {"node_types": {"x": {"jitter": 2}}},
        {"workflows": {"x": {"delay": 1}}},
        {"workflows": {"x": {"codes": "busy"}}},
    ],
)
def test_a_wrong_setting_is_refused_with_its_place(setting: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RetryPolicies.from_data(setting)
    assert "retry_policies" in caught.value.message
