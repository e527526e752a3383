"""The workflows that faults are injected into; what they do to the world is an HTTP request a node, which a receiver counts."""

from __future__ import annotations

from typing import Any

from tests.flows import flow, node
from tests.integration.scenarios import mapper

#: Larger than the bound of the deployment under test, so it goes from worker to worker through object storage.
LARGE = "x" * 5000
ROUNDS = 6


def _effect(url: str, node_id: str, **config: Any) -> dict[str, Any]:
    return node(node_id, url=f"{url}/{node_id}", method="POST", **config)


def documents(url: str) -> list[dict[str, Any]]:
    """Return all workflows.

    :param url: where the receiver of side effects listens.
    """
    return [_steps(url), _loop(url), _pure(url), _asked(url), _delayed(url), _slow_call(url)]


def _steps(url: str) -> dict[str, Any]:
    """Side effect, pure node with a large value, side effect: every task of its own."""
    return flow(
        "faults_steps",
        [
            node("chat_input.1"),
            node("text_input.1", defaultValue=LARGE),
            _effect(url, "http_request.1"),
            node("text_processor.1", operation="uppercase"),
            _effect(url, "http_request.2"),
            node("text_output.1"),
        ],
        [
            "chat_input.1:message > http_request.1:body",
            "text_input.1:text > text_processor.1:text",
            "http_request.1:trigger > text_processor.1:trigger",
            "chat_input.1:message > http_request.2:body",
            "text_processor.1:trigger > http_request.2:trigger",
            "text_processor.1:text > text_output.1:text",
            "http_request.2:trigger > text_output.1:trigger",
        ],
    )


def _loop(url: str) -> dict[str, Any]:
    """A loop with a side effect in each round."""
    return flow(
        "faults_loop",
        [
            node("chat_input.1"),
            node("range.1", start=1, end=ROUNDS),
            node("foreach.1"),
            mapper("data_mapper.1", "m ~ '#' ~ x", "m", "x"),
            _effect(url, "http_request.1"),
            node("data_to_json.1"),
        ],
        [
            "chat_input.1:message > data_mapper.1:m",
            "range.1:items > foreach.1:items",
            "foreach.1:current_item > data_mapper.1:x",
            "data_mapper.1:y > http_request.1:body",
            "http_request.1:status_code > foreach.1:loop_back",
            "foreach.1:collected_results > data_to_json.1:data",
        ],
    )


def _pure(url: str) -> dict[str, Any]:
    """A loop without side effects, which may be started again, and one side effect behind it."""
    return flow(
        "faults_pure",
        [
            node("chat_input.1"),
            node("range.1", start=1, end=60),
            node("foreach.1"),
            mapper("data_mapper.1", "x * 10", "x"),
            node("data_to_json.1"),
            _effect(url, "http_request.1"),
        ],
        [
            "range.1:items > foreach.1:items",
            "foreach.1:current_item > data_mapper.1:x",
            "data_mapper.1:y > foreach.1:loop_back",
            "foreach.1:collected_results > data_to_json.1:data",
            "data_to_json.1:trigger > http_request.1:trigger",
            "chat_input.1:message > http_request.1:body",
        ],
    )


def _asked(url: str) -> dict[str, Any]:
    """A question to a person, then a side effect."""
    return flow(
        "faults_asked",
        [node("chat_input.1"), node("confirmation.1", message="Go on?"), _effect(url, "http_request.1")],
        ["confirmation.1:True > http_request.1:trigger", "chat_input.1:message > http_request.1:body"],
    )


def _delayed(url: str) -> dict[str, Any]:
    """A wait in the triggerer, then a side effect."""
    return flow(
        "faults_delayed",
        [node("chat_input.1"), node("delay.1", value=15, unit="seconds"), _effect(url, "http_request.1")],
        [
            "chat_input.1:message > delay.1:trigger",
            "delay.1:trigger > http_request.1:trigger",
            "chat_input.1:message > http_request.1:body",
        ],
    )


def _slow_call(url: str) -> dict[str, Any]:
    """A side effect that is allowed so much time that the triggerer makes it."""
    return flow(
        "faults_slow_call",
        [node("chat_input.1"), _effect(url, "http_request.1", timeout=100), node("text_output.1")],
        ["chat_input.1:message > http_request.1:body", "http_request.1:body > text_output.1:text"],
    )
