from __future__ import annotations

import pytest

from flowdrop_provider.plugins.api.reading import SUMMARY_KEY
from flowdrop_provider.plugins.api.shapes.comparisons import comparison
from flowdrop_provider.plugins.api.shapes.traces import job_row, run_facts, trace_document
from tests.plugins.views import drawing, line, record, task, value, view


def edges_of(found):
    return {edge["id"]: (edge["state"], edge["times"]) for edge in trace_document(found, values=True)["edges"]}


def test_what_edges_did():
    edges = (
        line("gate.1", "True", "yes.1", "trigger", "trigger", gated=True),
        line("gate.1", "False", "no.1", "trigger", "trigger", gated=True),
        line("gate.1", "error", "help.1", "error"),
        line("bad.1", "error", "help.1", "error"),
        line("bad.1", "out", "yes.1"),
        line("late.1", "out", "yes.1"),
        line("t.1", "tool", "gate.1", "tool"),
    )
    picture = drawing("gate.1", "yes.1", "no.1", "help.1", "bad.1", "late.1", "t.1", edges=edges)
    tasks = [task("gate.1"), task("bad.1", "failed"), task("late.1", "running", ended=None)]
    values = [
        value("gate.1", record("gate.1", active_branches=["true"])),
        value("bad.1", record("bad.1", "failed", routed=True)),
    ]

    assert edges_of(view("running", picture, tasks, values)) == {
        "gate.1>yes.1": ("followed", 1),
        "gate.1>no.1": ("not_followed", 0),
        "gate.1>help.1": ("not_followed", 0),
        "bad.1>help.1": ("followed", 1),
        "bad.1>yes.1": ("not_followed", 0),
        "late.1>yes.1": ("open", 0),
        "t.1>gate.1": ("not_an_order", 0),
    }


def test_a_loopback_edge_is_followed_once_less_than_its_target_ran():
    edges = (line("head.1", "item", "body.1"), line("body.1", "out", "head.1", "loopback", "loop_back"))
    picture = drawing("head.1", "body.1", edges=edges, group={"body.1": "head.1"})
    records = [record("head.1" if number % 2 else "body.1", at=number, order=number) for number in range(1, 6)]
    values = [value("head.1", item, f"flowdrop_job.{item['order']}") for item in records]

    assert edges_of(view("success", picture, [task("head.1")], values)) == {
        "head.1>body.1": ("followed", 3),
        "body.1>head.1": ("followed", 2),
    }


def test_a_trace_has_the_graph_of_its_revision_and_a_timeline_in_order():
    picture = drawing("a.1", "b.1")
    values = [value("b.1", record("b.1", at=5, order=2)), value("a.1", record("a.1"))]
    found = trace_document(view("success", picture, [task("a.1"), task("b.1")], values), values=False)

    assert found["graph"]["revision"] == found["run"]["revision"] == "r1"
    assert [item["node_id"] for item in found["timeline"]] == ["a.1", "b.1"]
    assert found["nodes"]["a.1"]["executions"] == 1
    assert found["outputs"] == {}
    assert found["editor_url"] is None


def test_a_trace_says_whose_outputs_no_execution_gave():
    given = {"source": "pin", "at": "2026-01-01T00:00:00+00:00"}
    values = [value("a.1", record("a.1", injected=given)), value("b.1", record("b.1", at=5, order=2))]
    found = view("success", drawing("a.1", "b.1"), [task("a.1"), task("b.1")], values)
    trace = trace_document(found, values=False, editor="https://site.example/flow")

    assert {node_id: state["injected"] for node_id, state in trace["nodes"].items()} == {"a.1": given, "b.1": None}
    assert [job_row(job)["injected"] for job in found.jobs] == [given, None]
    assert trace["editor_url"] == "https://site.example/flow"


@pytest.fixture
def pair():
    def run(**second):
        values = [value("a.1", record("a.1")), value("b.1", record("b.1", at=2, order=2, **second))]
        return view("success", drawing("a.1", "b.1"), [task("a.1"), task("b.1")], values)

    return run(), run(output_data={"out": "other", "more": 1})


def test_two_runs_differ_from_the_first_node_whose_data_does(pair):
    found = comparison(*pair, values=True)

    assert found["same_revision"] is True
    assert found["first_difference"] == "b.1"
    assert found["nodes"][1]["output_data"] == [
        {"path": "/more", "right": 1},
        {"path": "/out", "left": "b.1", "right": "other"},
    ]
    assert comparison(pair[0], pair[0], values=True)["first_difference"] is None


def test_without_the_right_to_values_only_states_are_compared(pair):
    found = comparison(*pair, values=False)

    assert found["first_difference"] is None
    assert "output_data" not in found["nodes"][1]


def test_a_run_whose_end_was_lost_still_says_why():
    picture = drawing("a.1", "b.1")
    lost = [task("a.1"), task("b.1"), task("flowdrop_result", "failed")]
    values = [value("a.1", record("a.1")), value("b.1", record("b.1", order=2))]
    found = run_facts(view("failed", picture, lost, values))
    assert (found["status"], found["error"]["code"], found["error"]["node_id"]) == ("failed", "worker_lost", None)

    broken = record("b.1", "failed", order=2, error={"code": "boom", "message": "It broke.", "node_id": "b.1"})
    found = run_facts(view("failed", picture, lost, [values[0], value("b.1", broken)]))
    assert found["error"]["code"] == "boom"
    assert run_facts(view("success", picture, lost[:2], values))["error"] is None


def test_a_run_that_was_marked_as_failed_says_so():
    ended = [task("a.1"), task("flowdrop_result")]
    values = [value("a.1", record("a.1")), value("flowdrop_result", {"status": "completed", "error": None}, SUMMARY_KEY)]

    assert run_facts(view("failed", drawing("a.1"), ended, values))["error"]["code"] == "marked_failed"
    assert run_facts(view("success", drawing("a.1"), ended, values))["error"] is None
