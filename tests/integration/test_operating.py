"""A real Airflow tells a real StatsD receiver and a file what its runs do."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter

import pytest

from devtools.harness import AirflowHarness
from flowdrop_provider.library.metrics import METRICS
from tests.flows import flow, node

pytestmark = pytest.mark.slow


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
    events = home / "events.ndjson"
    server = AirflowHarness(
        home / "airflow",
        AIRFLOW__METRICS__STATSD_ON="True",
        AIRFLOW__METRICS__STATSD_HOST="127.0.0.1",
        AIRFLOW__METRICS__STATSD_PORT=str(statsd.port),
        AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED="True",
        AIRFLOW__FLOWDROP__EVENT_LOG=str(events),
    )
    server.start()
    try:
        nodes = [node("text_input.1", defaultValue="x"), node("text_output.1")]
        good = flow("good", nodes, ["text_input.1:text > text_output.1:text"])
        server.add_workflow("good.json", json.dumps(good))
        server.await_dag("flowdrop_good")
        runs = [server.run("flowdrop_good") for _ in range(2)]
        time.sleep(1)
        yield runs, statsd, [json.loads(line) for line in events.read_text("utf-8").splitlines()]
    finally:
        server.stop()


def test_metrics_agree_with_the_runs(told):
    runs, statsd, _ = told
    assert [run.state for run in runs] == ["success", "success"]
    jobs = sum(len(run.jobs) for run in runs)

    assert statsd.sums["run.started,workflow=flowdrop_good"] == 2
    assert statsd.sums["run.finished,workflow=flowdrop_good,status=completed"] == 2
    assert statsd.sums["run.duration,workflow=flowdrop_good,status=completed"] == 2
    finished = [count for name, count in statsd.sums.items() if name.startswith("job.finished")]
    assert sum(finished) == jobs == 4
    assert statsd.names <= set(METRICS)


def test_events_agree_with_the_runs(told):
    runs, _, events = told
    counts = Counter((event["event"]["action"], event["flowdrop"]["run_id"]) for event in events)

    assert all(counts["run-finished", run.run_id] == 1 for run in runs)
    assert all(counts["job-finished", run.run_id] == 2 for run in runs)
    assert {event["event"]["outcome"] for event in events} == {"success"}
