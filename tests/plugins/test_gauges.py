"""What Prometheus is told of runs, read by its own parser."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from prometheus_client.parser import text_string_to_metric_families

from flowdrop_provider.plugins.api.gauges import GAUGES, gauges_text
from tests.plugins.database import airflow_tables, sessions

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.timezone.utc)
RUNS = [
    ("flowdrop_a", "running", None), ("flowdrop_a", "running", None), ("flowdrop_a", "queued", None),
    ("flowdrop_a", "success", 10), ("flowdrop_a", "success", 50), ("flowdrop_a", "failed", 90),
    ("flowdrop_hidden", "failed", 1),
]  # fmt: skip


@pytest.fixture(scope="module")
def text():
    engine = airflow_tables("flowdrop_a", 'flowdrop_"b"\\', "flowdrop_hidden")
    with sessions(engine) as opened, opened() as session:
        for number, (dag_id, state, minutes) in enumerate(RUNS):
            run = DagRun(dag_id=dag_id, run_id=f"r{number}", run_type="manual", state=state, conf={})
            run.run_after = NOW
            run.end_date = NOW - dt.timedelta(minutes=minutes) if minutes is not None else None
            session.add(run)
        session.flush()
        facts = {"dag_id": "flowdrop_a", "run_id": "r0", "state": "awaiting_input", "pool_slots": 1, "pool": "p", "queue": "q"}
        session.execute(TaskInstance.__table__.insert().values(task_id="ask", **facts))
        yield gauges_text(session, {"flowdrop_a", 'flowdrop_"b"\\'}, NOW).decode()


def test_the_numbers_are_those_of_the_runs(text):
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert set(families) == set(GAUGES)
    found = {
        (name.removeprefix("flowdrop_"), *(sample.labels[label] for label in GAUGES[name][0])): sample.value
        for name, family in families.items()
        for sample in family.samples
    }

    assert found == {
        ("runs_open", "flowdrop_a", "running"): 2,
        ("runs_open", "flowdrop_a", "queued"): 1,
        ("runs_ended_last_hour", "flowdrop_a", "success"): 2,
        ("runs_ended_last_hour", "flowdrop_a", "failed"): 0,
        ("run_last_end_timestamp_seconds", "flowdrop_a", "success"): (NOW - dt.timedelta(minutes=10)).timestamp(),
        ("run_last_end_timestamp_seconds", "flowdrop_a", "failed"): (NOW - dt.timedelta(minutes=90)).timestamp(),
        ("interrupts_waiting", "flowdrop_a"): 1,
        **{("runs_open", 'flowdrop_"b"\\', state): 0 for state in ("running", "queued")},
        **{("runs_ended_last_hour", 'flowdrop_"b"\\', state): 0 for state in ("success", "failed")},
        ("interrupts_waiting", 'flowdrop_"b"\\'): 0,
    }
    assert all(set(sample.labels) == set(GAUGES[name][0]) for name, family in families.items() for sample in family.samples)


def test_prometheus_own_checker_has_nothing_to_say(text):
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    done = subprocess.run([program, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
