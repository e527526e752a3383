"""Validation: the VAL family, all findings at once (R1..R13, W-T, LANG-2, LANG-28).

Pure rules over a document and live node types; compilation (cycles, tools) is checked separately because it is another stage.
Each rule is one function that adds to the report. The order of findings means nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.document.config_rules import ExpressionCheck, check_config
from flowdrop_provider.document.exposure import exposed_input, exposed_output, overrides
from flowdrop_provider.document.findings import Report
from flowdrop_provider.document.handles import RECOGNISED_EDGE_TYPES, EdgeKind, edge_kind, port_name
from flowdrop_provider.document.models import Edge, ManifestEntry, Node, Workflow
from flowdrop_provider.document.node_types import NodeType, NodeTypeCatalogue
from flowdrop_provider.errors import DocumentError

__all__ = ["MAX_EDGES", "MAX_NODES", "ValidationPolicy", "validate"]

#: Limits of a workflow (R5.a, R5.b).
MAX_NODES = 500
MAX_EDGES = 1000

_NAME = re.compile(r"[a-z0-9_-]+")
_RESERVED_NAME = re.compile(r"__.*__")
_MAX_ID = 250


@dataclass(frozen=True, slots=True)
class ValidationPolicy:
    """What the deployment decides about documents.

    :ivar missing_processor: ``error`` refuses a workflow whose processor nobody provides (R1.a); ``warning`` lets the task
        fail when it is reached, or run remotely.
    :ivar check_expression: validates configured expressions (R11); ``None`` skips the rule.
    """

    missing_processor: str = "error"
    check_expression: ExpressionCheck | None = None


@dataclass(slots=True)
class _Subject:
    workflow: Workflow
    catalogue: NodeTypeCatalogue
    policy: ValidationPolicy
    report: Report = field(default_factory=Report)
    nodes: dict[str, Node] = field(default_factory=dict)
    types: dict[str, NodeType | DocumentError | None] = field(default_factory=dict)
    _chosen: dict[tuple[str, str], dict[str, bool]] = field(default_factory=dict)

    def chosen(self, node: Node, side: str) -> dict[str, bool]:
        """Return the author's exposure choices of a node, read once: every edge asks for them."""
        key = (node.id, side)
        if key not in self._chosen:
            self._chosen[key] = overrides(node.config, side)
        return self._chosen[key]

    def look_up(self, node_type_id: str) -> NodeType | DocumentError | None:
        """Return the live type, ``None`` when nobody declares it, or why its file cannot be read (SCH-33)."""
        if node_type_id not in self.types:
            try:
                self.types[node_type_id] = self.catalogue.get(node_type_id)
            except DocumentError as error:
                self.types[node_type_id] = error
        return self.types[node_type_id]

    def type_of(self, node: Node) -> NodeType | None:
        found = self.look_up(node.node_type_id) if node.node_type_id else None
        return found if isinstance(found, NodeType) else None


def validate(workflow: Workflow, catalogue: NodeTypeCatalogue, policy: ValidationPolicy | None = None) -> Report:
    """Return the report of a workflow; :attr:`Report.valid` decides whether it may be launched (VAL-LAUNCH)."""
    subject = _Subject(workflow, catalogue, policy or ValidationPolicy())
    subject.nodes = {node.id: node for node in workflow.nodes if node.id}
    for rule in (_check_limits, _check_node_ids, _check_types, _check_configs, _check_edges, _check_edge_ids, _check_manifest):
        rule(subject)
    return subject.report


def _check_limits(subject: _Subject) -> None:
    nodes, edges = len(subject.workflow.nodes), len(subject.workflow.edges)
    if nodes > MAX_NODES:
        subject.report.error("R5_TOO_MANY_NODES", f"The workflow has {nodes} nodes; {MAX_NODES} are allowed.", "nodes", "nodes")
    if edges > MAX_EDGES:
        subject.report.error("R5_TOO_MANY_EDGES", f"The workflow has {edges} edges; {MAX_EDGES} are allowed.", "edges", "edges")


def _check_node_ids(subject: _Subject) -> None:
    counted = Counter(node.id for node in subject.workflow.nodes if node.id)
    for node in subject.workflow.nodes:
        place = ("nodes", node.index, "id")
        if not node.id:
            subject.report.error(
                "R5_NODE_MISSING_ID", f"The node at position {node.index} has no id.", f"nodes.{node.index}", *place
            )
        elif counted[node.id] > 1:
            subject.report.error(
                "R2_NODE_DUPLICATE_ID", f"{counted[node.id]} nodes have the id {_shown(node.id)}.", f"node.{node.id}", *place
            )
        problem = _unsafe(node.id)
        if problem:
            subject.report.error(
                "NODE_ID_UNSAFE",
                f"The node id {_shown(node.id)} {problem}.",
                f"node.{node.id[:80]}",
                *place,
                hint=f"Use letters, digits, '_', '.', '-', ':' and spaces, at most {_MAX_ID} of them.",
            )


def _unsafe(node_id: str) -> str | None:
    """Return what makes an id unfit for task ids, log paths and handles, or ``None``."""
    if len(node_id) > _MAX_ID:
        return f"has {len(node_id)} characters"
    if "-output-" in node_id or "-input-" in node_id:
        return "contains a handle marker, so its handles cannot be told apart"
    odd = next((char for char in node_id if not (char.isalnum() or char in "_.-: ")), None)
    if odd is not None:
        return f"contains {_character(odd)}"
    return "contains '..', as a path does" if ".." in node_id else None


def _character(odd: str) -> str:
    return repr(odd) if odd.isprintable() and odd.isascii() else unicodedata.name(odd, "a control character").lower()


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _check_types(subject: _Subject) -> None:
    for node in subject.workflow.nodes:
        if node.node_type_id is None:
            continue
        place = ("nodes", node.index, "data", "metadata")
        node_type = subject.look_up(node.node_type_id)
        if isinstance(node_type, DocumentError):
            message = f"The node type {_shown(node.node_type_id)} cannot be read: {node_type}"
            subject.report.error("NODE_TYPE_UNREADABLE", message, f"node.{node.id}", *place)
        elif node_type is None:
            subject.report.error(
                "R9_NODE_TYPE_UNKNOWN",
                f"There is no node type {_shown(node.node_type_id)}.",
                f"node.{node.id}",
                *place,
                hint=subject.report.suggest(node.node_type_id, subject.catalogue.ids())
                or "Pass the site's node types (--node-types).",
            )
        elif not node_type.available:
            _missing_processor(subject, node, node_type, place)


def _missing_processor(subject: _Subject, node: Node, node_type: NodeType, place: tuple[str | int, ...]) -> None:
    add = subject.report.error if subject.policy.missing_processor == "error" else subject.report.warn
    add(
        "R1_PLUGIN_MISSING",
        f"The node type {node_type.id!r} needs the processor {node_type.executor_plugin!r}, which nobody provides here.",
        f"node.{node.id}",
        *place,
        hint="Install the package that provides it, or let Drupal run it (setting [flowdrop] unknown_processor).",
    )


def _check_configs(subject: _Subject) -> None:
    for node in subject.workflow.nodes:
        node_type = subject.type_of(node)
        check_config(subject.report, node, node_type, subject.policy.check_expression)


def _check_edge_ids(subject: _Subject) -> None:
    ids = Counter(edge.id for edge in subject.workflow.edges if edge.id)
    seen = set()
    for edge in subject.workflow.edges:
        place, locator = ("edges", edge.index), f"edge.{edge.index}"
        if not edge.id:
            message = f"The edge at position {edge.index} has no id."
            subject.report.error("R3_EDGE_MISSING_ID", message, locator, *place, hint="Give every edge an id of its own.")
        elif ids[edge.id] > 1:
            message = f"{ids[edge.id]} edges have the id {_shown(edge.id)}."
            subject.report.error("R3_EDGE_DUPLICATE_ID", message, locator, *place, "id")
        route = (edge.source, edge.target, *edge.spelling)
        if route in seen:
            message = f"The edge from {_shown(edge.source)} to {_shown(edge.target)} is drawn twice between the same ports."
            subject.report.error("R13_EDGE_PARALLEL_DUPLICATE", message, locator, *place, hint="Delete one of them.")
        seen.add(route)


def _check_edges(subject: _Subject) -> None:
    for edge in subject.workflow.edges:
        place, locator = ("edges", edge.index), f"edge.{edge.index}"
        _check_endpoints(subject, edge, locator, place)
        if edge.source and edge.source == edge.target:
            message = f"The edge leads from {_shown(edge.source)} to itself."
            subject.report.error("R12_EDGE_SELF", message, locator, *place, hint="A loop needs a second node; remove the edge.")
        _check_declared_type(subject, edge, locator, place)
        _check_exposure(subject, edge, locator, place)
        source = subject.nodes.get(edge.source)
        source_type = subject.type_of(source) if source else None
        if source_type is not None and source_type.terminal:
            message = f"The edge leaves {_shown(edge.source)}, which ends the workflow: it is never followed."
            subject.report.warn("W_TERMINAL_EDGE", message, locator, *place)


def _check_declared_type(subject: _Subject, edge: Edge, locator: str, place: tuple[str | int, ...]) -> None:
    declared = edge.declared_type
    if isinstance(declared, str) and declared and declared not in RECOGNISED_EDGE_TYPES:
        message = f"The edge type {_shown(declared)} is not known."
        hint = subject.report.suggest(declared, RECOGNISED_EDGE_TYPES) or "Remove data.edgeType; the handles decide."
        subject.report.error("EDGE_TYPE_UNKNOWN", message, locator, *place, "data", hint=hint)


def _check_endpoints(subject: _Subject, edge: Edge, locator: str, place: tuple[str | int, ...]) -> None:
    for side, node_id in (("source", edge.source), ("target", edge.target)):
        if node_id in subject.nodes:
            continue
        message = f"The edge's {side} {_shown(node_id)} is no node of this workflow." if node_id else f"The edge has no {side}."
        hint = (subject.report.suggest(node_id, subject.nodes) if node_id else None) or "Remove the edge, or draw it again."
        subject.report.error(f"R8_EDGE_{side.upper()}_MISSING", message, locator, *place, side, hint=hint)


def _check_exposure(subject: _Subject, edge: Edge, locator: str, place: tuple[str | int, ...]) -> None:
    kind = edge_kind(edge)
    if kind is EdgeKind.TOOL:
        return
    for side, node_id, handle in (("target", edge.target, edge.target_handle), ("source", edge.source, edge.source_handle)):
        node = subject.nodes.get(node_id)
        node_type = subject.type_of(node) if node else None
        if node is None or node_type is None or not handle:
            continue
        port = port_name(handle, "input" if side == "target" else "output")
        if _hidden(subject, node, node_type, port, side):
            subject.report.error(
                f"R7_EDGE_{side.upper()}_NOT_EXPOSED",
                f"The port {port!r} of node {node_id!r} is hidden, so no edge may use it.",
                locator,
                *place,
                f"{side}Handle",
                hint="Show the port on the node, or remove the edge.",
            )


#: Reserved ports whose exposure an edge does not depend on; an unexposed ``loop_back`` refuses it (SCH-32).
_ALWAYS_WIREABLE = frozenset({"trigger", "tool", "tool_availability", "input", "output", "error"})


def _hidden(subject: _Subject, node: Node, node_type: NodeType, port: str, side: str) -> bool:
    declared = node_type.parameters if side == "target" else node_type.outputs
    if port in _ALWAYS_WIREABLE and port not in declared:
        return False
    if side == "target":
        return exposed_input(node_type, port, subject.chosen(node, "inputs")) is False
    return exposed_output(node_type, port, subject.chosen(node, "outputs")) is False


def _check_manifest(subject: _Subject) -> None:
    for side, entries in (("input", subject.workflow.input_ports), ("output", subject.workflow.output_ports)):
        names = Counter(entry.name for entry in entries)
        for index, entry in enumerate(entries):
            for code, message, hint in _manifest_problems(subject, side, entry, names[entry.name]):
                subject.report.error(code, message, f"schema.{side}.{index}", f"{side}_ports", index, hint=hint)


def _manifest_problems(subject: _Subject, side: str, entry: ManifestEntry, count: int) -> Iterator[tuple[str, str, str | None]]:
    if _RESERVED_NAME.fullmatch(entry.name):
        yield "R4_NAME_RESERVED", f"The name {entry.name!r} is reserved for the runtime.", None
    elif not _NAME.fullmatch(entry.name):
        yield "R4_NAME_FORMAT", f"The name {_shown(entry.name)} may only have a-z, 0-9, '_' and '-'.", None
    if count > 1:
        yield "R4_NAME_DUPLICATE", f"The name {entry.name!r} is given to {count} {side}s.", None
    node = subject.nodes.get(entry.node_id)
    if node is None:
        hint = subject.report.suggest(entry.node_id, subject.nodes)
        yield "R4_NODE_MISSING", f"The {side} {entry.name!r} is bound to {_shown(entry.node_id)}, which is no node.", hint
        return
    node_type = subject.type_of(node)
    if node_type is not None and node_type.available:
        yield from _bound_port_problems(subject, node, node_type, side, entry)


def _own_ports(node: Node) -> set[str]:
    stored = node.config.get("dynamicOutputs")
    entries = stored.values() if isinstance(stored, dict) else stored if isinstance(stored, list) else ()
    return {str(entry.get("name")) for entry in entries if isinstance(entry, dict)}


def _bound_port_problems(
    subject: _Subject, node: Node, node_type: NodeType, side: str, entry: ManifestEntry
) -> Iterator[tuple[str, str, str | None]]:
    known: Any = node_type.parameters if side == "input" else node_type.outputs
    # Real exports bind outputs to "text_output", which declares none; a port of the author's own stays inside (DYN-6).
    unjudged = side == "output" and not known and entry.port not in _own_ports(node)
    if entry.port not in known and not unjudged:
        hint = subject.report.suggest(entry.port, known)
        yield "R4_PORT_UNKNOWN", f"Node {node.id!r} ({node_type.id}) has no {side} port {entry.port!r}.", hint
    elif entry.port in known and _hidden(subject, node, node_type, entry.port, "target" if side == "input" else "source"):
        yield (
            "R10_EXPOSURE_HIDDEN_PORT",
            f"The port {entry.port!r} of node {node.id!r} is hidden.",
            "Show the port on the node.",
        )
