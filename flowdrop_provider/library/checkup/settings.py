"""Checks of settings: Airflow's own that slow small tasks down or hide values, and ours."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from flowdrop_provider.library.checkup.facts import ERROR, OK, UNKNOWN, WARNING, Check, Facts

__all__ = ["SETTINGS"]

#: What slows workflows of many small nodes down: setting, most that is fine, title, why to lower it, to what.
_SLOW = (
    (
        "scheduler.scheduler_idle_sleep_time",
        0.5,
        "Scheduler's idle sleep",
        "after each node an idle scheduler sleeps so long",
        0.2,
    ),
    ("workers.min_heartbeat_interval", 2.0, "Heartbeat of workers", "a task that ends failed or skipped is noticed so late", 1),
    (
        "core.min_serialized_dag_update_interval",
        10.0,
        "Update of drawings",
        "a second change of a drawing is taken over so late",
        5,
    ),
)
_BASE_XCOM = ("airflow.sdk.execution_time.xcom.BaseXCom", "airflow.sdk.bases.xcom.BaseXCom", "airflow.models.xcom.BaseXCom")
#: Bytes of one record above which lists of jobs become slow.
_LARGE_RECORD = 1_048_576


def _slow_settings(facts: Facts) -> Iterator[Check]:
    for name, most, title, why, better in _SLOW:
        value, shown = facts.number(name), "[{}] {}".format(*name.split("."))
        if value is None:
            yield Check(name, UNKNOWN, title, f"{shown} is no number")
        elif value > most:
            yield Check(name, WARNING, title, f"{shown} = {value:g} s", f"Set it to {better:g}: {why}.")
        else:
            yield Check(name, OK, title, f"{shown} = {value:g} s")


def _xcom(facts: Facts) -> Iterator[Check]:
    backend, title = facts.setting("core.xcom_backend"), "XCom backend"
    if backend in ("", *_BASE_XCOM):
        yield Check("xcom.backend", OK, title, "values are kept in the metadata database")
        return
    advice = "Make sure that it keeps small values where they are: views and API read job records from the table xcom."
    yield Check("xcom.backend", WARNING, title, backend, advice)


def _values(facts: Facts) -> Iterator[Check]:
    bound, title = facts.number("flowdrop.record_max_bytes"), "Size of job records"
    if bound is None:
        yield Check("values.records", UNKNOWN, title, "[flowdrop] record_max_bytes is no number")
    elif bound > _LARGE_RECORD:
        advice = f"Set [flowdrop] record_max_bytes to {_LARGE_RECORD} at most: each list of jobs reads the records."
        yield Check("values.records", WARNING, title, f"{bound:.0f} bytes of input and output each", advice)
    else:
        yield Check("values.records", OK, title, f"{bound:.0f} bytes of input and output each")
    path, title = facts.setting("flowdrop.large_value_path"), "Large values"
    if not path:
        advice = "Set [flowdrop] large_value_path where nodes hand on more than a few MB: the database is no store for files."
        yield Check("values.large", OK, title, "values of any size are handed on in the metadata database", advice)
    elif "://" in path or path.startswith("/"):
        yield Check("values.large", OK, title, f"kept in {path}")
    else:
        yield Check("values.large", ERROR, title, path, "Give a URL or an absolute path, the same on every worker.")


def _metrics(facts: Facts) -> Iterator[Check]:
    statsd, otel, title = facts.on("metrics.statsd_on"), facts.on("metrics.otel_on"), "Metrics"
    if not statsd and not otel:
        advice = "Set [metrics] statsd_on or otel_on, else nobody sees averages, failure rates and trends from outside."
        yield Check("metrics.on", WARNING, title, "off", advice)
        return
    yield Check("metrics.on", OK, title, "OpenTelemetry" if otel else "StatsD")
    tagged = otel or facts.on("metrics.statsd_influxdb_enabled") or facts.on("metrics.statsd_datadog_enabled")
    advice = "" if tagged else "Set [metrics] statsd_influxdb_enabled, or use DogStatsD: plain StatsD sums all workflows."
    yield Check("metrics.tags", OK if tagged else WARNING, "Tags of metrics", "sent" if tagged else "dropped", advice)
    yield from _metrics_filter(facts)
    if facts.metrics_host is not None:
        level, found = (ERROR, facts.metrics_host) if facts.metrics_host else (OK, "resolves")
        advice = "Correct [metrics] statsd_host: a name that does not resolve turns metrics off." if facts.metrics_host else ""
        yield Check("metrics.host", level, "Host of metrics", found, advice)


def _metrics_filter(facts: Facts) -> Iterator[Check]:
    allow, block = facts.setting("metrics.metrics_allow_list"), facts.setting("metrics.metrics_block_list")
    blocked = "flowdrop" in block or (bool(allow) and "flowdrop" not in allow)
    advice = "Let names that begin with flowdrop through in [metrics] metrics_allow_list and metrics_block_list."
    found = "FlowDrop's are left out" if blocked else "FlowDrop's are let through"
    yield Check("metrics.filter", WARNING if blocked else OK, "Filter of metrics", found, advice if blocked else "")


def _callbacks(facts: Facts) -> Iterator[Check]:
    url, title = facts.setting("flowdrop.callback_base_url") or facts.setting("api.base_url"), "Address for other systems"
    advice = "Set [flowdrop] callback_base_url (or [api] base_url) to the address under which they reach this Airflow."
    if not url:
        yield Check("callbacks.base_url", WARNING, title, "none", advice)
    elif urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        yield Check("callbacks.base_url", ERROR, title, f"{url} is no address", advice)
    elif _is_local(urlsplit(url).hostname or ""):
        yield Check("callbacks.base_url", WARNING, title, f"{url} is reached from this host only", advice)
    else:
        yield Check("callbacks.base_url", OK, title, url)


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _secrets(facts: Facts) -> Iterator[Check]:
    title = "Key that seals values"
    if facts.seal_problem or not facts.seal_keys:
        advice = "Set [flowdrop] seal_key or [core] fernet_key, the same on every worker: secrets could not be handed on."
        yield Check("secrets.seal_key", ERROR, title, facts.seal_problem or "none", advice)
    else:
        yield Check("secrets.seal_key", OK, title, f"{facts.seal_keys} in use")


def _places(facts: Facts) -> Iterator[Check]:
    root, title = facts.setting("flowdrop.file_root"), "Folder of file nodes"
    if facts.file_root:
        advice = "Set [flowdrop] file_root to a folder of its own that workers may write to."
        yield Check("files.root", ERROR, title, facts.file_root, advice)
    else:
        yield Check("files.root", OK, title, root or "none: file nodes are refused")
    if facts.setting("flowdrop.event_log"):
        advice = "Make the folder of [flowdrop] event_log, writable for workers and API servers." if facts.event_log else ""
        found = facts.event_log or facts.setting("flowdrop.event_log")
        yield Check("events.file", ERROR if facts.event_log else OK, "Events as lines of JSON", found, advice)


def _readable(facts: Facts) -> Iterator[Check]:
    title = "Settings of [flowdrop]"
    for name, why in sorted(facts.broken_settings.items()):
        yield Check(f"settings.flowdrop:{name}", ERROR, title, why, f"Correct [flowdrop] {name}; see docs/configuration.md.")
    if not facts.broken_settings:
        yield Check("settings.flowdrop", OK, title, "all can be read")


#: In the order in which they are told.
SETTINGS: tuple[Callable[[Facts], Iterator[Check]], ...] = (
    _readable,
    _slow_settings,
    _xcom,
    _values,
    _metrics,
    _callbacks,
    _secrets,
    _places,
)
