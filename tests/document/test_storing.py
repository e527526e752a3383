"""What is kept of a workflow that an editor sends (STORE-2..8, MAN-20)."""

from __future__ import annotations

import pytest

from flowdrop_provider.document.normalise import read_workflow
from flowdrop_provider.document.storing import FLOW_ID, flow_id_of, stored_workflow
from flowdrop_provider.errors import DocumentError

CANVAS_NODE = {
    "id": "text_input.1",
    "type": "universalNode",
    "position": {"x": 10, "y": 20},
    "measured": {"width": 240, "height": 90},
    "selected": True,
    "dragging": False,
    "deletable": True,
    "data": {
        "label": "Say",
        "nodeId": "text_input.1",
        "config": {"defaultValue": "hi"},
        "extensions": {"note": 1},
        "metadata": {"id": "text_input", "name": "Text Input", "inputs": [], "outputs": [{"id": "text"}]},
    },
}
SENT = {
    "name": "Greeting",
    "nodes": [CANVAS_NODE],
    "edges": [],
    "metadata": {"format": "flowdrop", "airflow": {"dag_id": "x"}, "createdAt": "2026-01-01", "tags": ["a"]},
}


def kept(sent, before=None, now=100):
    return stored_workflow(sent, before or {}, "greeting", now, {"text_input"}.__contains__)


@pytest.mark.rule("STORE-6", "STORE-7")
def test_a_node_keeps_the_authors_work_and_names_its_type():
    (found,) = kept(SENT)["nodes"]

    assert found == {
        "id": "text_input.1",
        "type": "universalNode",
        "position": {"x": 10, "y": 20},
        "measured": {"width": 240, "height": 90},
        "data": {
            "label": "Say",
            "config": {"defaultValue": "hi"},
            "extensions": {"note": 1},
            "metadata": {"node_type_id": "text_input"},
        },
    }
    once = kept(SENT)
    assert kept(once, once) == once, "storing what is stored changes nothing"


@pytest.mark.rule("STORE-6")
def test_a_type_nobody_knows_is_kept_as_it_came():
    metadata = {"id": "from_elsewhere", "name": "Elsewhere", "inputs": [{"id": "x"}]}
    node = CANVAS_NODE | {"type": "special", "data": CANVAS_NODE["data"] | {"metadata": metadata}}
    (found,) = kept(SENT | {"nodes": [node]})["nodes"]

    assert found["data"]["metadata"] == metadata
    assert found["type"] == "special"


@pytest.mark.rule("STORE-2")
@pytest.mark.parametrize("name", [None, "", "  ", 7, ["x"]])
def test_a_workflow_needs_a_name(name):
    with pytest.raises(DocumentError) as refused:
        kept(SENT | {"name": name})
    assert refused.value.code == "STORE_NAME"
    assert kept(SENT | {"name": "é" * 300})["name"] == "é" * 300


@pytest.mark.rule("STORE-4", "STORE-8")
def test_what_is_left_out_is_empty_first_and_unchanged_later():
    first = kept({"name": "Bare"})

    assert (first["nodes"], first["edges"], first["metadata"], first["schema_version"]) == ([], [], {}, "0.0.0")
    full = kept(SENT)
    renamed = kept({"name": "Other"}, full, now=200)
    assert renamed == full | {"name": "Other", "changed": 200}
    assert full["metadata"] == {"format": "flowdrop", "tags": ["a"]}, "what only our answers carry is not stored"


@pytest.mark.rule("STORE-4", "MAN-20")
def test_an_interface_rewrites_both_lists():
    bound = {"bindings": [{"nodeId": "text_input.1", "portId": "text"}]}
    interface = {
        "inputs": [{"id": "who", "name": "Who", "required": True, "type": "x", **bound}, {"id": "draft"}],
        "outputs": [],
    }
    found = kept(SENT | {"interface": interface}, {"output_ports": [{"name": "old"}]})

    assert found["input_ports"] == [
        {"name": "who", "title": "Who", "node_id": "text_input.1", "port": "text", "required": True}
    ]
    assert found["output_ports"] == []
    assert read_workflow(found).input_ports[0].name == "who"
    twice = {"id": "both", "bindings": [{"nodeId": "a", "portId": "x"}, {"nodeId": "b", "portId": "y"}]}
    with pytest.raises(DocumentError) as refused:
        kept(SENT | {"interface": {"inputs": [twice]}})
    assert refused.value.code == "STORE_BINDINGS"


def test_a_drawing_is_not_saved_over_the_document():
    with pytest.raises(DocumentError) as refused:
        kept(SENT | {"metadata": {"partial": True}})
    assert refused.value.code == "STORE_PARTIAL"


def test_an_id_is_made_from_the_name():
    assert flow_id_of("Größe: Send it!", set().__contains__) == "gr_e_send_it"
    assert flow_id_of("Send", {"send", "send_2"}.__contains__) == "send_3"
    assert flow_id_of("…", set().__contains__) == "workflow"
    assert len(flow_id_of("x" * 500, set().__contains__)) <= 64


def test_an_id_that_ends_a_line_is_no_file_name():
    assert FLOW_ID.match("greeting_2")
    for name in ("greeting\n", "../x", "a/b", "", "A", "x" * 65):
        assert not FLOW_ID.match(name), name
