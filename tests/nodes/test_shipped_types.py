"""Our declarations against the node types of a FlowDrop 2.3.0 site: same ports, same settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowdrop_provider.nodes.registry import shipped_catalogue

SHARED = Path(os.environ.get("FLOWDROP_SHARED", Path(__file__).parents[3] / "shared"))
TYPES = SHARED / "exports" / "site-a" / "node_types"
PREFIX = "flowdrop_node_type.flowdrop_node_type."
#: Types that a site derives from its own plugins and workflows, one per workflow; the site's files declare them.
DERIVED = ("aincient_", "flowdrop_workflow_executor_")
NAMES = sorted(
    name
    for path in TYPES.glob(f"{PREFIX}*.yml")
    if not (name := path.name.removeprefix(PREFIX).removesuffix(".yml")).startswith(DERIVED)
)
#: Every other stock node of the reference, which neither the 2.3.0 site nor the first generation's folder has as a file.
OTHERS = [
    "a_or_b", "boolean_gateway", "chat", "eca_action", "eca_condition", "eca_trigger", "entity_context", "event_trigger",
    "iterator_start", "loop_executor", "manual_trigger", "openai_chat_executor", "reason", "scheduled_trigger",
    "simple_chat", "stop", "tool_invoke", "toolbox", "webhook_trigger",
]  # fmt: skip
FIRST_GENERATION = SHARED / "exports" / "node-types-1.x"
#: Declared by the site, but nothing tells what they carry.
UNKNOWN_OUTPUTS = {("chat_output", "metadata")}


def _site_type(name: str) -> dict[str, Any]:
    path = TYPES / f"flowdrop_node_type.flowdrop_node_type.{name}.yml"
    if not path.is_file():
        pytest.skip(f"no {path.name} below {TYPES}; set FLOWDROP_SHARED")
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


@pytest.mark.skipif(not NAMES, reason=f"no node types below {TYPES}; set FLOWDROP_SHARED")
def test_every_stock_node_is_in_the_catalogue() -> None:
    first = {yaml.safe_load(path.read_text())["id"] for path in FIRST_GENERATION.glob("*flowdrop_node_type*.yml")}
    wanted = {*NAMES, *OTHERS, *first}
    assert len(NAMES) > 55
    assert len(first) > 30
    assert wanted - set(shipped_catalogue().ids()) == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_port_and_setting_of_the_site_exists(name: str) -> None:
    site, ours = _site_type(name), shipped_catalogue().get(name)
    assert ours is not None
    for parameter, flags in (site["parameters"] or {}).items():
        if parameter.startswith("__"):
            continue  # What the runtime injects is no port and no setting; ours comes with the context.
        declared = ours.parameters.get(parameter)
        assert declared is not None, f"{name} has no parameter {parameter}"
        assert declared.connectable or not flags["connectable"], f"{name}.{parameter} must be a port"
        assert declared.configurable or not flags["configurable"], f"{name}.{parameter} must be a setting"
    missing = {
        output for output in site["outputs"] or {} if output not in ours.outputs and (name, output) not in UNKNOWN_OUTPUTS
    }
    assert not missing


@pytest.mark.parametrize("name", NAMES)
def test_the_drawing_looks_the_same(name: str) -> None:
    site, ours = _site_type(name), shipped_catalogue().get(name)
    assert ours is not None
    assert site["visual_type"] in ours.supported_visual_types
    assert set(site["supported_visual_types"]) <= set(ours.supported_visual_types)
