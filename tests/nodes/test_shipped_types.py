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
NAMES = [
    "a_or_b", "boolean_gateway", "calculator", "chat_input", "chat_output", "data_operations", "data_to_dataframe",
    "dataframe_operations", "date_time", "http_request", "idea", "if_else", "message_to_data", "note", "split_text",
    "switch_gateway", "text_input", "text_output", "trigger",
]  # fmt: skip
#: Declared by the site, but nothing tells what they carry.
UNKNOWN_OUTPUTS = {("chat_output", "metadata")}


def _site_type(name: str) -> dict[str, Any]:
    path = TYPES / f"flowdrop_node_type.flowdrop_node_type.{name}.yml"
    if not path.is_file():
        pytest.skip(f"no {path.name} below {TYPES}; set FLOWDROP_SHARED")
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


@pytest.mark.parametrize("name", NAMES)
def test_every_port_and_setting_of_the_site_exists(name: str) -> None:
    site, ours = _site_type(name), shipped_catalogue().get(name)
    assert ours is not None
    for parameter, flags in (site["parameters"] or {}).items():
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
