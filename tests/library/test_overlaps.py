"""Overlap policies and jitter: what is read, what is judged, and what becomes of it in a DAG."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from flowdrop_provider.dag_factory import build_airflow_dags
from flowdrop_provider.document.normalise import read_trigger, read_workflow
from flowdrop_provider.library.overlaps import Active, Verdict, fire_delay, firings, jitter_bounds, judge
from tests.flows import flow, node, write


def trigger(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "workflow_id": "busy", "node_id": "trigger.1", "event_type": "entity.insert", "status": True, **fields}


def clock(name: str, **settings: Any) -> dict[str, Any]:
    return trigger(name, event_type="cron", conditions={"cron": "*/5 * * * *"}, orchestrator_settings=settings)


def told(*triggers: dict[str, Any], **settings: Any) -> Any:
    document = flow("busy", [node("trigger.1")], metadata={"flowdrop": settings})
    return firings(read_workflow(document), map(read_trigger, triggers))


BEFORE = (Active(1, "a"), Active(2, "b"))


@pytest.mark.rule("TRIG-1")
def test_what_becomes_of_a_firing() -> None:
    for policy in ("skip", "buffer", "cancel", "terminate", ""):
        assert judge(policy, "a", ()) == Verdict(), "nothing runs: every policy lets it run"
    assert judge("", "a", BEFORE) == Verdict()
    assert judge("skip", "a", BEFORE).refused
    assert judge("cancel", "a", BEFORE) == judge("terminate", "a", BEFORE) == Verdict(cancel=(1, 2))


@pytest.mark.rule("TRIG-1")
def test_a_buffer_has_one_slot_a_trigger() -> None:
    assert judge("buffer", "a", [Active(1, "a")]) == Verdict(), "the oldest runs, this one waits"
    assert judge("buffer", "a", BEFORE) == Verdict(), "who waits is another trigger's"
    assert judge("buffer", "b", BEFORE).refused, "the slot is taken, and what waits in it stays"
    assert judge("buffer", "b", BEFORE).cancel == ()


@pytest.mark.rule("TRIG-1")
def test_which_policy_a_trigger_has() -> None:
    found = told(trigger("a", orchestrator_settings={"overlap_policy": "Cancel"}), trigger("b"), clock("c", overlap="buffer"))
    assert (found.by_trigger, found.schedule, found.buffers) == ({"a": "cancel"}, "buffer", True)
    assert told(trigger("a", orchestrator_settings={"overlap": "fight"})).by_trigger == {"a": "skip"}, "unknown is skip"
    assert told(trigger("a", settings={"concurrency_policy": "terminate"})).by_trigger == {"a": "terminate"}
    found = told(trigger("a", orchestrator_settings={"overlap": "cancel"}), clock("c"), overlap="skip")
    assert (found.by_trigger, found.schedule, found.buffers) == ({"": "skip", "a": "skip"}, "skip", False)
    off = trigger("a", status=False, orchestrator_settings={"overlap": "skip"})
    elsewhere = trigger("b", workflow_id="other", orchestrator_settings={"overlap": "skip"})
    assert (told(off, elsewhere).by_trigger, told().schedule) == ({}, "")


@pytest.mark.rule("TRIG-2")
@pytest.mark.parametrize(
    ("low", "high", "bounds"),
    [
        (5, 30, (5, 30)),
        (-5, 30, (0, 30)),
        (50, 30, (50, 50)),
        (None, "30", (0, 30)),
        (5, 0, None),
        (5, -1, None),
        (5, None, None),
        (5, True, None),
        (5, "inf", None),
        (5, "soon", None),
    ],
)
def test_bounds_of_a_delay(low: Any, high: Any, bounds: Any) -> None:
    assert jitter_bounds(low, high) == bounds


@pytest.mark.rule("TRIG-2")
def test_one_delay_a_firing_and_another_for_everybody_else() -> None:
    drawn = [fire_delay((10, 20), "w", str(moment)) for moment in range(500)]
    assert drawn == [fire_delay((10, 20), "w", str(moment)) for moment in range(500)]
    assert drawn != [fire_delay((10, 20), "x", str(moment)) for moment in range(500)]
    assert all(10 <= delay <= 20 for delay in drawn)
    assert 14 < sum(drawn) / len(drawn) < 16, "uniform"
    assert fire_delay((7, 7), "w") == 7


@pytest.mark.rule("TRIG-2")
def test_whose_jitter_counts() -> None:
    assert told(clock("c", jitter_min=5, jitter_max=9)).jitter == (5, 9)
    assert told(clock("c", jitter={"min": 5, "max": 9})).jitter == (5, 9)
    assert told(clock("c", jitter_max=9), jitter=30).jitter == (0, 30), "the document speaks for all"
    assert told(trigger("t", orchestrator_settings={"jitter_max": 9}), clock("c")).jitter is None, "events are not delayed"


def dag_of(folder: Path, *triggers: dict[str, Any], **settings: Any) -> Any:
    write(folder, flow("busy", [node("trigger.1")], metadata={"flowdrop": settings}))
    for item in triggers:
        (folder / f"flowdrop_trigger.flowdrop_trigger_config.{item['id']}.yml").write_text(json.dumps(item))
    return build_airflow_dags(folder, cache=folder / ".cache")["flowdrop_busy"]


@pytest.mark.rule("TRIG-1")
def test_what_a_dag_says_of_it(tmp_path: Path) -> None:
    plain, buffered = dag_of(tmp_path / "a"), dag_of(tmp_path / "b", clock("c", overlap="buffer"))
    assert (plain.max_active_runs > 1, [tag for tag in plain.tags if "overlap" in tag]) == (True, [])
    assert (buffered.max_active_runs, "overlap:buffer" in buffered.tags) == (1, True)
    one = dag_of(tmp_path / "c", trigger("t", orchestrator_settings={"overlap": "cancel"}))
    flow_ = json.loads(one.task_dict["flowdrop_result"].flow)
    assert (flow_["overlaps"], one.max_active_runs > 1) == ({"t": "cancel"}, True)


@pytest.mark.rule("TRIG-2")
def test_a_blurred_clock_in_a_dag(tmp_path: Path) -> None:
    from airflow.timetables.base import DataInterval, TimeRestriction
    from pendulum import instance

    from flowdrop_provider.timetables import JitteredCronTimetable

    found = dag_of(tmp_path, clock("c", jitter_min=10, jitter_max=20)).timetable
    again = JitteredCronTimetable.deserialize(json.loads(json.dumps(found.serialize())))
    assert again.serialize() == found.serialize()
    assert "10 to 20 s" in again.summary
    last = instance(dt.datetime(2030, 1, 1, 12, 0, tzinfo=dt.timezone.utc))
    asked = {"last_automated_data_interval": DataInterval.exact(last), "restriction": TimeRestriction(None, None, False)}
    runs = [timetable.next_dagrun_info(**asked) for timetable in (found, again, found)]
    assert runs[0] == runs[1] == runs[2], "every look finds the same moment"
    assert runs[0].logical_date == last.add(minutes=5)
    assert 10 <= (runs[0].run_after - runs[0].logical_date).total_seconds() <= 20
    until = TimeRestriction(None, last.add(minutes=1), False)
    assert found.next_dagrun_info(last_automated_data_interval=DataInterval.exact(last), restriction=until) is None


def test_airflow_keeps_a_blurred_clock_with_the_dag(tmp_path: Path) -> None:
    """The scheduler has the serialized DAG only, and finds the timetable through the plugin."""
    from airflow.serialization.serialized_objects import DagSerialization

    dag = dag_of(tmp_path, clock("c", jitter_min=10, jitter_max=20))
    kept = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    assert kept.timetable.serialize() == dag.timetable.serialize()
