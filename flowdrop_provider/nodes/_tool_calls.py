"""Calling tools for a model: what it is shown, how its arguments are read, and one result per call id (RT-TOOL-1..10).

The engine knows which nodes are wired as tools and how to run one; it gives them to a node as ``world.extras["tools"]``.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flowdrop_provider.document.exposure import exposed_input, overrides
from flowdrop_provider.document.node_types import NodeType
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._messages import call_id, content_text
from flowdrop_provider.nodes._php.jsons import json_decode
from flowdrop_provider.nodes.api import NodeContext, Outputs

__all__ = ["Outcome", "Tool", "ToolSet", "ToolSource", "call_once", "normalized_arguments", "tool_schema", "tools_of"]

#: Character references may be written inside others; no honest argument needs more rounds.
_MAX_UNESCAPES = 8
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as a model sees it.

    :ivar schema: JSON Schema of the arguments a model may fill (see :func:`tool_schema`).
    :ivar run: executes the tool's node with these arguments and returns its exposed outputs; raises ``NodeError``.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    run: Callable[[Mapping[str, Any]], Outputs]


class ToolSource(Protocol):
    """The run's tools, by the node that consumes them."""

    def tools(self, node_id: str) -> Sequence[Tool]:
        """Return the leaf tools wired to a node, in drawing order; ``[]`` for none (DATA-12)."""
        ...

    def results(self) -> MutableMapping[str, dict[str, Any]]:
        """Return the results of this run's calls by call id; it lives as long as the run (RT-TOOL-9)."""
        ...


@dataclass(frozen=True, slots=True)
class ToolSet:
    """The tools of one consumer by name, and the results so far."""

    tools: Mapping[str, Tool]
    results: MutableMapping[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one call: ``result`` is ``{success, data, error}``, with ``artifacts`` only where there are some."""

    name: str
    identity: str | None
    result: dict[str, Any]
    repeated: bool = False

    def message(self) -> dict[str, Any]:
        """Return the ``tool`` message that answers the call."""
        content = content_text(self.result["data"]) if self.result["success"] else str(self.result["error"])
        message = {"role": "tool", "name": self.name, "content": content}
        return {**message, "tool_call_id": self.identity} if self.identity else message

    def artifacts(self) -> list[dict[str, Any]]:
        """Return the artifacts with the id of their call (RT-TOOL-3)."""
        return [{**artifact, "tool_call_id": self.identity} for artifact in self.result.get("artifacts", ())]


def tools_of(context: NodeContext) -> ToolSet:
    """Return the tools wired to this node; without an engine that gives any there are none."""
    source: ToolSource | None = context.world.extras.get("tools")
    if source is None:
        return ToolSet({}, {})
    return ToolSet({tool.name: tool for tool in source.tools(context.node_id)}, source.results())


def tool_schema(node_type: NodeType, config: Mapping[str, Any], wired: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the JSON Schema of what a model may fill: exposed ports that neither the author nor an edge fixed (DATA-11)."""
    chosen = overrides(config, "inputs")
    open_ports = {
        name: parameter
        for name, parameter in node_type.parameters.items()
        if parameter.connectable
        and not parameter.internal
        and name not in wired
        and name != "tool"
        and config.get(name) in (None, "")
        and exposed_input(node_type, name, chosen)
    }
    required = [
        name for name, parameter in open_ports.items() if parameter.required or parameter.schema_.get("required") is True
    ]
    properties = {
        name: {key: value for key, value in parameter.schema_.items() if key != "required"}
        for name, parameter in open_ports.items()
    }
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def normalized_arguments(arguments: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's arguments as values (RT-TOOL-8).

    Character references are decoded until none is left; a text is read as JSON only where the schema wants a list or an
    object and the text holds one. Keys stay as they are.
    """
    given = json_decode(arguments) if isinstance(arguments, str) else arguments
    properties = schema.get("properties")
    declared = properties if isinstance(properties, Mapping) else {}
    return {
        name: _shaped(_unescaped(value, 0), declared.get(name))
        for name, value in (given.items() if isinstance(given, Mapping) else ())
    }


def _unescaped(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise NodeError("The arguments are nested too deeply.", code="too_deep")
    if isinstance(value, Mapping):
        return {key: _unescaped(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_unescaped(item, depth + 1) for item in value]
    if not isinstance(value, str):
        return value
    for _ in range(_MAX_UNESCAPES):
        plain = html.unescape(value)
        if plain == value:
            break
        value = plain
    return value


def _shaped(value: Any, fragment: Any) -> Any:
    kinds = fragment.get("type") if isinstance(fragment, Mapping) else None
    names = {kinds} if isinstance(kinds, str) else set(kinds) if isinstance(kinds, list) else set()
    if not isinstance(value, str) or "string" in names:
        return value
    parsed = json_decode(value)
    fits = (isinstance(parsed, list) and "array" in names) or (isinstance(parsed, Mapping) and "object" in names)
    return parsed if fits else value


def call_once(tools: ToolSet, call: Mapping[str, Any], context: NodeContext) -> Outcome:
    """Run a call, or give the stored result of an earlier one with its id; failures are results, never raised (ERR-9)."""
    name, identity = str(call["name"]).strip(), call_id(call)
    if identity is not None and identity in tools.results:
        return Outcome(name, identity, tools.results[identity], repeated=True)
    arguments = call.get("args", call.get("arguments"))
    outcome = Outcome(name, identity, _result(tools.tools.get(name), name, arguments, context))
    if identity is not None:
        tools.results[identity] = outcome.result
    return outcome


def _result(tool: Tool | None, name: str, arguments: Any, context: NodeContext) -> dict[str, Any]:
    """Run the tool; an unknown one is answered to the model as an error, since the model made the mistake."""
    if tool is None:
        return {"success": False, "data": None, "error": f"There is no tool {name!r}."}
    try:
        data = dict(tool.run(normalized_arguments(arguments, tool.schema)))
    except NodeError as error:
        context.world.log.info("The tool %s failed: %s", name, error.message)
        return {"success": False, "data": None, "error": error.message}
    artifacts = [item for item in _listed(data.pop("artifacts", None)) if _is_artifact(item)]
    result = {"success": True, "data": data, "error": None}
    return {**result, "artifacts": artifacts} if artifacts else result


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_artifact(item: Any) -> bool:
    """Return whether an entry is ``{type, payload}`` (RT-TOOL-2)."""
    if not isinstance(item, Mapping) or "payload" not in item or not isinstance(item.get("type"), str) or not item["type"]:
        return False
    try:
        json.dumps(item["payload"], allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
