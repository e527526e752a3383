"""What is forgotten of which runs, over Airflow's own tables."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.task_state_store import TaskStateStoreModel
from airflow.models.xcom import XComModel
from sqlalchemy import select

from flowdrop_provider.library.retention import read_retention
from flowdrop_provider.plugins.operating.pruning import prune, prune_here
from flowdrop_provider.tables.models import Delivery, Notice, PlaygroundMessage, PlaygroundSession, Snapshot
from tests.plugins.database import airflow_tables, sessions

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.timezone.utc)
DAYS = {"values_days": 30, "records_days": 90}


@pytest.fixture(scope="module")
def engine():
    return airflow_tables("flowdrop_shop", "flowdrop_other", others=("not_ours",))


@pytest.fixture
def opened(engine):
    with sessions(engine) as open_session:
        yield open_session


def add_run(opened, name, days, state="success", dag_id="flowdrop_shop", note=None, handover=None):
    """A run of two jobs and its last task, which ended some days ago."""
    with opened() as session:
        run = DagRun(
            dag_id=dag_id, run_id=name, run_type="manual", state=state, conf={"who": "Ada", "flowdrop": {"source": "api"}}
        )
        run.run_after = run.end_date = NOW - dt.timedelta(days=days)
        session.add(run)
        session.flush()
        if note:
            run.note = (note, "ada")
        facts = {"dag_run_id": run.id, "dag_id": dag_id, "run_id": name}
        record = {
            "node_id": "a",
            "status": "completed",
            "input_data": {"who": "Ada"},
            "output_data": {"x": "Ada"},
            "truncated": {},
        }
        values = {
            ("a", "flowdrop_job"): record,
            ("a", "flowdrop_handover"): handover or {"status": "completed", "ports": {"x": {"json": '"Ada"'}}},
            ("a", "return_value"): {"x": "Ada"},
            ("loop", "flowdrop_job.7"): {**record, "node_id": "b"},
            ("flowdrop_result", "flowdrop_run"): {"status": "completed", "outputs": {"a": "Ada"}},
            ("flowdrop_result", "flowdrop_handover"): {"status": "completed", "outputs": {}, "error": None},
            ("theirs", "return_value"): "Ada's own task",
        }
        session.add_all(XComModel(**facts, task_id=task, key=key, value=value) for (task, key), value in values.items())
        session.add(TaskStateStoreModel(**facts, task_id="loop", key="checkpoint", value="Ada"))


def kept(opened, name):
    """Return what is left of a run: its values by task and key."""
    with opened() as session:
        rows = session.scalars(select(XComModel).where(XComModel.run_id == name))
        return {(row.task_id, row.key): row.value for row in rows.unique()}


def text_of(opened, name):
    with opened() as session:
        conf = session.scalar(select(DagRun.conf).where(DagRun.run_id == name))
        states = session.scalars(select(TaskStateStoreModel.value).where(TaskStateStoreModel.run_id == name)).all()
    ours = {key: value for key, value in kept(opened, name).items() if key[0] != "theirs"}
    return json.dumps([str(ours), conf, states])


def pruned(opened, dry_run=False, **bounds):
    return prune(opened, read_retention({"runs": [bounds]}), NOW, dry_run=dry_run).as_dict()


def test_values_go_first_and_leave_the_marks_of_a_truncation(opened):
    add_run(opened, "young", 29)
    add_run(opened, "old", 31)
    told = pruned(opened, **DAYS)

    assert told["values"] == {"runs": 1, "records": 2, "handed_over": 2, "stored": 0}
    assert told["records"] == {"runs": 0, "records": 0}
    left = kept(opened, "old")
    assert set(left) == {
        ("a", "flowdrop_job"), ("loop", "flowdrop_job.7"), ("flowdrop_result", "flowdrop_run"), ("theirs", "return_value"),
    }  # fmt: skip
    job = left["a", "flowdrop_job"]
    assert (job["input_data"], job["truncated"], job["status"]) == ({}, {"input_data": 14, "output_data": 12}, "completed")
    assert "Ada" not in text_of(opened, "old")
    assert "Ada" in text_of(opened, "young")
    assert pruned(opened, **DAYS)["values"]["runs"] == 0, "there is nothing more to forget"


def test_records_go_later_and_with_them_everything_of_ours(opened):
    add_run(opened, "very-old", 91)
    told = pruned(opened, **DAYS)

    assert (told["records"], told["values"]["runs"]) == ({"runs": 1, "records": 2}, 0)
    assert set(kept(opened, "very-old")) == {("theirs", "return_value")}
    with opened() as session:
        assert session.scalar(select(DagRun.state).where(DagRun.run_id == "very-old")) == "success", "the run is Airflow's"


def test_the_newest_of_a_workflow_and_a_state_are_kept(opened):
    for number in range(4):
        add_run(opened, f"good-{number}", 10 - number)
        add_run(opened, f"bad-{number}", 10 - number, "failed")
        add_run(opened, f"other-{number}", 10 - number, dag_id="flowdrop_other")
    told = pruned(opened, workflows=["flowdrop_shop"], states=["success"], values_runs=3, records_runs=4)

    assert told["values"]["runs"] == 1
    whole = {name for name in ("good", "bad", "other") for number in range(4) if "Ada" in text_of(opened, f"{name}-{number}")}
    assert whole == {"good", "bad", "other"}
    assert ["Ada" in text_of(opened, f"good-{number}") for number in range(4)] == [False, True, True, True]


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_run_that_has_not_ended_is_never_touched(opened, state):
    add_run(opened, "open", 400, state)

    assert pruned(opened, **DAYS, values_runs=1)["values"]["runs"] == 0
    assert "Ada" in text_of(opened, "open")


def test_a_run_that_just_ended_may_still_be_asked_by_the_one_that_started_it(opened):
    add_run(opened, "child", 0.5 / 24)
    add_run(opened, "later", 0.25 / 24)

    assert pruned(opened, values_runs=1)["values"]["runs"] == 0


def test_a_dag_that_is_no_workflow_is_none_of_ours(opened):
    add_run(opened, "foreign", 400, dag_id="not_ours")

    assert pruned(opened, **DAYS)["records"]["runs"] == 0
    assert "Ada" in text_of(opened, "foreign")


def test_a_run_is_held_by_a_word_in_its_note(opened):
    add_run(opened, "held", 400, note="For the auditors: #hold until autumn")
    add_run(opened, "not-held", 31, note="Nothing to hold here")
    told = pruned(opened, **DAYS)

    assert (told["held"], told["records"]["runs"], told["values"]["runs"]) == (1, 0, 1)
    assert "Ada" in text_of(opened, "held")


def test_a_dry_run_counts_the_same_and_changes_nothing(opened, tmp_path, monkeypatch):
    place = tmp_path / "large" / "1.json"
    place.parent.mkdir()
    place.write_text('"Ada"')
    monkeypatch.setenv("AIRFLOW__FLOWDROP__LARGE_VALUE_PATH", f"file://{place.parent}")
    handover = {"status": "completed", "ports": {"x": {"stored": f"file://{place}", "sealed": False}}}
    add_run(opened, "old", 31, handover=handover)
    add_run(opened, "very-old", 91)
    before = (kept(opened, "old"), text_of(opened, "old"))
    dry = pruned(opened, dry_run=True, **DAYS)

    assert (kept(opened, "old"), text_of(opened, "old"), place.exists()) == (*before, True)
    assert (dry["values"]["stored"], dry["values"]["runs"], dry["records"]["runs"]) == (1, 1, 1)
    assert pruned(opened, **DAYS) == {**dry, "dry_run": False}
    assert not place.exists()


def test_a_large_value_elsewhere_is_not_deleted(opened, tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__FLOWDROP__LARGE_VALUE_PATH", f"file://{tmp_path / 'large'}")
    place = tmp_path / "passwords"
    place.write_text("x")
    stored = [f"file://{place}", f"file://{tmp_path / 'large' / '..' / 'passwords'}"]
    ports = {str(number): {"stored": where, "sealed": False} for number, where in enumerate(stored)}
    add_run(opened, "old", 31, handover={"status": "completed", "ports": ports})

    assert pruned(opened, **DAYS)["values"]["stored"] == 0
    assert place.exists()


def test_old_rows_of_our_own_tables_go(opened):
    old, new = NOW - dt.timedelta(days=100), NOW - dt.timedelta(days=1)
    with opened() as session:
        for moment in (old, new):
            chat = PlaygroundSession(dag_id="d", workflow_id="w", name="n", created_at=old, updated_at=moment)
            session.add(chat)
            session.flush()
            session.add(
                PlaygroundMessage(
                    session_number=chat.number,
                    sequence=1,
                    source="s",
                    role="user",
                    content="x",
                    status="completed",
                    created_at=moment,
                )
            )
            session.add(
                Snapshot(
                    execution_id=str(moment), dag_id="d", workflow_id="w", status="completed", document={}, updated_at=moment
                )
            )
        for number, (finished, moment) in enumerate([(True, old), (False, old), (True, new)]):
            session.add(Delivery(dag_id="d", run_id=str(number), finished=finished, updated_at=moment))
        for number, (status, moment) in enumerate([("sent", old), ("waiting", old), ("sent", new)]):
            session.add(
                Notice(
                    key=str(number), rule="r", kind="failure", dag_id="d", channel_number=0, channel={}, body={},
                    status=status, created_at=moment,
                )
            )  # fmt: skip
    bounds = {f"{name}_days": 50 for name in ("conversations", "snapshots", "deliveries", "notices")}
    dry = prune(opened, read_retention(bounds), NOW, dry_run=True).tables
    told = prune(opened, read_retention(bounds), NOW).tables

    assert dry == told == {"conversations": 1, "messages": 1, "snapshots": 1, "deliveries": 1, "notices": 1}
    assert set(prune(opened, read_retention(bounds), NOW).tables.values()) == {0}


def test_without_bounds_nothing_is_forgotten(monkeypatch):
    from flowdrop_provider.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match="Nothing says what to forget"):
        prune_here()
