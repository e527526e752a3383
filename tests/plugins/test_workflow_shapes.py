"""Workflows and node types as the editor can draw them."""

from __future__ import annotations

import pytest

from flowdrop_provider.document.normalise import read_workflow
from flowdrop_provider.nodes.registry import shipped_catalogue
from flowdrop_provider.plugins.api.drawings import Drawing
from flowdrop_provider.plugins.api.shapes.nodes import categories, data_type, node_metadata, port_config
from flowdrop_provider.plugins.api.shapes.workflows import workflow_from_document, workflow_from_drawing
from tests.flows import flow, node
from tests.integration.scenarios import BRANCH
from tests.plugins.views import drawing, line

FACTS = {"createdAt": "2026-03-01T12:00:00+00:00", "updatedAt": "2026-03-01T12:00:00+00:00", "dag_id": "flowdrop_flow"}


def shown(document, **extra):
    return workflow_from_document(read_workflow({**document, **extra}, path="x"), shipped_catalogue(), FACTS)


def assert_drawable(workflow):
    """What the editor needs, or it draws nothing (measured)."""
    ports = {}
    for item in workflow["nodes"]:
        assert item["type"] == "universalNode"
        assert item["data"]["nodeId"] == item["id"]
        assert set(item["position"]) == {"x", "y"}
        metadata = item["data"]["metadata"]
        for side in ("inputs", "outputs"):
            assert isinstance(metadata[side], list)
            ports |= {(item["id"], side[:-1], port["id"]): True for port in metadata[side]}
        for name, side in (("branches", "output"), ("dynamicInputs", "input"), ("dynamicOutputs", "output")):
            entries = item["data"]["config"].get(name)
            ports |= (
                {(item["id"], side, entry["name"]): True for entry in entries if isinstance(entries, list)} if entries else {}
            )
    for item in workflow["edges"]:
        assert item["id"]
        assert (item["source"], "output", item["sourceHandle"].removeprefix(f"{item['source']}-output-")) in ports
        assert (item["target"], "input", item["targetHandle"].removeprefix(f"{item['target']}-input-")) in ports


@pytest.mark.rule("STORE-14")
def test_a_workflow_has_the_published_keys_in_their_order():
    plain = shown(BRANCH)
    declared = shown(BRANCH, input_ports=[{"name": "m", "node_id": "chat_input.1", "port": "message"}])

    assert list(plain) == ["id", "name", "description", "nodes", "edges", "metadata", "created", "changed", "uid"]
    assert list(declared) == [
        "id",
        "name",
        "description",
        "nodes",
        "edges",
        "metadata",
        "interface",
        "created",
        "changed",
        "uid",
    ]


def test_the_editor_can_draw_every_node_and_edge():
    found = shown(BRANCH)

    assert_drawable(found)
    assert len(found["nodes"]) == len(BRANCH["nodes"])
    gate = next(item for item in found["nodes"] if item["id"] == "if_else.1")
    assert gate["data"]["config"]["matchText"] == "yes"


def test_a_drawing_alone_can_be_drawn_too():
    picture = drawing("if_else.1", "nobody_knows.1", edges=(line("if_else.1", "True", "nobody_knows.1", target_port="odd"),))
    found = workflow_from_drawing(picture, FACTS)

    assert_drawable(found)
    assert found["metadata"]["partial"] is True
    assert workflow_from_drawing(Drawing({}), FACTS)["id"] == "flowdrop_flow"


def test_layout_label_and_extensions_come_back_as_they_were_drawn():
    item = node("text_output.1", label="Say it") | {"position": {"x": -12.5, "y": 3}, "measured": {"width": 200, "height": 90}}
    item["data"]["extensions"] = {"ui": {"hideUnconnectedHandles": True}}
    found = shown(flow("f", [item]))["nodes"][0]

    assert found["position"] == {"x": -12.5, "y": 3}
    assert found["measured"] == {"width": 200, "height": 90}
    assert found["data"]["label"] == "Say it"
    assert found["data"]["extensions"] == {"ui": {"hideUnconnectedHandles": True}}


@pytest.mark.parametrize("node_type", list(shipped_catalogue()), ids=lambda item: item.id)
def test_a_node_type_has_what_the_palette_reads(node_type):
    found = node_metadata(node_type)
    kinds = {entry["id"] for entry in port_config()["dataTypes"]}

    assert found["id"] == node_type.id
    assert found["name"]
    for port in [*found["inputs"], *found["outputs"]]:
        assert port["dataType"] in kinds
    assert len({port["id"] for port in found["inputs"]}) == len(found["inputs"])
    forms = {"string", "number", "boolean", "array", "object", "integer"}
    assert all(entry["type"] in forms for entry in found["configSchema"]["properties"].values())
    assert set(found["config"]) == set(found["configSchema"]["properties"])
    assert found["category"] in {entry["name"] for entry in categories(shipped_catalogue())}


@pytest.mark.rule("META-1")
def test_categories_are_those_that_node_types_have():
    found = categories(shipped_catalogue())

    assert {entry["name"] for entry in found} == {item.category for item in shipped_catalogue() if item.category}
    assert [entry["weight"] for entry in found] == sorted(entry["weight"] for entry in found)
    for entry in found:
        assert {"name", "label", "icon", "color", "description"} <= entry.keys()
        assert entry["name"] == entry["name"].lower()
        assert " " not in entry["name"]
    assert categories([]) == []


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, "mixed"),
        ({"type": "integer"}, "number"),
        ({"type": ["string", "null"]}, "string"),
        ({"type": ["string", "array"]}, "mixed"),
        ({"type": "object"}, "json"),
        ({"type": "unheard_of"}, "mixed"),
    ],
)
def test_a_schema_s_port_type(schema, expected):
    assert data_type(schema) == expected
