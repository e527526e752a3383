"""What the views in Airflow's interface ask the API besides: rights, a search of runs, slices of time, revisions."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from tests.flows import flow, node
from tests.plugins.client import api, refusal

pytestmark = pytest.mark.slow

DAG = "flowdrop_views_share"
SHARE = flow(
    "views_share",
    [node("data_mapper.1", engine="expression_language", dynamicOutputs=[{"name": "y", "value": "1 / 0"}])],
)


@pytest.fixture(scope="module")
def server(airflow_server):
    airflow_server.add_workflow("views_share.json", json.dumps(SHARE))
    airflow_server.await_dag(DAG)
    for _ in range(2):
        airflow_server.run(DAG)
    return airflow_server


@pytest.fixture(scope="module")
def admin(server):
    with api(server) as client:
        yield client


def test_rights_differ_between_people(server, admin):
    with api(server, "viewer") as viewer:
        theirs = viewer.get("/rights", params={"dag_id": DAG}).json()["data"][DAG]
    ours = admin.get("/rights", params={"dag_id": [DAG, "no_such_dag"]}).json()["data"]
    assert list(ours) == [DAG]
    assert all(ours[DAG].values())
    assert theirs["values"]
    assert [theirs[right] for right in ("start", "stop", "answer")] == [False] * 3


def test_runs_are_walked_with_a_cursor(admin):
    first = admin.get("/runs", params={"workflow_id": "views_share", "limit": 1}).json()
    cursor = first["pagination"]["next_cursor"]
    second = admin.get("/runs", params={"workflow_id": "views_share", "limit": 1, "cursor": cursor}).json()
    assert first["data"][0]["id"] != second["data"][0]["id"]
    assert second["pagination"]["next_cursor"] is None
    assert first["data"][0]["error"]["node_id"] == "data_mapper.1"
    assert refusal(admin.get("/runs", params={"cursor": "odd"})) == (400, "CURSOR_INVALID")
    assert refusal(admin.get("/runs", params={"status": "odd"})) == (400, "STATUS_UNKNOWN")


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({"error": "DIVISION by"}, 2),
        ({"error": "%"}, 0),
        ({"node_id": "data_mapper.1", "error": "expression_failed"}, 2),
        ({"node_id": "nowhere.1"}, 0),
        ({"user": "adm"}, 2),
        ({"user": "nobody"}, 0),
        ({"trigger": "rest_api"}, 2),
        ({"trigger": "event"}, 0),
        ({"trigger": "odd"}, 0),
        ({"until": "2020-01-01T00:00:00Z"}, 0),
    ],
)
def test_what_a_search_finds_is_what_it_counts(admin, search, found):
    asked = {"workflow_id": "views_share", **search}
    rows = admin.get("/runs", params=asked).json()["data"]
    counts = admin.get("/runs/counts", params=asked).json()["data"]
    assert len(rows) == found
    assert counts == ({"failed": found} if found else {})


def test_a_period_in_slices(admin):
    since = dt.datetime.now(dt.timezone.utc) - dt.timedelta(hours=1)
    slices = admin.get("/metrics/trend", params={"since": since.isoformat(), "workflow_id": "views_share", "points": 4}).json()[
        "data"
    ]
    assert len(slices) == 4
    assert sum(part["count"] for part in slices) == sum(part["failed"] for part in slices) == 2
    assert refusal(admin.get("/metrics/trend", params={"since": "2020-01-01T00:00:00Z"})) == (400, "PERIOD_INVALID")


def test_revisions_with_their_runs_and_drawings(admin):
    (revision,) = admin.get("/workflows/views_share/revisions").json()["data"]
    assert (revision["runs"], revision["failed"], revision["nodes"]) == (2, 2, 1)
    drawing = admin.get(f"/workflows/views_share/revisions/{revision['revision']}").json()["data"]
    assert drawing["nodes"][0]["id"] == "data_mapper.1"
    assert refusal(admin.get("/workflows/views_share/revisions/none")) == (404, "REVISION_NOT_FOUND")


def test_what_people_did_without_what_tasks_did(admin):
    everything = {row["event"] for row in admin.get("/audit", params={"workflow_id": "views_share"}).json()["data"]}
    people = {
        row["event"] for row in admin.get("/audit", params={"workflow_id": "views_share", "by_people": True}).json()["data"]
    }
    assert "running" in everything
    assert "running" not in people
    assert "trigger_dag_run" in people
