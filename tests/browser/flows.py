"""Workflows that the pictures and the browser tests show: readable labels, an author's places."""

from __future__ import annotations

from typing import Any

from tests.flows import flow, node


def at(x: int, y: int, drawn: dict[str, Any]) -> dict[str, Any]:
    """Place a node."""
    return {**drawn, "position": {"x": x, "y": y}}


def mapper(node_id: str, label: str, expression: str, *inputs: str) -> dict[str, Any]:
    """A data mapper with one output ``y``."""
    return node(
        node_id,
        label=label,
        engine="expression_language",
        dynamicInputs=[{"name": name} for name in inputs],
        dynamicOutputs=[{"name": "y", "value": expression}],
    )


#: Takes one branch, skips the other; then the score divides by zero and nothing handles that.
TICKET = flow(
    "support_ticket",
    [
        at(0, -120, node("note.1", label="About", content="## Support tickets\n\nUrgent tickets get an **answer at once**.")),
        at(0, 120, node("chat_input.1", label="Ticket")),
        at(330, 80, node("if_else.1", label="Is it urgent?", matchText="/urgent/i", operator="regex")),
        at(680, 0, node("prompt_template.1", label="Answer at once", template="We are on it: {{ ticket }}")),
        at(680, 220, node("prompt_template.2", label="Standard answer", template="Thank you.")),
        at(1030, 0, mapper("data_mapper.1", "Score per open ticket", "100 / (3 - 3)", "answer")),
        at(1030, 220, node("data_to_json.1", label="Write the score down")),
        at(1380, 120, node("chat_output.1", label="Reply")),
    ],
    [
        "chat_input.1:message > if_else.1:data",
        "if_else.1:True > prompt_template.1:trigger",
        "if_else.1:False > prompt_template.2:trigger",
        "prompt_template.1:prompt > data_mapper.1:answer",
        "data_mapper.1:y > data_to_json.1:data",
        "data_to_json.1:json > chat_output.1:message",
        "prompt_template.2:prompt > chat_output.1:message",
    ],
    input_ports=[{"name": "message", "node_id": "chat_input.1", "port": "message"}],
)

#: Three rounds of a loop; the last fails and its error edge goes on.
INVOICES = flow(
    "invoice_rounds",
    [
        at(0, 100, node("range.1", label="Invoice numbers", start=1, end=4)),
        at(320, 100, node("foreach.1", label="Each invoice")),
        at(660, 100, mapper("data_mapper.1", "Share of the total", "12 / (3 - x)", "x")),
        at(1000, 100, node("data_to_json.1", label="Note the failure")),
    ],
    [
        "range.1:items > foreach.1:items",
        "foreach.1:current_item > data_mapper.1:x",
        "data_mapper.1:y > foreach.1:loop_back",
        "data_mapper.1:error > data_to_json.1:data",
    ],
)


#: Waits twice for a person: a yes or no, then a form.
REVIEW = flow(
    "release_review",
    [
        at(0, 60, node("text_input.1", label="What to ask", defaultValue="Publish the spring news?")),
        at(330, 60, node("confirmation.1", label="Ask the editor", confirm_label="Publish", cancel_label="Keep it")),
        at(
            680,
            0,
            node(
                "form_input.1",
                label="Ask for the details",
                message="Where and how often?",
                schema={
                    "type": "object",
                    "required": ["channel", "times"],
                    "properties": {
                        "channel": {"type": "string", "title": "Channel", "enum": ["site", "mail"]},
                        "times": {"type": "integer", "title": "How often", "minimum": 1},
                        "pinned": {"type": "boolean", "title": "Pin to the front page"},
                    },
                },
            ),
        ),
        at(1030, 0, node("data_to_json.1", label="Publish")),
        at(680, 260, node("text_output.1", label="Put aside")),
    ],
    [
        "text_input.1:text > confirmation.1:message",
        "confirmation.1:True > form_input.1:trigger",
        "form_input.1:data > data_to_json.1:data",
        "confirmation.1:False > text_output.1:trigger",
        "text_input.1:text > text_output.1:text",
    ],
)

#: Fails three times, then its error edge goes on.
WEATHER = flow(
    "weather_report",
    [
        at(0, 60, node("http_request.1", label="Ask the weather service", url="http://no-such-host.invalid/", maxRetries=2)),
        at(360, 60, node("data_to_json.1", label="Use yesterday's report")),
    ],
    ["http_request.1:error > data_to_json.1:data"],
)

#: A workflow and the one it calls.
SHOUT = flow(
    "shout",
    [node("text_processor.1", label="Shout", operation="uppercase"), node("text_output.1", label="Say it")],
    ["text_processor.1:text > text_output.1:text"],
    input_ports=[{"name": "words", "node_id": "text_processor.1", "port": "text"}],
    output_ports=[{"name": "shouted", "node_id": "text_processor.1", "port": "text"}],
    parameter_schema={"type": "object", "properties": {"words": {"type": "string"}}},
)
CALLER = flow(
    "shout_caller",
    [
        at(0, 0, mapper("data_mapper.1", "Words", '{"words": "hello"}')),
        at(340, 0, node("workflow_executor.1", label="Let another shout", workflow_id="shout", execution_mode="job_wait")),
        at(680, 0, node("data_to_json.1", label="Keep it")),
    ],
    ["data_mapper.1:y > workflow_executor.1:input_data", "workflow_executor.1:outputs > data_to_json.1:data"],
)


def large(size: int) -> dict[str, Any]:
    """A tree of ``size`` nodes in one task, so that it runs within seconds."""
    nodes = [at(0, 0, node("text_processor.0", label="Start", text="hello", operation="uppercase"))]
    edges = []
    for number in range(1, size):
        nodes.append(at(number // 20 * 360, number % 20 * 170, node(f"text_processor.{number}", label=f"Step {number}")))
        edges.append(f"text_processor.{(number - 1) // 4}:text > text_processor.{number}:text")
    return flow(f"large_{size}", nodes, edges, metadata={"flowdrop": {"fused": True}})


#: A DAG of somebody else, for the friendly answer about it.
FOREIGN = """
from airflow.sdk import DAG, task

with DAG("not_a_flow", schedule=None):
    @task
    def foreign():
        return 1
    foreign()
"""
