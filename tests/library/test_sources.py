"""Reading shapes, and a folder that holds more than workflows."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from flowdrop_provider.document.exports import read_exports
from flowdrop_provider.library.cache import OutlineCache
from flowdrop_provider.library.sources import Library
from tests.flows import chain, flow, node, write

FLOW = chain("f", 2)


@pytest.mark.parametrize(
    "wrapped",
    [
        FLOW,
        {"success": True, "data": FLOW, "message": ""},
        {"success": True, "data": [FLOW]},
        [FLOW],
        {"format": "flowdrop.bundle/v1", "payload": {"flow": FLOW, "node_types": {}}},
        {**FLOW, "nodes": {str(index): item for index, item in enumerate(FLOW["nodes"])}, "metadata": [], "input_ports": {}},
    ],
    ids=["plain", "envelope", "list in envelope", "list", "bundle", "PHP map"],
)
def test_every_shape_reads_alike(wrapped: Any, tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(json.dumps(wrapped))
    (loaded,) = read_exports(tmp_path / "f.json").workflows
    assert [item.id for item in loaded.workflow.nodes] == ["text_input.1", "text_processor.1"]
    assert loaded.workflow.edges[0].target_handle == "text_processor.1-input-text"


def test_php_and_yaml_oddities(tmp_path: Path) -> None:
    odd = {"id": 5, "data": {"config": [], "metadata": {"node_type_id": "text_input"}}, "position": {"x": "7", "y": 8}}
    bare = {
        "id": 1,
        "source": 5,
        "target": "b",
        "sourceHandle": "text",
        "targetHandle": "text",
        "data": {"metadata": {"edgeType": "tool"}},
    }
    (tmp_path / "f.json").write_text(json.dumps({"id": "f", "nodes": [odd, {"id": "b"}], "edges": [bare]}))
    workflow = read_exports(tmp_path / "f.json").workflows[0].workflow
    assert (workflow.nodes[0].id, workflow.nodes[0].config, workflow.nodes[0].position.x) == ("5", {}, 7.0)
    assert (workflow.edges[0].source_handle, workflow.edges[0].type_hint) == ("5-output-text", "tool")
    (tmp_path / "g.yml").write_text(
        "id: g\nnodes:\n  - id: a\n    position: {x: 1, y: 2}\n    data: {label: yes, config: {}}\nedges: {}\n"
    )
    read = read_exports(tmp_path / "g.yml").workflows[0].workflow.nodes[0]
    assert (read.position.y, read.label) == (2.0, "yes")


def test_a_configuration_export_is_read_for_its_workflows_only(tmp_path: Path) -> None:
    write(tmp_path, FLOW)
    (tmp_path / "flowdrop_trigger.settings.yml").write_text("enabled: true\n")
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "broken.json").write_text("{")
    shelves = list(Library(tmp_path).all())
    assert [shelf.outline.workflow_id for shelf in shelves if shelf.outline] == ["f"]
    assert [shelf.error.code for shelf in shelves if shelf.error] == ["DOC_MALFORMED"]
    assert next(Library(tmp_path / "package.json").all()).error.code == "DOC_NOT_A_WORKFLOW"


def test_a_zip_of_a_site(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as archive:
        archive.writestr("sync/f.json", json.dumps(FLOW))
        archive.writestr("sync/core.extension.yml", "module: {}")
        archive.writestr("sync/g.json", json.dumps(flow("g", [node("text_input.1")])))
    assert {item.workflow.id for item in read_exports(tmp_path / "site.zip").workflows} == {"f", "g"}


@pytest.mark.parametrize("place", ["../beside/other", "{absolute}", "sub/../../beside/other"])
def test_a_workflow_that_another_one_asks_for_is_looked_for_in_its_folder_only(tmp_path: Path, place: str) -> None:
    beside = tmp_path / "beside" / "other"
    wanted = place.format(absolute=beside)
    write(tmp_path / "exports", FLOW)
    (tmp_path / "exports" / "sub").mkdir()
    beside.parent.mkdir()
    beside.with_suffix(".json").write_text(json.dumps({**FLOW, "id": wanted}))
    asked: list[str] = []

    def is_wanted(name: str) -> bool:
        asked.append(name)
        return name == wanted

    assert Library(tmp_path / "exports").one(is_wanted, [wanted]) is None
    assert wanted not in asked, "the file outside was read"


def test_a_file_name_that_is_no_text_makes_one_odd_file(tmp_path: Path) -> None:
    write(tmp_path, FLOW)
    (tmp_path / os.fsdecode(b"\xff.json")).write_text("[")
    shelves = list(Library(tmp_path, cache=OutlineCache(tmp_path / "cache")).all())
    assert [shelf.outline.workflow_id for shelf in shelves if shelf.outline] == ["f"]
    assert [str(shelf.error).isascii() for shelf in shelves if shelf.error] == [True]
