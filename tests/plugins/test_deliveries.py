"""What a site is told about a run, state by state, and what is held back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flowdrop_provider.plugins.api.reading import SUMMARY_KEY
from flowdrop_provider.plugins.deliveries import events
from flowdrop_provider.plugins.deliveries.events import news_of
from tests.plugins.views import drawing, record, task, value, view

CONTRACT = Path(__file__).parents[2] / "drupal" / "flowdrop_airflow" / "tests" / "contract"
VECTORS = json.loads((CONTRACT / "events.json").read_text(encoding="utf-8"))
PICTURE = drawing("a.1", "b.1")


def at(state: str, *tasks: Any, values: list[Any] | None = None, picture: Any = PICTURE, **more: Any) -> Any:
    result = task("flowdrop_result", "success" if state == "success" else None, tries=int(state == "success"))
    return view(state, picture, [*tasks, result], values or [], **more)


def states(event: dict[str, Any]) -> list[tuple[str, str]]:
    return [(job["node_id"], job["status"]) for job in event["jobs"]]


def stable(node_id: str, **more: Any) -> dict[str, Any]:
    """A record with the id that the same job has without a record."""
    silent = next(job for job in at("running", task("a.1", None, 0), task("b.1", None, 0)).jobs if job.node_id == node_id)
    return record(node_id, **{"id": silent.id, **more})


def test_a_run_is_told_step_by_step():
    first = at("running", task("a.1", "running", ended=None), task("b.1", None, tries=0))
    event, told = news_of(first, {})
    assert states(event) == [("a.1", "pending"), ("a.1", "running")]
    assert (event["run"]["status"], event["workflow_id"], event["revision"]) == ("running", "flow", "r1")
    assert news_of(first, told) is None

    second = at("running", task("a.1"), task("b.1", "queued", tries=0), values=[value("a.1", stable("a.1"))])
    event, told = news_of(second, told)
    assert states(event) == [("a.1", "completed"), ("b.1", "pending")]
    assert event["jobs"][0]["output_data"] == {"out": "a.1"}

    values = [value("a.1", stable("a.1")), value("b.1", stable("b.1", order=2))]
    values.append(value("flowdrop_result", {"status": "completed", "outputs": {"x": 1}}, SUMMARY_KEY))
    event, told = news_of(at("success", task("a.1"), task("b.1"), values=values), told)
    assert states(event) == [("b.1", "running"), ("b.1", "completed")]
    assert (event["run"]["status"], event["run"]["outputs"]) == ("completed", {"x": 1})


def test_states_that_passed_unseen_are_told_all_the_same():
    values = [value("a.1", stable("a.1"))]
    event, _ = news_of(at("running", task("a.1"), task("b.1", "skipped", tries=0), values=values), {})
    assert states(event) == [("a.1", "pending"), ("a.1", "running"), ("a.1", "completed"), ("b.1", "skipped")]
    pending, running, completed, skipped = event["jobs"]
    assert (pending["started"], running["completed"]) == (None, None)
    assert running["started"] == completed["started"] is not None
    assert completed["execution_time_ms"] == 1_000
    assert skipped["skip_reason"] == "branch_not_active"


def test_a_cleared_job_begins_again():
    values = [value("a.1", stable("a.1"))]
    _, told = news_of(at("running", task("a.1"), task("b.1", None, tries=0), values=values), {})
    event, told = news_of(at("running", task("a.1", None, tries=0), task("b.1", None, tries=0)), told)
    assert states(event) == [("a.1", "idle")]
    again = [value("a.1", stable("a.1", at=60))]
    event, _ = news_of(at("running", task("a.1", at=60, ended=61), task("b.1", None, tries=0), values=again), told)
    assert states(event) == [("a.1", "pending"), ("a.1", "running"), ("a.1", "completed")]


def test_a_job_that_ran_again_between_two_looks_is_told_again():
    values = [value("a.1", stable("a.1"))]
    _, told = news_of(at("running", task("a.1"), task("b.1", None, tries=0), values=values), {})
    again = [value("a.1", stable("a.1", at=60))]
    event, _ = news_of(at("running", task("a.1", at=60, ended=61), task("b.1", None, tries=0), values=again), told)
    assert states(event) == [("a.1", "pending"), ("a.1", "running"), ("a.1", "completed")]


def test_the_end_waits_until_everything_before_it_is_told(monkeypatch):
    monkeypatch.setattr(events, "MOST_CHANGES", 4)
    values = [value("a.1", stable("a.1")), value("b.1", stable("b.1", order=2))]
    values.append(value("flowdrop_result", {"status": "completed"}, SUMMARY_KEY))
    ended = at("success", task("a.1"), task("b.1"), values=values)
    event, told = news_of(ended, {})
    assert (states(event)[-1], event["run"]["status"], event["run"]["completed"]) == (("a.1", "completed"), "running", None)
    event, told = news_of(ended, told)
    assert (states(event)[-1], event["run"]["status"]) == (("b.1", "completed"), "completed")
    assert news_of(ended, told) is None


def test_rounds_of_a_loop_are_jobs_of_their_own():
    picture = drawing("x.1", "y.1", group={"y.1": "x.1"})
    picture.flow["regions"] = {"x.1": ["x.1", "y.1"]}
    _, told = news_of(at("running", task("x.1", "running", ended=None), picture=picture), {})
    assert told["jobs"] == {}
    rounds = [record("x.1", at=number, order=number) for number in (1, 2)]
    values = [value("x.1", item, f"flowdrop_job.{item['order']}") for item in rounds]
    event, _ = news_of(at("running", task("x.1", "running", ended=None), values=values, picture=picture), told)
    assert [job["id"] for job in event["jobs"] if job["status"] == "completed"] == ["job-x.1-1", "job-x.1-2"]


def test_an_event_has_the_members_of_the_contract():
    wanted = VECTORS["accepted"][0]["event"]
    event, _ = news_of(at("running", task("a.1", "running", ended=None), conf={"flowdrop": {"drupal_pipeline_id": "7"}}), {})
    event |= {"id": f"{event['pipeline_id']}:1", "sequence": 1}
    assert set(wanted) <= set(event)
    assert event["drupal_pipeline_id"] == "7"
    assert set(wanted["run"]) <= set(event["run"])
    assert set(wanted["jobs"][0]) <= set(event["jobs"][0])
    json.dumps(event)
