"""From runs in Airflow's tables to what arrives at a mail server and at a receiver of webhooks, told exactly once."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from airflow.models.dagrun import DagRun
from sqlalchemy import select

from flowdrop_provider.plugins import lifecycle
from flowdrop_provider.plugins.deliveries import service
from flowdrop_provider.plugins.notices import book, channels
from flowdrop_provider.plugins.notices.rules import read_rules
from flowdrop_provider.plugins.notices.watch import Watch
from flowdrop_provider.tables.models import Notice, utc_now
from tests.plugins.counterparts import Hook, hanging_server, mail_server, smtp_connection
from tests.plugins.database import airflow_tables, sessions

FLOW = "flowdrop_shop"


@pytest.fixture(scope="module")
def engine():
    return airflow_tables(FLOW)


@pytest.fixture
def opened(engine):
    with sessions(engine) as open_session:
        yield open_session


@pytest.fixture
def mail(monkeypatch):
    with mail_server() as (box, port):
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", smtp_connection(port))
        yield box


@pytest.fixture
def hook(monkeypatch):
    found = Hook()
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", found.connection("sixteen letters and more"))
    yield found
    found.server.shutdown()


class Scheduler:
    """What the process beside the scheduler does, round by round; a second one does the same at the same time."""

    def __init__(self, opened, *rules):
        self.opened = opened
        self.watches = [Watch(read_rules(list(rules)), "http://airflow.example.org") for _ in range(2)]

    def rounds(self, count=3):
        for _ in range(count):
            for watch in self.watches:
                with self.opened() as session:
                    watch.round(session)
            with self.opened() as session:
                for row in session.scalars(select(Notice)):
                    # Nobody waits for the pause before the next attempt.
                    row.next_attempt_at = utc_now()
            book.send_due(self.opened, channels.send)

    def told(self):
        with self.opened() as session:
            return [(row.kind, row.status) for row in session.scalars(select(Notice).order_by(Notice.number))]


def add_run(opened, name, state, seconds=1.0, ago=0.0):
    """A run that took so many seconds, and ended so long ago or has not ended."""
    with opened() as session:
        run = DagRun(dag_id=FLOW, run_id=name, run_type="manual", state=state, conf={})
        run.run_after = run.start_date = utc_now() - dt.timedelta(seconds=seconds + ago)
        run.end_date = None if state == "running" else utc_now() - dt.timedelta(seconds=ago)
        session.add(run)


MAIL = {"kind": "mail", "to": ["ops@example.org"]}
HOOK = {"kind": "webhook", "conn_id": "hook"}


def test_a_failure_and_a_slow_run_are_each_told_once_by_mail(opened, mail):
    scheduler = Scheduler(opened, {"id": "ops", "on": ["failure", "slow"], "slow_seconds": 60, "channels": [MAIL]})
    add_run(opened, "quick", "running", seconds=5)
    scheduler.rounds()
    assert mail.mails == []

    add_run(opened, "slow", "running", seconds=100)
    scheduler.rounds()
    add_run(opened, "bad", "failed")
    scheduler.rounds()

    (slow, slow_text), (failed, failed_text) = mail.texts()
    assert (slow, failed) == ("flowdrop_shop is slow", "flowdrop_shop failed")
    assert "Run: slow" in slow_text
    assert " s, 60 s are usual at most" in slow_text
    assert "Link: http://airflow.example.org/dags/flowdrop_shop/runs/bad/plugin/flowdrop-run" in failed_text


def test_a_run_is_slow_against_what_its_workflow_usually_takes(opened, mail):
    for number in range(5):
        add_run(opened, f"usual-{number}", "success", seconds=10, ago=60)
    add_run(opened, "slow", "running", seconds=31)
    add_run(opened, "usual", "running", seconds=19)
    Scheduler(opened, {"on": ["slow"], "slow_factor": 3, "slow_last": 5, "channels": [MAIL]}).rounds()

    ((subject, text),) = mail.texts()
    assert (subject, "Run: slow" in text, "30 s are usual at most" in text) == ("flowdrop_shop is slow", True, True)


def test_an_error_rate_is_told_when_it_rises_and_when_it_has_fallen_by_a_receiver_that_fails_first(opened, hook):
    scheduler = Scheduler(opened, {"on": ["error_rate", "recovered"], "error_share": 0.5, "channels": [HOOK]})
    for number in range(4):
        add_run(opened, f"early-{number}", "failed" if number % 2 else "success")
    scheduler.rounds()
    assert hook.requests == [], "four runs say nothing yet"

    add_run(opened, "fifth", "failed")
    scheduler.rounds()
    add_run(opened, "sixth", "failed")
    scheduler.rounds()
    for number in range(5):
        add_run(opened, f"good-{number}", "success")
    scheduler.rounds()

    refused, *taken = hook.requests
    assert refused[1] == taken[0][1], "what was refused came again, as it was"
    assert refused[0]["X-FlowDrop-Delivery"] == taken[0][0]["X-FlowDrop-Delivery"]
    assert [(body["kind"], body["subject"], body["detail"]) for body in (json.loads(content) for _, content in taken)] == [
        ("error_rate", "flowdrop_shop fails too often", "3 of 5 runs failed in 60 minutes"),
        ("recovered", "flowdrop_shop works again", "4 of 11 runs failed in 60 minutes"),
    ]
    assert scheduler.told() == [("error_rate", "sent"), ("recovered", "sent")]


def test_a_run_that_works_again_is_told_once(opened, hook, mail):
    scheduler = Scheduler(opened, {"on": ["recovered"], "channels": [MAIL]})
    for name, state in (("a", "success"), ("b", "failed"), ("c", "success"), ("d", "success")):
        add_run(opened, name, state)
        scheduler.rounds()

    ((subject, text),) = mail.texts()
    assert (subject, "Run: c" in text) == ("flowdrop_shop works again", True)


@pytest.mark.parametrize("kind", ["mail", "webhook"])
def test_a_server_that_hangs_delays_nobody_for_long_and_is_seen(opened, monkeypatch, kind):
    monkeypatch.setattr(channels, "_TIMEOUT", 0.3)
    with hanging_server() as port:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", smtp_connection(port))
        monkeypatch.setenv("AIRFLOW_CONN_HOOK", json.dumps({"conn_type": "http", "host": f"http://127.0.0.1:{port}/"}))
        add_run(opened, "bad", "failed")
        scheduler = Scheduler(opened, {"on": ["failure"], "channels": [{"mail": MAIL, "webhook": HOOK}[kind]]})
        began = time.monotonic()
        scheduler.rounds(1)
        took = time.monotonic() - began
    assert took < 5, "one attempt, not the hook's own six"
    with opened() as session:
        (row,) = session.scalars(select(Notice))
        assert (row.status, row.attempts) == ("waiting", 1)
        assert row.last_error


def test_a_scheduler_starts_one_process_and_waits_for_nothing(monkeypatch):
    started = []

    def start_beside(parent, module):
        started.append(module)
        return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    monkeypatch.setattr(service, "start_beside", start_beside)
    monkeypatch.setattr(lifecycle, "_processes", {})
    monkeypatch.setenv("AIRFLOW__FLOWDROP__NOTICES", json.dumps([{"channels": [HOOK]}]))
    run = SimpleNamespace(dag_id=FLOW, dag=SimpleNamespace(tags=["flowdrop"]))
    lifecycle.on_dag_run_running(run, "")
    began = time.perf_counter()
    for _ in range(20):
        lifecycle.on_dag_run_running(run, "")
    took = (time.perf_counter() - began) / 20
    lifecycle._processes["flowdrop_provider.plugins.notices"].communicate(b"\n", timeout=60)

    assert started == ["flowdrop_provider.plugins.notices"]
    assert took < 0.05, f"{took * 1000:.1f} ms a run"
