"""What a process finds out about its deployment without a database."""

from __future__ import annotations

import json

import pytest

from flowdrop_provider.library.checkup import examine
from flowdrop_provider.plugins.operating.facts import gather


def levels(**settings):
    return {check.id: check for check in examine(gather(None, database_error="refused")) if check.level != "ok"}


@pytest.fixture
def given(monkeypatch):
    def give(**settings):
        for name, value in settings.items():
            monkeypatch.setenv(f"AIRFLOW__{name.upper()}", value)

    return give


def test_settings_are_those_that_count(given):
    given(scheduler__scheduler_idle_sleep_time="0.1", flowdrop__record_max_bytes="4096", metrics__statsd_on="True")
    facts = gather(None)

    assert facts.number("scheduler.scheduler_idle_sleep_time") == 0.1
    assert facts.number("flowdrop.record_max_bytes") == 4096
    assert facts.on("metrics.statsd_on")
    assert (facts.dialect, facts.connected, facts.metrics_host) == ("", False, None)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("record_max_bytes", "much"),
        ("confirmation_expiry", "0"),
        ("retry_policies", "{"),
        ("notices", '[{"channels": []}]'),
        ("api_write_limit", "often"),
    ],
)
def test_a_setting_that_cannot_be_read_is_named(given, setting, value):
    given(**{f"flowdrop__{setting}": value})

    assert levels()[f"settings.flowdrop:{setting}"].found


def test_keys_folders_and_bundles_are_looked_at(given, tmp_path):
    listed = [
        {
            "name": "store",
            "classpath": "flowdrop_provider.bundles.folder.FlowDropFolderBundle",
            "kwargs": {"path": str(tmp_path)},
        }
    ]
    given(
        flowdrop__seal_key="no key",
        flowdrop__file_root=str(tmp_path / "absent"),
        flowdrop__event_log=str(tmp_path / "absent" / "events.ndjson"),
        flowdrop__workflow_store="store",
        dag_processor__dag_bundle_config_list=json.dumps(listed),
    )
    found = levels()

    assert {"secrets.seal_key", "files.root", "events.file"} <= set(found)
    assert "no key" not in found["secrets.seal_key"].found, "a key is never shown"
    assert "store.bundle" not in found
    given(flowdrop__file_root="/")
    assert levels()["files.root"].found == "/ is the whole file system"


def test_connections_are_looked_up_by_name(given, monkeypatch):
    rules = [{"channels": [{"kind": "webhook", "conn_id": "known_hook"}, {"kind": "mail", "to": ["a@example.org"]}]}]
    given(flowdrop__notices=json.dumps(rules), flowdrop__drupal_conn_id="shop")
    monkeypatch.setenv("AIRFLOW_CONN_KNOWN_HOOK", json.dumps({"conn_type": "http", "host": "hook.example.org"}))
    found = levels()
    assert {name for name in found if ":" in name} == {"notices.connection:smtp_default", "drupal.connection:shop"}

    site = {"conn_type": "drupal", "host": "https://shop.example.org", "extra": {"signing_secret": "swordfish and more"}}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(site))
    facts = gather(None)
    assert [(one.conn_id, one.known, one.signed, one.works) for one in facts.sites] == [("shop", True, True, None)]
    assert "swordfish" not in repr(facts)


def test_only_who_wants_it_gets_a_call(given):
    given(metrics__statsd_on="True", metrics__statsd_host="statsd.invalid")

    assert "metrics.host" not in levels()
    told = {check.id: check for check in examine(gather(None, connect=True))}
    assert (told["metrics.host"].level, "statsd.invalid" in told["metrics.host"].found) == ("error", True)
