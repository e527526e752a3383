"""What arrives at a StatsD server, and what a server that cannot be found costs."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import socket
import time

import pytest
from airflow.sdk.configuration import conf as airflow_conf
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics.stats_utils import get_stats_factory

from flowdrop_provider.library.happenings import action_happening, job_happening, run_happening
from flowdrop_provider.library.metrics import METRICS, Measurement, job_measurements, run_measurements, skip_measurements
from flowdrop_provider.operators.telemetry import measure, tell

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)
JOB = {
    "node_type_id": "http_request",
    "status": "failed",
    "execution_time_us": 1_500_000,
    "retry_count": 2,
    "input_data": {"ü": 1},
    "output_data": {},
    "truncated": {"input_data.x": 900},
}


@pytest.fixture
def statsd(monkeypatch):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(1)
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_PORT", str(server.getsockname()[1]))
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
        yield server
    stats.initialize(factory=_nothing(), export_legacy_names=False)


def _nothing():
    from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger

    return NoStatsLogger


def start():
    assert airflow_conf.getboolean("metrics", "statsd_on")
    stats.initialize(factory=get_stats_factory(), export_legacy_names=True)


def received(server, count):
    return [server.recv(2000).decode() for _ in range(count)]


def test_a_job_arrives_with_tags_where_the_server_takes_them(statsd, monkeypatch):
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED", "True")
    start()
    measure(job_measurements(JOB, "flowdrop_shop"))

    tags = ",workflow=flowdrop_shop,node_type=http_request"
    assert received(statsd, 5) == [
        f"airflow.flowdrop.job.finished{tags},status=failed:1|c",
        f"airflow.flowdrop.job.duration{tags},status=failed:1500.000000|ms",
        f"airflow.flowdrop.job.retries{tags}:2|c",
        f"airflow.flowdrop.job.input_bytes{tags}:9|c",
        f"airflow.flowdrop.job.truncated{tags}:1|c",
    ]


def test_plain_statsd_gets_the_same_names_without_tags(statsd):
    start()
    measure(run_measurements({"status": "failed"}, "flowdrop_shop", NOW - dt.timedelta(seconds=2), NOW))
    measure(skip_measurements({"a.1": "branch_not_active", "b.1": "run_failed", "c.1": "run_failed"}, "flowdrop_shop"))

    assert received(statsd, 4) == [
        "airflow.flowdrop.run.finished:1|c",
        "airflow.flowdrop.run.duration:2000.000000|ms",
        "airflow.flowdrop.job.skipped:1|c",
        "airflow.flowdrop.job.skipped:2|c",
    ]


def test_every_tag_that_is_sent_is_declared():
    sent = [
        *job_measurements({**JOB, "output_data": {"a": 1}}, "w"),
        *run_measurements({"status": "completed"}, "w", NOW, NOW),
        *skip_measurements({"a": ""}, "w"),
    ]
    assert {item.name: tuple(item.tags) for item in sent} == {item.name: METRICS[item.name].tags for item in sent}
    assert all(re.fullmatch(r"flowdrop\.(run|job|interrupt|notice)\.[a-z_]+", name) for name in METRICS)


def test_a_host_that_does_not_resolve_costs_nothing_and_fails_nothing(statsd, monkeypatch):
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "statsd.invalid")
    start()
    began = time.perf_counter()
    for _ in range(100):
        measure([Measurement("flowdrop.run.started", 1, {"workflow": "w"})])

    assert time.perf_counter() - began < 0.05 + 2 * lookup()


def test_what_a_run_says_costs_it_nothing_when_the_metrics_server_is_not_there(statsd, monkeypatch, tmp_path):
    """All that the tasks of a run of 20 nodes say, after Airflow's own first metric of a task has paid for the look-up.

    Notices cannot be on that path at all: operators may not import plugins, which the contract of the layers checks.
    """
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "statsd.invalid")
    monkeypatch.setenv("AIRFLOW__FLOWDROP__EVENT_LOG", str(tmp_path / "events.ndjson"))
    start()
    stats.incr("ti.start", tags={"dag_id": "flowdrop_shop", "task_id": "a.1"})
    took = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(20):
            measure(job_measurements(JOB, "flowdrop_shop"))
            tell(job_happening(FULL_JOB, "flowdrop_shop", "shop"))
        measure(skip_measurements({"a.1": "branch_not_active"}, "flowdrop_shop"))
        measure(run_measurements(SUMMARY, "flowdrop_shop", NOW, NOW))
        tell(run_happening(SUMMARY, "flowdrop_shop", "run-1", NOW, NOW))
        took.append(time.perf_counter() - began)

    assert len((tmp_path / "events.ndjson").read_text("utf-8").splitlines()) == 5 * 21, "the events go on"
    assert min(took) < 0.05, f"{min(took) * 1000:.1f} ms a run"


def lookup():
    """How long this machine takes to find that the name does not exist."""
    began = time.perf_counter()
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("statsd.invalid", 8125)
    return time.perf_counter() - began


def test_a_broken_client_is_told_in_the_log_only(monkeypatch, caplog):
    def broken(*_, **__):
        raise OSError("away")

    monkeypatch.setattr(stats, "incr", broken)
    with caplog.at_level(logging.WARNING):
        measure([Measurement("flowdrop.run.started", 1)])

    assert "Metrics were not sent." in caplog.text


#: Field names of ECS 8.11 that we use, besides our own namespace.
ECS = {
    "@timestamp", "message", "ecs.version", "event.kind", "event.action", "event.category", "event.type", "event.outcome",
    "event.dataset", "event.start", "event.end", "event.duration", "service.type", "service.name", "log.logger", "log.level",
    "error.code", "error.message", "user.name", "http.request.method", "url.path",
}  # fmt: skip
FULL_JOB = {
    **JOB,
    **dict.fromkeys(("id", "node_id", "label", "revision", "run_id"), "x"),
    "order": 1,
    "started": NOW.isoformat(),
    "completed": NOW.isoformat(),
    "error": {"code": "http_error", "message": "503"},
}
SUMMARY = {
    "status": "completed",
    "workflow_id": "shop",
    "revision": "r",
    "failed_node_ids": [],
    "skipped_node_ids": ["a.1"],
    "error": None,
}


def fields(document, prefix=""):
    for name, item in document.items():
        if isinstance(item, dict):
            yield from fields(item, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_events_are_lines_of_ecs(tmp_path, monkeypatch):
    file = tmp_path / "events.ndjson"
    monkeypatch.setenv("AIRFLOW__FLOWDROP__EVENT_LOG", str(file))
    tell(job_happening({**FULL_JOB, "input_data": {"password": "swordfish"}}, "flowdrop_shop", "shop"))
    tell(run_happening(SUMMARY, "flowdrop_shop", "run-1", NOW - dt.timedelta(seconds=2), NOW))
    tell(action_happening("flowdrop_stop", "ann\n", "flowdrop_shop", None, {"method": "POST", "path": "/stop"}))

    text = file.read_text("utf-8")
    job, run, action = [json.loads(line) for line in text.splitlines()]
    assert {name for event in (job, run, action) for name in fields(event) if not name.startswith("flowdrop.")} == ECS
    assert "swordfish" not in text
    assert (job["event"]["outcome"], job["event"]["duration"], job["error"]["code"]) == ("failure", 1_500_000_000, "http_error")
    assert (run["event"]["outcome"], run["event"]["duration"], run["flowdrop"]["status"]) == (
        "success",
        2_000_000_000,
        "completed",
    )
    assert (action["event"]["action"], action["user"]["name"]) == ("flowdrop_stop", "ann\n")


def test_a_file_that_cannot_be_written_fails_nothing(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("AIRFLOW__FLOWDROP__EVENT_LOG", str(tmp_path / "absent" / "events.ndjson"))
    with caplog.at_level(logging.WARNING):
        tell(run_happening(SUMMARY, "flowdrop_shop", "run-1", None, NOW))

    assert "An event was not written." in caplog.text
