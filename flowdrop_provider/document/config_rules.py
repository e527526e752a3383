"""The rules on a node's saved configuration (R6, R11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flowdrop_provider.document.findings import Report
from flowdrop_provider.document.models import MAX_RETRIES, Node
from flowdrop_provider.document.node_type_files import php_empty
from flowdrop_provider.document.node_types import NodeType, is_dynamic_name
from flowdrop_provider.document.schemas import first_violation

__all__ = ["RESERVED_CONFIG", "ExpressionCheck", "check_config"]

#: Configuration keys that belong to the node, not to its processor.
RESERVED_CONFIG = frozenset(
    (
        *("nodeType", "maxRetries", "max_retries", "requiresConfirmation", "ports"),
        *("instanceTitle", "instanceDescription", "branches", "dynamicInputs", "dynamicOutputs"),
    )
)

#: ``(processor, configuration)`` -> ``(dotted path, what is wrong)`` of each bad expression (R11).
ExpressionCheck = Callable[[str, Mapping[str, Any]], Iterable[tuple[str, str]]]


def check_config(report: Report, node: Node, node_type: NodeType | None, check_expression: ExpressionCheck | None) -> None:
    """Add what is wrong with a node's configuration; without a node type only the secret syntax is checked (R6.j)."""
    if node.malformed_config:
        message = f"The configuration of node {node.id!r} must be an object, not a {node.malformed_config}."
        report.error("R6_CONFIG_INVALID", message, f"node.{node.id}.config", *_place(node))
    for key, value in node.config.items():
        if _looks_like_secret(value):
            _warn_secret(report, node, key)
    _check_retries(report, node)
    if node_type is None or not node_type.available:
        return
    _check_required(report, node, node_type)
    _check_values(report, node, node_type)
    _check_dynamic_ports(report, node, node_type)
    if check_expression is not None:
        _check_expressions(report, node, node_type, check_expression)


def _place(node: Node, *keys: str) -> tuple[str | int, ...]:
    return ("nodes", node.index, "data", "config", *keys)


def _check_retries(report: Report, node: Node) -> None:
    for key in ("maxRetries", "max_retries"):
        asked = node.config.get(key)
        if isinstance(asked, int | float) and asked > MAX_RETRIES:
            message = f"Node {node.id!r} asks for more than {MAX_RETRIES} retries; it gets {MAX_RETRIES}."
            report.warn("RETRIES_LIMITED", message, f"node.{node.id}.config.{key}", *_place(node, key))


def _check_required(report: Report, node: Node, node_type: NodeType) -> None:
    for name, parameter in node_type.parameters.items():
        asked = parameter.required and parameter.configurable and not parameter.connectable
        if asked and name not in node.config:
            message = f"Node {node.id!r} ({node_type.id}) needs a value for {name!r}."
            hint = "Set it in the node's configuration."
            report.error("R6_CONFIG_REQUIRED", message, f"node.{node.id}.config.{name}", *_place(node), hint=hint)


def _check_values(report: Report, node: Node, node_type: NodeType) -> None:
    configurable = {name for name, parameter in node_type.parameters.items() if parameter.configurable}
    for key, value in node.config.items():
        if key in configurable:
            schema = node_type.parameters[key].schema_
            violation = None if _has_secret(value) else first_violation(php_empty(value, schema), schema)
            if violation is not None:
                message = f"The setting {key!r} of node {node.id!r} {violation[1]}."
                hint = _closest(report, value, schema) if violation[0] == "enum" else None
                report.error("R6_CONFIG_INVALID", message, f"node.{node.id}.config.{key}", *_place(node, key), hint=hint)
        elif key not in RESERVED_CONFIG:
            message = f"Node {node.id!r} ({node_type.id}) has no setting {key!r}; it is ignored."
            hint = report.suggest(key, configurable)
            report.warn("R6_CONFIG_UNKNOWN", message, f"node.{node.id}.config.{key}", *_place(node, key), hint=hint)


def _check_dynamic_ports(report: Report, node: Node, node_type: NodeType) -> None:
    """Refuse names of author-defined ports that are malformed, reserved or used twice on the node (DYN-3)."""
    seen: set[str] = set()
    for key, opted_in in (("dynamicInputs", node_type.dynamic_inputs), ("dynamicOutputs", node_type.dynamic_outputs)):
        stored = node.config.get(key) if opted_in else None
        for entry in stored.values() if isinstance(stored, Mapping) else stored if isinstance(stored, list) else ():
            name = entry.get("name") if isinstance(entry, Mapping) else None
            problem = "may not be used" if not is_dynamic_name(name) else "is used twice" if name in seen else ""
            if problem:
                message = f"The port name {str(name)[:80]!r} of node {node.id!r} {problem}."
                hint = "Use a letter, then letters, digits and '_'; names like 'input' or 'trigger' are FlowDrop's own."
                report.error("DYN_PORT_NAME", message, f"node.{node.id}.config.{key}", *_place(node, key), hint=hint)
            seen.add(str(name))


def _closest(report: Report, value: Any, schema: Mapping[str, Any]) -> str | None:
    names = [item for item in schema.get("enum", []) if isinstance(item, str)]
    return report.suggest(value, names) if isinstance(value, str) else None


def _has_secret(value: Any) -> bool:
    return isinstance(value, str) and "${{" in value


def _looks_like_secret(value: Any) -> bool:
    if isinstance(value, str):
        return "{{ secrets." in value.replace("${{ secrets.", "")
    if isinstance(value, Mapping):
        return any(_looks_like_secret(item) for item in value.values())
    return isinstance(value, list) and any(_looks_like_secret(item) for item in value)


def _warn_secret(report: Report, node: Node, key: str) -> None:
    report.warn(
        "R6_SECRET_SYNTAX",
        f"The setting {key!r} of node {node.id!r} looks like a secret reference without its dollar sign.",
        f"node.{node.id}.config.{key}",
        *_place(node, key),
        hint="Write ${{ secrets.NAME }}.",
    )


def _check_expressions(report: Report, node: Node, node_type: NodeType, check: ExpressionCheck) -> None:
    for path, problem in check(node_type.processor, node.config):
        keys = path.split(".")
        place = tuple(int(key) if key.isdigit() else key for key in keys)
        message = f"The setting {path!r} of node {node.id!r} is no valid expression: {problem}"
        report.error(
            "R11_EXPRESSION_INVALID", message, f"node.{node.id}.config.{keys[0]}", "nodes", node.index, "data", "config", *place
        )
