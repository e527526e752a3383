"""Run a single node outside any workflow: ``flowdrop process``, the golden vectors, generated examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowdrop_provider.document.node_types import NodeTypeCatalogue
from flowdrop_provider.engine.execution import NodeToRun, execute
from flowdrop_provider.engine.gate import GatePolicy
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.api import NodeContext
from flowdrop_provider.nodes.registry import shipped_catalogue
from flowdrop_provider.nodes.world import World

__all__ = ["process_node"]


def process_node(
    node_type_id: str,
    config: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    *,
    world: World | None = None,
    catalogue: NodeTypeCatalogue | None = None,
    initial_data: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the outputs of one node.

    :param node_type_id: id in the catalogue.
    :param config: the author's configuration (PHP's empty list counts as an empty map).
    :param inputs: values by input port.
    :raises NodeError: the node-level error, or ``unknown_node_type``.
    """
    known = catalogue or shipped_catalogue()
    node_type = known.get(node_type_id)
    if node_type is None:
        raise NodeError(f"There is no node type {node_type_id!r}.", code="unknown_node_type")
    node = NodeToRun(node_id=node_type_id, label=node_type.label, node_type=node_type, config=dict(config or {}))
    context = NodeContext(
        node_id=node_type_id,
        node_type_id=node_type_id,
        label=node_type.label,
        workflow_id="process",
        run_id="process",
        inputs=dict(inputs or {}),
        config=node.config,
        initial_data=dict(initial_data or {}),
        world=_by_hand(world or World()),
    )
    execution = execute(node, context)
    if execution.interrupt is not None:
        raise NodeError(f"The node waits: {execution.interrupt.message}", code="interrupted")
    if execution.error is not None:
        failed = execution.error
        raise NodeError(
            failed["message"], code=failed["code"], retryable=failed["retryable"], details=failed.get("details")
        ) from execution.cause
    return execution.outputs


def _by_hand(world: World) -> World:
    """Return the world without the confirmation gate: who runs a single node has decided that it runs."""
    return replace(world, extras={**world.extras, "gate": GatePolicy(by_hand=True)})
