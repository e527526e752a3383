"""What starts with the scheduler starts with nothing else."""

from __future__ import annotations

import json
import sys

import pytest
from airflow.jobs.job import Job
from airflow.sdk.execution_time.task_runner import TaskRunnerMarker

from flowdrop_provider.plugins import lifecycle


@pytest.fixture
def started(monkeypatch):
    """The modules that were started as processes, in a process with the scheduler's command line."""
    found = []
    monkeypatch.setenv("AIRFLOW__FLOWDROP__NOTICES", json.dumps([{"channels": [{"kind": "webhook", "conn_id": "hook"}]}]))
    monkeypatch.setattr(sys, "argv", ["airflow", "scheduler"])
    monkeypatch.setattr(lifecycle, "_keep", found.append)
    return found


def test_the_scheduler_starts_what_tells_people_of_runs(started):
    lifecycle.on_starting(Job())

    assert "flowdrop_provider.plugins.notices" in started


def test_a_task_that_was_forked_from_the_scheduler_starts_nothing(started):
    lifecycle.on_starting(TaskRunnerMarker())

    assert started == []


@pytest.mark.parametrize("service", ["triggerer", "dag-processor"])
def test_other_services_start_nothing(started, monkeypatch, service):
    monkeypatch.setattr(sys, "argv", ["airflow", service])
    lifecycle.on_starting(Job())

    assert started == []
