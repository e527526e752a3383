"""A run as FlowDrop's editor and its API read it."""

from __future__ import annotations

import json

import pytest

from flowdrop_provider.plugins.api.reading import SKIPS_KEY, SUMMARY_KEY
from flowdrop_provider.plugins.api.shapes.pipelines import (
    editor_document,
    light_document,
    milliseconds,
    node_statuses,
    pipeline_document,
    summary_counts,
)
from flowdrop_provider.plugins.api.states import JOB_STATUSES
from tests.plugins.views import drawing, moment, record, task, value, view

JOB_KEYS = [
    "id", "label", "status", "priority", "node_id", "pipeline_id", "created_at", "started", "completed", "execution_time_us",
    "retry_count", "max_retries", "error_message", "input_data", "output_data", "metadata", "timestamp",
]  # fmt: skip


@pytest.fixture
def branching():
    """``a`` is done, ``b`` failed, ``c`` was skipped by ``a``, ``d`` waits for its turn, ``e`` has not been come to."""
    failed = record("b.1", "failed", at=2, order=2, error={"code": "boom", "message": "It broke."})
    tasks = [task("a.1"), task("b.1", "failed", at=2, ended=3), task("c.1", "skipped", tries=0), task("d.1", "queued", tries=0)]
    tasks += [task("e.1", None, tries=0), task("flowdrop_result", None, tries=0)]
    values = [value("a.1", record("a.1")), value("b.1", failed), value("a.1", {"c.1": "branch_not_active"}, SKIPS_KEY)]
    return view("running", drawing("a.1", "b.1", "c.1", "d.1", "e.1"), tasks, values, conf={"who": "ann", "flowdrop": {"x": 1}})


@pytest.fixture
def looping():
    """``x`` ran three times in one task and ``y`` once; the task runs on."""
    rounds = [record("x.1", at=number, order=number, round=[number], execution_time_us=number * 1_000) for number in (1, 2, 3)]
    values = [value("x.1", item, f"flowdrop_job.{item['order']}") for item in [*reversed(rounds), record("y.1", at=4, order=4)]]
    picture = drawing("x.1", "y.1", "z.1", group={"y.1": "x.1", "z.1": "x.1"})
    return view("running", picture, [task("x.1", "running", ended=None), task("flowdrop_result", None, 0)], values)


def test_the_editor_reads_a_bare_object(branching):
    found = editor_document(branching)

    assert found["status"] == "running"
    assert {job["node_id"]: job["status"] for job in found["jobs"]} == {
        "a.1": "completed", "b.1": "failed", "c.1": "skipped", "d.1": "pending",
    }  # fmt: skip
    failed = next(job for job in found["jobs"] if job["node_id"] == "b.1")
    assert failed["error_message"] == "It broke."
    assert failed["execution_time"] == 1_000
    assert failed["execution_count"] == 1
    assert None not in failed.values()
    assert found["node_statuses"]["b.1"]["status"] == "failed"


@pytest.mark.rule("PIPE-4")
def test_the_newest_job_of_a_node_is_last_and_counted(looping):
    jobs = [job for job in editor_document(looping)["jobs"] if job["node_id"] == "x.1"]

    assert [job["execution_count"] for job in jobs] == [1, 2, 3]
    assert [job["execution_time"] for job in jobs] == [1, 2, 3]
    entry = node_statuses(looping)["x.1"]
    assert entry["executions"] == 3
    assert entry["status_counts"] == {"completed": 3}
    assert entry["execution_time_us"] == 3_000
    assert looping.latest()["z.1"].status == "pending", "a node of a running loop that has not run waits for its turn"


@pytest.mark.rule("PIPE-4")
def test_a_node_that_the_run_has_not_come_to_has_no_entry(branching):
    assert "e.1" not in node_statuses(branching)
    assert "e.1" not in [job["node_id"] for job in pipeline_document(branching, values=True)["jobs"]]


@pytest.mark.rule("PIPE-7")
def test_a_job_has_the_published_keys_in_their_order(branching):
    for job in pipeline_document(branching, values=True)["jobs"]:
        assert list(job) == JOB_KEYS


@pytest.mark.rule("PIPE-2", "PIPE-3")
def test_a_summary_counts_every_status_in_a_fixed_order(branching):
    assert list(summary_counts([])) == ["total", *JOB_STATUSES]
    assert summary_counts(["completed", "odd"]) == {"total": 2, **dict.fromkeys(JOB_STATUSES, 0), "completed": 1}
    found = pipeline_document(branching, values=True)["job_status_summary"]
    assert (found["total"], found["completed"], found["failed"], found["skipped"], found["pending"]) == (4, 1, 1, 1, 1)


@pytest.mark.rule("PIPE-1", "PIPE-9")
def test_the_full_and_the_light_document(branching):
    full, light = pipeline_document(branching, values=True), light_document(branching)

    wanted = "id name description status createdAt lastExecuted executionCount timestamp node_statuses jobs job_status_summary"
    assert list(full) == [*wanted.split(), "execution_data"]
    assert full["createdAt"] == moment(0).isoformat()
    assert full["lastExecuted"] is light["lastExecuted"] is None, "no other moment stands in for the end"
    assert "jobs" not in light
    assert light["status"] == "running"


@pytest.mark.rule("PIPE-8")
def test_the_engine_s_own_part_of_the_configuration_stays_inside(branching):
    data = pipeline_document(branching, values=True)["execution_data"]

    assert data["input"] == {"who": "ann"}
    assert data["context"] == {}


def test_inputs_are_redacted_before_anybody_sees_them(branching):
    branching.run.conf = {"login": {"password": "correct horse"}, "who": "ann"}
    shown = json.dumps(pipeline_document(branching, values=True))

    assert "correct horse" not in shown
    assert "ann" in shown


def test_who_may_not_read_values_sees_states_only(branching):
    found = pipeline_document(branching, values=False)

    assert all(job["input_data"] == job["output_data"] == {} for job in found["jobs"])
    assert found["execution_data"] == {"input": {}, "output": {}, "context": {}}
    assert found["job_status_summary"]["total"] == 4


def test_a_dead_worker_is_a_failure_that_says_so():
    dead = view("failed", drawing("a.1"), [task("a.1", "failed"), task("flowdrop_result", "failed")], [])

    assert dead.jobs[0].status == "failed"
    assert dead.jobs[0].error_message == "The worker that ran this node died."


def test_a_loop_whose_worker_died_is_told_from_one_that_failed():
    picture = drawing("x.1", "y.1", group={"y.1": "x.1"})
    tasks = [task("x.1", "failed"), task("flowdrop_result", "failed")]
    dead = view("failed", picture, tasks, [value("x.1", record("x.1"), "flowdrop_job.1")])
    failed = view("failed", picture, tasks, [value("x.1", record("x.1", "failed"), "flowdrop_job.1")])

    assert dead.latest()["y.1"].status == "failed"
    assert failed.latest()["y.1"].status == "skipped"


def test_a_stopped_run_is_cancelled_and_so_is_what_it_had_not_ended():
    tasks = [task("a.1"), task("b.1", "failed"), task("c.1", "skipped", 0), task("flowdrop_result", "skipped", 0)]
    stopped = view("failed", drawing("a.1", "b.1", "c.1"), tasks, [value("a.1", record("a.1"))])

    assert stopped.status == "cancelled"
    assert [stopped.latest()[name].status for name in ("a.1", "b.1", "c.1")] == ["completed", "cancelled", "cancelled"]


def test_a_question_has_one_job_before_and_after_its_answer():
    asked = record("q.1", "interrupted", order=1, id="same")
    answered = record("q.1", order=2, id="same")
    values = [value("q.1", asked, "flowdrop_job.1"), value("q.1", answered, "flowdrop_job.2")]
    found = view("running", drawing("q.1"), [task("q.1", "running")], values)

    assert [(job.status, job.execution_number) for job in found.jobs] == [("completed", 1)]


def test_warnings_are_ours_alone():
    values = [value("flowdrop_result", {"status": "completed_with_warnings", "outputs": {"o": 1}}, SUMMARY_KEY)]
    found = view("success", drawing("a.1"), [task("a.1"), task("flowdrop_result")], values)

    assert found.status == "completed_with_warnings"
    assert pipeline_document(found, values=True)["status"] == "completed"
    assert pipeline_document(found, values=True)["execution_data"]["output"] == {"o": 1}


def test_a_value_kept_elsewhere_is_not_taken_for_a_record():
    found = view("running", drawing("a.1"), [task("a.1", "running", ended=None)], [value("a.1", "s3://bucket/key")])

    assert found.jobs[0].status == "running"


@pytest.mark.parametrize(("microseconds", "expected"), [(None, None), (0, 0), (3, 1), (1_600, 2), (2_000_000, 2_000)])
def test_the_editor_hides_a_time_of_nought(microseconds, expected):
    assert milliseconds(microseconds) == expected


def test_a_round_that_had_begun_when_its_worker_died_is_the_one_that_was_lost():
    done, begun = record("x.1", order=1, round=[0]), record("x.1", "running", at=3, order=4, round=[1])
    values = [value("x.1", item, f"flowdrop_job.{item['order']}") for item in (done, record("y.1", order=2), begun)]
    picture = drawing("x.1", "y.1", "z.1", group={"y.1": "x.1", "z.1": "x.1"})
    found = {(job.node_id, job.order): job for job in view("failed", picture, [task("x.1", "failed")], values).jobs}

    assert (found["x.1", 4].status, found["x.1", 4].error["code"]) == ("failed", "worker_lost")
    assert found["x.1", 1].status == "completed"
    assert [job.status for job in found.values() if job.node_id == "z.1"] == ["skipped"]
    live = view("running", picture, [task("x.1", "running", ended=None)], values)
    assert [job.status for job in live.jobs if job.node_id == "x.1"] == ["completed", "running"]
