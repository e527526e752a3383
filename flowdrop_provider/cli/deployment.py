"""Commands about a deployment: ``doctor``, ``prune``, ``notices``. They need Airflow, where the others do not.

What they do lies in :mod:`flowdrop_provider.plugins.operating` and is named here, not imported: this package stays importable,
and quick, without Airflow.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any

from flowdrop_provider.cli.rendering import print_json, say
from flowdrop_provider.errors import ConfigurationError

__all__ = ["call", "doctor", "notices_list", "notices_test", "prune"]

_SYMBOLS = {"ok": "ok     ", "unknown": "unknown", "warning": "WARNING", "error": "ERROR  "}


def call(module: str, function: str, **arguments: Any) -> Any:
    """Call a function of a module of ``flowdrop_provider.plugins.operating``.

    :raises ConfigurationError: Airflow is not installed here.
    """
    # Connections are read as a server reads them, from the metadata database.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    # Airflow writes its log to standard output, where only the answer belongs.
    with redirect_stdout(sys.stderr):
        try:
            found = import_module(f"flowdrop_provider.plugins.operating.{module}")
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] != "airflow":
                raise
            raise ConfigurationError(
                "This command needs Airflow, which is not installed here.",
                code="CONF_NO_AIRFLOW",
                hint="Run it where the scheduler or the API server runs.",
            ) from error
        return getattr(found, function)(**arguments)


def doctor(arguments: argparse.Namespace) -> int:
    """Say what to change in this deployment and why; 1 when something is an error."""
    found = call("doctor", "examine_here", connect=arguments.connect)
    if arguments.json:
        print_json(found)
        return int(bool(found["counts"]["error"]))
    for check in found["checks"]:
        if check["level"] == "ok" and not arguments.all:
            continue
        say(f"{_SYMBOLS[check['level']]} {check['title']}: {check['found']} [{check['id']}]")
        if check["advice"]:
            say(f"        {check['advice']}")
    counts = found["counts"]
    say(f"{counts['ok']} fine, {counts['warning']} warnings, {counts['error']} errors, {counts['unknown']} unknown.")
    return int(bool(counts["error"]))


#: Options of ``prune`` that make a rule, and the member each of them is.
_RULE = ("workflows", "states", "values_days", "values_runs", "records_days", "records_runs")
_TABLES = ("conversations_days", "snapshots_days", "deliveries_days", "notices_days")


def prune(arguments: argparse.Namespace) -> int:
    """Forget what runs left behind, by ``[flowdrop] retention`` or by the bounds that were given, and say how much it was."""
    given = {name: getattr(arguments, name) for name in (*_RULE, *_TABLES) if getattr(arguments, name) is not None}
    rule = {name: value for name, value in given.items() if name in _RULE}
    tables = {name: value for name, value in given.items() if name in _TABLES}
    retention = {"runs": [rule] if rule else [], **tables} if given else None
    found = call("pruning", "prune_here", dry_run=arguments.dry_run, retention=retention)
    if arguments.json:
        print_json(found)
        return 0
    values, records = found["values"], found["records"]
    would = "Would have forgotten" if found["dry_run"] else "Forgotten"
    say(f"{would}: input and output of {values['runs']} runs ({values['records']} records, {values['handed_over']} values")
    say(f"handed over, {values['stored']} files), everything of {records['runs']} runs ({records['records']} records).")
    say(f"{found['held']} runs are held. " + ", ".join(f"{count} {name}" for name, count in found["tables"].items()) + ".")
    return 0


def notices_list(arguments: argparse.Namespace) -> int:
    """Show the rules for notices."""
    found = call("trial", "list_rules")
    if arguments.json:
        print_json({"rules": found})
        return 0
    for rule in found:
        reached = "; ".join(f"{channel['kind']} {channel['to']}" for channel in rule["channels"])
        say(f"{rule['rule']}: {', '.join(rule['on'])} of {', '.join(rule['workflows'])} to {reached}")
    return 0


def notices_test(arguments: argparse.Namespace) -> int:
    """Send a test message by each channel of a rule and say what happened; 1 when one did not take it."""
    found = call("trial", "try_rule", rule_id=arguments.rule)
    if arguments.json:
        print_json(found)
        return 0 if found["sent"] else 1
    for channel in found["channels"]:
        outcome = "sent" if channel["sent"] else f"NOT sent: {channel['error']}"
        say(f"{channel['kind']} {channel['to']}: {outcome} ({channel['seconds']:g} s)")
    return 0 if found["sent"] else 1
