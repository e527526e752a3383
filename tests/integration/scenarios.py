"""Workflows that every way of running must run alike: in process, by ``dag.test()``, on a scheduler."""

from __future__ import annotations

from tests.flows import edge, flow, node

IF = {"matchText": "yes", "operator": "equals"}
#: A pattern that does not compile fails its node (LANG-28).
BAD_PATTERN = {"matchText": "/(/", "operator": "regex"}

LINEAR = flow(
    "same_linear",
    [node("text_input.1", defaultValue="hello"), node("text_processor.1", operation="uppercase"), node("text_output.1")],
    ["text_input.1:text > text_processor.1:text", "text_processor.1:text > text_output.1:text"],
)

BRANCH = flow(
    "same_branch",
    [
        node("chat_input.1"),
        node("if_else.1", **IF),
        node("prompt_template.1", template="agreed"),
        node("prompt_template.2", template="refused"),
        node("text_processor.1", operation="uppercase"),
        node("chat_output.1"),
        node("note.1", content="never runs"),
    ],
    [
        "chat_input.1:message > if_else.1:data",
        "if_else.1:True > prompt_template.1:trigger",
        "if_else.1:False > prompt_template.2:trigger",
        "prompt_template.2:prompt > text_processor.1:text",
        "prompt_template.1:prompt > chat_output.1:message",
        "text_processor.1:text > chat_output.1:message",
    ],
)

TWO_SOURCES = flow(
    "same_two_sources",
    [node("text_input.1", defaultValue="first"), node("text_input.2", defaultValue="second"), node("text_output.1")],
    ["text_input.1:text > text_output.1:text", "text_input.2:text > text_output.1:text"],
)

ROUTED = flow(
    "same_routed",
    [
        node("text_input.1", defaultValue="hello"),
        node("if_else.1", **BAD_PATTERN),
        node("data_to_json.1"),
        node("text_output.1"),
        node("text_output.2"),
    ],
    [
        "text_input.1:text > if_else.1:data",
        "if_else.1:error > data_to_json.1:data",
        "data_to_json.1:json > text_output.1:text",
        "if_else.1:True > text_output.2:trigger",
    ],
)

FAILED = flow(
    "same_failed",
    [
        node("text_input.1", defaultValue="hello"),
        node("if_else.1", **BAD_PATTERN),
        node("text_output.1"),
        node("text_output.2"),
    ],
    [
        "text_input.1:text > if_else.1:data",
        "if_else.1:True > text_output.1:trigger",
        "text_output.1:trigger > text_output.2:trigger",
    ],
)

STOPPED = flow(
    "same_stopped",
    [node("text_input.1", defaultValue="enough"), node("stop.1"), node("text_output.1"), node("text_output.2")],
    [
        "text_input.1:text > stop.1:value",
        edge("stop.1:trigger > text_output.1:trigger"),
        edge("text_output.1:trigger > text_output.2:trigger"),
    ],
)

UNFILLED = flow(
    "same_unfilled",
    [
        node("chat_input.1"),
        node("if_else.1", **IF),
        node("text_processor.1", operation="uppercase"),
        node("prompt_template.1", template="t"),
        node("merge.1", dynamicInputs=[{"name": "a"}, {"name": "b"}]),
        node("text_output.1"),
    ],
    [
        "chat_input.1:message > if_else.1:data",
        "chat_input.1:message > text_processor.1:text",
        "if_else.1:True > prompt_template.1:trigger",
        "prompt_template.1:prompt > merge.1:a",
        "text_processor.1:text > merge.1:b",
        "text_processor.1:text > text_output.1:text",
    ],
)

SECRET = flow(
    "same_secret",
    [
        node(
            "data_mapper.1",
            engine="expression_language",
            dynamicInputs=[],
            dynamicOutputs=[{"name": "login", "value": '{"user": "ada", "password": "correct horse"}'}],
        ),
        node("data_extractor.1", path="password", engine="property_path"),
        node("data_to_json.1"),
    ],
    ["data_mapper.1:login > data_extractor.1:data", "data_extractor.1:data > data_to_json.1:data"],
)

DECLARED = flow(
    "same_declared",
    [node("text_processor.1", operation="uppercase"), node("text_output.1")],
    ["text_processor.1:text > text_output.1:text"],
    input_ports=[{"name": "words", "node_id": "text_processor.1", "port": "text"}],
    output_ports=[{"name": "shouted", "node_id": "text_processor.1", "port": "text"}],
    parameter_schema={"type": "object", "properties": {"words": {"type": "string", "default": "from the contract"}}},
)

EVENT = flow(
    "same_event",
    [node("trigger.1"), node("data_to_json.1")],
    ["trigger.1:data > data_to_json.1:data"],
)

SHOWN_LOOP_BACK = {"inputs": [{"id": "loop_back", "exposed": True}]}


def mapper(node_id: str, expression: str, *inputs: str, port: str = "y", **extra: object):
    """A data mapper with one output."""
    return node(
        node_id,
        engine="expression_language",
        dynamicInputs=[{"name": name} for name in inputs],
        dynamicOutputs=[{"name": port, "value": expression}],
        **extra,
    )


FOREACH = flow(
    "same_foreach",
    [node("range.1", start=1, end=4), node("foreach.1"), mapper("data_mapper.1", "x * 10", "x"), node("data_to_json.1")],
    [
        "range.1:items > foreach.1:items",
        "foreach.1:current_item > data_mapper.1:x",
        "data_mapper.1:y > foreach.1:loop_back",
        "foreach.1:collected_results > data_to_json.1:data",
    ],
)

NESTED = flow(
    "same_nested",
    [
        node("range.1", start=1, end=3),
        node("foreach.1"),
        node("range.2", start=1, end=2),
        node("foreach.2"),
        mapper("data_mapper.1", "a * 10 + b", "a", "b"),
        node("merge.1", dynamicInputs=[{"name": "inner"}]),
        node("data_to_json.1"),
    ],
    [
        "range.1:items > foreach.1:items",
        "foreach.1:current_item > data_mapper.1:a",
        "foreach.1:trigger > range.2:trigger",
        "range.2:items > foreach.2:items",
        "foreach.2:current_item > data_mapper.1:b",
        "data_mapper.1:y > foreach.2:loop_back",
        "foreach.2:collected_results > merge.1:inner",
        "merge.1:merged > foreach.1:loop_back",
        "foreach.1:collected_results > data_to_json.1:data",
    ],
)

COUNTING = flow(
    "same_counting",
    [
        node("text_input.1"),
        node("state_storage.1", operation="increment", key="n", ports=SHOWN_LOOP_BACK),
        mapper("data_mapper.1", "n < 3", "n"),
        node("boolean_gateway.1"),
        node("data_to_json.1"),
        node("text_output.1"),
    ],
    [
        "text_input.1:text > state_storage.1:trigger",
        "state_storage.1:value > data_mapper.1:n",
        "data_mapper.1:y > boolean_gateway.1:value",
        "boolean_gateway.1:True > state_storage.1:loop_back",
        "boolean_gateway.1:False > data_to_json.1:trigger",
        "state_storage.1:value > data_to_json.1:data",
        "data_to_json.1:json > text_output.1:text",
    ],
)

LOOP_FAILS = flow(
    "same_loop_fails",
    [
        node("range.1", start=1, end=4),
        node("foreach.1"),
        mapper("data_mapper.1", "12 / (3 - x)", "x"),
        node("data_to_json.1"),
        node("text_output.1"),
    ],
    [
        "range.1:items > foreach.1:items",
        "foreach.1:current_item > data_mapper.1:x",
        "data_mapper.1:y > foreach.1:loop_back",
        "data_mapper.1:error > data_to_json.1:data",
        "data_to_json.1:json > text_output.1:text",
    ],
)

STATE = flow(
    "same_state",
    [
        node("text_input.1", defaultValue="kept"),
        node("state_storage.1", operation="set", key="word"),
        node("state_storage.2", operation="get", key="word"),
        node("text_output.1"),
    ],
    [
        "text_input.1:text > state_storage.1:value",
        "state_storage.1:trigger > state_storage.2:trigger",
        "state_storage.2:value > text_output.1:text",
    ],
)


def fused(document):
    """The same workflow, asking to be run fused."""
    return {**document, "id": f"{document['id']}_fused", "metadata": {"flowdrop": {"fused": True}}}


#: ``(document, inputs, expected status)``.
UNFUSED = [
    (LINEAR, {}, "completed"),
    (BRANCH, {"message": "yes"}, "completed"),
    (BRANCH, {"message": "no"}, "completed"),
    (TWO_SOURCES, {}, "completed"),
    (ROUTED, {}, "completed_with_warnings"),
    (FAILED, {}, "failed"),
    (STOPPED, {}, "completed"),
    (UNFILLED, {"message": "no"}, "completed"),
    (SECRET, {}, "completed"),
    (DECLARED, {"words": "louder"}, "completed"),
    # Shorter keys first: PostgreSQL keeps a run's conf in that order, whatever the caller wrote.
    (EVENT, {"id": 7, "event": "entity.insert"}, "completed"),
    (FOREACH, {}, "completed"),
    (NESTED, {}, "completed"),
    (COUNTING, {}, "completed"),
    (LOOP_FAILS, {}, "completed_with_warnings"),
    (STATE, {}, "completed"),
]

SCENARIOS = [*UNFUSED, *((fused(document), inputs, status) for document, inputs, status in UNFUSED)]
