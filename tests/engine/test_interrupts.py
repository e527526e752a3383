"""Runs that wait: asked once, kept as plain data, answered in another process (INT, ERR-4, ORC-11)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.running import facts, last, plan_of, ran, run, through_text
from tests.flows import edge, flow, node
from tests.integration.scenarios import mapper

ASK = [
    node("text_input.1", defaultValue="before"),
    node("confirmation.1", message="Go on?"),
    node("text_output.1"),
    node("text_output.2"),
]
ASK_EDGES = [
    "text_input.1:text > confirmation.1:message",
    "confirmation.1:True > text_output.1:trigger",
    "confirmation.1:False > text_output.2:trigger",
]

#: A foreach that asks about each item.
ASK_EACH = flow(
    "ask_each",
    [
        mapper("data_mapper.2", "[1, 2, 3]"),
        node("foreach.1"),
        node("confirmation.1", message="This one?"),
        node("data_to_json.1"),
    ],
    [
        "data_mapper.2:y > foreach.1:items",
        "foreach.1:current_item > confirmation.1:trigger",
        "confirmation.1:confirmed > foreach.1:loop_back",
        "foreach.1:collected_results > data_to_json.1:data",
    ],
)
ASK_EACH["edges"][1] = edge("foreach.1:trigger > confirmation.1:trigger")


def answer(value: Any) -> dict[str, Any]:
    return {"confirmation.1": {"value": value, "user_id": "7", "answered_at": "2026-01-01T00:00:00+00:00"}}


@pytest.mark.rule("INT-1", "ERR-4", "ORC-11")
def test_a_question_pauses_the_run_and_keeps_what_was_done() -> None:
    result = run(plan_of(flow("f", ASK, ASK_EDGES)))
    assert (result.status, result.progress.paused_reason) == ("paused", None)
    assert last(result, "confirmation.1")["status"] == "interrupted"
    assert last(result, "confirmation.1")["completed"] is None
    waiting = result.progress.waiting
    assert (waiting.node_id, waiting.message, waiting.schema) == ("confirmation.1", "before", {"type": "boolean"})
    assert result.progress.outcomes["text_input.1"].ports["text"] == "before"


@pytest.mark.rule("INT-4")
@pytest.mark.parametrize(("value", "ends"), [(True, "text_output.1"), (False, "text_output.2")])
def test_an_answer_resumes_where_the_run_stood(value: bool, ends: str) -> None:
    plan = plan_of(flow("f", ASK, ASK_EDGES))
    paused = run(plan)
    result = run(plan, progress=through_text(paused.progress), answers=answer(value))
    assert ran(result) == ["confirmation.1", ends]
    assert last(result, "confirmation.1")["output_data"]["confirmed"] is value
    assert last(result, "confirmation.1")["id"] == last(paused, "confirmation.1")["id"]
    assert (result.status, result.progress.waiting) == ("completed", None)


@pytest.mark.rule("INT-4")
def test_without_an_answer_the_node_asks_again() -> None:
    plan = plan_of(flow("f", ASK, ASK_EDGES))
    again = run(plan, progress=through_text(run(plan).progress))
    assert (again.status, again.progress.waiting.message, ran(again)) == ("paused", "before", [])
    other = {"text_output.1": {"value": True}}
    assert run(plan, progress=through_text(again.progress), answers=other).status == "paused"


@pytest.mark.rule("INT-11")
@pytest.mark.parametrize("value", [True, False])
def test_a_run_that_is_over_executes_nothing_more(value: bool) -> None:
    plan = plan_of(flow("f", ASK, ASK_EDGES))
    over = run(plan, progress=run(plan).progress, answers=answer(value)).progress
    before = over.to_data()
    assert run(plan, progress=through_text(over), answers=answer(not value)).jobs == []
    assert over.to_data() == before


@pytest.mark.rule("INT-1", "INT-4", "SG-7")
def test_each_round_of_a_loop_asks_its_own_question() -> None:
    plan, asked, answers = plan_of(ASK_EACH), [], {}
    progress, jobs = None, []
    for value in (True, False, True, None):
        result = run(plan, progress=progress, answers=answers)
        jobs += [job for job in result.jobs if job["status"] == "completed"]
        if result.progress.waiting is None:
            break
        asked.append(result.progress.waiting.number)
        progress, answers = through_text(result.progress), answer(value)
    assert asked == [0, 1, 2]
    assert last(result, "foreach.1")["output_data"]["collected_results"] == [True, False, True]
    keys = [(job["node_id"], tuple(job["round"])) for job in jobs]
    assert len(keys) == len(set(keys))
    assert all(facts(job)["order"] for job in jobs)
