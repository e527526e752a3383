"""Checks of what is around the settings: versions, database, processes, rights, bundles, sites."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from flowdrop_provider.library.checkup.facts import ERROR, OK, UNKNOWN, WARNING, BundleFacts, Check, Facts, SiteFacts

__all__ = ["AROUND"]

#: What this version was made for and tested with.
_AIRFLOW, _PYTHON = ((3, 3), (3, 3)), ((3, 10), (3, 13))
#: Seconds without a sign of life after which a process counts as gone.
_SILENT = 60.0
#: Seconds of difference between clocks that are a nuisance, and those that break things.
_SKEW, _BAD_SKEW = 2.0, 30.0


def _versions(facts: Facts) -> Iterator[Check]:
    for name, (lowest, highest), title in (("airflow", _AIRFLOW, "Airflow"), ("python", _PYTHON, "Python")):
        text = facts.versions.get(name, "")
        found = tuple(int(part) for part in re.findall(r"\d+", text)[:2])
        wanted = f"{lowest[0]}.{lowest[1]} to {highest[0]}.{highest[1]}"
        if len(found) < 2:
            yield Check(f"versions.{name}", UNKNOWN, title, text or "not found")
        elif found < lowest:
            yield Check(f"versions.{name}", ERROR, title, text, f"Upgrade: {wanted} are supported.")
        elif found > highest:
            yield Check(f"versions.{name}", WARNING, title, text, f"Tested are {wanted}; look for a newer FlowDrop provider.")
        else:
            yield Check(f"versions.{name}", OK, title, text)


def _database(facts: Facts) -> Iterator[Check]:
    title, shown = "Metadata database", facts.versions.get("database") or facts.dialect
    if not facts.dialect:
        advice = "Run this where Airflow's own commands run, with [database] sql_alchemy_conn set."
        yield Check("database.reachable", ERROR, title, facts.database_error or "not reached", advice)
    elif facts.dialect == "postgresql":
        yield Check("database.reachable", OK, title, shown)
    else:
        why = "it locks up under parallel tasks" if facts.dialect == "sqlite" else "FlowDrop is not tested with it"
        yield Check("database.reachable", WARNING, title, shown, f"Use PostgreSQL: {why}.")
    yield _tables(facts)
    yield _clock(facts)


def _tables(facts: Facts) -> Check:
    title = "FlowDrop's tables"
    if facts.tables is None:
        return Check("database.tables", UNKNOWN, title, "the database was not reached")
    if facts.tables:
        return Check("database.tables", OK, title, "as this version wants them")
    return Check("database.tables", ERROR, title, "missing, or of another version", "Run airflow db migrate.")


def _clock(facts: Facts) -> Check:
    title = "Clock"
    if facts.skew is None:
        return Check("clock.database", UNKNOWN, title, "the database was not reached")
    found = f"{abs(facts.skew):.1f} s {'ahead of' if facts.skew > 0 else 'behind'} the database's"
    if abs(facts.skew) <= _SKEW:
        return Check("clock.database", OK, title, found)
    level = ERROR if abs(facts.skew) > _BAD_SKEW else WARNING
    return Check("clock.database", level, title, found, "Set clocks by NTP: schedules, signatures and waits go by them.")


_PROCESSES = (
    ("SchedulerJob", "scheduler", "Scheduler", ERROR, "nothing runs without it"),
    ("DagProcessorJob", "dag_processor", "DAG processor", ERROR, "no drawing is taken over without it"),
    ("TriggererJob", "triggerer", "Triggerer", WARNING, "timers and slow HTTP calls wait in it"),
)


def _processes(facts: Facts) -> Iterator[Check]:
    for kind, name, title, level, why in _PROCESSES:
        seconds = facts.heartbeats.get(kind)
        if not facts.dialect:
            yield Check(f"processes.{name}", UNKNOWN, title, "the database was not reached")
        elif seconds is None or seconds > _SILENT:
            found = "never seen" if seconds is None else f"silent for {seconds:.0f} s"
            yield Check(f"processes.{name}", level, title, found, f"Start it: {why}.")
        else:
            yield Check(f"processes.{name}", OK, title, f"alive {max(0.0, seconds):.0f} s ago")


def _rights(facts: Facts) -> Iterator[Check]:
    if facts.blind_roles is None:
        return
    title, roles = "Rights to see FlowDrop's views", list(facts.blind_roles)
    if not roles:
        yield Check("access.plugins", OK, title, "every role that reads runs may read Plugins")
        return
    commands = "; ".join(f"airflow roles add-perms {role!r} -r Plugins -a can_read" for role in roles)
    advice = f"Without the right to read Plugins, Airflow shows no view of ours: {commands}."
    yield Check("access.plugins", WARNING, title, f"not for {', '.join(roles)}", advice)


def _sites(facts: Facts) -> Iterator[Check]:
    for site in facts.sites:
        yield _site(site)


def _site(site: SiteFacts) -> Check:
    id_, title = f"drupal.connection:{site.conn_id}", f"Drupal site {site.conn_id}"
    if not site.known:
        return Check(id_, ERROR, title, "no such connection", "Add a connection of type drupal with this id.")
    if not site.host:
        return Check(id_, ERROR, title, "without an address", "Fill in the connection's base URL.")
    if site.works is False:
        return Check(id_, ERROR, title, site.told, "See docs/drupal.md.")
    if site.needs_signature and not site.signed:
        advice = "Fill in the signing secret of the module flowdrop_airflow: pushes and callbacks need it."
        return Check(id_, WARNING, title, f"{site.host}, no signing secret", advice)
    return Check(id_, OK, title, site.told if site.works else f"{site.host}, not called")


def _store(facts: Facts) -> Iterator[Check]:
    name, title = facts.setting("flowdrop.workflow_store"), "Store of workflows"
    if not name:
        yield Check("store.bundle", OK, title, "none: the API refuses to save")
        return
    bundle = next((item for item in facts.bundles if item.name == name), None)
    level, found, advice = _store_verdict(name, bundle)
    yield Check("store.bundle", level, title, found, advice)


def _store_verdict(name: str, bundle: BundleFacts | None) -> tuple[str, str, str]:
    if bundle is None:
        return ERROR, f"there is no DAG bundle {name}", "Name one of [dag_processor] dag_bundle_config_list."
    if not bundle.is_store:
        return ERROR, f"{name} is no FlowDropFolderBundle", "Only a folder of exports can be saved into."
    if not bundle.exists:
        return ERROR, f"{bundle.folder} is not there", "Make the folder, shared by API server and DAG processor."
    if not bundle.writable:
        return WARNING, f"{bundle.folder} cannot be written from here", "The API server must be allowed to write into it."
    return OK, bundle.folder, ""


def _notices(facts: Facts) -> Iterator[Check]:
    for conn_id in facts.unknown_connections:
        advice = "Add the connection, or correct [flowdrop] notices: what is to be told will be given up."
        yield Check(f"notices.connection:{conn_id}", ERROR, "Channel of notices", "no such connection", advice)


#: In the order in which they are told.
AROUND: tuple[Callable[[Facts], Iterator[Check]], ...] = (
    _versions,
    _database,
    _processes,
    _rights,
    _sites,
    _store,
    _notices,
)
