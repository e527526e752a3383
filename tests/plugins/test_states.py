from __future__ import annotations

from typing import get_args

import pytest

from flowdrop_provider.plugins.api.models import JobStatus, RunStatus
from flowdrop_provider.plugins.api.states import (
    JOB_STATUSES,
    RUN_STATUSES,
    editor_job,
    editor_run,
    job_status,
    published_run,
    run_status,
)

#: The words for which FlowDrop's editor has a drawing (measured).
DRAWN = {"pending", "running", "completed", "failed", "cancelled", "skipped"}
STATES = [
    None, "scheduled", "queued", "running", "restarting", "deferred", "awaiting_input", "up_for_retry", "up_for_reschedule",
    "success", "failed", "skipped", "upstream_failed", "removed", "something_new",
]  # fmt: skip


@pytest.mark.rule("STORE-11")
def test_what_is_published_is_what_is_told_and_nothing_else():
    assert set(get_args(JobStatus)) == set(JOB_STATUSES)
    assert set(get_args(RunStatus)) == set(RUN_STATUSES)
    for summary in (None, *({"status": word} for word in (*RUN_STATUSES, "unheard_of"))):
        told = {run_status(state, summary, result) for state in STATES for result in ("success", "failed", "skipped", None)}
        assert told <= set(RUN_STATUSES)


@pytest.mark.rule("STORE-11")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("recorded", [None, *JOB_STATUSES, "unheard_of"])
def test_the_editor_only_ever_sees_words_it_can_draw(state, recorded):
    status = job_status(state, {"status": recorded} if recorded else None)

    assert status in JOB_STATUSES
    assert editor_job(status) in DRAWN


@pytest.mark.parametrize(
    ("state", "recorded", "expected"),
    [
        ("running", None, "running"),
        ("queued", None, "pending"),
        ("awaiting_input", None, "interrupted"),
        ("awaiting_input", "interrupted", "interrupted"),
        ("running", "interrupted", "running"),
        ("running", "completed", "completed"),
        ("failed", "running", "failed"),
        ("failed", "failed", "failed"),
        ("success", None, "completed"),
        ("skipped", None, "skipped"),
        (None, None, "idle"),
    ],
)
def test_a_final_record_says_more_than_the_task_and_a_passing_one_less(state, recorded, expected):
    assert job_status(state, {"status": recorded} if recorded else None) == expected


def test_in_a_stopped_run_what_had_not_ended_is_cancelled():
    assert job_status("failed", None, cancelled=True) == "cancelled"
    assert job_status("skipped", None, cancelled=True) == "cancelled"
    assert job_status("failed", {"status": "failed"}, cancelled=True) == "failed"
    assert job_status("success", None, cancelled=True) == "completed"


@pytest.mark.parametrize(
    ("state", "summary", "result", "tasks", "expected"),
    [
        ("queued", None, None, [], "pending"),
        ("running", None, None, ["running"], "running"),
        ("running", None, None, ["awaiting_input", None], "paused"),
        ("running", None, None, ["awaiting_input", "queued"], "running"),
        ("success", {"status": "completed"}, "success", [], "completed"),
        ("failed", {"status": "cancelled"}, "failed", [], "cancelled"),
        ("success", {"status": "completed_with_warnings"}, "success", [], "completed_with_warnings"),
        ("failed", {"status": "failed"}, "failed", [], "failed"),
        ("failed", None, "skipped", [], "cancelled"),
    ],
)
def test_how_a_run_stands(state, summary, result, tasks, expected):
    assert run_status(state, summary, result, frozenset(tasks)) == expected


def test_the_editor_goes_on_asking_as_long_as_a_run_has_not_ended():
    assert [editor_run(status) for status in ("pending", "running", "paused")] == ["running"] * 3
    assert editor_run("completed_with_warnings") == published_run("completed_with_warnings") == "completed"
    assert editor_run("cancelled") == "cancelled"
