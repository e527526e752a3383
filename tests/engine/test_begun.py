"""Executions with side effects are recorded before they happen, so that none is without a trace when its process dies."""

from __future__ import annotations

import dataclasses

import pytest

from flowdrop_provider.engine.records import RunIdentity
from flowdrop_provider.nodes.world import HttpReply
from tests.engine.running import last, plan_of, run, still_world
from tests.flows import flow, node

LOOP = flow(
    "f",
    [
        node("range.1", start=1, end=3),
        node("foreach.1"),
        node("http_request.1", url="http://example.org/", method="POST"),
        node("data_to_json.1"),
    ],
    [
        "range.1:items > foreach.1:items",
        "foreach.1:current_item > http_request.1:body",
        "http_request.1:status_code > foreach.1:loop_back",
        "foreach.1:collected_results > data_to_json.1:data",
    ],
)


class Client:
    def __init__(self, told):
        self.told = told

    def send(self, request):
        self.told.append(("sent", request.body.decode()))
        return HttpReply(200, "OK", (), b"", request.url)


def test_each_round_is_told_before_its_side_effect_under_the_id_of_its_end():
    told = []
    world = dataclasses.replace(still_world(), http=Client(told))
    result = run(plan_of(LOOP), world=world, on_begin=lambda record: told.append((record["status"], record["round"])))
    ended = [job for job in result.jobs if job["node_id"] == "http_request.1"]

    assert told == [step for number in range(3) for step in (("running", [number]), ("sent", str(number + 1)))]
    assert [job["round"] for job in ended] == [[0], [1], [2]]


def test_a_beginning_and_its_end_are_one_job():
    begun = []
    world = dataclasses.replace(still_world(), http=Client([]))
    identity = RunIdentity("run", "dag", "task", try_number=1)
    result = run(plan_of(LOOP), world=world, on_begin=begun.append, identity=identity)
    ended = [job for job in result.jobs if job["node_id"] == "http_request.1"]

    assert [(job["id"], job["order"], job["started"]) for job in begun] == [
        (job["id"], job["order"], job["started"]) for job in ended
    ]
    assert {job["completed"] for job in begun} == {None}


@pytest.mark.rule("INT-5")
def test_what_a_pause_keeps_from_beginning_is_not_told():
    begun = []
    document = flow("f", [node("http_request.1", url="http://example.org/")])
    result = run(plan_of(document), on_begin=begun.append, signals=lambda: "pause")

    assert (result.status, begun) == ("paused", [])


def test_nodes_without_side_effects_cost_no_record_more():
    begun = []
    result = run(plan_of(flow("f", [node("text_input.1", defaultValue="x")])), on_begin=begun.append)

    assert last(result, "text_input.1")["status"] == "completed"
    assert begun == []
