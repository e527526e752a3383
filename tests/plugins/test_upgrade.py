"""What earlier releases recorded is shown, exported and gone on with by this one.

The records in ``tests/fixtures/records`` were written by the code of the commit that each file names: three workflows in one
process, one of them with a question that is still open.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowdrop_provider.document.normalise import read_workflow
from flowdrop_provider.engine.progress import Progress
from flowdrop_provider.engine.records import RECORD_VERSION, JobRecord, read_record
from flowdrop_provider.engine.routing import Outcome
from flowdrop_provider.library.outline import drawing_of
from flowdrop_provider.plugins.api.drawings import Drawing
from flowdrop_provider.plugins.api.exporting import as_csv, run_bundle
from flowdrop_provider.plugins.api.shapes.comparisons import comparison
from flowdrop_provider.plugins.api.shapes.pipelines import editor_document, light_document, pipeline_document
from flowdrop_provider.plugins.api.shapes.snapshots import snapshot_of_run
from flowdrop_provider.plugins.api.shapes.traces import job_row, trace_document
from tests.engine.running import plan_of, run
from tests.plugins.views import task, value, view

FOLDER = Path(__file__).parents[1] / "fixtures" / "records"
RUNS = {
    f"{file.stem}-{item['workflow']['id']}": item
    for file in sorted(FOLDER.glob("*.json"))
    for item in json.loads(file.read_text("utf-8"))["runs"]
}
each_run = pytest.mark.parametrize("recorded", RUNS.values(), ids=list(RUNS))


def seen(recorded: dict[str, Any]) -> Any:
    """The run as the API would read it from the database."""
    plan = plan_of(recorded["workflow"])
    flow = drawing_of(read_workflow(recorded["workflow"]), plan)
    tasks = [task(node["task_id"]) for node in flow["nodes"] if "task_id" in node]
    owner = {node["id"]: node.get("task_id", node["id"]) for node in flow["nodes"]}
    values = [value(owner[job["node_id"]], job, f"flowdrop_job.{number}") for number, job in enumerate(recorded["jobs"])]
    return view("success", Drawing(flow), tasks, values)


def test_there_are_records_of_several_releases() -> None:
    versions = {read_record(job)["schema_version"] for item in RUNS.values() for job in item["jobs"]}
    assert versions == set(range(1, RECORD_VERSION + 1)), "records of each version, this one included"
    assert {frozenset(job) for item in RUNS.values() for job in item["jobs"]} > {frozenset(JobRecord.__annotations__)}
    assert any(item["checkpoint"] for item in RUNS.values())


@each_run
def test_a_record_of_an_earlier_release_has_todays_shape(recorded: dict[str, Any]) -> None:
    for job in recorded["jobs"]:
        found = read_record(job)
        assert set(JobRecord.__annotations__) <= set(found)
        assert {name: found[name] for name in job} == job, "nothing that was recorded is changed"


def test_a_record_of_a_later_release_is_read_as_far_as_it_is_known() -> None:
    job = next(iter(RUNS.values()))["jobs"][0]
    later = {**job, "schema_version": RECORD_VERSION + 1, "something_new": {"a": 1}}
    later.pop("retry_count")
    found = read_record(later)
    assert (found["schema_version"], found["retry_count"], found["node_id"]) == (RECORD_VERSION + 1, 0, job["node_id"])


@each_run
def test_every_view_of_an_earlier_run_is_there(recorded: dict[str, Any]) -> None:
    told = {job["id"]: job for job in recorded["jobs"]}
    run_view = seen(recorded)
    rows = [job_row(job, values=True) for job in run_view.jobs]
    by_id = {row["id"]: row for row in rows}
    assert set(told) <= set(by_id)
    for job_id, job in told.items():
        same = ("node_id", "label", "output_data", "input_data", "execution_time_us", "error", "round", "order", "retry_count")
        assert {name: by_id[job_id][name] for name in same} == {name: job[name] for name in same}
        assert by_id[job_id]["injected"] is None
    answers = [
        trace_document(run_view, values=True),
        pipeline_document(run_view, values=True),
        editor_document(run_view),
        light_document(run_view),
        run_bundle(run_view),
        snapshot_of_run(run_view),
        comparison(run_view, run_view, values=True),
    ]
    assert all(json.dumps(answer) for answer in answers)
    assert len(list(as_csv(lambda _cursor: (rows, None)))) == len(rows) + 1


@each_run
def test_what_was_handed_on_is_read_back(recorded: dict[str, Any]) -> None:
    for node_id, handed_on in recorded["outcomes"].items():
        outcome = Outcome.from_data(handed_on)
        assert outcome.status in {"completed", "failed", "skipped"}, node_id
        assert outcome.ports == handed_on["ports"]


@pytest.mark.parametrize("name", [name for name, item in RUNS.items() if item["checkpoint"]])
def test_a_question_that_an_earlier_release_asked_is_answered_under_this_one(name: str) -> None:
    recorded = RUNS[name]
    plan = plan_of(recorded["workflow"])
    progress, answered = Progress.from_data(json.loads(json.dumps(recorded["checkpoint"]))), 0
    while progress.waiting is not None:
        answer = {"value": True, "user_id": "7", "answered_at": "2026-11-28T00:00:00+00:00"}
        result = run(plan, progress=progress, answers={progress.waiting.node_id: answer})
        progress, answered = result.progress, answered + 1
        assert answered < 5
    assert result.status == "completed"
    assert answered == (1 if "question" in name else 2)
