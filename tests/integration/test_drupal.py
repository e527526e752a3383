"""A Drupal site in the loop: drawings come from it, nodes run in it, events start runs, states go back to it."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psutil
import pytest

from devtools.harness import AirflowHarness
from devtools.stub_drupal import StubDrupal
from flowdrop_provider.drupal.signing import signed_headers
from flowdrop_provider.plugins.api.ids import pipeline_id
from tests.flows import flow, node
from tests.plugins.client import API, api

pytestmark = pytest.mark.slow

REFRESH = 15
OWN = "flowdrop_node_type.flowdrop_node_type.own_shout.yml"


def wait_for(condition: Callable[[], Any], timeout: float = 60.0) -> Any:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


@pytest.fixture(scope="module")
def site() -> Iterator[StubDrupal]:
    with StubDrupal().running() as stub:
        parameters = {"text": {"configurable": True, "connectable": True, "required": False}}
        outputs = {"text": {"exposed": True}}
        stub.files[OWN] = json.dumps(
            {
                "id": "own_shout",
                "label": "Shout",
                "executor_plugin": "my_module:shout",
                "parameters": parameters,
                "outputs": outputs,
            }
        )
        stub.processors["my_module:shout"] = lambda request: {"text": str(request["parameters"]["text"]).upper() + "!"}
        stub.save(greeting("hello"))
        stub.save(mixed())
        yield stub


@pytest.fixture(scope="module")
def server(site: StubDrupal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowHarness]:
    connection = {
        "conn_type": "drupal",
        "host": site.url,
        "login": site.user,
        "password": site.password,
        "extra": {"signing_secret": site.secret, "attempts": 2, "timeout": 5},
    }
    bundle = {
        "name": "drupal",
        "classpath": "flowdrop_provider.bundles.drupal.DrupalDagBundle",
        "kwargs": {"drupal_conn_id": "site", "refresh_interval": REFRESH},
    }
    settings = {
        "AIRFLOW_CONN_SITE": json.dumps(connection),
        "AIRFLOW__FLOWDROP__DRUPAL_CONN_ID": "site",
        "AIRFLOW__FLOWDROP__UNKNOWN_PROCESSOR": "drupal",
        "AIRFLOW__FLOWDROP__DRUPAL_CALLBACK_SECONDS": "0.5",
    }
    harness = AirflowHarness(tmp_path_factory.mktemp("drupal"), bundle, **settings)
    harness.start()
    yield harness
    harness.stop()


def greeting(text: str) -> dict[str, Any]:
    nodes = [node("text_input.1", defaultValue=text), node("own_shout.1"), node("text_output.1")]
    edges = ["text_input.1:text > own_shout.1:text", "own_shout.1:text > text_output.1:text"]
    return flow("greeting", nodes, edges)


def mixed() -> dict[str, Any]:
    nodes = [
        node("text_input.1", defaultValue="title from a drawing"),
        node("own_shout.1"),
        node(
            "data_mapper.1",
            "entity_save",
            entity_type="node",
            bundle="article",
            values={"title": "made by a run"},
            requiresConfirmation="waive",
        ),
        node("entity_query.1", entity_type="node", bundle="article", published_only=False),
        node("text_output.1"),
    ]
    edges = [
        "text_input.1:text > own_shout.1:text",
        "own_shout.1:trigger > data_mapper.1:trigger",
        "data_mapper.1:trigger > entity_query.1:trigger",
        "own_shout.1:text > text_output.1:text",
    ]
    return flow("mixed", nodes, edges)


def told(site: StubDrupal, run_id: str) -> list[dict[str, Any]]:
    return [event for event in site.events if event["run_id"] == run_id]


def ended(site: StubDrupal, run_id: str) -> list[dict[str, Any]]:
    def complete() -> list[dict[str, Any]] | None:
        events = told(site, run_id)
        return events if events and events[-1]["run"]["completed"] else None

    return wait_for(complete, 30)


def shown(result: Any) -> str:
    return str(result.summary["outputs"]["text_output.1"]["output"])


def test_a_workflow_of_python_entities_and_php_runs_to_its_end(server: AirflowHarness, site: StubDrupal) -> None:
    server.await_dag("flowdrop_mixed")
    run = server.run("flowdrop_mixed")

    assert run.state == "success", run.jobs
    assert shown(run) == "TITLE FROM A DRAWING!"
    assert [entity["attributes"]["title"] for entity in site.entities.values()] == ["made by a run"]
    assert run.job("entity_query.1")["output_data"]["count"] == 1
    trace = api(server).get(f"/runs/{pipeline_id('flowdrop_mixed', run.run_id)}/trace").json()["data"]
    assert trace["editor_url"] == f"{site.url}/admin/flowdrop/workflows/mixed/editor"


def test_drupal_sees_every_state_of_every_job_in_order(server: AirflowHarness, site: StubDrupal) -> None:
    server.await_dag("flowdrop_greeting")
    run = server.run("flowdrop_greeting")
    events = ended(site, run.run_id)

    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["run"]["status"] == "completed"
    by_node: dict[str, list[str]] = {}
    for event in events:
        for job in event["jobs"]:
            by_node.setdefault(job["node_id"], []).append(job["status"])
    passed = ["pending", "running", "completed"]
    assert by_node == {"text_input.1": passed, "own_shout.1": passed, "text_output.1": passed}
    final = [job for event in events for job in event["jobs"] if job["node_id"] == "text_output.1"][-1]
    assert final["output_data"]["output"] == "HELLO!"


def push(server: AirflowHarness, secret: str, workflow_id: str) -> httpx.Response:
    target, body = f"/drupal/workflows/{workflow_id}", b'{"operation":"update"}'
    signed = signed_headers(secret, "POST", target, body, now=int(time.time()), delivery=str(uuid.uuid4()))
    headers = {**signed, "Content-Type": "application/json"}
    return httpx.post(f"{server.url}{API}{target}", content=body, headers=headers, timeout=30)


def revision(server: AirflowHarness) -> str:
    return str(api(server).get("/workflows/greeting").json()["data"]["metadata"]["airflow"]["revision"])


def test_an_unsigned_push_is_refused(server: AirflowHarness, site: StubDrupal) -> None:
    refused = push(server, "f" * 32, "greeting")
    assert (refused.status_code, refused.json()["error_code"]) == (401, "SIGNATURE_INVALID")
    bare = httpx.post(f"{server.url}{API}/drupal/workflows/greeting", json={})
    assert (bare.status_code, bare.json()["error_code"]) == (401, "SIGNATURE_MISSING")


@pytest.mark.rule("SG-13")
def test_a_pushed_change_runs_within_seconds_and_a_running_run_keeps_its_revision(
    server: AirflowHarness, site: StubDrupal, figures: Any
) -> None:
    server.await_dag("flowdrop_greeting")
    go_on, entered = threading.Event(), threading.Event()
    quick = site.processors["my_module:shout"]

    def slow(request: dict[str, Any]) -> dict[str, Any]:
        entered.set()
        go_on.wait(60)
        return quick(request)

    site.processors["my_module:shout"] = slow
    try:
        before = revision(server)
        old = server.client().trigger("flowdrop_greeting")
        assert entered.wait(60)
        site.save(greeting("changed"))
        begin = time.monotonic()
        assert push(server, site.secret, "greeting").status_code == 202
        wait_for(lambda: revision(server) != before, 30)
        seconds = time.monotonic() - begin
        site.processors["my_module:shout"] = quick
        new = server.run("flowdrop_greeting")
    finally:
        go_on.set()
        site.processors["my_module:shout"] = quick
    figures(f"a pushed change is known after {seconds:.1f} s")
    first = server.finished("flowdrop_greeting", old)
    assert (shown(first), shown(new)) == ("HELLO!", "CHANGED!")
    assert first.summary["revision"] != new.summary["revision"]
    for run in (first, new):
        assert ended(site, run.run_id)[-1]["revision"] == run.summary["revision"]
    assert seconds < 5


def test_a_change_is_found_without_a_push(server: AirflowHarness, site: StubDrupal) -> None:
    server.await_dag("flowdrop_greeting")
    before = revision(server)
    site.save(greeting("polled"))
    wait_for(lambda: revision(server) != before, REFRESH + 15)
    assert shown(server.run("flowdrop_greeting")) == "POLLED!"


def test_an_event_that_comes_twice_starts_one_run(server: AirflowHarness, site: StubDrupal) -> None:
    nodes = [node("trigger.1"), node("data_to_json.1")]
    site.save(flow("on_event", nodes, ["trigger.1:data > data_to_json.1:data"]))
    push(server, site.secret, "on_event")
    server.await_dag("flowdrop_on_event")
    client = api(server)
    answers = [
        client.post(
            "/workflows/on_event/execute",
            json={"inputs": {"entity_id": "7"}, "source": "event", "drupal_pipeline_id": str(number)},
            headers={"Idempotency-Key": "drupal:node.insert:7:1"},
        )
        for number in (11, 12)
    ]

    assert [answer.status_code for answer in answers] == [202, 202], answers[1].text
    first, second = (answer.json()["data"] for answer in answers)
    assert first["run_id"] == second["run_id"]
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    run = server.finished("flowdrop_on_event", first["run_id"])
    assert run.job("trigger.1")["output_data"]["data"] == {"entity_id": "7"}
    assert ended(site, first["run_id"])[-1]["drupal_pipeline_id"] == "11"


@pytest.fixture(scope="module")
def plain(server: AirflowHarness, site: StubDrupal) -> str:
    nodes = [node("text_input.1", defaultValue="on my own"), node("text_output.1")]
    site.save(flow("plain", nodes, ["text_input.1:text > text_output.1:text"]))
    push(server, site.secret, "plain")
    server.await_dag("flowdrop_plain")
    return "flowdrop_plain"


def test_callbacks_whose_answer_was_lost_are_repeated_and_counted_once(
    server: AirflowHarness, site: StubDrupal, plain: str
) -> None:
    repeated = site.repeated
    run_id = server.client().trigger(plain)
    wait_for(lambda: told(site, run_id))
    site.lost = 3
    events = ended(site, run_id)
    assert wait_for(lambda: site.lost == 0, 30)
    assert site.repeated > repeated
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert len({event["id"] for event in site.events}) == len(site.events)


def _is_deliverer(process: psutil.Process) -> bool:
    try:
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and "flowdrop_provider.plugins.deliveries" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def deliverers() -> list[psutil.Process]:
    mine = psutil.Process().children(recursive=True)
    return [child for child in mine if _is_deliverer(child)]


@pytest.mark.long
def test_the_process_that_delivers_and_the_scheduler_may_end(server: AirflowHarness, site: StubDrupal, plain: str) -> None:
    (first,) = deliverers()
    site.down = True
    try:
        first.kill()
        run = server.run(plain)
        (second,) = deliverers()
        assert second.pid != first.pid
        server.server.stop_service("scheduler")
        assert deliverers() == []
    finally:
        site.down = False
    server.server.start_service("scheduler")
    events = ended(site, run.run_id)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["run"]["status"] == "completed"
    assert len(deliverers()) == 1


@pytest.mark.long
def test_with_drupal_away_runs_go_on_and_callbacks_arrive_afterwards(
    server: AirflowHarness, site: StubDrupal, plain: str
) -> None:
    site.down = True
    try:
        runs = [server.run(plain) for _ in range(3)]
        assert [shown(run) for run in runs] == ["on my own"] * 3
        push(server, site.secret, "plain")
        client = server.client()
        away = wait_for(lambda: [item for item in client.import_errors() if "the_site" in item["filename"]], 60)
        assert "last good version stays" in away[0]["stack_trace"]
        assert "flowdrop_plain" in client.dag_ids()
        assert not any(told(site, run.run_id)[-1:] and told(site, run.run_id)[-1]["run"]["completed"] for run in runs)
        # By hand with minutes: FLOWDROP_OUTAGE_SECONDS=180.
        time.sleep(float(os.environ.get("FLOWDROP_OUTAGE_SECONDS", "0")))
    finally:
        site.down = False
    for run in runs:
        events = wait_for(
            lambda run=run: [e for e in told(site, run.run_id) if e["run"]["completed"]] and told(site, run.run_id), 120
        )
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
        assert events[-1]["run"]["status"] == "completed"
        assert [job["status"] for event in events for job in event["jobs"] if job["node_id"] == "text_output.1"][
            -1
        ] == "completed"
    assert len({event["id"] for event in site.events}) == len(site.events)
    push(server, site.secret, "plain")
    wait_for(lambda: not [item for item in server.client().import_errors() if "the_site" in item["filename"]], 60)
