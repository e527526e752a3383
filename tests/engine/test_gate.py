"""The confirmation gate: who asks, what consent is good for, and what happens without it (RT-GATE-1..13, INT-18)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from flowdrop_provider.document.node_types import NodeTypeCatalogue
from flowdrop_provider.engine.execution import NodeToRun
from flowdrop_provider.engine.gate import CONFIRMATION_PORT, CONSENTS, GatePolicy, must_ask, pass_gate
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.process import process_node
from flowdrop_provider.engine.runner import RunResult
from flowdrop_provider.nodes.api import Interrupt, NodeContext
from flowdrop_provider.nodes.registry import shipped_catalogue
from flowdrop_provider.nodes.world import World
from tests.engine.running import last, plan_of, ran, run, still_world, through_text
from tests.flows import edge, flow, node
from tests.integration.scenarios import mapper

TEXT = shipped_catalogue().get("text_processor")
assert TEXT is not None

ASKS = {"policy": "ask", "author_controls": ["waive", "require"]}


def catalogue(**changes: Any) -> NodeTypeCatalogue:
    """The shipped types; ``text_processor`` has side effects, and what is given besides."""
    assert TEXT is not None
    return shipped_catalogue().extended([TEXT.model_copy(update={"side_effects": True, **changes})])


def gated(nodes: list[Any] = (), edges: list[Any] = (), governance: Any = ASKS, **config: Any) -> Plan:  # type: ignore[assignment]
    """``text_input.1 > text_processor.1 > text_output.1``, the one in the middle gated."""
    document = flow(
        "gated",
        [
            node("text_input.1", defaultValue="hello"),
            node("text_processor.1", label="Publish", operation="uppercase", **config),
            node("text_output.1"),
            *nodes,
        ],
        ["text_input.1:text > text_processor.1:text", "text_processor.1:text > text_output.1:text", *edges],
    )
    return plan_of(document, catalogue(confirmation=governance))


def answer(value: Any = True, node_id: str = "text_processor.1", **more: Any) -> dict[str, Any]:
    return {node_id: {"value": value, "user_id": "7", "answered_at": "2026-01-01T00:01:00+00:00", **more}}


def resumed(plan: Plan, before: RunResult, answers: Mapping[str, Any], **options: Any) -> RunResult:
    return run(plan, progress=through_text(before.progress), answers=answers, **options)


@pytest.mark.rule("RT-GATE-1")
def test_a_gated_node_asks_and_runs_with_consent_only() -> None:
    plan = gated()
    asked = run(plan)
    waiting = asked.progress.waiting
    assert (asked.status, ran(asked), last(asked, "text_processor.1")["status"]) == ("paused", ["text_input.1"], "interrupted")
    assert (waiting.kind, waiting.schema, waiting.expires_in) == ("confirmation", {"type": "boolean"}, 86_400)
    assert waiting.message == "Run Publish?\n- text: hello"
    assert [option["label"] for option in waiting.options] == ["Approve", "Decline"]
    done = resumed(plan, asked, answer())
    assert (done.status, ran(done)) == ("completed", ["text_processor.1", "text_output.1"])
    assert done.outputs["text_output.1"]["output"] == "HELLO"


@pytest.mark.rule("RT-GATE-1")
@pytest.mark.parametrize("value", ["yes", 1, None, {"value": True}])
def test_only_true_is_consent(value: Any) -> None:
    plan = gated()
    assert resumed(plan, run(plan), answer(value)).status == "failed"


@pytest.mark.rule("RT-GATE-1")
def test_the_answer_to_a_gate_is_never_the_answer_to_the_node() -> None:
    gate = shipped_catalogue().get("text_input_interrupt")
    assert gate is not None
    asking = gate.model_copy(update={"confirmation": {"policy": "ask"}})
    plan = plan_of(flow("f", [node("text_input_interrupt.1", message="Name?")]), shipped_catalogue().extended([asking]))
    first = run(plan)
    second = resumed(plan, first, answer(True, "text_input_interrupt.1"))
    assert (second.status, second.progress.waiting.message) == ("paused", "Name?")
    third = resumed(plan, second, answer("Ada", "text_input_interrupt.1"))
    assert (third.status, last(third, "text_input_interrupt.1")["output_data"]["text"]) == ("completed", "Ada")


@pytest.mark.rule("RT-GATE-2", "RT-GATE-3")
def test_consent_is_used_once_and_only_for_what_was_shown() -> None:
    assert TEXT is not None
    gate = TEXT.model_copy(update={"confirmation": ASKS})
    to_run = NodeToRun("n", "N", gate, {})
    consents: dict[str, Any] = {}
    context = NodeContext(node_id="n", world=World(extras={CONSENTS: consents}))

    def asks(params: dict[str, Any]) -> Interrupt:
        with pytest.raises(Interrupt) as asked:
            pass_gate(to_run, params, context, [])
        return asked.value

    first = asks({"text": "a", "n": 1, "__state": 5})
    same = asks({"n": 1, "__state": 6, "text": "a"})
    assert first.context["gate"] == same.context["gate"], "order and internal parameters do not count"
    assert asks({"text": "b", "n": 1}).context["gate"] != first.context["gate"]
    consents[first.context["gate"]] = {"value": True}
    asks({"text": "b", "n": 1})
    pass_gate(to_run, {"text": "a", "n": 1}, context, [])
    assert consents == {}
    asks({"text": "a", "n": 1})


@pytest.mark.rule("RT-GATE-2")
def test_each_round_of_a_loop_needs_its_own_consent() -> None:
    nodes = [mapper("data_mapper.1", "['a', 'a']"), node("foreach.1"), node("text_processor.1", operation="uppercase")]
    edges = [
        "data_mapper.1:y > foreach.1:items",
        "foreach.1:current_item > text_processor.1:text",
        "text_processor.1:text > foreach.1:loop_back",
    ]
    plan = plan_of(flow("f", nodes, edges), catalogue(confirmation=ASKS))
    first = run(plan)
    second = resumed(plan, first, answer())
    assert (second.status, second.progress.waiting.number) == ("paused", 1)
    third = resumed(plan, second, answer())
    assert (third.status, last(third, "foreach.1")["output_data"]["collected_results"]) == ("completed", ["A", "A"])


@pytest.mark.rule("RT-GATE-4", "ERR-7")
def test_a_decline_is_an_error_that_an_error_edge_takes() -> None:
    plan = gated()
    declined = resumed(plan, run(plan), answer(False))
    assert (declined.status, declined.error["code"]) == ("failed", "confirmation_declined")
    assert declined.error["details"] == {
        "interrupt_type": "confirmation",
        "reason": "declined",
        "user_id": "7",
        "at": "2026-01-01T00:01:00+00:00",
        "interrupt_id": None,
    }
    routed = gated([node("data_to_json.1")], [edge("text_processor.1:error > data_to_json.1:data")])
    taken = resumed(routed, run(routed), answer(False))
    assert (taken.status, ran(taken)) == ("completed_with_warnings", ["text_processor.1", "data_to_json.1"])
    assert "confirmation_declined" in last(taken, "data_to_json.1")["output_data"]["json"]


@pytest.mark.rule("RT-GATE-1", "INT-18")
def test_silence_cancels_the_run_and_a_late_answer_declines() -> None:
    plan = gated()
    asked = run(plan)
    swept = resumed(plan, asked, answer(None, expired=True))
    assert (swept.status, ran(swept)) == ("cancelled", [])
    assert {job["skip_reason"] for job in swept.jobs} == {"run_cancelled"}
    late = resumed(plan, asked, answer(True, answered_at="2026-01-03T00:00:00+00:00"))
    assert (late.status, late.error["details"]["reason"]) == ("failed", "expired")


@pytest.mark.rule("RT-GATE-5", "RT-GATE-6")
def test_a_gated_tool_asks_through_its_consumer() -> None:
    calls = '[{"name": "shout", "id": "1", "args": {"text": "a"}}, {"name": "shout", "id": "2", "args": {"text": "b"}}]'
    shout = node("text_processor.1", operation="uppercase", instanceTitle="Shout")
    nodes = [mapper("data_mapper.1", calls), node("tool_invoke.1"), shout]
    edges = ["data_mapper.1:y > tool_invoke.1:tool_calls", edge("text_processor.1:tool > tool_invoke.1:tool")]
    plan = plan_of(flow("f", nodes, edges), catalogue(confirmation=ASKS))
    first = run(plan)
    assert (first.status, first.progress.waiting.node_id) == ("paused", "tool_invoke.1")
    assert "- text: a" in first.progress.waiting.message
    second = resumed(plan, first, answer(True, "tool_invoke.1"))
    assert (second.status, "- text: b" in second.progress.waiting.message) == ("paused", True)
    assert set(second.progress.tool_results) == {"1"}, "what was done stays done"
    third = resumed(plan, second, answer(False, "tool_invoke.1"))
    results = last(third, "tool_invoke.1")["output_data"]["tool_results"]
    assert third.status == "completed", "a declined call is the consumer's to handle"
    assert [(item["success"], item["error"]) for item in results] == [(True, None), (False, "A person declined it.")]
    assert results[0]["data"]["text"] == "A"


@pytest.mark.rule("RT-GATE-7", "RT-GATE-8")
@pytest.mark.parametrize(
    ("governance", "config", "default", "asks"),
    [
        ({}, {}, True, True),
        ({}, {}, False, False),
        ({"policy": "skip"}, {}, True, False),
        ({"policy": "ask"}, {}, False, True),
        ({"policy": "ask", "author_controls": ["waive"]}, {"requiresConfirmation": "waive"}, True, False),
        ({"policy": "skip", "author_controls": ["require"]}, {"requiresConfirmation": "require"}, False, True),
        ({"policy": "ask", "author_controls": ["waive"]}, {"requiresConfirmation": ""}, True, True),
        # A control that was withdrawn: what was stored counts no more.
        ({"policy": "ask", "author_controls": []}, {"requiresConfirmation": "waive"}, False, True),
        ({"policy": "ask", "author_controls": {}}, {"requiresConfirmation": "waive"}, False, True),
        ({"policy": "ask", "author_controls": ["require"]}, {"requiresConfirmation": "waive"}, False, True),
        ({"policy": "ask", "author_controls": ["waive"]}, {"requiresConfirmation": True}, False, True),
    ],
)
def test_who_asks(governance: Any, config: Any, default: bool, asks: bool) -> None:
    assert TEXT is not None
    effectful = TEXT.model_copy(update={"confirmation": governance, "side_effects": True})
    assert must_ask(effectful, config, {}, GatePolicy(default)) is asks
    harmless = TEXT.model_copy(update={"confirmation": {}, "side_effects": False})
    assert must_ask(harmless, config, {}, GatePolicy(default)) is False


@pytest.mark.rule("RT-GATE-9")
@pytest.mark.parametrize(
    ("value", "asks"), [(True, True), ("yes", True), (1, True), (False, False), (None, False), ("", False)]
)
def test_an_escalation_adds_an_approval_and_never_removes_one(value: Any, asks: bool) -> None:
    assert TEXT is not None
    granted = {"policy": "skip", "dynamic_controls": ["require"]}
    delivered = {CONFIRMATION_PORT: value}
    assert must_ask(TEXT.model_copy(update={"confirmation": granted}), {}, delivered, GatePolicy()) is asks
    assert must_ask(TEXT.model_copy(update={"confirmation": {**granted, "policy": "ask"}}), {}, delivered, GatePolicy())
    without = TEXT.model_copy(update={"confirmation": {"policy": "skip", "dynamic_controls": {}}})
    assert must_ask(without, {}, delivered, GatePolicy()) is False, "without the grant the value counts for nothing"


@pytest.mark.rule("RT-GATE-9")
def test_an_escalation_is_part_of_what_is_consented_to_and_no_parameter() -> None:
    granted = {"policy": "skip", "dynamic_controls": ["require"]}
    wire = edge(f"text_input.1:text > text_processor.1:{CONFIRMATION_PORT}")
    plan = gated(edges=[wire], governance=granted)
    asked = run(plan)
    assert asked.status == "paused"
    done = resumed(plan, asked, answer())
    assert done.status == "completed"
    assert CONFIRMATION_PORT not in last(done, "text_processor.1")["input_data"]


@pytest.mark.rule("RT-GATE-11")
def test_a_node_nobody_can_run_does_not_ask() -> None:
    missing = catalogue(confirmation={}, available=False)
    plan = plan_of(flow("f", [node("text_processor.1", text="x")]), missing)
    result = run(plan)
    assert (result.status, result.error["code"], result.progress.waiting) == ("failed", "processor_missing", None)


@pytest.mark.rule("RT-GATE-12")
def test_a_secret_of_the_configuration_is_not_shown() -> None:
    http = shipped_catalogue().get("text_processor")
    assert http is not None
    world = still_world()
    world.secret = lambda name: f"value of {name}"
    document = flow("f", [node("text_processor.1", text="Bearer ${{ secrets.TOKEN }}", operation="uppercase")])
    plan = plan_of(document, catalogue(confirmation=ASKS))
    asked = run(plan, world=world)
    assert "value of TOKEN" not in str(through_text(asked.progress).to_data())
    assert "Bearer" not in asked.progress.waiting.message
    done = resumed(plan, asked, answer(), world=world)
    assert done.status == "completed"


def test_who_runs_one_node_by_hand_is_not_asked() -> None:
    asks = catalogue(confirmation=ASKS)
    assert process_node("text_processor", {"operation": "uppercase"}, {"text": "x"}, catalogue=asks)["text"] == "X"


@pytest.mark.rule("RT-GATE-15")
def test_every_shipped_type_with_side_effects_states_its_policy() -> None:
    stated = {item.id: item.confirmation.get("policy") for item in shipped_catalogue() if item.side_effects}
    assert len(stated) > 10
    assert set(stated.values()) == {"ask", "skip"}
    entity_save = shipped_catalogue().get("entity_save")
    assert entity_save is not None
    assert must_ask(entity_save, {}, {}, GatePolicy())
    assert not must_ask(entity_save, {"requiresConfirmation": "waive"}, {}, GatePolicy()), "its author may waive it"


@pytest.mark.rule("RT-GATE-1", "RT-GATE-3")
def test_what_is_shown_is_short_and_masked() -> None:
    assert TEXT is not None
    to_run = NodeToRun("n", "", TEXT.model_copy(update={"confirmation": ASKS}), {"operation": "uppercase"})
    with pytest.raises(Interrupt) as asked:
        pass_gate(
            to_run, {"text": {"password": "swordfish", "long": "x" * 5_000}, "operation": "uppercase"}, NodeContext("n"), []
        )
    assert "swordfish" not in asked.value.message
    assert "operation" not in asked.value.message, "what the author fixed is no question"
    assert len(asked.value.message) < 700
