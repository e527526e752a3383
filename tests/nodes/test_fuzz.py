"""Any JSON in gives JSON or a node-level error out, in bounded time, for every pure processor and those of the stores."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowdrop_provider.engine.parameters import resolve
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.texts import Utf8Fragment
from flowdrop_provider.nodes.api import Interrupt, NodeContext, Processor, StopRun
from flowdrop_provider.nodes.memory_store import InProcessMemory
from flowdrop_provider.nodes.registry import all_processors
from flowdrop_provider.nodes.world import World

#: Nodes of the memory store are fuzzed like pure ones: each example gets a store of its own.
_STORES = {"conversation", "memory", "people", "vectors"}
PROCESSORS = [item for item in all_processors() if item.pure or item.function.__module__.rpartition(".")[2] in _STORES]

WORDS = [
    "",
    "0",
    "1",
    "-1",
    "a",
    "1e5",
    "é",
    "\ud800",
    "/a/i",
    "(",
    "x=1",
    "<a>x</a>",
    "a,b\n1,2",
    '{"a":1}',
    "desc",
    "filter",
    "sort",
    "group",
    "map",
    "reduce",
    "unique",
    "slice",
    "merge",
    "json",
    "xml",
    "yaml",
    "csv",
    "key_value",
    "median",
    "mode",
    "power",
    "min",
    "divide",
    "sqrt",
    "head",
    "tail",
    "select",
    "aggregate",
    "columns",
    "split",
    "index",
    "words",
    "characters",
    "sentences",
    "regex",
    "contains",
    "ends_with",
    "regex_match",
    "greater_than",
    "custom",
    "- &a [*a]",
    "Y-m-d",
]
atoms = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=8)
)
names = st.sampled_from(
    ["a", "b", "0", "1", "-1", "", "name", "value", "condition", "data", "columns", "index", "required", "type"]
)
json_values = st.recursive(
    atoms, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)


def is_json(value: Any) -> bool:
    """Return whether every key is a text and every leaf a JSON scalar.

    INF, NAN and half characters are the engine's to refuse (ERR-6).
    """
    if isinstance(value, dict):
        return all(type(key) is str and is_json(item) for key, item in value.items())
    if type(value) is list:
        return all(map(is_json, value))
    return value is None or type(value) in (str, int, float, bool, Utf8Fragment)


def run(processor: Processor, config: dict[str, Any], inputs: dict[str, Any]) -> Any:
    extras = {"memory": InProcessMemory()}
    world = World(now=lambda: dt.datetime(2025, 1, 15, tzinfo=dt.timezone.utc), session_id="s", user_id="7", extras=extras)
    try:
        params = resolve(processor.node_type, config, inputs)
        return processor.function(params, NodeContext("n", inputs=inputs, config=config, world=world))
    except (NodeError, StopRun, Interrupt) as raised:
        return getattr(raised, "outputs", {})


@pytest.mark.parametrize("processor", PROCESSORS, ids=lambda item: item.id)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_json_gives_json_or_a_node_error(processor: Processor, data: st.DataObject) -> None:
    bags = st.fixed_dictionaries({}, optional=dict.fromkeys(processor.node_type.parameters, json_values))
    config, inputs = data.draw(bags), data.draw(bags)
    config.pop("delay", None)
    begin = time.process_time()
    assert is_json(run(processor, config, inputs))
    assert time.process_time() - begin < 2


def nested(depth: int, *, as_list: bool) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if as_list else {"a": value}
    return value


@pytest.mark.parametrize("processor", PROCESSORS, ids=lambda item: item.id)
@pytest.mark.parametrize("depth", [90, 400, 900])
@pytest.mark.parametrize("as_list", [True, False])
def test_deep_values_end_in_json_or_a_node_error(processor: Processor, depth: int, as_list: bool) -> None:
    deep = nested(depth, as_list=as_list)
    for operation in (
        "filter",
        "sort",
        "unique",
        "reduce",
        "json",
        "xml",
        "yaml",
        "csv",
        "min",
        "median",
        "aggregate",
        "equals",
    ):
        inputs = {name: [{"a": deep}, {"a": deep}] for name in processor.node_type.parameters}
        for name in ("operation", "format", "operator", "maxIterations", "delay"):
            inputs.pop(name, None)
        config = {
            "operation": operation,
            "format": operation,
            "operator": operation,
            "key": "a",
            "columns": ["a"],
            "value": deep,
        }
        assert isinstance(run(processor, config, inputs), dict)
