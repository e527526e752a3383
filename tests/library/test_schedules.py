"""Cron: what fires, what is reported, and what becomes of it in a DAG."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from flowdrop_provider.dag_factory import FlowDropWarning, build_airflow_dags
from flowdrop_provider.document.normalise import read_trigger
from flowdrop_provider.library.schedules import next_run, schedule_of, trigger_schedules
from tests.flows import flow, node, write

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.timezone.utc)


@pytest.mark.rule("CRON-1")
@pytest.mark.parametrize(
    ("expression", "fires"), [("", False), ("0", False), (" ", False), ("@daily", False), ("0 3 * * *", True)]
)
def test_only_an_expression_fires_and_the_report_agrees(expression: str, fires: bool) -> None:
    schedule = schedule_of(expression)
    assert schedule.fires is fires
    assert (next_run(schedule, NOW)[0] is not None) is fires
    assert (schedule.problem == "no_expression") is (expression == "")


@pytest.mark.rule("CRON-2")
@pytest.mark.parametrize(
    ("expression", "timezone", "code", "moment"),
    [
        ("", "Nowhere/City", "no_expression", None),
        ("0", "UTC", "invalid_expression", None),
        ("0 0 30 2 *", "UTC", "invalid_expression", None),
        ("99 3 * * *", "Nowhere/City", "invalid_expression", None),
        ("0 3 * * *", "Nowhere/City", "invalid_timezone", "2026-03-02T03:00:00+00:00"),
        ("0 3 * * *", "Europe/Berlin", "", "2026-03-02T03:00:00+01:00"),
        ("0 3 * * *", None, "", "2026-03-02T03:00:00+00:00"),
    ],
)
def test_the_report_has_a_code_and_a_moment(expression: str, timezone: Any, code: str, moment: str | None) -> None:
    found, problem = next_run(schedule_of(expression, timezone), NOW)
    assert (problem, found.isoformat() if found else None) == (code, moment)


def scheduled(flow_id: str, *expressions: str, **extra: Any) -> dict[str, Any]:
    nodes = [
        node(f"scheduled_trigger.{number}", scheduleExpression=text, timezone="Europe/Berlin")
        for number, text in enumerate(expressions)
    ]
    return flow(flow_id, [*nodes, node("text_input.1", defaultValue="x")], **extra)


def test_scheduled_triggers_become_the_dags_timetable(tmp_path: Path) -> None:
    write(tmp_path, scheduled("nightly", "0 3 * * *"), scheduled("twice", "0 3 * * *", "0 15 * * *"), scheduled("never", ""))
    dags = build_airflow_dags(tmp_path, cache=tmp_path / "cache")
    again = build_airflow_dags(tmp_path, cache=tmp_path / "cache")
    for found in (dags, again):
        nightly = found["flowdrop_nightly"].timetable
        assert (type(nightly).__name__, nightly.expression, str(nightly.timezone)) == (
            "CronTriggerTimetable", "0 3 * * *", "Europe/Berlin",
        )  # fmt: skip
        assert type(found["flowdrop_twice"].timetable).__name__ == "MultipleCronTriggerTimetable"
        assert type(found["flowdrop_never"].timetable).__name__ == "NullTimetable"


def trigger(**fields: Any) -> dict[str, Any]:
    return {"id": "t", "workflow_id": "plain", "node_id": "trigger.1", "event_type": "cron", "status": True, **fields}


def test_the_sites_cron_triggers_become_the_timetable(tmp_path: Path) -> None:
    write(tmp_path, flow("plain", [node("trigger.1")]))
    name = "flowdrop_trigger.flowdrop_trigger_config.t.yml"
    (tmp_path / name).write_text(json.dumps(trigger(conditions={"cron": "*/5 * * * *", "timezone": "Europe/Berlin"})))
    assert build_airflow_dags(tmp_path)["flowdrop_plain"].timetable.expression == "*/5 * * * *"
    (tmp_path / name).write_text(json.dumps(trigger(status=False, conditions={"cron": "*/5 * * * *"})))
    assert type(build_airflow_dags(tmp_path)["flowdrop_plain"].timetable).__name__ == "NullTimetable"


def test_event_triggers_have_no_schedule() -> None:
    events = [trigger(event_type="entity.insert", conditions={"cron": "* * * * *"}), trigger(workflow_id="")]
    assert trigger_schedules(map(read_trigger, events)) == {}


def test_a_workflow_that_needs_inputs_is_not_started_by_a_clock(tmp_path: Path) -> None:
    port = {"name": "who", "node_id": "text_input.1", "port": "data", "required": True}
    write(tmp_path, scheduled("asks", "0 3 * * *", input_ports=[port]))
    with pytest.warns(FlowDropWarning, match="required inputs"):
        dags = build_airflow_dags(tmp_path)
    assert type(dags["flowdrop_asks"].timetable).__name__ == "NullTimetable"


def test_the_deployments_own_schedule_wins(tmp_path: Path) -> None:
    write(tmp_path, scheduled("nightly", "0 3 * * *"))
    assert type(build_airflow_dags(tmp_path, schedule=None)["flowdrop_nightly"].timetable).__name__ == "NullTimetable"
