"""The arguments of each command."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from flowdrop_provider import __version__
from flowdrop_provider.cli import audit, deployment, documents, nodes, sites

__all__ = ["build_parser"]

Handler = Callable[[argparse.Namespace], int]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; every command sets ``handler``."""
    parser = argparse.ArgumentParser(prog="flowdrop", description="FlowDrop workflows on Apache Airflow.")
    parser.add_argument("--version", action="version", version=f"flowdrop {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _validate(_command(commands, "validate", documents.validate, "check exports against every rule, then compile them"))
    _plan(_command(commands, "plan", documents.plan, "show what a workflow compiles to"))
    _run(_command(commands, "run", documents.run, "run a workflow in this process, without Airflow"))
    _process(_command(commands, "process", nodes.process, "run one node, or many from JSON lines"))
    _command(commands, "nodes", nodes.catalogue, "list the node types: ports, parameters, where they run")
    _sync(_command(commands, "sync", sites.sync, "pull a Drupal site's workflows and node types into a folder"))
    _doctor(_command(commands, "doctor", deployment.doctor, "check this deployment and say what to change and why"))
    _prune(_command(commands, "prune", deployment.prune, "forget what old runs left behind, values first, records later"))
    _notices(commands.add_parser("notices", help="show the rules for notices, and try one"))
    _audit(commands.add_parser("audit", help="chain an exported audit trail, and verify it"))
    return parser


def _doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connect", action="store_true", help="call the Drupal sites and look up the metrics host")
    parser.add_argument("--all", action="store_true", help="show what is fine as well")


def _prune(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")
    rule = parser.add_argument_group("bounds", "instead of [flowdrop] retention, in which they have the same names")
    rule.add_argument("--workflows", nargs="+", metavar="PATTERN", help="only of these DAG ids")
    rule.add_argument("--states", nargs="+", choices=("success", "failed"), help="only of runs that ended so")
    for what, text in (("values", "input and output"), ("records", "job records")):
        rule.add_argument(f"--{what}-days", type=float, metavar="DAYS", help=f"forget {text} of older runs")
        rule.add_argument(f"--{what}-runs", type=int, metavar="N", help=f"forget {text} of all but the newest N of each state")
    for table in ("conversations", "snapshots", "deliveries", "notices"):
        rule.add_argument(f"--{table}-days", type=float, metavar="DAYS", help=f"delete older {table}")


def _notices(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _command(commands, "list", deployment.notices_list, "show the rules")
    tried = _command(commands, "test", deployment.notices_test, "send a test message by a rule's channels; 1 when one fails")
    tried.add_argument("rule", metavar="RULE", help="its id")


def _audit(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, handler, text in (
        ("seal", audit.seal, "print the lines with a hash chain; its end goes to standard error"),
        ("verify", audit.verify, "say whether a sealed file is whole; 1 when it is not"),
    ):
        command = _command(commands, name, handler, text)
        command.add_argument(
            "file", type=Path, metavar="FILE", help="NDJSON: one event a line, as [flowdrop] event_log has them"
        )
        if name == "verify":
            command.add_argument("--digest", default="", help="the end of the chain, as it was kept elsewhere")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, handler: Handler, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.set_defaults(handler=handler)
    return parser


def _sync(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("site", metavar="URL", help="the site's address")
    parser.add_argument("folder", type=Path, metavar="DIR", help="where the files go; only FlowDrop's files there are touched")
    parser.add_argument("--user", default="", help="account of the site; its password is FLOWDROP_DRUPAL_PASSWORD")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; say whether the site can be used, and 1 when it cannot"
    )


def _node_types(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--node-types",
        type=Path,
        metavar="DIR",
        help="folder with the site's flowdrop_node_type files (default: beside the exports)",
    )


def _validate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file, folder, config/sync directory or zip")
    _node_types(parser)


def _plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the workflow export")
    parser.add_argument("--workflow", metavar="ID", help="which workflow, when the file or folder holds several")
    _node_types(parser)


def _run(parser: argparse.ArgumentParser) -> None:
    _plan(parser)
    parser.add_argument("--inputs", metavar="JSON|@FILE", help="the workflow's declared inputs by name")
    parser.add_argument("--initial-data", metavar="JSON|@FILE", help="values by node id and port, or an event's payload")
    parser.add_argument("--answers", metavar="JSON|@FILE", help="answers by node id, for nodes that ask somebody or wait")


def _process(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("node_type", nargs="?", metavar="NODE_TYPE", help="id of the node type")
    parser.add_argument("--config", metavar="JSON|@FILE", help="the node's configuration")
    parser.add_argument("--inputs", metavar="JSON|@FILE", help="values by input port")
    parser.add_argument("--jsonl", action="store_true", help="read {id, node_type, config, inputs} a line from standard input")
    _node_types(parser)
