"""The strategies that Drupal stores: their identifiers, who wins, what an unknown one becomes, and what follows from them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from flowdrop_provider.document.normalise import read_trigger, read_workflow
from flowdrop_provider.engine.launch import launch
from flowdrop_provider.engine.runner import run_plan
from flowdrop_provider.engine.strategies import DEFAULT, Strategy, choose, find_strategy
from tests.engine.running import plan_of, ran, still_world
from tests.flows import flow, node

DIRECT = "flowdrop_runtime:synchronous"
PIPELINE = "flowdrop_runtime:synchronous_pipeline"
ASYNCHRONOUS = "flowdrop_runtime:asynchronous"
STATE_GRAPH = "flowdrop_stategraph:stategraph"


def workflow(**settings: Any) -> Any:
    return read_workflow(flow("asked", [node("trigger.1")], metadata={"flowdrop": settings}))


def trigger(name: str, orchestrator: Any = None, **fields: Any) -> Any:
    settings = {"orchestrator": orchestrator} if orchestrator is not None else {}
    told = {"id": name, "workflow_id": "asked", "event_type": "entity.insert", "orchestrator_settings": settings}
    return read_trigger({**told, **fields})


def codes(found: Any) -> list[str]:
    return [code for code, _, _ in found.warnings]


@pytest.mark.rule("ORC-1")
@pytest.mark.parametrize(
    ("stored", "identifier", "fused"),
    [
        (DIRECT, DIRECT, True),
        ("synchronous", DIRECT, True),
        (PIPELINE, PIPELINE, False),
        (ASYNCHRONOUS, ASYNCHRONOUS, False),
        ("asynchronous", ASYNCHRONOUS, False),
        (STATE_GRAPH, STATE_GRAPH, False),
        ("flowdrop_airflow:airflow", "flowdrop_airflow:airflow", False),
    ],
)
def test_every_stored_identifier_is_known(stored: str, identifier: str, fused: bool) -> None:
    found = choose(workflow(), [trigger("t", stored)])
    assert (found.strategy.identifier, found.strategy.fused, found.named, found.warnings) == (identifier, fused, True, ())


@pytest.mark.rule("ORC-2")
def test_who_names_the_strategy() -> None:
    presave = trigger("t", ASYNCHRONOUS, event_type="entity.presave")
    assert choose(workflow(), [presave]).strategy.identifier == DIRECT
    assert choose(workflow(), [trigger("t", PIPELINE)]).strategy.identifier == PIPELINE
    assert choose(workflow(orchestrator=STATE_GRAPH), [trigger("t", PIPELINE)]).strategy.identifier == STATE_GRAPH
    for nobody in ([], [trigger("t")], [trigger("t", "")], [trigger("t", 7)]):
        found = choose(workflow(), nobody)
        assert (found.strategy, found.named, found.warnings) == (DEFAULT, False, ())
    assert DEFAULT.identifier == ASYNCHRONOUS


@pytest.mark.rule("ORC-2")
def test_what_does_not_count_names_nothing() -> None:
    others = [trigger("off", DIRECT, status=False), trigger("elsewhere", DIRECT, workflow_id="another")]
    assert choose(workflow(), others).named is False


@pytest.mark.rule("ORC-2", "ORC-3")
def test_an_unknown_identifier_is_skipped_with_a_warning() -> None:
    found = choose(workflow(orchestrator="acme:quantum"), [trigger("t", PIPELINE)])
    assert (found.strategy.identifier, codes(found)) == (PIPELINE, ["W_STRATEGY_UNKNOWN"])
    assert "'acme:quantum'" in found.warnings[0][1]
    found = choose(workflow(), [trigger("t", "acme:quantum")])
    assert (found.strategy, found.named, codes(found)) == (DEFAULT, False, ["W_STRATEGY_UNKNOWN"])
    assert found.warnings[0][2] == "trigger.t"


def test_one_that_can_loop_serves_several_triggers() -> None:
    found = choose(workflow(), [trigger("a", DIRECT), trigger("b", STATE_GRAPH)])
    assert (found.strategy.identifier, codes(found)) == (STATE_GRAPH, ["W_STRATEGY_SEVERAL"])
    assert choose(workflow(), [trigger("a", DIRECT), trigger("b", DIRECT)]).warnings == ()


@pytest.mark.rule("ORC-5")
@pytest.mark.parametrize(
    ("capabilities", "stateful", "synchronous", "walks_once"),
    [
        ({"synchronous_execution"}, False, True, True),
        ({"synchronous_execution", "pipeline_based"}, False, True, False),
        ({"synchronous_execution", "stateful"}, True, False, False),
        ({"async_execution"}, False, False, False),
    ],
)
def test_capabilities_decide_and_not_the_name(
    capabilities: set[str], stateful: bool, synchronous: bool, walks_once: bool
) -> None:
    found = Strategy("acme:anything", "Anything", frozenset(capabilities))
    assert (found.stateful, found.synchronous, found.walks_once, found.fused) == (stateful, synchronous, walks_once, walks_once)


def fired(strategy: str, **data: Any) -> list[str]:
    """The nodes that ran when the given initial data started a workflow of two triggers."""
    nodes = [node("trigger.1"), node("trigger.2"), node("text_input.1", defaultValue="x"), node("data_to_json.2")]
    document = flow("two", nodes, ["trigger.2:data > data_to_json.2:data"])
    plan = dataclasses.replace(plan_of(document), strategy=strategy)
    return sorted(ran(run_plan(plan, launch(plan, initial_data=data), still_world())))


@pytest.mark.rule("ORC-8")
def test_the_trigger_that_fired_leaves_the_others_out() -> None:
    everything = ["data_to_json.2", "text_input.1", "trigger.1", "trigger.2"]
    assert fired(DIRECT, trigger_node_id="trigger.1") == ["text_input.1", "trigger.1"]
    assert fired(DIRECT, trigger_node_id="trigger.2") == ["data_to_json.2", "text_input.1", "trigger.2"]
    # No name, an unknown one, or that of a node which is no trigger: the compiled order as it is.
    assert fired(DIRECT, other=1) == everything
    assert fired(DIRECT, trigger_node_id="trigger.9") == everything
    assert fired(DIRECT, trigger_node_id="text_input.1") == everything
    assert fired(ASYNCHRONOUS, trigger_node_id="trigger.1") == everything


def test_nothing_else_is_a_strategy() -> None:
    assert find_strategy("default") is None
    assert find_strategy(f" {DIRECT} ") is find_strategy(DIRECT)
