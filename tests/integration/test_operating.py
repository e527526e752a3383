"""A real Airflow tells a real StatsD receiver and a file what its runs do."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter

import pytest

from devtools.harness import AirflowHarness
from flowdrop_provider.drupal.signing import sign
from flowdrop_provider.library.metrics import METRICS
from tests.flows import flow, node
from tests.plugins.counterparts import Hook

pytestmark = [pytest.mark.slow, pytest.mark.long]


SECRET = "a secret of sixteen and more"
HOOK = {"kind": "webhook", "conn_id": "ops_hook"}


class StatsD:
    """Takes every packet and sums the counters of ours."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.sums, self.names = Counter(), set()
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        while packet := self._socket.recv(65_000).decode():
            name, _, rest = packet.partition(":")
            if name.startswith("airflow.flowdrop."):
                self.names.add(name.split(",")[0].removeprefix("airflow."))
                self.sums[name.removeprefix("airflow.flowdrop.")] += float(rest.split("|")[0]) if "|c" in rest else 1


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    statsd, home = StatsD(), tmp_path_factory.mktemp("operating")
    hook, events = Hook(), home / "events.ndjson"
    server = AirflowHarness(
        home / "airflow",
        AIRFLOW__METRICS__STATSD_ON="True",
        AIRFLOW__METRICS__STATSD_HOST="127.0.0.1",
        AIRFLOW__METRICS__STATSD_PORT=str(statsd.port),
        AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED="True",
        AIRFLOW__FLOWDROP__EVENT_LOG=str(events),
        AIRFLOW__FLOWDROP__NOTICES=json.dumps([{"id": "ops", "on": ["failure"], "channels": [HOOK]}]),
        AIRFLOW_CONN_OPS_HOOK=hook.connection(SECRET),
    )
    server.start()
    try:
        nodes = [node("text_input.1", defaultValue="x"), node("text_output.1")]
        good = flow("good", nodes, ["text_input.1:text > text_output.1:text"])
        server.add_workflow("good.json", json.dumps(good))
        server.add_workflow("bad.json", json.dumps(flow("bad", [node("http_request.1", url="http://127.0.0.1:1/")])))
        server.await_dag("flowdrop_good")
        server.await_dag("flowdrop_bad")
        runs = [server.run("flowdrop_good") for _ in range(2)]
        bad = server.run("flowdrop_bad")
        deadline = time.monotonic() + 30
        while len(hook.requests) < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(3)
        yield runs, bad, hook, statsd, [json.loads(line) for line in events.read_text("utf-8").splitlines()]
    finally:
        server.stop()


def test_metrics_agree_with_the_runs(told):
    runs, _, _, statsd, _ = told
    assert [run.state for run in runs] == ["success", "success"]
    jobs = sum(len(run.jobs) for run in runs)

    assert statsd.sums["run.started,workflow=flowdrop_good"] == 2
    assert statsd.sums["run.finished,workflow=flowdrop_good,status=completed"] == 2
    assert statsd.sums["run.duration,workflow=flowdrop_good,status=completed"] == 2
    finished = [count for name, count in statsd.sums.items() if name.startswith("job.finished")]
    assert sum(finished) == jobs + 1 == 5
    assert statsd.names <= set(METRICS)


def test_events_agree_with_the_runs(told):
    runs, bad, _, _, events = told
    counts = Counter((event["event"]["action"], event["flowdrop"]["run_id"]) for event in events)

    assert all(counts["run-finished", run.run_id] == 1 for run in runs)
    assert all(counts["job-finished", run.run_id] == 2 for run in runs)
    failed = {event["flowdrop"]["run_id"] for event in events if event["event"]["outcome"] == "failure"}
    assert failed == {bad.run_id}


def test_a_failure_is_told_once_although_the_receiver_fails_first(told):
    _, bad, hook, _, _ = told
    assert bad.state == "failed"

    assert len(hook.requests) == 2, "one that was refused, and its repetition"
    (first, body), (second, again) = hook.requests
    assert body == again
    assert first["X-FlowDrop-Delivery"] == second["X-FlowDrop-Delivery"]
    told_of = json.loads(body)
    assert (told_of["kind"], told_of["run_id"]) == ("failure", bad.run_id)
    assert told_of["error"]["node_id"] == "http_request.1"
    now, delivery = int(second["X-FlowDrop-Timestamp"]), second["X-FlowDrop-Delivery"]
    assert second["X-FlowDrop-Signature"] == sign(SECRET, "POST", "/in", now, delivery, body)
