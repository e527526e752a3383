"""The audit trail: complete, in one order, and whole when somebody checks it."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re

import pytest
from airflow.models.dag_version import DagVersion
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.types import DagRunTriggeredByType

from flowdrop_provider.cli import main
from flowdrop_provider.plugins.api import trail
from flowdrop_provider.plugins.api.ids import pipeline_id
from flowdrop_provider.plugins.api.trail import Trail
from flowdrop_provider.plugins.api.trail_lines import TRAIL_COLUMNS, as_cef, as_trail_csv, as_trail_ndjson
from tests.plugins.database import airflow_tables, sessions

START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)
FLOW = "flowdrop_shop"
#: How a run was started: Airflow's type and way, the user, our own part of its ``conf``.
STARTS = {
    "by-schedule": ("scheduled", "timetable", None, {}),
    "by-api": ("manual", "rest_api", "ann", {"source": "api"}),
    "by-ui": ("manual", "ui", "bob", None),
    "by-parent": ("operator_triggered", "operator", "ann", {"parent": {"dag_id": "flowdrop_outer", "run_id": "r"}}),
    "again": ("manual", "rest_api", "cleo", {"source": "rerun", "rerun_of": "x"}),
}


def moment(minutes):
    return START + dt.timedelta(minutes=minutes)


def add_version(session, number, at):
    version = DagVersion(dag_id=FLOW, version_number=number, bundle_name="b")
    version.created_at = at
    session.add(version)
    session.flush()
    flow = json.dumps({"workflow_id": "shop", "revision": f"revision-{number}", "nodes": []})
    task = {"__var": {"task_id": "flowdrop_result", "flow": flow}}
    # Its own constructor wants a whole DAG.
    row = SerializedDagModel.__table__.insert().values(
        id=version.id, dag_id=FLOW, dag_version_id=version.id, data={"dag": {"tasks": [task]}}, dag_hash=str(number),
        created_at=at, last_updated=at,
    )  # fmt: skip
    session.execute(row)
    return version


@pytest.fixture(scope="module")
def engine():
    return airflow_tables(FLOW, "flowdrop_other")


@pytest.fixture
def recorded(engine):
    """A workflow edited three times, and run in five ways by the last of its revisions; somebody stopped one."""
    with sessions(engine) as opened:
        with opened() as session:
            versions = [add_version(session, number, moment(number)) for number in (1, 2, 3)]
            for number, (run_id, (kind, way, user, own)) in enumerate(STARTS.items()):
                conf = {"words": "secret words", **({"flowdrop": own} if own is not None else {})}
                run = DagRun(
                    dag_id=FLOW,
                    run_id=run_id,
                    run_type=kind,
                    triggered_by=DagRunTriggeredByType(way),
                    triggering_user_name=user,
                    conf=conf,
                )
                run.created_at = run.run_after = moment(10 + number)
                run.created_dag_version_id = versions[-1].id
                session.add(run)
            entries = [("flowdrop_save", 1, None), ("success", 11, "by-api"), ("flowdrop_stop", 20, "by-ui")]
            for event, minute, run_id in entries:
                log = Log(
                    event,
                    owner="=ann|x",
                    dag_id=FLOW,
                    run_id=run_id,
                    extra=json.dumps({"method": "POST", "conf": "secret words"}),
                )
                log.dttm = moment(minute)
                session.add(log)
            foreign = Log("trigger", owner="eve", dag_id="flowdrop_other")
            foreign.dttm = moment(5)
            session.add(foreign)
        yield lambda until=60: Trail(frozenset({FLOW}), START, moment(until), opened).entries()


def test_every_revision_run_and_action_is_there_once_and_in_order(recorded):
    found = list(recorded())

    assert [entry["event"] for entry in found] == [
        "revision_seen", "flowdrop_save", "revision_seen", "revision_seen", *["run_created"] * 5, "flowdrop_stop",
    ]  # fmt: skip
    assert [entry["revision"] for entry in found if entry["kind"] == "revision"] == ["revision-1", "revision-2", "revision-3"]
    runs = {entry["run_id"]: entry for entry in found if entry["kind"] == "run"}
    assert {run_id: (run["type"], run["via"], run["user"], run["details"]) for run_id, run in runs.items()} == {
        run_id: (kind, way, user, own or {}) for run_id, (kind, way, user, own) in STARTS.items()
    }
    assert {run["revision"] for run in runs.values()} == {"revision-3"}
    assert runs["by-api"]["pipeline_id"] == pipeline_id(FLOW, "by-api")
    assert len({run["input_sha256"] for run in runs.values()}) == 1, "the same inputs"
    assert "secret words" not in json.dumps(found)


def test_a_period_ends_before_its_end(recorded):
    assert [entry["event"] for entry in recorded(until=2)] == ["revision_seen", "flowdrop_save"]


def test_pages_lose_and_repeat_nothing(recorded, monkeypatch):
    whole = list(recorded())
    for size in (1, 2, 5):
        monkeypatch.setattr(trail, "_PAGE", size)
        assert list(recorded()) == whole


def test_the_lines_verify_and_a_changed_one_is_named(recorded, tmp_path, capsys):
    lines = list(as_trail_ndjson(recorded()))
    file = tmp_path / "audit.ndjson"
    file.write_text("".join(lines), "utf-8")
    assert main(["audit", "verify", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lines"] == 10

    file.write_text("".join([*lines[:5], lines[5].replace('"ann"', '"bob"'), *lines[6:]]), "utf-8")
    assert lines[5] != lines[5].replace('"ann"', '"bob"')
    assert main(["audit", "verify", str(file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["first_changed_line"] == 6


def test_a_spreadsheet_runs_nothing_of_it(recorded):
    header, *rows = csv.reader(io.StringIO("".join(as_trail_csv(recorded()))))

    assert tuple(header) == TRAIL_COLUMNS
    stop = dict(zip(header, rows[-1], strict=True))
    assert (stop["event"], stop["user"], json.loads(stop["details"])) == ("flowdrop_stop", "'=ann|x", {"method": "POST"})
    assert stop["chain"] == json.loads(list(as_trail_ndjson(recorded()))[-1])["chain"]


def test_cef_escapes_what_it_would_take_for_its_own(recorded):
    lines = list(as_cef(recorded()))

    assert len(lines) == 10
    assert all(
        re.match(r"CEF:0\|FlowDrop\|airflow-provider-flowdrop\|[^|]+\|([a-z_]+)\|\1\|3\|rt=\d{13} ", line) for line in lines
    )
    assert "suser=\\=ann|x" in lines[-1]
    assert "cs1Label=DAG cs1=flowdrop_shop cs2Label=Run cs2=by-ui" in lines[-1]
    hostile = {"at": None, "kind": "action", "event": "a|b\\c\nd", "user": "x\ncs6=1"}
    (line,) = as_cef([hostile])
    assert line.startswith("CEF:0|FlowDrop|airflow-provider-flowdrop|")
    assert "|a\\|b\\\\c d|a\\|b\\\\c d|3|cat=action suser=x\\ncs6\\=1 cs6Label=Chain" in line
    assert line.count("\n") == 1
