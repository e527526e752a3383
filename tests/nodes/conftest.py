from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from flowdrop_provider.nodes.api import NodeContext
from flowdrop_provider.nodes.registry import get_processor


def _run(
    processor_id: str, config: Mapping[str, Any] | None = None, inputs: Mapping[str, Any] | None = None, **context: Any
) -> dict[str, Any]:
    """Run one processor with its parameters resolved by flags: inputs, then config, then defaults."""
    processor = get_processor(processor_id)
    assert processor is not None, processor_id
    config, inputs = config or {}, inputs or {}
    params: dict[str, Any] = {}
    for name, parameter in processor.node_type.parameters.items():
        params[name] = parameter.effective_default
        if parameter.configurable and name in config:
            params[name] = config[name]
        if parameter.connectable and name in inputs:
            params[name] = inputs[name]
    for port in config.get("dynamicInputs") or []:
        params.setdefault(port["name"], inputs.get(port["name"]))
    return processor.function(params, NodeContext(node_id="node.1", config=config, inputs=inputs, **context))


@pytest.fixture
def run_node() -> Callable[..., dict[str, Any]]:
    return _run
