"""What looks after a deployment, on a real one: the check-up and the forgetting, by the command line, the API and the DAG."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from flowdrop_provider.plugins.api.system_models import DoctorAnswer, NoticeRulesAnswer, SystemConfigAnswer
from tests.flows import chain
from tests.plugins.client import api, command, follow, refusal, started

pytestmark = pytest.mark.slow


def levels(report):
    return {check["id"]: check["level"] for check in report["checks"]}


def awaited(client):
    """Return the check-up when all processes have given a sign of life; the triggerer starts last, and nobody waits for it."""
    deadline = time.monotonic() + 90
    while True:
        answer = client.get("/system/doctor").json()
        if all(level == "ok" for name, level in levels(answer["data"]).items() if name.startswith("processes.")):
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(1)


def test_the_command_and_the_api_say_the_same_of_a_deployment(airflow_server):
    with api(airflow_server) as admin:
        served = awaited(admin)
    status, told = command(airflow_server, "doctor")
    DoctorAnswer.model_validate(served)

    found = levels(told)
    assert found == levels(served["data"])
    # The test's rules for notices name connections that only some tests make.
    errors = {name for name, level in found.items() if level == "error"}
    assert errors == {"notices.connection:flowdrop_hook", "notices.connection:flowdrop_no_mail"}, told
    assert status == 1
    for name in ("database.reachable", "database.tables", "clock.database", "processes.scheduler", "processes.triggerer"):
        assert found[name] == "ok", told
    assert found["callbacks.base_url"] == "warning", "a test's Airflow is at localhost"
    assert found["store.bundle"] == "ok"
    assert told["versions"]["database"].startswith("postgresql 1")


def test_the_check_up_is_for_administrators(airflow_server):
    with api(airflow_server, "viewer") as viewer:
        assert refusal(viewer.get("/system/doctor")) == (403, "FORBIDDEN")
        assert refusal(viewer.get("/system/notices")) == (403, "FORBIDDEN")
        assert refusal(viewer.post("/system/notices/ops/test", json={})) == (403, "FORBIDDEN")
        assert not viewer.get("/system/config").json()["data"]["caller"]["administrator"]


def test_the_server_says_what_it_serves(airflow_server):
    with api(airflow_server) as admin:
        answer = admin.get("/system/config").json()

    SystemConfigAnswer.model_validate(answer)
    features = answer["data"]["features"]
    assert features["workflow_store"], "the test's Airflow has a folder to save workflows into"
    assert features["playground"]
    assert features["snapshots"]
    assert not features["agentspec"]
    assert answer["data"]["caller"]["administrator"]


def test_a_rule_that_is_not_there_cannot_be_tried(airflow_server):
    with api(airflow_server) as admin:
        rules = admin.get("/system/notices").json()
        NoticeRulesAnswer.model_validate(rules)
        assert [rule["rule"] for rule in rules["data"]] == ["on-call", "editors"]
        assert refusal(admin.post("/system/notices/ops/test", json={})) == (404, "RULE_NOT_FOUND")


def python(server, program, *arguments):
    """Run a program with the deployment's settings."""
    command = [sys.executable, "-c", program, *arguments]
    subprocess.run(command, env=server.server.environment, check=True, capture_output=True, timeout=120)


#: A month and a half goes by for the runs of a workflow.
LATER = """
import datetime, sys
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import select

with create_session(scoped=False) as session:
    for run in session.scalars(select(DagRun).where(DagRun.dag_id == sys.argv[1])).unique():
        run.end_date -= datetime.timedelta(days=45)
"""
BOUNDS = ("--workflows", "flowdrop_forget_me", "--values-days", "30")


@pytest.fixture(scope="module")
def old(airflow_server):
    """Two runs that ended long ago, one of them held."""
    airflow_server.add_workflow("forget_me.json", json.dumps(chain("forget_me", 3)))
    airflow_server.await_dag("flowdrop_forget_me")
    with api(airflow_server) as client:
        runs = [started(client, "forget_me") for _ in range(2)]
        for pipeline in runs:
            assert follow(client, pipeline)[-1]["status"] == "completed"
        run_id = client.get(f"/runs/{runs[1]}/trace").json()["data"]["run"]["run_id"]
    airflow_server.client().request("PATCH", f"/api/v2/dags/flowdrop_forget_me/dagRuns/{run_id}", json={"note": "#hold"})
    python(airflow_server, LATER, "flowdrop_forget_me")
    return runs


def outputs(client, pipeline):
    return [job["output_data"] for job in client.get(f"/runs/{pipeline}/jobs").json()["data"]]


def test_old_values_are_forgotten_and_held_ones_kept(airflow_server, old):
    dry = command(airflow_server, "prune", "--dry-run", *BOUNDS)
    with api(airflow_server) as client:
        assert all(outputs(client, old[0])), "a dry run changes nothing"
        told = command(airflow_server, "prune", *BOUNDS)
        assert outputs(client, old[0]) == [{}, {}, {}]
        assert all(outputs(client, old[1]))
        trace = client.get(f"/runs/{old[0]}/trace").json()["data"]
    assert told == (0, {**dry[1], "dry_run": False})
    assert told[1]["values"] == {"runs": 1, "records": 3, "handed_over": 4, "stored": 0}
    assert told[1]["held"] == 1
    assert trace["run"]["status"] == "completed"
    assert command(airflow_server, "prune", *BOUNDS)[1]["values"]["runs"] == 0


def test_the_audit_trail_of_a_workflow_is_exported_and_verifies(airflow_server, old, tmp_path):
    with api(airflow_server) as client:
        again = client.post(f"/runs/{old[0]}/rerun").json()["data"]["pipeline_id"]
        answer = client.get("/export/audit", params={"workflow_id": "forget_me"})
        table = client.get("/export/audit", params={"workflow_id": "forget_me", "format": "csv"})
        assert refusal(client.get("/export/audit", params={"since": "2020-01-01T00:00:00Z"})) == (400, "PERIOD_INVALID")
    entries = [json.loads(line) for line in answer.text.split("\n") if line]
    runs = {entry["pipeline_id"]: entry for entry in entries if entry["kind"] == "run"}
    file = tmp_path / "audit.ndjson"
    file.write_bytes(answer.content)

    assert set(runs) == {*old, again}
    assert {(run["user"], run["via"], run["details"]["source"]) for run in runs.values()} == {
        ("admin", "rest_api", "api"),
        ("admin", "rest_api", "rerun"),
    }
    assert runs[again]["details"]["rerun_of"] == old[0]
    assert {run["revision"] for run in runs.values()} == {entry["revision"] for entry in entries if entry["kind"] == "revision"}
    assert {entry["details"]["client"] for entry in entries if entry["event"] == "flowdrop_execute"} == {"127.0.0.1"}
    assert {"revision_seen", "run_created", "flowdrop_execute"} <= {entry["event"] for entry in entries}
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)
    assert command(airflow_server, "audit", "verify", str(file))[1]["lines"] == len(entries)
    assert table.text.count("run_created") == 3


def test_prometheus_can_scrape_with_a_token_and_not_without(airflow_server, old):
    with api(airflow_server) as client:
        address = f"{airflow_server.url}/flowdrop/metrics"
        answer = client.get(address)
        assert httpx.get(address).status_code == 401
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    open_runs = {
        sample.labels["state"]: sample.value
        for sample in families["flowdrop_runs_open"].samples
        if sample.labels["workflow"] == "flowdrop_forget_me"
    }

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert set(open_runs) == {"queued", "running"}


@pytest.mark.long
def test_the_sample_dag_prunes_with_the_access_its_connection_gives(airflow_server, old):
    retention = json.dumps({"runs": [{"workflows": ["flowdrop_forget_me"], "values_days": 30}]})
    source = (Path(__file__).parents[2] / "dags" / "flowdrop_prune.py").read_text("utf-8")
    assert source.count("env={") == 1
    airflow_server.add_dag_file("prune.py", source.replace("env={", f'env={{"AIRFLOW__FLOWDROP__RETENTION": {retention!r}, '))
    airflow_server.await_dag("flowdrop_prune")
    client = airflow_server.client()
    secret = airflow_server.server.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    connection = {"connection_id": "flowdrop_metadata", "conn_type": "generic", "password": secret}
    client.request("POST", "/api/v2/connections", json=connection)
    client.request("PATCH", "/api/v2/dags/flowdrop_prune", json={"is_paused": False})
    run_id = client.trigger("flowdrop_prune", {"dry_run": True})

    assert client.wait("flowdrop_prune", run_id, 120)["state"] == "success"
    logs = client.request("GET", f"/api/v2/dags/flowdrop_prune/dagRuns/{run_id}/taskInstances/prune/logs/1")
    assert '\\"held\\": 1' in json.dumps(logs), logs
    assert secret not in json.dumps(logs)
