"""The CMP, DATA, BR, ERR, CFG, DYN, EXPO and MAN rules, each on a small workflow or a single function."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from flowdrop_provider.document.exposure import overrides
from flowdrop_provider.document.node_types import NodeType, NodeTypeCatalogue, Output, Parameter
from flowdrop_provider.document.normalise import read_workflow
from flowdrop_provider.document.revision import structural_version
from flowdrop_provider.engine.compile import compile_workflow
from flowdrop_provider.engine.launch import launch, workflow_outputs
from flowdrop_provider.engine.naming import RESULT_TASK_ID, task_ids
from flowdrop_provider.engine.outputs import active_branches, branch_names, check_json, strip_hidden, unified_output
from flowdrop_provider.engine.parameters import resolve
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.routing import Outcome, decide, delivered_inputs
from flowdrop_provider.errors import CompilationError, DocumentError, LaunchError, NodeError
from flowdrop_provider.nodes.registry import shipped_catalogue
from tests.flows import chain, edge, flow, node

AGENT = NodeType(id="agent", consumes_tools=True)
BOX = NodeType(id="box", forwards_tools=True)
CATALOGUE = shipped_catalogue().extended([AGENT, BOX])


def plan_of(nodes: list[dict[str, Any]], edges: Any = (), flow_id: str = "f", **extra: Any) -> Plan:
    return compile_workflow(read_workflow(flow(flow_id, nodes, edges, **extra)), CATALOGUE)


def refused(*arguments: Any, **extra: Any) -> CompilationError:
    with pytest.raises(CompilationError) as caught:
        plan_of(*arguments, **extra)
    return caught.value


@pytest.mark.rule("CMP-1", "CMP-3")
def test_stages_in_order_prefixed_once() -> None:
    cyclic = [edge("a:x > b:x"), edge("b:x > a:x")]
    nodes = [node("a", "text_input"), node("b", "text_input")]
    assert refused(nodes, cyclic, "").code == "CMP_WORKFLOW_WITHOUT_ID"
    assert refused([]).code == "CMP_NO_NODES"
    untyped = {"id": "c", "data": {}}
    assert refused([untyped, node("", "text_input")], cyclic).locator == "node.c"
    assert refused([node("", "text_input"), untyped], cyclic).code == "CMP_NODE_WITHOUT_ID"
    error = refused(nodes, [*cyclic, {**edge("a:tool > b:tool", "t")}])
    assert error.code == "CMP_CYCLE"
    assert error.message.count("Compilation failed: ") == 1
    assert "a -> b -> a" in error.message


@pytest.mark.rule("CMP-1", "SCH-33")
def test_the_root_cause_stays_reachable() -> None:
    broken = DocumentError("Malformed.", code="DOC_MALFORMED")

    def site(node_type_id: str) -> NodeType | None:
        raise broken

    for _ in range(2):
        with pytest.raises(CompilationError) as caught:
            compile_workflow(read_workflow(flow("f", [node("text_input.1")])), NodeTypeCatalogue(site=site))
        assert caught.value.__cause__ is broken
        assert caught.value.code == "CMP_NODE_TYPE_UNREADABLE"


@pytest.mark.rule("CMP-2", "SCH-28", "SCH-29", "CMP-11")
def test_stored_metadata_is_never_trusted() -> None:
    lying = node("text_input.1")
    lying["data"]["metadata"].update({"executor_plugin": "evil:rm", "outputs": [], "inputs": [{"id": "x"}]})
    compiled = plan_of([lying]).nodes["text_input.1"]
    assert (compiled.node_type.id, compiled.node_type.processor) == ("text_input", "text_input")
    assert compiled.node_type == CATALOGUE.get("text_input")


@pytest.mark.rule("CMP-5")
def test_free_edges_close_no_cycle() -> None:
    nodes = [node("a", "text_input"), node("b", "agent")]
    for back in ("b:x > a:loop_back", {**edge("b:x > a:text", "e"), "data": {"edgeType": "agent_result"}}):
        assert "b" in plan_of(nodes, ["a:text > b:x", back]).nodes
    assert refused(nodes, ["a:text > b:x", "b:x > a:trigger"]).code == "CMP_CYCLE"


@pytest.mark.rule("CMP-6", "EDGE-7")
def test_what_is_left_out() -> None:
    nodes = [
        node("note", "note"),
        node("tool", "text_input"),
        node("agent", "agent"),
        node("only", "text_input"),
        node("alone", "text_input"),
    ]
    compiled = plan_of(nodes, ["note:x > agent:x", "tool:tool > agent:tool", "agent:x > only:loop_back"])
    assert compiled.excluded == {"note": "non_executable", "tool": "tool_only", "only": "loopback_only"}
    assert set(compiled.nodes) == {"agent", "alone"}
    both = plan_of(nodes, ["tool:tool > agent:tool", "tool:text > only:text"])
    assert "tool" in both.nodes


@pytest.mark.rule("CMP-8", "STORE-10")
def test_order_and_loading_of_odd_documents() -> None:
    nodes = [node(f"n.{number}", "text_input") for number in (3, 2, 1)]
    dangling = {"source": "n.1", "target": "gone", "sourceHandle": "text", "targetHandle": "text"}
    unnamed = {**edge("n.3:text > n.2:text"), "id": ""}
    compiled = plan_of([*nodes, node("n.1", "text_processor")], ["n.2:text > n.1:text", unnamed, dangling])
    assert compiled.order == ("n.3", "n.2", "n.1")
    assert compiled.nodes["n.1"].node_type.id == "text_processor"
    assert len(compiled.edges) == 2
    assert all(item.edge_id for item in compiled.edges)


@pytest.mark.rule("CMP-9", "CMP-10", "DATA-10")
def test_tool_wiring() -> None:
    nodes = [
        node("a", "agent"),
        node("b", "box"),
        node("t.1", "text_input"),
        node("t.2", "text_input"),
        node("p", "text_processor"),
    ]
    same = ["t.1:tool > b:tool", "t.2:tool > a:tool", "b:tool > a:tool"]
    assert refused(nodes, same).code == "CMP_TOOL_NAME_DUPLICATE"
    nodes[2]["data"]["config"]["instanceTitle"] = "first"
    assert set(plan_of(nodes, same).tools["a"]) == {"t.1", "t.2"}
    assert refused(nodes, ["t.1:tool > p:tool"]).code == "CMP_TOOLS_NOT_ACCEPTED"
    boxes = [node("a", "agent"), node("b", "box"), node("c", "box")]
    assert refused(boxes, ["b:tool > c:tool", "c:tool > b:tool", "c:tool > a:tool"]).code == "CMP_TOOL_CYCLE"
    wired = plan_of(nodes, ["t.1:tool > a:tool_availability"])
    assert delivered_inputs(wired.nodes["a"], {"t.1": Outcome("completed", 1, ports={"tool": 1})}) == ({}, [])


def done(order: int | None = 1, active: str = "", **ports: Any) -> Outcome:
    return Outcome("completed", order, active=frozenset(active.split()), ports=ports)


def sink(*edges: str) -> Any:
    return plan_of(
        [node("a", "text_input"), node("b", "text_input"), node("if", "if_else"), node("z", "text_output")], edges
    ).nodes["z"]


@pytest.mark.rule("DATA-1", "DATA-3")
def test_presence_of_the_key_decides() -> None:
    target = sink("a:text > z:x", "b:other > z:y", "a:text > z:trigger")
    assert delivered_inputs(target, {"a": done(text=None), "b": done(2)}) == ({"x": None}, [])


@pytest.mark.rule("DATA-2")
def test_the_latest_source_wins_a_port() -> None:
    target = sink("a:text > z:x", "b:text > z:x")
    assert delivered_inputs(target, {"a": done(9, text="late"), "b": done(2, text="early")}) == ({"x": "late"}, ["x"])
    assert delivered_inputs(target, {"a": done(1, text="has"), "b": done(None, text="none")})[0] == {"x": "has"}
    assert delivered_inputs(target, {"a": done(None, text=1), "b": done(None, text=2)})[0] == {"x": 2}


@pytest.mark.rule("DATA-4", "CMP-7", "DATA-5")
def test_readiness() -> None:
    triggered = sink("a:trigger > z:trigger", "if:True > z:trigger", "b:text > z:x")
    assert decide(triggered, {"a": done()}).run
    assert not decide(triggered, {"b": done(text=1)}).run
    data = sink("a:text > z:x", "b:text > z:x", "if:data > z:y")
    assert decide(data, {"b": done(text=1), "if": done(data=1)}).run
    assert not decide(data, {"a": done(text=1), "b": done(text=1)}).run
    assert decide(sink(), {}).run


@pytest.mark.rule("DATA-6")
def test_initial_data_lies_beneath_edges() -> None:
    target = sink("a:text > z:x")
    assert delivered_inputs(target, {"a": done(text=None)}, {"x": 1, "y": 2})[0] == {"x": None, "y": 2}
    start = launch(plan_of([node("a", "text_input")]), initial_data={"a": "no map", "zz": {"x": 1}})
    assert start.ports("a") == {}


@pytest.mark.rule("BR-1", "BR-2", "BR-5")
@pytest.mark.parametrize("port", ["trigger", "x"])
def test_branches_gate_trigger_and_data_edges_alike(port: str) -> None:
    target = sink(f"if:True > z:{port}")
    assert decide(target, {"if": done(active="true")}).run
    assert decide(target, {"if": done(active="false")}) == decide(target, {"if": Outcome("skipped")})
    assert decide(target, {"if": done(active="false")}).reason == "branch_not_active"
    assert decide(target, {"if": done()}).run
    assert decide(sink(f"if:data > z:{port}"), {"if": done(active="false")}).run
    assert decide(sink(f"a:True > z:{port}"), {"a": done(active="false")}).run


@pytest.mark.rule("BR-3")
def test_the_list_of_active_branches() -> None:
    assert active_branches({"active_branches": " Yes, No "}) == {"yes, no"}
    assert active_branches({"active_branches": [" A ", 5, None, "", "b"]}) == {"a", "b"}
    assert active_branches({"active_branches": {"a": 1}}) == frozenset()
    config = {"branches": [{"name": " Big "}, {"name": ""}, {"name": 5}, "x", {"value": 1}]}
    assert branch_names(CATALOGUE.get("if_else"), config) == {"big"}


def test_a_routed_failure_satisfies_error_edges_alone() -> None:
    failed = Outcome("failed", 1, routed=True, ports={"error": {"code": "x"}})
    assert decide(sink("a:error > z:x"), {"a": failed}).run
    assert delivered_inputs(sink("a:error > z:x"), {"a": failed})[0] == {"x": {"code": "x"}}
    assert not decide(sink("a:text > z:x"), {"a": failed}).run
    assert not decide(sink("a:error > z:x"), {"a": done(error=1)}).run
    assert decide(sink("a:error > z:trigger", "b:text > z:y"), {"a": failed}).run


TYPE = NodeType(
    id="t",
    parameters={
        "both": Parameter(name="both", connectable=True, configurable=True, default="d", schema_={"default": "s"}),
        "plain": Parameter(name="plain"),
        "hidden": Parameter(name="hidden", connectable=True, configurable=True, exposed_by_default=False),
        "__in__": Parameter(name="__in__"),
        "dynamicInputs": Parameter(name="dynamicInputs", configurable=True),
    },
    outputs={
        "shown": Output(name="shown"),
        "quiet": Output(name="quiet", exposed_by_default=False),
        "gone": Output(name="gone", exposed=False),
    },
)


@pytest.mark.rule("CFG-1", "CFG-2", "CFG-3", "CFG-4", "CFG-5", "CFG-6", "CFG-7", "CFG-13", "CFG-14", "DATA-7")
def test_three_priorities_by_presence() -> None:
    blank = Parameter(name="x")
    assert (blank.connectable, blank.configurable, blank.required, blank.exposed_by_default) == (False, False, False, True)
    assert Parameter(name="x", schema_={"default": 5}).effective_default == 5
    assert resolve(TYPE, {"both": "c"}, {"both": "w"})["both"] == "w"
    assert resolve(TYPE, {"both": "c"}, {"both": None})["both"] is None
    assert resolve(TYPE, {"both": None}, {})["both"] is None
    assert resolve(TYPE, {"plain": "c", "undeclared": 1}, {"plain": "w", "other": 2}) == {
        "both": "d", "plain": None, "hidden": None, "__in__": None, "dynamicInputs": [],
    }  # fmt: skip


@pytest.mark.rule("CFG-8", "EXPO-10", "CFG-17", "CFG-16")
def test_hidden_internal_and_bundled() -> None:
    assert resolve(TYPE, {"__in__": "config"}, {})["__in__"] is None
    assert resolve(TYPE, {}, {"__in__": "run"})["__in__"] == "run"
    assert resolve(TYPE, {"hidden": "c"}, {"hidden": "w"})["hidden"] == "c"
    assert resolve(TYPE, {}, {"input": {"both": "b", "hidden": "h", "plain": "p"}}) == {
        "both": "b", "plain": None, "hidden": None, "__in__": None, "dynamicInputs": [],
    }  # fmt: skip
    assert resolve(TYPE, {}, {"input": {"both": "bundle"}, "both": "wire"})["both"] == "wire"
    assert resolve(TYPE, {}, {"input": "text"})["both"] == "d"


@pytest.mark.rule("CFG-9", "CFG-10", "EXPO-10")
def test_missing_comes_before_invalid() -> None:
    strict = TYPE.model_copy(
        update={
            "parameters": {
                "n": Parameter(name="n", configurable=True, schema_={"type": "integer"}),
                "m": Parameter(name="m", required=True),
            }
        }
    )
    with pytest.raises(NodeError) as caught:
        resolve(strict, {"n": "x"}, {})
    assert (caught.value.code, caught.value.details) == ("missing_parameter", {"parameter": "m"})
    with pytest.raises(NodeError) as caught:
        resolve(strict.model_copy(update={"parameters": {"n": strict.parameters["n"]}}), {"n": "x"}, {})
    assert caught.value.details == {"parameter": "n", "constraint": "type"}


@pytest.mark.rule("CFG-15", "DYN-1", "DYN-4", "DYN-5", "DYN-7", "SCH-5")
def test_dynamic_inputs() -> None:
    config = {"dynamicInputs": [{"name": "mine"}, {"name": "both"}, {"name": ""}, {"name": "idle"}]}
    found = resolve(TYPE, config, {"mine": [1], "both": "w"})
    assert (found["mine"], found["both"], found["idle"]) == ([1], "w", None)
    closed = TYPE.model_copy(update={"parameters": {"both": TYPE.parameters["both"]}})
    assert "mine" not in resolve(closed, config, {"mine": 1})


@pytest.mark.rule("DYN-6")
def test_dynamic_ports_have_no_exposure() -> None:
    hidden = {"inputs": {"mine": {"exposed": False}}, "outputs": {"own": {"exposed": False}}}
    config = {"dynamicInputs": [{"name": "mine"}], "dynamicOutputs": [{"name": "own"}], "ports": hidden}
    assert resolve(TYPE, config, {"mine": 1})["mine"] == 1
    assert strip_hidden(TYPE, config, {"own": 2})["own"] == 2


@pytest.mark.rule("DATA-8", "DATA-9", "EXPO-11", "EXPO-12", "EXPO-13", "EXPO-14", "SCH-7")
def test_what_leaves_a_node() -> None:
    given = {
        "shown": 1,
        "quiet": object(),
        "gone": 2,
        "own": 3,
        "active_branches": ["a"],
        "state_update": {},
        "_x": 4,
        "trigger": 5,
    }
    left = strip_hidden(TYPE, {}, given)
    assert set(left) == {"shown", "own", "active_branches", "state_update", "_x", "trigger"}
    check_json(left, node_id="n", node_type_id="t")
    assert unified_output(left) == {"shown": 1, "own": 3}
    asked = {"ports": {"outputs": {"quiet": {"exposed": True}, "gone": {"exposed": True}, "shown": {"exposed": False}}}}
    assert set(strip_hidden(TYPE, asked, {"shown": 1, "quiet": 2, "gone": 3})) == {"quiet"}
    assert overrides({}, "outputs") == {}


@pytest.mark.rule("ERR-6")
def test_only_json_leaves_a_node() -> None:
    for value, path in (
        ({"a": [{"b": object()}]}, "a.0.b"),
        ({"a": float("nan")}, "a"),
        ({"a": {1: 2}}, "a.1"),
        ({"a": (1,)}, "a"),
    ):
        with pytest.raises(NodeError) as caught:
            check_json(value, node_id="n.1", node_type_id="t")
        assert caught.value.details["path"] == path
        assert not caught.value.retryable
        assert "'n.1' (t)" in caught.value.message
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(NodeError, match="nested deeper"):
        check_json({"a": deep}, node_id="n", node_type_id="t")


ENTRY = {"name": "who", "node_id": "text_input.1", "port": "text"}


def doors(**extra: Any) -> Plan:
    return plan_of([node("text_input.1"), node("text_input.2")], [], input_ports=[ENTRY], **extra)


@pytest.mark.rule("MAN-1", "MAN-10", "MAN-11")
def test_a_declared_input_reaches_its_port() -> None:
    assert launch(doors(), inputs={"who": "x"}).by_node == {"text_input.1": {"text": "x"}}
    named_like_a_node = plan_of([node("text_input.1"), node("who", "text_input")], [], input_ports=[ENTRY])
    assert launch(named_like_a_node, inputs={"who": "x"}).by_node == {"text_input.1": {"text": "x"}}


@pytest.mark.rule("MAN-12", "MAN-13", "MAN-15", "MAN-16")
def test_refusals_in_stages() -> None:
    contract = {"required": ["who"], "properties": {"who": {"type": "string", "enum": ["a", "b"]}}}
    strict = doors(parameter_schema=contract)
    for inputs, code, words in (
        ({"text_input.1": {"text": 1}}, "LAUNCH_UNDECLARED", "'f' does not declare the input 'text_input.1'"),
        ({}, "LAUNCH_MISSING", "needs the input 'who'"),
        ({"who": 5}, "LAUNCH_INVALID", "of type string"),
        ({"who": "c"}, "LAUNCH_INVALID", "one of 'a', 'b'"),
    ):
        with pytest.raises(LaunchError) as caught:
            launch(strict, inputs=inputs)
        assert caught.value.code == code
        assert words in caught.value.message
        assert str(caught.value).endswith("Accepted inputs: who.")


@pytest.mark.rule("MAN-16")
@pytest.mark.parametrize(
    ("schema", "value", "accepted"),
    [
        ({"type": "array"}, {"a": 1}, True),
        ({"type": "object"}, "x", False),
        ({"type": ["object", "string"]}, "x", True),
        ({"type": "integer"}, "5", False),
        ({"type": "mixed"}, object, True),
        ({"enum": [1]}, True, False),
        ({"enum": [1]}, 1, True),
        ({"minLength": 9, "pattern": "z"}, "x", True),
    ],
)
def test_only_type_and_enum_count_at_launch(schema: dict[str, Any], value: Any, accepted: bool) -> None:
    strict = doors(parameter_schema={"properties": {"who": schema}})
    if accepted:
        assert launch(strict, inputs={"who": value}).by_node
        return
    with pytest.raises(LaunchError):
        launch(strict, inputs={"who": value})


@pytest.mark.rule("MAN-14", "MAN-17")
def test_malformed_manifest_entries(caplog: pytest.LogCaptureFixture) -> None:
    odd = plan_of(
        [node("text_input.1")],
        [],
        input_ports=[ENTRY, {"name": "x"}],
        output_ports=[ENTRY, {**ENTRY, "name": "no", "port": "nix"}, {"name": "y"}],
    )
    with caplog.at_level(logging.WARNING, "flowdrop.engine"):
        launch(odd, inputs={"who": "x"})
    assert "MAN-14" in caplog.text
    assert workflow_outputs(odd, {"text_input.1": {"text": None}}) == (
        {"who": None},
        ["The declared output 'no' was not produced."],
    )


@pytest.mark.rule("INT-7")
def test_the_revision_knows_what_runs() -> None:
    base = chain("f", 3)
    version = structural_version(read_workflow(base))
    assert len(version) == 16
    moved = chain("f", 3)
    moved["nodes"][0].update(position={"x": 9, "y": 9}, selected=True)
    moved["nodes"][0]["data"]["label"] = "Renamed"
    moved["nodes"].reverse()
    assert structural_version(read_workflow(moved)) == version
    changed = chain("f", 3)
    changed["nodes"][0]["data"]["config"]["defaultValue"] = "other"
    assert structural_version(read_workflow(changed)) != version
    noted = [plan_of([node("text_input.1"), node("note.1", content=text)]).revision for text in ("a", "b")]
    assert noted[0] == noted[1]


def test_no_two_nodes_share_a_task() -> None:
    names = [RESULT_TASK_ID, f"{RESULT_TASK_ID}_node", "a b", "a_b", "節点", "x" * 250]
    found = task_ids(names)
    assert len(set(found.values())) == len(names)
    assert RESULT_TASK_ID not in found.values()
