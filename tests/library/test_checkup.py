"""What a check-up makes of the facts."""

from __future__ import annotations

import dataclasses

import pytest

from flowdrop_provider.library.checkup import Facts, examine, report
from flowdrop_provider.library.checkup.facts import BundleFacts, SiteFacts

GOOD = Facts(
    versions={"flowdrop": "0.1.0", "airflow": "3.3.2", "python": "3.11.7", "database": "postgresql 18.6"},
    settings={
        "scheduler.scheduler_idle_sleep_time": "0.2",
        "workers.min_heartbeat_interval": "1",
        "core.min_serialized_dag_update_interval": "5",
        "core.xcom_backend": "airflow.sdk.execution_time.xcom.BaseXCom",
        "metrics.statsd_on": "True",
        "metrics.statsd_influxdb_enabled": "True",
        "api.base_url": "https://airflow.example.org",
        "flowdrop.record_max_bytes": "65536",
    },
    dialect="postgresql",
    tables=True,
    skew=0.01,
    heartbeats={"SchedulerJob": 2, "DagProcessorJob": 3, "TriggererJob": 4},
    seal_keys=1,
)


def levels(**changed):
    facts = dataclasses.replace(GOOD, **changed)
    return {check.id: check.level for check in examine(facts) if check.level != "ok"}


def settings(**changed):
    """Other settings; two underlines stand for the dot."""
    return {"settings": {**GOOD.settings, **{name.replace("__", "."): value for name, value in changed.items()}}}


STORE = settings(flowdrop__workflow_store="s")


def test_a_good_deployment_has_nothing_to_change():
    found = report(GOOD)

    assert (found["level"], found["counts"]["ok"]) == ("ok", len(found["checks"]))
    assert set(found) == {"level", "counts", "connected", "versions", "checks"}
    assert set(found["checks"][0]) == {"id", "level", "title", "found", "advice"}
    assert len({check["id"] for check in found["checks"]}) == len(found["checks"])


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"versions": {"airflow": "3.2.9", "python": "3.14.0"}}, {"versions.airflow": "error", "versions.python": "warning"}),
        ({"versions": {}}, {"versions.airflow": "unknown", "versions.python": "unknown"}),
        (settings(scheduler__scheduler_idle_sleep_time="1"), {"scheduler.scheduler_idle_sleep_time": "warning"}),
        (settings(workers__min_heartbeat_interval="5"), {"workers.min_heartbeat_interval": "warning"}),
        (settings(core__min_serialized_dag_update_interval="30"), {"core.min_serialized_dag_update_interval": "warning"}),
        (settings(core__min_serialized_dag_update_interval="x"), {"core.min_serialized_dag_update_interval": "unknown"}),
        (settings(core__xcom_backend="x.ObjectStore"), {"xcom.backend": "warning"}),
        (settings(flowdrop__record_max_bytes="90000000"), {"values.records": "warning"}),
        (settings(flowdrop__large_value_path="relative/path"), {"values.large": "error"}),
        (settings(metrics__statsd_on="False"), {"metrics.on": "warning"}),
        (settings(metrics__statsd_influxdb_enabled="False"), {"metrics.tags": "warning"}),
        (settings(metrics__metrics_allow_list="scheduler,dag"), {"metrics.filter": "warning"}),
        (settings(metrics__metrics_block_list="flowdrop.job"), {"metrics.filter": "warning"}),
        ({"metrics_host": "statsd.invalid: no such name"}, {"metrics.host": "error"}),
        (settings(api__base_url=""), {"callbacks.base_url": "warning"}),
        (settings(api__base_url="http://localhost:8080"), {"callbacks.base_url": "warning"}),
        (settings(flowdrop__callback_base_url="http://127.0.0.1"), {"callbacks.base_url": "warning"}),
        (settings(flowdrop__callback_base_url="airflow.example.org"), {"callbacks.base_url": "error"}),
        ({"seal_keys": 0}, {"secrets.seal_key": "error"}),
        ({"seal_problem": "The key that seals values is no Fernet key."}, {"secrets.seal_key": "error"}),
        ({"file_root": "/srv/files is not there"}, {"files.root": "error"}),
        (settings(flowdrop__event_log="/x/e.ndjson") | {"event_log": "/x is not there"}, {"events.file": "error"}),
        ({"broken_settings": {"fused": "why"}}, {"settings.flowdrop:fused": "error"}),
        ({"dialect": "sqlite"}, {"database.reachable": "warning"}),
        ({"tables": False}, {"database.tables": "error"}),
        ({"skew": -5.0}, {"clock.database": "warning"}),
        ({"skew": 90.0}, {"clock.database": "error"}),
        ({"heartbeats": {"SchedulerJob": 1, "DagProcessorJob": 700}}, {
            "processes.dag_processor": "error", "processes.triggerer": "warning",
        }),
        ({"blind_roles": ["Viewer"]}, {"access.plugins": "warning"}),
        ({"unknown_connections": ["hook"]}, {"notices.connection:hook": "error"}),
        ({"sites": [SiteFacts("a", False), SiteFacts("b", True)]}, {
            "drupal.connection:a": "error", "drupal.connection:b": "error",
        }),
        ({"sites": [SiteFacts("a", True, "h", needs_signature=True)]}, {"drupal.connection:a": "warning"}),
        ({"sites": [SiteFacts("a", True, "h", True, True, False, "401")]}, {"drupal.connection:a": "error"}),
        (STORE, {"store.bundle": "error"}),
        (STORE | {"bundles": [BundleFacts("s", False)]}, {"store.bundle": "error"}),
        (STORE | {"bundles": [BundleFacts("s", True, "/s")]}, {"store.bundle": "error"}),
        (STORE | {"bundles": [BundleFacts("s", True, "/s", True)]}, {"store.bundle": "warning"}),
        (STORE | {"bundles": [BundleFacts("s", True, "/s", True, True)]}, {}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_and_nothing_else(changed, expected):
    assert levels(**changed) == expected


def test_a_database_that_is_away_leaves_the_rest_of_the_report():
    found = levels(dialect="", tables=None, skew=None, heartbeats={}, database_error="refused")

    assert found == {
        "database.reachable": "error",
        "database.tables": "unknown",
        "clock.database": "unknown",
        **dict.fromkeys(("processes.scheduler", "processes.dag_processor", "processes.triggerer"), "unknown"),
    }
    assert report(dataclasses.replace(GOOD, dialect=""))["level"] == "error"


def test_advice_comes_with_everything_that_is_to_be_changed():
    wrong = [
        *examine(Facts()),
        *examine(
            dataclasses.replace(GOOD, blind_roles=["Viewer"], sites=[SiteFacts("a", True, "h", True, True, False, "401")])
        ),
    ]

    assert [check for check in wrong if check.level in ("warning", "error") and not check.advice] == []
    assert any("airflow roles add-perms 'Viewer' -r Plugins -a can_read" in check.advice for check in wrong)
