"""Parameter resolution: what a processor gets to see (CFG-3..17, DYN-4..7, EXPO-10).

Per declared parameter: a value delivered at run time, else the author's configuration, else the effective default. Presence
of the key decides at every level, so an explicit null wins over everything below it (CFG-7).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowdrop_provider.document.exposure import exposed_input, overrides
from flowdrop_provider.document.node_type_files import php_empty
from flowdrop_provider.document.node_types import NodeType, Parameter, is_dynamic_name
from flowdrop_provider.document.schemas import first_violation
from flowdrop_provider.errors import NodeError

__all__ = ["dynamic_ports", "resolve", "unpack_bundle"]


def dynamic_ports(node_type: NodeType, config: Mapping[str, Any], which: str) -> list[dict[str, Any]]:
    """Return the author's port definitions of ``dynamicInputs`` or ``dynamicOutputs``, malformed ones left out.

    Without the node type's opt-in there are none (DYN-1, DYN-7); an empty or reserved name is skipped (DYN-3, CFG-15).
    """
    parameter = node_type.parameters.get(which)
    if parameter is None or not parameter.configurable:
        return []
    stored = config.get(which, parameter.effective_default)
    entries = list(stored.values()) if isinstance(stored, Mapping) else stored
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, dict) and is_dynamic_name(entry.get("name"))]


def unpack_bundle(node_type: NodeType, delivered: Mapping[str, Any], dynamic: set[str]) -> dict[str, Any]:
    """Return the delivered values with the unified ``input`` port unpacked beneath the individual wires (CFG-16).

    A value that is not an object stays under the key ``input``; of an object only keys that name a connectable or internal
    parameter or a dynamic input are kept.
    """
    bundle = delivered.get("input")
    if "input" in node_type.parameters or not isinstance(bundle, Mapping):
        return dict(delivered)
    kept = {name: value for name, value in bundle.items() if name in dynamic or _takes_wire(node_type.parameters.get(name))}
    return {**kept, **{name: value for name, value in delivered.items() if name != "input"}}


def _takes_wire(parameter: Parameter | None) -> bool:
    return parameter is not None and (parameter.connectable or parameter.internal)


def resolve(node_type: NodeType, config: Mapping[str, Any], delivered: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resolved parameters: every declared one and every dynamic input, in that order (CFG-13, CFG-14).

    :param config: the author's configuration, secrets already substituted.
    :param delivered: values by input port, as the edges and the initial data left them.
    :raises NodeError: ``missing_parameter`` (CFG-9) or ``invalid_parameter`` (CFG-10), naming the parameter.
    """
    dynamic = [entry["name"] for entry in dynamic_ports(node_type, config, "dynamicInputs")]
    values = unpack_bundle(node_type, delivered, set(dynamic))
    chosen = overrides(config, "inputs")
    resolved = {
        name: _resolve_one(node_type, parameter, config, values, chosen) for name, parameter in node_type.parameters.items()
    }
    for name in dynamic:
        resolved.setdefault(name, values.get(name))
    _check(node_type, resolved)
    return resolved


def _resolve_one(
    node_type: NodeType,
    parameter: Parameter,
    config: Mapping[str, Any],
    values: Mapping[str, Any],
    chosen: Mapping[str, bool],
) -> Any:
    name = parameter.name
    if name in values and (parameter.internal or (parameter.connectable and exposed_input(node_type, name, chosen))):
        return values[name]
    if not parameter.internal and parameter.configurable and name in config:
        return php_empty(config[name], parameter.schema_)
    return php_empty(parameter.effective_default, parameter.schema_)


def _check(node_type: NodeType, resolved: Mapping[str, Any]) -> None:
    missing = next((name for name, item in node_type.parameters.items() if item.required and resolved[name] is None), None)
    if missing is not None:
        raise NodeError(
            f"The required parameter {missing!r} has no value.",
            code="missing_parameter",
            details={"parameter": missing},
            hint="Wire the port, set it in the node's configuration, or give it a default.",
        )
    for name, parameter in node_type.parameters.items():
        violation = first_violation(resolved[name], parameter.schema_, formats=True)
        if violation is not None:
            constraint, sentence = violation
            raise NodeError(
                f"The parameter {name!r} {sentence}.",
                code="invalid_parameter",
                details={"parameter": name, "constraint": constraint},
            )
