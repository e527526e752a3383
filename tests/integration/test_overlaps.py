"""Triggers that fire while their workflow is still running: events at the API, a clock in the scheduler (TRIG-1, TRIG-3)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.flows import flow, node
from tests.plugins.client import api, follow

pytestmark = pytest.mark.slow

POLICIES = ("skip", "buffer", "cancel", "terminate")


def held(name: str, policy: str, **more: Any) -> dict[str, Any]:
    """A workflow whose runs wait for an answer that nobody gives, so that the next firing finds them."""
    nodes = [node("trigger.1"), node("text_input_interrupt.1", message="Go on?"), *more.pop("nodes", [])]
    edges = ["trigger.1:data > text_input_interrupt.1:trigger"]
    return flow(name, nodes, edges, metadata={"flowdrop": {"overlap": policy}})


CLOCK = [node("scheduled_trigger.1", scheduleExpression="0 0 1 1 *")]
FLOWS = [held(f"overlap_{policy}", policy) for policy in POLICIES]
FLOWS += [held(f"overlap_crowd_{policy}", policy) for policy in ("skip", "cancel")]
FLOWS += [held(f"overlap_clock_{policy}", policy, nodes=CLOCK) for policy in ("skip", "cancel")]


@pytest.fixture(scope="module")
def client(airflow_server):
    for document in FLOWS:
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    for document in FLOWS:
        airflow_server.await_dag(f"flowdrop_{document['id']}")
    with api(airflow_server) as found:
        yield found


def fire(client: Any, workflow_id: str, trigger: str = "t", key: str = "") -> dict[str, Any]:
    body = {"inputs": {"trigger_config_id": trigger, "n": 1}, "source": "event"}
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post(f"/workflows/{workflow_id}/execute", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


def statuses(client: Any, workflow_id: str) -> list[str]:
    """What became of a workflow's runs, the newest first, in the editor's words: the history of its triggers."""
    rows = client.get(f"/workflow/{workflow_id}/pipelines", params={"limit": 50}).json()["data"]
    return [row["status"] for row in rows]


def note(client: Any, pipeline: str) -> str:
    return str(client.get(f"/runs/{pipeline}/trace").json()["data"]["run"]["note"])


def until(look: Any, wanted: Any, timeout: float = 90.0) -> None:
    deadline = time.monotonic() + timeout
    while look() != wanted:
        assert time.monotonic() < deadline, look()
        time.sleep(0.3)


@pytest.mark.rule("TRIG-1")
def test_skip_records_a_firing_and_runs_nothing(client):
    first, second = fire(client, "overlap_skip"), fire(client, "overlap_skip", key="delivered twice")

    assert (first["status"], second["status"]) == ("pending", "cancelled")
    assert fire(client, "overlap_skip", key="delivered twice") == second, "the same event is the same run"
    assert note(client, second["pipeline_id"]) == "Not run (skip): The workflow was still running."
    assert follow(client, second["pipeline_id"])[-1]["status"] == "cancelled"
    manual = client.post("/workflows/overlap_skip/execute", json={"inputs": {"n": 1}})
    assert manual.json()["data"]["status"] == "pending", "who starts a run by hand is no trigger"


@pytest.mark.rule("TRIG-1")
def test_a_buffer_holds_one_firing_of_each_trigger(client):
    first, second, third, other = (fire(client, "overlap_buffer", name) for name in ("a", "a", "a", "b"))

    assert [item["status"] for item in (first, second, third, other)] == ["pending", "pending", "cancelled", "pending"]
    assert note(client, third["pipeline_id"]) == "Not run (buffer): Another firing of this trigger waits already."
    until(lambda: client.get(f"/pipeline/{first['pipeline_id']}/status").json()["data"]["status"], "paused")
    assert client.get(f"/runs/{second['pipeline_id']}/trace").json()["data"]["run"]["status"] == "pending"
    client.post(f"/pipeline/{first['pipeline_id']}/stop")
    until(lambda: client.get(f"/pipeline/{second['pipeline_id']}/status").json()["data"]["status"], "paused")
    for item in (other, second):
        client.post(f"/pipeline/{item['pipeline_id']}/stop")


@pytest.mark.rule("TRIG-1")
@pytest.mark.parametrize("policy", ["cancel", "terminate"])
def test_a_new_firing_ends_the_runs_before_it(client, policy):
    first = fire(client, f"overlap_{policy}")
    second = fire(client, f"overlap_{policy}")

    assert second["status"] == "pending"
    assert follow(client, first["pipeline_id"])[-1]["status"] == "cancelled"
    assert note(client, first["pipeline_id"]) == f"Cancelled: its trigger fired again ({second['run_id']})."
    until(lambda: statuses(client, f"overlap_{policy}"), ["running", "cancelled"])


@pytest.mark.rule("TRIG-1")
@pytest.mark.parametrize("policy", ["skip", "cancel"])
@pytest.mark.long
def test_of_many_events_at_once_one_runs(client, policy):
    with ThreadPoolExecutor(8) as pool:
        fired = list(pool.map(lambda _: fire(client, f"overlap_crowd_{policy}"), range(8)))

    until(lambda: sorted(statuses(client, f"overlap_crowd_{policy}")), ["cancelled"] * 7 + ["running"])
    assert len({item["run_id"] for item in fired}) == 8


#: What the scheduler does when a clock strikes; waiting for a real one would take a minute.
STRIKE = """
import sys
from airflow.models.dagbag import DBDagBag
from airflow.timetables.base import DataInterval
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from pendulum import datetime
from airflow.sdk.timezone import utcnow

with create_session() as session:
    for dag_id in sys.argv[1:]:
        dag = DBDagBag(load_op_links=False).get_latest_version_of_dag(dag_id, session=session)
        for year in (2090, 2091):
            # Far ahead, so that the real clock does not strike as well: it follows the last run.
            moment = datetime(year, 1, 1)
            dag.create_dagrun(
                run_id=f"scheduled__{moment.isoformat()}", logical_date=moment, data_interval=DataInterval.exact(moment),
                run_after=utcnow(), run_type=DagRunType.SCHEDULED, triggered_by=DagRunTriggeredByType.TIMETABLE,
                state=DagRunState.QUEUED, partition_key=None, partition_date=None, session=session,
            )
"""


@pytest.mark.rule("TRIG-1")
@pytest.mark.long
def test_a_clock_is_judged_by_the_scheduler_before_any_task_starts(client, airflow_server):
    dag_ids = [f"flowdrop_overlap_clock_{policy}" for policy in ("skip", "cancel")]
    environment = {**os.environ, **airflow_server.server.environment}
    subprocess.run([sys.executable, "-c", STRIKE, *dag_ids], env=environment, check=True, timeout=120)

    # The newest first: under skip the second firing does not run, under cancel the first one stops.
    until(lambda: statuses(client, "overlap_clock_skip"), ["cancelled", "running"])
    until(lambda: statuses(client, "overlap_clock_cancel"), ["running", "cancelled"])
    airflow = airflow_server.client()
    started = airflow.tasks(dag_ids[0], "scheduled__2091-01-01T00:00:00+00:00")
    assert {task["state"] for task in started.values()} == {"skipped"}
    assert {(task["try_number"], task["pid"], task["hostname"]) for task in started.values()} == {(0, None, "")}
