"""What a repeated run takes over, and what it must not (INT-10, INT-11)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from flowdrop_provider.plugins.api.drawings import Drawing
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.repeating import Repetition, reuse_of
from tests.plugins.views import drawing, line, record, task, value, view

NODES = ("text_input.1", "text_processor.1", "confirmation.1", "text_output.1")
EDGES = tuple(line(source, "text", target) for source, target in itertools.pairwise(NODES))


def picture(**changes: Any) -> Drawing:
    return Drawing({**drawing(*NODES, edges=EDGES).flow, **changes})


def changed(node_id: str, revision: str = "r1", **facts: Any) -> Drawing:
    """The picture with other facts about one node."""
    nodes = [{**item, **facts} if item["id"] == node_id else item for item in picture().flow["nodes"]]
    return picture(revision=revision, nodes=nodes)


def ended(now: Drawing | None = None, **states: str) -> Any:
    """A run of the four nodes; ``states`` are job statuses by the node's name without its number."""
    told = {node: states.get(node.split(".")[0], "completed") for node in NODES}
    tasks = [task(node, "success" if status == "completed" else status) for node, status in told.items()]
    return view("success", now or picture(), tasks, [value(node, record(node, status)) for node, status in told.items()])


def reused(asked: Repetition, run: Any = None, now: Drawing | None = None) -> set[str]:
    return set(reuse_of(run or ended(), now or picture(), asked, "now").nodes)


@pytest.mark.parametrize(("from_node", "before"), [(node, set(NODES[:place])) for place, node in enumerate(NODES)])
def test_everything_before_a_node_is_taken_over(from_node, before):
    assert reused(Repetition(from_node)) == before


def test_what_did_not_end_well_runs_again():
    assert reused(Repetition("text_output.1"), ended(text_processor="failed")) == {"text_input.1", "confirmation.1"}
    assert reused(Repetition("text_output.1"), ended(text_processor="skipped")) == {"text_input.1", "confirmation.1"}


def test_an_answer_counts_only_for_what_the_person_saw():
    last = Repetition("text_output.1")
    assert "confirmation.1" in reused(last)
    assert reused(Repetition("text_output.1", changed=True)) == {"text_input.1", "text_processor.1"}
    assert reused(Repetition("text_output.1", {"text_input.1": {"text": "x"}})) == {"text_processor.1"}
    assert reused(last, now=picture(revision="r2")) == {"text_input.1", "text_processor.1"}


def test_a_node_that_hands_on_more_than_it_did_runs_again():
    more = picture(revision="r2", edges=[*EDGES, line("text_input.1", "extra", "text_output.1")])
    assert reused(Repetition("text_output.1"), now=more) == {"text_processor.1"}
    other = changed("text_input.1", revision="r2", type="url_fetch")
    assert reused(Repetition("text_output.1"), now=other) == {"text_processor.1"}


def test_a_task_of_several_nodes_is_taken_over_whole_or_not_at_all():
    grouped = changed("text_processor.1", task_id="text_input.1")
    values = [value("text_input.1", record(node), f"flowdrop_job.{place}") for place, node in enumerate(NODES[:2])]
    tasks = [task("text_input.1"), task("confirmation.1"), task("text_output.1")]
    run = view("success", grouped, tasks, [*values, value("confirmation.1", record("confirmation.1"))])
    assert reused(Repetition("text_processor.1"), run, grouped) == set()
    assert reused(Repetition("text_output.1"), run, grouped) == set(NODES[:3])


def test_pins_are_given_or_recorded():
    found = reuse_of(ended(), picture(), Repetition(pins={"text_input.1": {"text": "x"}, "text_processor.1": None}), "now")
    assert (dict(found.pins), found.nodes) == ({"text_input.1": {"text": "x"}}, {"text_processor.1"})
    assert (found.source, found.at) == ("manual__2026-03-01T12:00:00+00:00", "now")


@pytest.mark.parametrize(
    ("asked", "run", "code"),
    [
        (Repetition("ghost"), {}, (422, "NODE_UNKNOWN")),
        (Repetition(pins={"ghost": {}}), {}, (422, "NODE_UNKNOWN")),
        (Repetition(pins={"confirmation.1": {"confirmed": True}}), {}, (422, "PIN_REFUSED")),
        (Repetition(pins={"confirmation.1": None}), {}, (422, "PIN_REFUSED")),
        (Repetition(pins={"text_input.1": None}), {"text_input": "failed"}, (422, "PIN_NOT_RECORDED")),
    ],
)
def test_what_is_refused(asked, run, code):
    with pytest.raises(ApiError) as refused:
        reuse_of(ended(**run), picture(), asked, "now")
    assert (refused.value.status, refused.value.code) == code


@pytest.mark.rule("INT-15")
def test_a_workflow_with_shared_state_starts_at_its_beginning():
    stateful = picture(nodes=[*picture().flow["nodes"], {"id": "state_storage.1", "type": "state_storage", "task_id": "s"}])
    with pytest.raises(ApiError) as refused:
        reuse_of(ended(), stateful, Repetition("text_output.1"), "now")
    assert refused.value.code == "RERUN_STATEFUL"
