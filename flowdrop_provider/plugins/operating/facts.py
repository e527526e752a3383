"""Finds out about the deployment this process belongs to; what to make of it is :mod:`flowdrop_provider.library.checkup`'s."""

from __future__ import annotations

import json
import os
import platform
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from airflow import __version__ as airflow_version
from airflow.configuration import conf as airflow_conf
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from flowdrop_provider import __version__, conf
from flowdrop_provider.errors import FlowDropError
from flowdrop_provider.library.checkup import Facts
from flowdrop_provider.library.checkup.facts import BundleFacts, SiteFacts
from flowdrop_provider.library.retention import read_retention
from flowdrop_provider.library.sealing import cipher
from flowdrop_provider.plugins.api.sites import drupal_bundles
from flowdrop_provider.plugins.notices.rules import read_rules
from flowdrop_provider.tables.models import utc_now

__all__ = ["gather"]

#: What the checks ask for; nothing sensitive is among it.
_SETTINGS = (
    "scheduler.scheduler_idle_sleep_time",
    "workers.min_heartbeat_interval",
    "core.min_serialized_dag_update_interval",
    "core.xcom_backend",
    "metrics.statsd_on",
    "metrics.otel_on",
    "metrics.statsd_influxdb_enabled",
    "metrics.statsd_datadog_enabled",
    "metrics.metrics_allow_list",
    "metrics.metrics_block_list",
    "api.base_url",
)
_OURS = ("callback_base_url", "record_max_bytes", "large_value_path", "file_root", "event_log", "workflow_store")
_STORE = "flowdrop_provider.bundles.folder.FlowDropFolderBundle"


def gather(session: Session | None, *, connect: bool = False, database_error: str = "") -> Facts:
    """Return what is known of this deployment.

    :param session: of the metadata database; ``None`` when it cannot be reached, with ``database_error``.
    :param connect: whether Drupal sites are called and the metrics host is looked up.
    """
    facts = _around(connect=connect) | {"database_error": database_error, "connected": connect}
    if session is not None:
        facts |= _from_database(session)
        facts["versions"] = facts["versions"] | {"database": f"{facts['dialect']} {facts.pop('database_version')}".strip()}
    return Facts(**facts)


def _around(*, connect: bool) -> dict[str, Any]:
    broken = dict(_broken_settings())
    keys, problem = _seal()
    return {
        "versions": {"flowdrop": __version__, "airflow": airflow_version, "python": platform.python_version()},
        "settings": dict(_settings())
        | {f"flowdrop.{name}": str(getattr(conf, name)()) for name in _OURS if name not in broken},
        "broken_settings": broken,
        "seal_keys": keys,
        "seal_problem": problem,
        "file_root": _folder_problem(conf.file_root()),
        "event_log": _folder_problem(str(Path(conf.event_log()).parent)) if conf.event_log() else "",
        "unknown_connections": sorted(_unknown_connections()) if "notices" not in broken else (),
        "bundles": list(_bundles()),
        "sites": list(_sites(connect=connect)) if "drupal_callback_seconds" not in broken else (),
        "metrics_host": _metrics_host()
        if connect and airflow_conf.getboolean("metrics", "statsd_on", fallback=False)
        else None,
    }


def _settings() -> Iterator[tuple[str, str]]:
    for name in _SETTINGS:
        section, key = name.split(".")
        value = airflow_conf.get(section, key, fallback=None)
        if value is not None:
            yield name, str(value)


def _broken_settings() -> Iterator[tuple[str, str]]:
    """Yield each setting of ours that its accessor cannot make sense of."""
    derived = {"missing_processor", "notices_wanted", "remote_nodes", "seal_keys"}
    for name in (name for name in conf.__all__ if name not in derived):
        try:
            value = getattr(conf, name)()
            if name == "notices":
                read_rules(value)
            elif name == "retention":
                read_retention(value)
            elif name == "api_write_limit" and value:
                from limits import parse

                parse(value)
        except FlowDropError as error:
            yield name, error.message
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a setting is what is looked for
            yield name, f"{type(error).__name__}: {error}"


def _seal() -> tuple[int, str]:
    keys = conf.seal_keys()
    try:
        cipher(keys)
    except FlowDropError as error:
        return len(keys), error.message
    return len(keys), ""


def _folder_problem(root: str) -> str:
    if not root or "://" in root:
        return ""
    folder = Path(root)
    if folder.parent == folder:
        return f"{root} is the whole file system"
    if not folder.is_dir():
        return f"{root} is not there, seen from here"
    return "" if os.access(folder, os.W_OK) else f"{root} cannot be written to from here"


def _connection(conn_id: str) -> Any:
    """Return an Airflow connection, ``None`` when nobody knows it."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None


def _unknown_connections() -> set[str]:
    channels = [channel for rule in read_rules(conf.notices()) for channel in rule.channels]
    named = {str(channel["conn_id"]) for channel in channels if channel.get("conn_id")}
    named |= {"smtp_default" for channel in channels if channel["kind"] == "mail" and not channel.get("conn_id")}
    return {conn_id for conn_id in named if _connection(conn_id) is None}


def _bundles() -> Iterator[BundleFacts]:
    listed = json.loads(airflow_conf.get("dag_processor", "dag_bundle_config_list", fallback="") or "[]")
    for bundle in listed:
        folder = str((bundle.get("kwargs") or {}).get("path") or "")
        is_store = bundle.get("classpath") == _STORE
        there = bool(folder) and Path(folder).is_dir()
        yield BundleFacts(str(bundle["name"]), is_store, folder, there, there and os.access(folder, os.W_OK))


def _sites(*, connect: bool) -> Iterator[SiteFacts]:
    pulled, own = set(drupal_bundles().values()), conf.drupal_conn_id()
    tells = conf.drupal_callback_seconds() > 0
    for conn_id in sorted(pulled | ({own} if own else set())):
        yield _site(conn_id, needs_signature=tells or conn_id in pulled, connect=connect)


def _site(conn_id: str, *, needs_signature: bool, connect: bool) -> SiteFacts:
    from flowdrop_provider.hooks.drupal import DrupalHook, credentials_of

    connection = _connection(conn_id)
    if connection is None:
        return SiteFacts(conn_id, known=False)
    signed = bool(credentials_of(connection).signing_secret)
    works, told = DrupalHook(conn_id).test_connection() if connect and connection.host else (None, "")
    return SiteFacts(conn_id, True, str(connection.host or ""), signed, needs_signature, works, told)


def _metrics_host() -> str | None:
    if not airflow_conf.getboolean("metrics", "statsd_on", fallback=False):
        return None
    host = airflow_conf.get("metrics", "statsd_host", fallback="localhost")
    try:
        socket.getaddrinfo(host, None)
    except OSError as error:
        return f"{host}: {error}"
    return ""


def _from_database(session: Session) -> dict[str, Any]:
    dialect = session.get_bind().dialect
    version = ".".join(str(part) for part in getattr(dialect, "server_version_info", None) or ())
    return {
        "dialect": dialect.name,
        "database_version": version,
        "skew": _skew(session, dialect.name),
        "tables": _tables(session),
        "heartbeats": _heartbeats(session),
        "blind_roles": _blind_roles(session),
    }


def _skew(session: Session, dialect: str) -> float:
    """Return by how many seconds this host's clock is ahead; SQLite has no other clock than this one."""
    clocks: Mapping[str, Any] = {"postgresql": func.clock_timestamp(), "mysql": text("UTC_TIMESTAMP(6)")}
    if dialect not in clocks:
        return 0.0
    before = utc_now()
    told = session.execute(select(clocks[dialect])).scalar_one()
    middle = before + (utc_now() - before) / 2
    return float((middle - (told if told.tzinfo else told.replace(tzinfo=middle.tzinfo))).total_seconds())


def _tables(session: Session) -> bool:
    from flowdrop_provider.tables.manager import FlowDropDBManager

    manager: Any = FlowDropDBManager(session)  # type: ignore[no-untyped-call]
    return bool(manager.get_current_revision() == manager.get_script_object().get_current_head())


def _heartbeats(session: Session) -> dict[str, float]:
    from airflow.jobs.job import Job

    now = utc_now()
    found = session.execute(select(Job.job_type, func.max(Job.latest_heartbeat)).group_by(Job.job_type)).all()
    return {str(kind): (now - last).total_seconds() for kind, last in found if last is not None}


def _blind_roles(session: Session) -> list[str] | None:
    """Return the FAB roles that may read runs and not plugins, so that Airflow shows them none of our views."""
    if not airflow_conf.get("core", "auth_manager", fallback="").endswith(".FabAuthManager"):
        return None
    from airflow.providers.fab.auth_manager.models import Role

    found = []
    for role in session.scalars(select(Role)).unique():
        may = {(item.action.name, item.resource.name) for item in role.permissions}
        if ("can_read", "DAG Runs") in may and ("can_read", "Plugins") not in may:
            found.append(str(role.name))
    return sorted(found)
