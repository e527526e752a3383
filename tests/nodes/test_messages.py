import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowdrop_provider.nodes.api import NodeContext
from flowdrop_provider.nodes.messages import conversation_normalize


def user(text):
    return {"role": "user", "content": text}


def calls(*ids, content=""):
    return {"role": "assistant", "content": content, "tool_calls": [{"id": identity, "name": "f"} for identity in ids]}


def result(identity, content="r"):
    return {"role": "tool", "tool_call_id": identity, "content": content}


@pytest.mark.rule("MEM-4")
def test_assemble_keeps_the_port_order_and_adds_nothing_for_nothing(run_node):
    config = {"dynamicInputs": [{"name": name} for name in ("b", "none", "a", "empty")]}
    inputs = {"a": user("one"), "b": [user("x"), user("y")], "none": None, "empty": []}
    assert run_node("message_assemble", config, inputs) == {"messages": [user("x"), user("y"), user("one")]}
    assert run_node("message_assemble", {"dynamicInputs": {}}) == {"messages": []}


@pytest.mark.rule("MEM-5")
def test_normalize_coerces_to_the_flat_shape(run_node):
    messages = ["text", {"content": "no role"}, {"role": ""}, {"role": "user"}, {"role": "user", "content": [{"t": "é"}]},
                {"role": "user", "content": object()}, {"role": "user", "content": 5, "name": "n"}]  # fmt: skip
    found = run_node("conversation_normalize", {}, {"messages": messages})
    assert found["messages"] == [user(""), user('[{"t":"é"}]'), user(""), {**user("5"), "name": "n"}]
    assert found["dropped"] == 0, "the count is the repair pass's own"


@pytest.mark.rule("MEM-5")
def test_normalize_puts_system_messages_first(run_node):
    one, two = {"role": "system", "content": "1"}, {"role": "system", "content": "2"}
    found = run_node("conversation_normalize", {}, {"messages": [user("a"), one, user("b"), two]})
    assert found["messages"] == [one, two, user("a"), user("b")]


@pytest.mark.rule("MEM-5")
def test_normalize_repairs_the_pairing(run_node):
    messages = [
        result("orphan"),
        calls("1", "2"),
        result("2"),
        result("2", "again"),
        calls("2", "3"),
        user("x"),
        result("3"),
        calls("1"),
    ]
    found = run_node("conversation_normalize", {}, {"messages": messages})
    kinds = [(message["role"], message.get("tool_call_id"), message.get("healed", False)) for message in found["messages"]]
    assert kinds == [
        ("assistant", None, False),
        ("tool", "1", True),
        ("tool", "2", False),
        ("assistant", None, False),
        ("tool", "3", False),
        ("user", None, False),
    ]
    assert [call["id"] for call in found["messages"][3]["tool_calls"]] == ["3"]
    assert found["dropped"] == 4, "an orphan, a duplicate, two repeated calls"


@pytest.mark.rule("MEM-11")
def test_normalize_reads_a_call_id_under_either_spelling(run_node):
    turn = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"tool_call_id": "n", "id": "p"}, {"id": "p2"}, {"name": "no id"}, 5],
    }
    found = run_node("conversation_normalize", {}, {"messages": [turn, result("n"), result("p2"), result("p")]})
    assert [message.get("tool_call_id") for message in found["messages"]] == [None, "n", "p2"]
    assert found["dropped"] == 3


MESSAGES = st.lists(
    st.sampled_from([user("u"), {"role": "system", "content": "s"}, {"role": "assistant", "content": "a"}, None, {}])
    | st.builds(result, st.sampled_from("abc"))
    | st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(lambda ids: calls(*ids)),
    max_size=12,
)


@pytest.mark.rule("MEM-5")
@given(messages=MESSAGES)
def test_normalizing_twice_changes_nothing_and_every_call_has_one_result(messages):
    def normalize(items):
        return conversation_normalize.function({"messages": items}, NodeContext(node_id="n"))

    once = normalize(messages)
    assert normalize(once["messages"]) == {"messages": once["messages"], "dropped": 0}
    rest = [message for message in once["messages"] if message["role"] != "system"]
    assert not rest or rest[0]["role"] != "tool"
    declared = [call["id"] for message in rest for call in message.get("tool_calls", [])]
    assert declared == [message["tool_call_id"] for message in rest if message["role"] == "tool"]
    assert len(declared) == len(set(declared))


@pytest.mark.rule("MEM-16")
@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"text": "hi"}, user("hi")),
        ({"text": "hi", "role": "assistant"}, {"role": "assistant", "content": "hi"}),
        ({"text": "hi", "role": "robot", "tool_call_id": "x"}, user("hi")),
        ({"text": "hi", "role": None}, user("hi")),
        (
            {"text": {"a": 1}, "role": "tool", "tool_call_id": " c "},
            {"role": "tool", "content": '{"a":1}', "tool_call_id": "c"},
        ),
        ({"text": "r", "role": "tool", "tool_call_id": "  "}, {"role": "tool", "content": "r"}),
        ({"text": 0}, user("0")),
    ],
)
def test_text_to_message(run_node, inputs, message):
    assert run_node("text_to_message", {}, inputs) == {"messages": [message], "message": message}


@pytest.mark.rule("MEM-16")
@pytest.mark.parametrize("inputs", [{"text": ""}, {"text": None}, {}, {"text": "", "role": "tool", "tool_call_id": "x"}])
def test_text_to_message_of_nothing_is_nothing(run_node, inputs):
    assert run_node("text_to_message", {}, inputs) == {"messages": [], "message": {}}
