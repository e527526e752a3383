from __future__ import annotations

import pytest

from devtools import follow
from devtools.follow import SYMBOLS, job_line


def test_a_completed_job_shows_its_time_and_its_output():
    line = job_line(
        {"label": "Greet", "status": "completed", "execution_time_us": 1234, "output_data": {"text": "hi"}}, SYMBOLS
    )

    assert line.split() == ["✓", "Greet", "1.2", "ms", '{"text":', '"hi"}']


def test_a_failed_job_shows_its_error():
    line = job_line({"label": "Ask", "status": "failed", "execution_time_us": 10, "error": {"message": "no\nanswer"}}, SYMBOLS)

    assert line.startswith("  ✗ Ask")
    assert line.endswith("no answer")


def test_a_skipped_job_shows_why_and_no_time():
    line = job_line({"label": "Sleep", "status": "skipped", "execution_time_us": 5, "skip_reason": "branch not taken"}, SYMBOLS)

    assert line.endswith("skipped: branch not taken")
    assert "ms" not in line


def test_a_long_output_is_cut():
    line = job_line(
        {"label": "Big", "status": "completed", "execution_time_us": 1, "output_data": {"text": "x" * 500}}, SYMBOLS
    )

    assert len(line) < 110
    assert line.endswith("…")


class FakeClient:
    """Two polls of a run: one task ended, then both and the run."""

    def __init__(self):
        self.polls = 0

    def run(self, dag_id, run_id):
        self.polls += 1
        return {"state": "running" if self.polls == 1 else "success"}

    def tasks(self, dag_id, run_id):
        later = "running" if self.polls == 1 else "skipped"
        return {
            "a": {"task_id": "a", "state": "success", "end_date": "1"},
            "b": {"task_id": "b", "state": later, "end_date": "2", "task_display_name": "Never"},
            "flowdrop_result": {"task_id": "flowdrop_result", "state": "success", "end_date": "3"},
        }

    def task_jobs(self, dag_id, run_id, task_id):
        return [{"label": "First", "status": "completed", "output_data": {}}] if task_id == "a" else []


def test_each_job_is_shown_once_and_a_task_without_a_record_by_its_state():
    lines: list[str] = []
    run = follow.follow(FakeClient(), "dag", "run", lines.append, timeout=5)

    assert run["state"] == "success"
    assert [line.split()[1] for line in lines] == ["First", "Never"]


def test_a_run_that_never_ends_is_given_up():
    client = FakeClient()
    client.run = lambda dag_id, run_id: {"state": "running"}

    with pytest.raises(TimeoutError, match="still running"):
        follow.follow(client, "dag", "run", lambda _line: None, timeout=0)
