"""From a launch payload to the run's initial data (MAN-10..17, OCX-1, DATA-6).

A workflow with a declared manifest takes inputs by name. One without a manifest that has chat inputs takes a chat turn, as
FlowDrop's playground does. Everything else takes an event: flat data that a trigger node emits as its ``data`` output.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from flowdrop_provider.document.models import ManifestEntry
from flowdrop_provider.document.schemas import identical, matches_type
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.strategies import is_trigger
from flowdrop_provider.errors import LaunchError

__all__ = [
    "CONF_KEY",
    "Launch",
    "chat_of",
    "chat_turn",
    "declared_inputs",
    "launch",
    "launch_schema",
    "named_inputs",
    "split_conf",
    "takes_events",
    "workflow_outputs",
]

log = logging.getLogger("flowdrop.engine")

#: The ports of ``chat_input`` that a chat turn may fill, in the order the form shows them.
_CHAT_PORTS = ("message", "history", "sessionId", "messageId")


#: The reserved key of a run's ``conf``; whatever else lies there is an input.
CONF_KEY = "flowdrop"


def split_conf(conf: Any) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Return the inputs in a run's ``conf``, and its own part (source, parent, session, pause); anybody may have written it."""
    given = dict(conf) if isinstance(conf, Mapping) else {}
    own = given.pop(CONF_KEY, None)
    return given, own if isinstance(own, Mapping) else {}


def chat_of(conf: Any) -> str | None:
    """Return the id of the chat session that a run says it is a turn of; only a signature proves it, so only for showing."""
    told = split_conf(conf)[1].get("session")
    found = told.get("id") if isinstance(told, Mapping) else None
    return found if isinstance(found, str) else None


class Launch:
    """The initial data of a run: ``by_node`` for ports (DATA-6), ``flat`` for trigger nodes (OCX-1)."""

    def __init__(self, by_node: Mapping[str, Mapping[str, Any]], flat: Mapping[str, Any]) -> None:
        self.by_node = by_node
        self.flat = flat

    def ports(self, node_id: str) -> dict[str, Any]:
        """Return the initial values of a node's ports; an entry that is no map is ignored (DATA-6)."""
        values = self.by_node.get(node_id)
        return dict(values) if isinstance(values, Mapping) else {}


def declared_inputs(plan: Plan) -> list[ManifestEntry]:
    """Return the inputs a launch may name: the manifest, else the ports of a chat turn; malformed entries dropped (MAN-14)."""
    if plan.input_ports:
        return [entry for entry in plan.input_ports if entry.name and entry.node_id and entry.port]
    chats = [node_id for node_id, node in plan.nodes.items() if node.node_type.processor == "chat_input"]
    return [ManifestEntry(name=port, node_id=node_id, port=port) for node_id in chats for port in _CHAT_PORTS]


def named_inputs(plan: Plan, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return launch inputs by declared name.

    FlowDrop's editor sends the fields of its form as node id -> port -> value. An entry of that shape whose ports are declared
    is taken by their names; whatever is not stays as it is, and the launch refuses it (MAN-13, API-2).
    """
    entries = declared_inputs(plan)
    names = {entry.name for entry in entries}
    by_port = {(entry.node_id, entry.port): entry.name for entry in entries}
    found: dict[str, Any] = {}
    for name, value in inputs.items():
        nested = name not in names and name in plan.nodes and isinstance(value, Mapping)
        if nested and all((name, port) in by_port for port in value):
            found |= {by_port[name, port]: item for port, item in value.items()}
        else:
            found[name] = value
    return found


def chat_turn(plan: Plan, message: str, session_id: str, message_id: str, history: list[Any]) -> dict[str, dict[str, Any]]:
    """Return the initial data of a chat turn: node id -> port -> value for each ``chat_input`` (MAN-12).

    :param history: earlier messages, oldest first: ``[{"role", "content"}]``.
    """
    values = {"message": message, "history": history, "sessionId": session_id, "messageId": message_id}
    return {node_id: dict(values) for node_id, node in plan.nodes.items() if node.node_type.processor == "chat_input"}


def takes_events(plan: Plan) -> bool:
    """Return whether the workflow has a trigger node, so that a payload is an event and not named inputs (OCX-1)."""
    return any(map(is_trigger, plan.nodes.values()))


def launch_schema(plan: Plan) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema fragment of each declared input by name, the contract's first (MAN-5, MAN-16)."""
    properties = plan.parameter_schema.get("properties")
    contract = properties if isinstance(properties, Mapping) else {}
    found = {}
    for entry in declared_inputs(plan):
        fragment = contract.get(entry.name)
        found[entry.name] = dict(fragment) if isinstance(fragment, Mapping) else _port_schema(plan, entry)
    return found


def _port_schema(plan: Plan, entry: ManifestEntry) -> dict[str, Any]:
    node = plan.nodes.get(entry.node_id)
    parameter = node.node_type.parameters.get(entry.port) if node is not None else None
    return dict(parameter.schema_) if parameter is not None else {}


def launch(
    plan: Plan,
    *,
    inputs: Mapping[str, Any] | None = None,
    initial_data: Mapping[str, Any] | None = None,
) -> Launch:
    """Return the initial data of a run.

    :param inputs: values by declared name, from any external door.
    :param initial_data: node id -> port -> value for callers inside the house (MAN-12), or flat event data (OCX-1).
    :raises LaunchError: ``LAUNCH_UNDECLARED``, ``LAUNCH_MISSING`` or ``LAUNCH_INVALID``; nothing has started then.
    """
    flat = dict(initial_data or {})
    by_node: dict[str, dict[str, Any]] = {
        node_id: dict(values) for node_id, values in flat.items() if node_id in plan.nodes and isinstance(values, Mapping)
    }
    entries = declared_inputs(plan)
    _warn_malformed(plan, entries)
    if inputs:
        _refuse_undeclared(plan, inputs, entries)
    _refuse_missing(plan, inputs or {}, entries, by_node)
    _refuse_invalid(plan, inputs or {}, entries)
    for entry in entries:
        if inputs is not None and entry.name in inputs:
            by_node.setdefault(entry.node_id, {})[entry.port] = inputs[entry.name]
    return Launch(by_node, flat or dict(inputs or {}))


def _warn_malformed(plan: Plan, entries: list[ManifestEntry]) -> None:
    dropped = len(plan.input_ports) - len(entries) if plan.input_ports else 0
    if dropped:
        log.warning("Workflow %r: %d input(s) without a name, node or port are left out (MAN-14).", plan.workflow_id, dropped)


def _accepted(entries: Iterable[ManifestEntry]) -> str:
    names = ", ".join(sorted({entry.name for entry in entries}))
    return f"Accepted inputs: {names or 'none'}."


def _refuse_undeclared(plan: Plan, inputs: Mapping[str, Any], entries: list[ManifestEntry]) -> None:
    known = {entry.name for entry in entries}
    unknown = sorted(name for name in inputs if name not in known)
    if unknown:
        raise LaunchError(
            f"The workflow {plan.workflow_id!r} does not declare the input {', '.join(map(repr, unknown))}.",
            code="LAUNCH_UNDECLARED",
            locator=f"inputs.{unknown[0]}",
            hint=_accepted(entries),
        )


def _refuse_missing(
    plan: Plan, inputs: Mapping[str, Any], entries: list[ManifestEntry], by_node: Mapping[str, Mapping[str, Any]]
) -> None:
    listed = plan.parameter_schema.get("required")
    required = set(listed) if isinstance(listed, list) else set()
    missing = sorted(
        entry.name
        for entry in entries
        if (entry.required or entry.name in required)
        and entry.name not in inputs
        and entry.port not in by_node.get(entry.node_id, {})
    )
    if missing:
        raise LaunchError(
            f"The workflow {plan.workflow_id!r} needs the input {', '.join(map(repr, missing))}.",
            code="LAUNCH_MISSING",
            locator=f"inputs.{missing[0]}",
            hint=_accepted(entries),
        )


def _refuse_invalid(plan: Plan, inputs: Mapping[str, Any], entries: list[ManifestEntry]) -> None:
    schemas = launch_schema(plan)
    wrong = [
        f"{name!r} {sentence}"
        for name, value in sorted(inputs.items())
        if (sentence := _violation(value, schemas.get(name, {}))) is not None
    ]
    if wrong:
        raise LaunchError(
            f"The inputs of {plan.workflow_id!r} are not accepted: {'; '.join(wrong)}.",
            code="LAUNCH_INVALID",
            locator="inputs",
            hint=_accepted(entries),
        )


def _violation(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a launch value: only type and enum count; structured types mean 'a collection' (MAN-16)."""
    if value is None:
        return None
    stored = schema.get("type")
    declared = [name for name in (stored if isinstance(stored, list) else [stored]) if name is not None]
    structured = isinstance(value, list | dict) and not _COLLECTIONS.isdisjoint(map(str, declared))
    plain = [name for name in declared if str(name) not in _COLLECTIONS]
    if declared and not structured and not (plain and matches_type(value, plain)):
        return f"must be {' or '.join(_TYPE_WORDS.get(str(name), f'of type {name}') for name in declared)}"
    enum = schema.get("enum")
    if isinstance(enum, list) and enum and not any(identical(value, item) for item in enum):
        return f"must be one of {', '.join(map(repr, enum[:12]))}"
    return None


_COLLECTIONS = frozenset({"array", "object", "json"})
_TYPE_WORDS = {name: f"a collection ({name})" for name in _COLLECTIONS}


def workflow_outputs(plan: Plan, produced: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """Return the outputs of a run, and a warning for each declared output that nothing produced (MAN-17).

    :param produced: outputs by node id, of completed nodes.

    A workflow that declares no outputs gives those of its last nodes, by node id, so that a result is never lost.
    """
    if plan.output_ports:
        declared = [entry for entry in plan.output_ports if entry.name and entry.node_id and entry.port]
        found = {
            entry.name: produced[entry.node_id][entry.port]
            for entry in declared
            if entry.port in produced.get(entry.node_id, {})
        }
        missing = [entry.name for entry in declared if entry.name not in found]
        return found, [f"The declared output {name!r} was not produced." for name in missing]
    last = (node_id for node_id, node in plan.nodes.items() if not node.outgoing and node_id in produced)
    return {node_id: dict(produced[node_id]) for node_id in last}, []
