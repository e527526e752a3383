"""The VAL, CFG, EDGE, EXPO and SCH rules on documents, one by one (R1..R13, W-T and their neighbours)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowdrop_provider.document.exposure import exposed_input, exposed_output, overrides
from flowdrop_provider.document.findings import Report
from flowdrop_provider.document.handles import EdgeKind, edge_kind, port_name
from flowdrop_provider.document.models import Edge
from flowdrop_provider.document.node_types import NodeType, NodeTypeCatalogue, Output, Parameter
from flowdrop_provider.document.normalise import read_workflow
from flowdrop_provider.document.schemas import first_violation
from flowdrop_provider.document.validation import ValidationPolicy, validate
from flowdrop_provider.engine.process import process_node
from flowdrop_provider.errors import NodeError
from tests.flows import edge, flow, node

PLAIN = NodeType(
    id="plain",
    parameters={
        "text": Parameter(name="text", schema_={"type": "string"}, connectable=True, configurable=True),
        "must": Parameter(
            name="must", required=True, configurable=True, schema_={"type": "integer", "minimum": 1, "maximum": 9}
        ),
        "wired": Parameter(name="wired", required=True, configurable=True, connectable=True),
        "choice": Parameter(name="choice", configurable=True, schema_={"type": "string", "enum": ["a", "b"]}),
        "code": Parameter(name="code", configurable=True, schema_={"minLength": 2, "maxLength": 3, "pattern": "^[a-z]"}),
        "odd": Parameter(name="odd", configurable=True, schema_={"pattern": "([", "type": "nonsense"}),
        "secret_port": Parameter(name="secret_port", connectable=True, exposed_by_default=False),
        "dynamicInputs": Parameter(name="dynamicInputs", configurable=True),
        "dynamicOutputs": Parameter(name="dynamicOutputs", configurable=True),
    },
    outputs={
        "out": Output(name="out"),
        "hidden": Output(name="hidden", exposed_by_default=False),
        "never": Output(name="never", exposed=False),
    },
)
END = NodeType(id="end", terminal=True, parameters=PLAIN.parameters, outputs=PLAIN.outputs)
GONE = NodeType(id="gone", executor_plugin="elsewhere:gone", available=False)
CATALOGUE = NodeTypeCatalogue([PLAIN, END, GONE])


def plain(node_id: str, node_type: str = "plain", **config: Any) -> dict[str, Any]:
    return node(node_id, node_type, must=1, **config)


def report(nodes: list[dict[str, Any]], edges: Any = (), policy: ValidationPolicy | None = None, **extra: Any) -> Report:
    return validate(read_workflow(flow("f", nodes, edges, **extra)), CATALOGUE, policy)


def errors(*arguments: Any, **extra: Any) -> list[tuple[str, str]]:
    return [(finding.code, finding.locator) for finding in report(*arguments, **extra).errors]


@pytest.mark.rule("R5.a", "R5.b")
def test_limits() -> None:
    assert errors([plain(f"n.{number}") for number in range(500)]) == []
    assert ("R5_TOO_MANY_NODES", "nodes") in errors([plain(f"n.{number}") for number in range(501)])
    many = [{**edge("a:out > b:text", f"e{number}"), "sourceHandle": f"a-output-p{number}"} for number in range(1001)]
    assert errors([plain("a"), plain("b")], many[:1000]) == []
    assert errors([plain("a"), plain("b")], many) == [("R5_TOO_MANY_EDGES", "edges")]


@pytest.mark.rule("R5.c", "R2")
def test_node_ids() -> None:
    assert errors([plain("a"), plain("")]) == [("R5_NODE_MISSING_ID", "nodes.1")]
    assert errors([plain("a"), plain("a")]) == [("R2_NODE_DUPLICATE_ID", "node.a")] * 2


@pytest.mark.rule("R1.a", "R1.c", "R9", "R1.b", "R6.j")
def test_node_types() -> None:
    assert errors([plain("g", "gone", text=5)]) == [("R1_PLUGIN_MISSING", "node.g")]
    assert errors([plain("x", "nobody")]) == [("R9_NODE_TYPE_UNKNOWN", "node.x")]
    note = {"id": "note.1", "type": "note", "data": {"config": {"content": "read me"}}}
    assert errors([plain("a"), note]) == []
    lenient = report([plain("g", "gone")], policy=ValidationPolicy(missing_processor="warning"))
    assert lenient.valid
    assert [finding.code for finding in lenient.warnings] == ["R1_PLUGIN_MISSING"]


@pytest.mark.rule("R6.a")
@pytest.mark.parametrize("config", ["text", 5, True, ["a"]])
def test_configuration_is_an_object(config: Any) -> None:
    broken = plain("a")
    broken["data"]["config"] = config
    assert ("R6_CONFIG_INVALID", "node.a.config") in errors([broken])


@pytest.mark.rule("R6.b", "R6.i")
def test_required_configuration() -> None:
    """A connectable parameter is never on the list; null counts as present."""
    assert errors([node("a", "plain")]) == [("R6_CONFIG_REQUIRED", "node.a.config.must")]
    assert errors([node("a", "plain", must=None)]) == []


@pytest.mark.parametrize(
    ("config", "word"),
    [
        pytest.param({"text": 5}, "of type string", marks=pytest.mark.rule("R6.d")),
        pytest.param({"must": "5"}, "of type integer", marks=pytest.mark.rule("R6.d", "CFG-11")),
        pytest.param({"must": True}, "of type integer", marks=pytest.mark.rule("R6.d", "CFG-11")),
        pytest.param({"choice": "c"}, "one of 'a', 'b'", marks=pytest.mark.rule("R6.e")),
        pytest.param({"choice": "A"}, "one of", marks=pytest.mark.rule("R6.e")),
        pytest.param({"must": 0}, "at least 1", marks=pytest.mark.rule("R6.f")),
        pytest.param({"must": 10}, "at most 9", marks=pytest.mark.rule("R6.f")),
        pytest.param({"code": "\N{GRINNING FACE}"}, "at least 2 characters", marks=pytest.mark.rule("R6.g")),
        pytest.param({"code": "abcd"}, "at most 3 characters", marks=pytest.mark.rule("R6.g")),
        pytest.param({"code": "9ab"}, "pattern", marks=pytest.mark.rule("R6.h")),
    ],
)
def test_configuration_values(config: dict[str, Any], word: str) -> None:
    (key,) = config
    (finding,) = report([node("a", "plain", **{"must": 1, **config})]).errors
    assert (finding.code, finding.locator) == ("R6_CONFIG_INVALID", f"node.a.config.{key}")
    assert word in finding.message


@pytest.mark.rule("R6.h", "R6.d", "R6.f", "R6.g", "CFG-11")
def test_what_never_refuses() -> None:
    """An uncompilable pattern, an unknown type, a numeric string against bounds, a code point outside the basic plane."""
    assert first_violation("x", {"pattern": "([", "type": "nonsense"}) is None
    assert first_violation("12", {"maximum": 5}) is None
    assert first_violation("\N{GRINNING FACE}" * 3, {"maxLength": 3}) is None
    assert errors([plain("a", odd="anything")]) == []


@pytest.mark.rule("CFG-10", "R6.d")
def test_type_and_enum_end_the_check() -> None:
    schema = {"type": "string", "enum": ["abc"], "minLength": 5}
    assert first_violation(5, schema)[0] == "type"
    assert first_violation("x", schema)[0] == "enum"
    assert first_violation("abc", schema)[0] == "minLength"
    assert first_violation(None, schema) is None


@pytest.mark.rule("CFG-12")
def test_formats() -> None:
    for name, good, bad in (("email", "a@b.org", "a"), ("uri", "https://a/b", "x y"), ("date", "2026-01-31", "2026-02-31")):
        assert first_violation(good, {"format": name}, formats=True) is None
        assert first_violation(bad, {"format": name}, formats=True)[0] == "format"
    assert first_violation("anything", {"format": "nobody-knows"}, formats=True) is None


@pytest.mark.rule("R6.c", "R6.l")
def test_warnings_never_refuse() -> None:
    found = report([plain("a", unknown=1, text="{{ secrets.KEY }}", odd={"deep": ["{{ secrets.KEY }}"]})])
    assert found.valid
    assert {(finding.code, finding.locator) for finding in found.warnings} == {
        ("R6_CONFIG_UNKNOWN", "node.a.config.unknown"),
        ("R6_SECRET_SYNTAX", "node.a.config.text"),
        ("R6_SECRET_SYNTAX", "node.a.config.odd"),
    }
    assert report([plain("a", text="${{ secrets.KEY }}")]).warnings == []


@pytest.mark.rule("R3")
def test_edge_ids() -> None:
    nodes = [plain("a"), plain("b")]
    first, second = edge("a:out > b:text", "e"), edge("a:out > b:wired", "e")
    assert errors(nodes, [{**first, "id": ""}]) == [("R3_EDGE_MISSING_ID", "edge.0")]
    assert errors(nodes, [first, second]) == [("R3_EDGE_DUPLICATE_ID", "edge.0"), ("R3_EDGE_DUPLICATE_ID", "edge.1")]


@pytest.mark.rule("R8.a", "R8.b", "R8.c", "EDGE-2")
def test_endpoints() -> None:
    assert errors([plain("a")], [edge("x:out > a:text")]) == [("R8_EDGE_SOURCE_MISSING", "edge.0")]
    assert errors([plain("a")], [edge("a:out > x:text")]) == [("R8_EDGE_TARGET_MISSING", "edge.0")]
    assert errors([plain("a")], [{"id": "e"}]) == [("R8_EDGE_SOURCE_MISSING", "edge.0"), ("R8_EDGE_TARGET_MISSING", "edge.0")]


@pytest.mark.rule("R12", "R13")
def test_self_and_parallel_edges() -> None:
    nodes = [plain("a"), plain("b")]
    assert ("R12_EDGE_SELF", "edge.0") in errors(nodes, ["a:out > a:text"])
    twice = [edge("a:out > b:text", "1"), edge("a:out > b:text", "2")]
    assert errors(nodes, twice) == [("R13_EDGE_PARALLEL_DUPLICATE", "edge.1")]
    bare = {**edge("a:out > b:text", "3"), "sourceHandle": "out"}
    assert errors(nodes, [twice[0], bare]) == []


@pytest.mark.rule("W-T")
def test_an_edge_that_leaves_the_end() -> None:
    found = report([plain("a", "end"), plain("b")], ["a:out > b:text", "a:out > b:wired"])
    assert found.valid
    assert [(finding.code, finding.locator) for finding in found.warnings] == [
        ("W_TERMINAL_EDGE", "edge.0"),
        ("W_TERMINAL_EDGE", "edge.1"),
    ]


@pytest.mark.rule("R7.a", "R7.b", "R7.c", "R7.d", "R7.e/f")
def test_edges_use_exposed_ports() -> None:
    nodes = [plain("a"), plain("b")]
    assert errors(nodes, ["a:out > b:secret_port"]) == [("R7_EDGE_TARGET_NOT_EXPOSED", "edge.0")]
    assert errors(nodes, ["a:hidden > b:text"]) == [("R7_EDGE_SOURCE_NOT_EXPOSED", "edge.0")]
    shown = {"inputs": {"secret_port": {"exposed": True}}, "outputs": [{"id": "hidden", "exposed": True}]}
    assert errors([plain("a", ports=shown), plain("b", ports=shown)], ["a:hidden > b:secret_port"]) == []
    assert errors(nodes, ["a:own > b:mine"]) == []
    assert errors([plain("a"), plain("x", "nobody")], ["a:hidden > x:anything"])[1:] == [
        ("R7_EDGE_SOURCE_NOT_EXPOSED", "edge.0")
    ]


@pytest.mark.rule("SCH-32", "SCH-16")
def test_an_unexposed_loop_back_refuses_its_edge() -> None:
    shown = {"inputs": {"loop_back": {"exposed": True}}}
    assert errors([plain("a"), plain("b")], ["a:out > b:loop_back"]) == [("R7_EDGE_TARGET_NOT_EXPOSED", "edge.0")]
    assert errors([plain("a"), plain("b", ports=shown)], ["a:out > b:loop_back"]) == []
    assert exposed_input(PLAIN, "trigger", {}) is True
    assert exposed_output(PLAIN, "trigger", {}) is True
    assert [exposed_output(PLAIN, port, {}) for port in ("error", "output", "tool")] == [False] * 3
    stored = PLAIN.model_copy(update={"reserved_port_exposure": {"error": True}})
    assert exposed_output(stored, "error", {}) is True


@pytest.mark.rule("EXPO-1", "EXPO-2", "EXPO-3", "EXPO-13", "EXPO-17")
def test_one_exposure_rule() -> None:
    config = {"ports": {"outputs": [{"id": "text", "exposed": False}, {"id": "out"}], "inputs": {"text": {"exposed": True}}}}
    assert overrides(config, "outputs") == {"text": False}
    assert overrides(config, "inputs") == {"text": True}
    assert exposed_output(PLAIN, "never", {"never": True}) is False
    assert exposed_output(PLAIN, "hidden", {"hidden": True}) is True
    assert exposed_output(PLAIN, "hidden", {}) is False
    assert exposed_output(PLAIN, "undeclared", {}) is None


MANIFEST = {"name": "in", "node_id": "a", "port": "text"}


@pytest.mark.parametrize(
    ("side", "entry", "code"),
    [
        pytest.param("input", {"name": "Bad Name"}, "R4_NAME_FORMAT", marks=pytest.mark.rule("R4.a")),
        pytest.param("input", {"name": "newline\n"}, "R4_NAME_FORMAT", marks=pytest.mark.rule("R4.a")),
        pytest.param("output", {"name": "__interrupt_id__"}, "R4_NAME_RESERVED", marks=pytest.mark.rule("R4.e")),
        pytest.param("input", {"node_id": "x", "port": "none"}, "R4_NODE_MISSING", marks=pytest.mark.rule("R4.c")),
        pytest.param("input", {"port": "out"}, "R4_PORT_UNKNOWN", marks=pytest.mark.rule("R4.d")),
        pytest.param("output", {"port": "text"}, "R4_PORT_UNKNOWN", marks=pytest.mark.rule("R4.d")),
        pytest.param("output", {"port": "own"}, "R4_PORT_UNKNOWN", marks=pytest.mark.rule("DYN-6")),
        pytest.param("input", {"port": "secret_port"}, "R10_EXPOSURE_HIDDEN_PORT", marks=pytest.mark.rule("R10")),
        pytest.param("output", {"port": "hidden"}, "R10_EXPOSURE_HIDDEN_PORT", marks=pytest.mark.rule("R10")),
    ],
)
def test_manifest_entries(side: str, entry: dict[str, str], code: str) -> None:
    bound = {**MANIFEST, "port": "out" if side == "output" else "text", **entry}
    nodes = [plain("a", dynamicOutputs=[{"name": "own"}])]
    found = [item for item in errors(nodes, [], **{f"{side}_ports": [bound]}) if item[0] == code]
    assert found == [(code, f"schema.{side}.0")]


@pytest.mark.rule("R4.b", "R4.d")
def test_manifest_as_a_whole() -> None:
    again = {**MANIFEST, "port": "wired"}
    assert errors([plain("a")], [], input_ports=[MANIFEST, again]) == [
        ("R4_NAME_DUPLICATE", "schema.input.0"),
        ("R4_NAME_DUPLICATE", "schema.input.1"),
    ]
    assert errors([plain("a")], [], input_ports=[MANIFEST], output_ports=[{**MANIFEST, "port": "out"}]) == []
    assert errors([plain("a", "gone")], [], input_ports=[{**MANIFEST, "port": "who knows"}]) == [
        ("R1_PLUGIN_MISSING", "node.a")
    ]


@pytest.mark.rule("DYN-3")
@pytest.mark.parametrize("name", ["", "1a", "a b", "a-b", "input", "trigger", "branches", "x\n", None, 5])
def test_names_of_dynamic_ports(name: Any) -> None:
    assert errors([plain("a", dynamicInputs=[{"name": name}])]) == [("DYN_PORT_NAME", "node.a.config.dynamicInputs")]


@pytest.mark.rule("DYN-6")
def test_a_dynamic_port_stays_inside_the_workflow() -> None:
    drawn = plain("a", dynamicInputs=[{"name": "mine"}], dynamicOutputs=[{"name": "own"}])
    assert errors([drawn], [], input_ports=[{**MANIFEST, "port": "mine"}]) == [("R4_PORT_UNKNOWN", "schema.input.0")]
    assert errors([drawn], [], output_ports=[{**MANIFEST, "port": "own"}]) == [("R4_PORT_UNKNOWN", "schema.output.0")]


@pytest.mark.rule("DYN-3")
def test_dynamic_names_are_unique_across_both_sides() -> None:
    assert errors([plain("a", dynamicInputs=[{"name": "x"}], dynamicOutputs=[{"name": "y"}])]) == []
    assert errors([plain("a", dynamicInputs=[{"name": "x"}], dynamicOutputs=[{"name": "x"}])]) == [
        ("DYN_PORT_NAME", "node.a.config.dynamicOutputs")
    ]


def drawn(source: str, target: str, declared: Any = None, hint: str = "") -> EdgeKind:
    return edge_kind(Edge(source_handle=source, target_handle=target, declared_type=declared, type_hint=hint))


@pytest.mark.rule("EDGE-1")
def test_the_port_is_what_follows_the_first_marker() -> None:
    assert port_name("a-output-b-output-c", "output") == "b-output-c"
    assert port_name("a.1-input-my-port", "input") == "my-port"
    assert drawn("a-output-error_x", "b-input-trigger_x") is EdgeKind.DATA


@pytest.mark.rule("EDGE-3", "EDGE-4", "CMP-4")
def test_reserved_ports_decide_the_kind() -> None:
    assert drawn("a-output-x", "b-input-trigger") is EdgeKind.TRIGGER
    assert drawn("a-output-x", "b-input-loop_back") is EdgeKind.LOOPBACK
    assert drawn("a-output-x", "b-input-loopback") is EdgeKind.DATA
    assert drawn("a-output-error", "b-input-text") is EdgeKind.ERROR
    assert drawn("a-output-x", "b-input-text", "trigger", "trigger") is EdgeKind.DATA
    assert drawn("a-output-trigger", "b-input-text") is EdgeKind.DATA


@pytest.mark.rule("EDGE-5")
def test_tool_edges() -> None:
    assert drawn("a-output-tool", "b-input-tool") is EdgeKind.TOOL
    assert drawn("a-output-x", "b-input-text", "tool_availability") is EdgeKind.TOOL
    assert drawn("a-output-tool", "b-input-tool", "data") is EdgeKind.DATA
    for nothing in ("", None, 5, ["tool"]):
        assert drawn("a-output-x", "b-input-tool", nothing) is EdgeKind.TOOL
    wrong = {**edge("a:out > b:text", "e"), "data": {"edgeType": "wormhole"}}
    assert errors([plain("a"), plain("b")], [wrong]) == [("EDGE_TYPE_UNKNOWN", "edge.0")]


@pytest.mark.rule("R11")
def test_configured_expressions(tmp_path: Path) -> None:
    from flowdrop_provider.library.workshop import examine_path

    broken = [
        node("data_extractor.1", path="$[?", engine="jsonpath"),
        node("prompt_template.1", template="{{ open"),
        node("data_mapper.1", engine="expression_language", dynamicOutputs=[{"name": "x", "value": "1 +"}]),
        node("data_shaper.1", mapping={"a": "_NOW_", "b": {"_source": "x..", "_each": {"c": "_LITERAL:1 +"}}}),
    ]
    (tmp_path / "f.json").write_text(json.dumps(flow("f", broken)))
    (verdict,) = examine_path(tmp_path / "f.json")
    found = {finding.locator for finding in verdict.report.errors if finding.code == "R11_EXPRESSION_INVALID"}
    assert {"node.prompt_template.1.config.template", "node.data_mapper.1.config.dynamicOutputs"} <= found
    empty = [node("data_extractor.1", path=""), node("prompt_template.1", template="")]
    (tmp_path / "g.json").write_text(json.dumps(flow("g", empty)))
    assert examine_path(tmp_path / "g.json")[0].report.errors == []


@pytest.mark.rule("LANG-2", "LANG-28")
def test_engines_and_operators_are_closed_sets(tmp_path: Path) -> None:
    from flowdrop_provider.library.workshop import examine_path

    nodes = [node("data_extractor.1", engine="perl"), node("if_else.1", operator="sounds_like")]
    (tmp_path / "f.json").write_text(json.dumps(flow("f", nodes)))
    (verdict,) = examine_path(tmp_path / "f.json")
    found = {finding.locator for finding in verdict.report.errors if finding.code == "R6_CONFIG_INVALID"}
    assert {"node.data_extractor.1.config.engine", "node.if_else.1.config.operator"} <= found
    for node_type, config in (("data_extractor", {"engine": "perl"}), ("if_else", {"operator": "sounds_like"})):
        with pytest.raises(NodeError) as caught:
            process_node(node_type, config, {"data": "x"})
        assert caught.value.code == "invalid_parameter"
