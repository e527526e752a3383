"""Rights DAG by DAG, as Airflow's FAB auth manager gives them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from devtools.harness import AirflowHarness
from tests.flows import chain
from tests.plugins.client import API, follow, refusal, started

pytest.importorskip("airflow.providers.fab", reason="the FAB auth manager is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.long]

PROGRAM = Path(__file__).parents[1] / "plugins" / "fab_users.py"
MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
PASSWORD = "for this test only"
SEES_RUNS = [["can_read", "DAG Runs"], ["can_read", "Task Instances"], ["can_read", "Website"]]
USERS = {
    "boss": None,
    "reader": [["can_read", "DAG:flowdrop_fab_mine"], *SEES_RUNS],
    "starter": [
        ["can_read", "DAG:flowdrop_fab_mine"], ["can_edit", "DAG:flowdrop_fab_mine"],
        ["can_create", "DAG Runs"], ["can_read", "XComs"], *SEES_RUNS,
    ],
    "stranger": [["can_read", "Website"]],
}  # fmt: skip


def login(server, name):
    answer = httpx.post(f"{server.url}/auth/token", json={"username": name, "password": PASSWORD}, timeout=60)
    assert answer.status_code == 201, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    return httpx.Client(base_url=f"{server.url}{API}", headers=headers, timeout=60)


def wait_for_dags(client):
    import time

    deadline = time.monotonic() + 90
    while client.get("/workflows").json()["pagination"]["total"] < 2:
        assert time.monotonic() < deadline
        time.sleep(0.5)


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    server = AirflowHarness(tmp_path_factory.mktemp("fab"), AIRFLOW__CORE__AUTH_MANAGER=MANAGER)
    for name in ("fab_mine", "fab_theirs"):
        server.add_workflow(f"{name}.json", json.dumps(chain(name, 2)))
    server.start()
    try:
        users = {name: {"password": PASSWORD, "rights": rights} for name, rights in USERS.items()}
        done = subprocess.run(
            [sys.executable, str(PROGRAM)],
            input=json.dumps(users), env=server.server.environment, text=True, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        found = {name: login(server, name) for name in USERS}
        wait_for_dags(found["boss"])
        yield found
    finally:
        server.stop()


@pytest.fixture(scope="module")
def runs(clients):
    found = [started(clients["boss"], name) for name in ("fab_mine", "fab_theirs")]
    for pipeline in found:
        follow(clients["boss"], pipeline)
    return found


def ids(answer, key="id"):
    assert answer.status_code == 200, answer.text
    return {row[key] for row in answer.json()["data"]}


def test_lists_hold_what_one_may_read(clients, runs):
    assert ids(clients["boss"].get("/workflows")) == {"fab_mine", "fab_theirs"}
    assert ids(clients["reader"].get("/workflows")) == {"fab_mine"}
    assert ids(clients["reader"].get("/executions")) == {runs[0]}
    assert ids(clients["reader"].get("/jobs"), "pipeline_id") == {runs[0]}
    assert ids(clients["reader"].get("/metrics"), "workflow_id") == {"fab_mine"}
    assert clients["reader"].get("/jobs", params={"pipeline_id": runs[1]}).json()["data"] == []
    for path in ("/workflows", "/executions", "/jobs", "/metrics", "/interrupts", "/audit"):
        assert clients["stranger"].get(path).json()["data"] == [], path


def test_one_workflow_is_not_another(clients, runs):
    reader = clients["reader"]

    assert reader.get(f"/pipeline/{runs[0]}").status_code == 200
    for path in (
        f"/pipeline/{runs[1]}",
        f"/runs/{runs[1]}/trace",
        "/workflows/fab_theirs",
        f"/runs/{runs[0]}/compare/{runs[1]}",
    ):
        assert refusal(reader.get(path)) == (403, "FORBIDDEN"), path
    assert refusal(clients["stranger"].get(f"/pipeline/{runs[0]}")) == (403, "FORBIDDEN")


def test_values_need_a_right_of_their_own(clients, runs):
    seen = clients["reader"].get(f"/pipeline/{runs[0]}").json()
    whole = clients["starter"].get(f"/pipeline/{runs[0]}").json()

    assert seen["status"] == whole["status"] == "completed"
    assert {job["node_id"] for job in seen["jobs"]} == {job["node_id"] for job in whole["jobs"]}
    assert all(job["output_data"] == {} for job in seen["data"]["jobs"])
    assert any(job["output_data"] for job in whole["data"]["jobs"])
    assert refusal(clients["reader"].get(f"/runs/{runs[0]}/export")) == (403, "FORBIDDEN")
    assert refusal(clients["reader"].get(f"/runs/{runs[0]}/nodes/text_input.1/data")) == (403, "FORBIDDEN")


def test_the_configuration_needs_the_right_to_read_code(clients, runs):
    assert clients["boss"].get("/workflows/fab_mine").json()["data"]["nodes"][0]["data"]["config"]
    drawn = clients["reader"].get("/workflows/fab_mine").json()["data"]
    assert drawn["metadata"]["partial"] is True
    assert all(item["data"]["config"] == {} for item in drawn["nodes"])
    assert refusal(clients["reader"].get("/workflows/fab_mine/export")) == (403, "FORBIDDEN")


def test_starting_and_stopping_are_two_rights(clients, runs):
    assert refusal(clients["reader"].post("/workflows/fab_mine/execute")) == (403, "FORBIDDEN")
    assert refusal(clients["starter"].post("/workflows/fab_theirs/execute")) == (403, "FORBIDDEN")
    pipeline = started(clients["starter"], "fab_mine")
    assert refusal(clients["starter"].post(f"/pipeline/{pipeline}/stop")) == (403, "FORBIDDEN")
    assert follow(clients["starter"], pipeline)[-1]["status"] == "completed"


def test_the_check_up_finds_roles_that_are_shown_no_view(clients):
    found = {check["id"]: check for check in clients["boss"].get("/system/doctor").json()["data"]["checks"]}

    assert found["access.plugins"]["level"] == "warning"
    assert "Viewer" in found["access.plugins"]["found"]
    assert "Admin" not in found["access.plugins"]["found"]
    assert refusal(clients["starter"].get("/system/doctor")) == (403, "FORBIDDEN")
