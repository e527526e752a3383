"""The audit trail on a running Airflow: a workflow that is edited three times and started in five ways by several people."""

from __future__ import annotations

import json
import time

import pytest

from tests.flows import flow, node
from tests.plugins.client import api, command, editor, follow, started

pytestmark = [pytest.mark.slow, pytest.mark.long]

ID = "audited_greeting"
DAG = f"flowdrop_{ID}"


def greeting(text, *more):
    return flow(
        ID,
        [*more, node("text_input.1", defaultValue=text), node("text_processor.1", operation="uppercase")],
        ["text_input.1:text > text_processor.1:text"],
    )


EVERY_MINUTE = node("scheduled_trigger.1", scheduleExpression="* * * * *", timezone="UTC")
OUTER = flow("audited_caller", [node("workflow_executor.1", workflow_id=ID, execution_mode="job_wait")])


def awaited(found, timeout=180):
    """Return what ``found`` returns as soon as it is something."""
    deadline = time.monotonic() + timeout
    while not (result := found()):
        assert time.monotonic() < deadline
        time.sleep(1)
    return result


@pytest.fixture(scope="module")
def trail(airflow_server):
    """The exported trail, with what is known to have happened: pipeline ids by way, stored revisions in order."""
    airflow_server.add_workflow("audited_caller.json", json.dumps(OUTER))
    airflow = airflow_server.client()
    ways, stored = {}, []
    with editor(airflow_server) as admin, api(airflow_server, "operator") as operator:

        def edit(document):
            answer = admin.put(f"/workflows/{ID}", json=document) if stored else admin.post("/workflows", json=document)
            assert answer.is_success, answer.text
            revision = answer.json()["data"]["metadata"]["airflow"]["revision"]
            stored.append(revision)
            awaited(lambda: revision in {found["revision"] for found in admin.get(f"/workflows/{ID}/revisions").json()["data"]})

        def runs(**wanted):
            found = airflow.get(f"/dags/{DAG}/dagRuns")["dag_runs"]
            return [run["dag_run_id"] for run in found if all(run[name] == value for name, value in wanted.items())]

        admin.post("/workflows", json=greeting("one"))
        airflow_server.await_dag(DAG)
        stored.append(admin.get(f"/workflows/{ID}").json()["data"]["metadata"]["airflow"]["revision"])
        ways["api"] = started(operator, ID)
        follow(operator, ways["api"])
        edit(greeting("two", EVERY_MINUTE))
        by_schedule = awaited(lambda: runs(run_type="scheduled", state="success"))
        edit(greeting("three"))
        ways["rerun"] = operator.post(f"/runs/{ways['api']}/rerun").json()["data"]["pipeline_id"]
        page = {"Referer": f"{airflow_server.url}/dags/{DAG}"}  # How Airflow tells its own page from a program.
        made = airflow.request("POST", f"/api/v2/dags/{DAG}/dagRuns", json={"logical_date": None}, headers=page)
        by_hand = made["dag_run_id"]
        airflow_server.await_dag("flowdrop_audited_caller")
        outer = airflow_server.run("flowdrop_audited_caller")
        edit(greeting("four"))
        exported = admin.get("/export/audit", params={"workflow_id": ID})
    known = {"ways": ways, "stored": stored, "schedule": by_schedule, "hand": by_hand, "outer": outer.run_id}
    return exported.content, [json.loads(line) for line in exported.text.split("\n") if line], known


def test_every_revision_has_somebody_who_stored_it(trail):
    _, entries, known = trail
    stored = [
        (entry["user"], entry["details"]["revision"]) for entry in entries if entry["event"] == "flowdrop_workflow_stored"
    ]

    assert len(set(known["stored"])) == 4
    assert stored == [("admin", revision) for revision in known["stored"]]
    assert [entry["revision"] for entry in entries if entry["kind"] == "revision"] == known["stored"]


def test_every_run_says_how_it_came_who_wanted_it_and_what_it_ran(trail):
    _, entries, known = trail
    one, two, three, _ = known["stored"]
    runs = {entry["run_id"]: entry for entry in entries if entry["kind"] == "run"}
    by_pipeline = {entry["pipeline_id"]: entry for entry in runs.values()}

    def told(entry):
        return entry["via"], entry["user"], entry["revision"]

    assert told(by_pipeline[known["ways"]["api"]]) == ("rest_api", "operator", one)
    for run_id in known["schedule"]:
        assert told(runs[run_id]) == ("timetable", None, two)
    again = by_pipeline[known["ways"]["rerun"]]
    assert told(again) == ("rest_api", "operator", three)
    assert again["details"]["rerun_of"] == known["ways"]["api"]
    assert told(runs[known["hand"]]) == ("ui", "admin", three)
    (called,) = [entry for entry in runs.values() if "parent" in entry["details"]]
    assert (called["via"], called["revision"], called["details"]["parent"]["run_id"]) == ("operator", three, known["outer"])
    assert all(entry["type"] == "scheduled" for entry in runs.values() if entry["via"] == "timetable")
    assert {entry["via"] for entry in runs.values()} == {"rest_api", "timetable", "ui", "operator"}


def test_it_verifies_and_a_changed_line_is_named(airflow_server, trail, tmp_path):
    content, entries, _ = trail
    file = tmp_path / "audit.ndjson"
    file.write_bytes(content)
    whole = command(airflow_server, "audit", "verify", str(file))
    changed = next(number for number, entry in enumerate(entries) if entry["kind"] == "run")
    lines = content.decode().split("\n")
    lines[changed] = json.dumps(entries[changed] | {"user": "somebody else"})
    file.write_text("\n".join(lines))
    broken = command(airflow_server, "audit", "verify", str(file))

    assert (whole[0], whole[1]["intact"], whole[1]["lines"]) == (0, True, len(entries))
    assert (broken[0], broken[1]["intact"], broken[1]["first_changed_line"]) == (1, False, changed + 1)
