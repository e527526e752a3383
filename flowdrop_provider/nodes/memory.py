"""Memory: values that outlive a node, a run or a session."""

from __future__ import annotations

from typing import Any

from flowdrop_provider.document.node_types import Output
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.values import is_numeric, to_float
from flowdrop_provider.nodes._scopes import SCOPES, explicit_place, place_of
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.memory_store import MISSING, Place, memory_of

__all__ = ["memory_delete", "memory_delete_raw", "memory_read", "memory_read_raw", "memory_write", "memory_write_raw"]

_KEY = param("key", connectable=True, required=True, title="Key")
_SCOPE = param("scope", "string", configurable=True, default="global", enum=SCOPES, title="Scope")
_RAW_SCOPE = param("scope", "string", connectable=True, required=True, title="Scope")
_RAW_ID = param("scope_id", connectable=True, default="", title="Scope id")
_DEFAULT = param("default_value", configurable=True, connectable=True, title="Value when there is none")
_VALUE = param("value", connectable=True, required=True, title="Value")
_TTL = param("ttl", configurable=True, default=0, title="Time to live", description="Seconds; 0 keeps the value for ever.")
_MODULE: dict[str, Any] = {"category": "memory", "module": "flowdrop_memory", "runs": "store"}
_CHANGES: dict[str, Any] = {**_MODULE, "side_effects": True, "confirmation": {"policy": "skip"}}


def _outputs(*shown: Output, resolved: bool) -> list[Output]:
    """Return the visible outputs and the address as hidden ones; ``resolved`` adds the id the execution gave."""
    names = ("key", "scope", "resolved_scope_id") if resolved else ("key", "scope")
    return [*shown, *(output(name, "string", always_hidden=True) for name in names)]


def _address(place: Place | None, params: Params) -> Outputs:
    """Return the hidden outputs; a refused scope reports an empty id (MEM-7)."""
    return {"key": params["key"], "scope": params["scope"], "resolved_scope_id": place.scope_id if place else ""}


def _read(place: Place | None, params: Params, context: NodeContext) -> Outputs:
    value = memory_of(context.world).get(place) if place else MISSING
    found = value is not MISSING
    return {"value": value if found else params["default_value"], "found": found, **_address(place, params)}


def _seconds(ttl: Any) -> float:
    if ttl is not None and (isinstance(ttl, bool) or not is_numeric(ttl) or not 0 <= to_float(ttl) < float("inf")):
        raise NodeError("The time to live must be a number of seconds, 0 or more.", code="invalid_parameter")
    return 0.0 if ttl is None else to_float(ttl)


def _write(place: Place | None, params: Params, context: NodeContext) -> Outputs:
    seconds = _seconds(params["ttl"])
    if place:
        memory_of(context.world).put(place, params["value"], seconds)
    return {"success": place is not None, **_address(place, params)}


def _delete(place: Place | None, params: Params, context: NodeContext) -> Outputs:
    if place:
        memory_of(context.world).delete(place)
    return {"success": place is not None, **_address(place, params)}


def _explicit(params: Params, context: NodeContext) -> Place | None:
    return explicit_place(context, params["scope"], params["scope_id"], params["key"])


@processor(
    "memory_read",
    label="Memory Read",
    description="Reads a value from memory; the run tells whose memory it is.",
    parameters=[_KEY, _SCOPE, _DEFAULT],
    outputs=_outputs(output("value"), output("found", "boolean"), resolved=True),
    **_MODULE,
)
def memory_read(params: Params, context: NodeContext) -> Outputs:
    """Return the value and true, or the default and false; so too where the scope refuses (MEM-6, MEM-7, MEM-13)."""
    return _read(place_of(context, params["scope"] or "global", params["key"]), params, context)


@processor(
    "memory_write",
    label="Memory Write",
    description="Keeps a value in memory; the run tells whose memory it is.",
    parameters=[_KEY, _VALUE, _SCOPE, _TTL],
    outputs=_outputs(output("success", "boolean"), resolved=True),
    **_CHANGES,
)
def memory_write(params: Params, context: NodeContext) -> Outputs:
    """Keep the value; ``success`` is false where the scope refuses (MEM-7).

    :raises NodeError: ``not_json``, ``value_too_large``, ``invalid_key`` or ``invalid_parameter``.
    """
    return _write(place_of(context, params["scope"] or "global", params["key"]), params, context)


@processor(
    "memory_delete",
    label="Memory Delete",
    description="Forgets a value in memory; the run tells whose memory it is.",
    parameters=[_KEY, _SCOPE],
    outputs=_outputs(output("success", "boolean"), resolved=True),
    **_CHANGES,
)
def memory_delete(params: Params, context: NodeContext) -> Outputs:
    """Forget the value, there or not; ``success`` is false only where the scope refuses (MEM-7)."""
    return _delete(place_of(context, params["scope"] or "global", params["key"]), params, context)


@processor(
    "memory_read_raw",
    label="Memory Read (Explicit)",
    description="Reads a value from memory by scope and scope id.",
    parameters=[_KEY, _RAW_SCOPE, _RAW_ID, _DEFAULT],
    outputs=_outputs(output("value"), output("found", "boolean"), resolved=False),
    **_MODULE,
)
def memory_read_raw(params: Params, context: NodeContext) -> Outputs:
    """Return the value and true, or the default and false; a user or session scope needs an id (MEM-6, MEM-13)."""
    return _read(_explicit(params, context), params, context)


@processor(
    "memory_write_raw",
    label="Memory Write (Explicit)",
    description="Keeps a value in memory by scope and scope id.",
    parameters=[_KEY, _VALUE, _RAW_SCOPE, _RAW_ID, _TTL],
    outputs=_outputs(output("success", "boolean"), resolved=False),
    **_CHANGES,
)
def memory_write_raw(params: Params, context: NodeContext) -> Outputs:
    """Keep the value; ``success`` is false where the scope refuses (MEM-7)."""
    return _write(_explicit(params, context), params, context)


@processor(
    "memory_delete_raw",
    label="Memory Delete (Explicit)",
    description="Forgets a value in memory by scope and scope id.",
    parameters=[_KEY, _RAW_SCOPE, _RAW_ID],
    outputs=_outputs(output("success", "boolean"), resolved=False),
    **_CHANGES,
)
def memory_delete_raw(params: Params, context: NodeContext) -> Outputs:
    """Forget the value; ``success`` is false where the scope refuses (MEM-7)."""
    return _delete(_explicit(params, context), params, context)
