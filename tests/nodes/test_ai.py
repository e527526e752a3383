"""AI nodes: the real agent loop on pydantic-ai's test and function models, and on a local OpenAI-compatible server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._tool_calls import Tool
from flowdrop_provider.nodes.api import Interrupt
from flowdrop_provider.nodes.memory_store import InProcessMemory
from flowdrop_provider.nodes.models import EnvironmentModels
from flowdrop_provider.nodes.world import World
from tests.nodes.openai_stub import openai_server

pydantic_ai = pytest.importorskip("pydantic_ai", reason="needs the extra 'ai'")
from pydantic_ai.embeddings import TestEmbeddingModel  # noqa: E402
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart  # noqa: E402
from pydantic_ai.models.function import FunctionModel  # noqa: E402
from pydantic_ai.models.test import TestModel  # noqa: E402

Run = Callable[..., dict[str, Any]]


class Models:
    def __init__(self, model: Any = None, embedding: Any = None) -> None:
        self.model, self.embedding_model, self.asked = model, embedding, []

    def chat(self, name: str, role: str) -> Any:
        self.asked.append((name, role))
        return self.model

    def embedding(self, name: str) -> Any:
        self.asked.append((name, ""))
        return self.embedding_model


class Tools:
    """One tool, ``add``, that records its calls."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.done: dict[str, Any] = {}

    def tools(self, node_id: str) -> list[Tool]:
        numbers = {"type": "object", "properties": {"numbers": {"type": "array", "items": {}}}, "required": ["numbers"]}
        return [Tool("add", "Adds numbers.", numbers, self.add)]

    def results(self) -> dict[str, Any]:
        return self.done

    def add(self, arguments: Any) -> dict[str, Any]:
        self.seen.append(arguments)
        if not all(isinstance(number, int) for number in arguments["numbers"]):
            raise NodeError("Not numbers.", code="wrong_type")
        return {"sum": sum(arguments["numbers"]), "artifacts": [{"type": "sum", "payload": 1}]}


def world(model: Any = None, **extras: Any) -> World:
    return World(extras={"models": Models(model), **extras})


def says(text: str, **more: Any) -> FunctionModel:
    return FunctionModel(lambda messages, info: ModelResponse(parts=[TextPart(text)], **more))


CHATS = [
    ("chat_model", {}, {"message": "Hi"}),
    ("simple_chat", {}, {"message": "Hi"}),
    ("chat", {}, {"message": "Hi"}),
    ("openai_chat", {}, {"prompt": "Hi"}),
    ("reason", {}, {"messages": [{"role": "user", "content": "Hi"}]}),
    ("simple_agent", {}, {"message": "Hi"}),
]


@pytest.mark.parametrize(("processor", "config", "inputs"), CHATS, ids=lambda item: str(item)[:20])
def test_without_a_model_the_error_says_what_to_set(run_node: Run, processor: str, config: Any, inputs: Any) -> None:
    with pytest.raises(NodeError) as caught:
        run_node(processor, config, inputs, world=World())
    assert caught.value.code == "model_missing"
    assert "model_conn_id" in (caught.value.hint or "")


@pytest.mark.parametrize(("processor", "config", "inputs"), CHATS, ids=lambda item: str(item)[:20])
def test_the_models_answer_and_its_tokens_come_out(run_node: Run, processor: str, config: Any, inputs: Any) -> None:
    outputs = run_node(processor, config, inputs, world=world(says("Hello!")))
    answer = outputs.get("response", outputs.get("text"))
    assert (answer["content"] if isinstance(answer, dict) else answer) == "Hello!"
    assert outputs["usage"]["requests"] == 1
    assert outputs["usage"]["total_tokens"] == outputs["usage"]["input_tokens"] + outputs["usage"]["output_tokens"] > 0


@pytest.mark.parametrize(("processor", "config", "inputs"), CHATS, ids=lambda item: str(item)[:20])
@pytest.mark.parametrize("empty", ["", "  ", None])
def test_nothing_to_say_is_a_node_error(run_node: Run, processor: str, config: Any, inputs: Any, empty: Any) -> None:
    with pytest.raises(NodeError) as caught:
        run_node(processor, config, dict.fromkeys(inputs, empty), world=world(says("never")))
    assert caught.value.code == "missing_parameter"


@pytest.mark.parametrize("case", CHATS, ids=lambda case: case[0])
def test_what_a_model_run_cost_is_reported(run_node: Run, case: Any) -> None:
    reported: list[Any] = []
    shared = world(says("Hello!"))
    shared.report = lambda *facts: reported.append(facts)
    outputs = run_node(*case, world=shared)
    assert reported == [("node.1", "ai_usage", outputs["usage"])]


def test_settings_history_and_system_prompt_reach_the_model(run_node: Run) -> None:
    seen: list[Any] = []

    def model(messages: Any, info: Any) -> ModelResponse:
        seen.extend([messages, info])
        return ModelResponse(parts=[TextPart("ok")])

    history = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": "", "tool_calls": [{"name": "t", "args": {"a": 1}, "tool_call_id": "1"}]},
        {"role": "tool", "tool_call_id": "1", "content": "r"},
        {"role": "tool", "tool_call_id": "orphan", "content": "left out"},
    ]
    config = {"systemPrompt": "Be brief.", "temperature": 0.1, "maxTokens": 9, "model": "m", "operation_type": "role:task"}
    chosen = world(FunctionModel(model))
    run_node("simple_chat", config, {"message": "now", "history": history}, world=chosen)
    messages, info = seen
    parts = [part for message in messages for part in message.parts]
    assert [type(part).__name__ for part in parts] == [
        "SystemPromptPart",
        "UserPromptPart",
        "ToolCallPart",
        "ToolReturnPart",
        "UserPromptPart",
    ]
    assert (info.model_settings["temperature"], info.model_settings["max_tokens"]) == (0.1, 9)
    assert info.instructions == "Be brief."
    assert chosen.extras["models"].asked == [("m", "role:task")]


def test_chat_asks_the_last_message_and_returns_the_conversation(run_node: Run) -> None:
    given = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    outputs = run_node("chat", inputs={"messages": given}, world=world(says("d")))
    assert outputs["messages"] == [*given, {"role": "assistant", "content": "d"}]


def test_a_schema_gives_data(run_node: Run) -> None:
    schema = {"type": "object", "title": "Person", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    model = TestModel(custom_output_args={"name": "Ada"})
    outputs = run_node("chat_model", {"responseSchema": schema}, {"message": "Who?"}, world=world(model))
    assert outputs["data"] == {"name": "Ada"}
    assert json.loads(outputs["response"]) == {"name": "Ada"}


def adding(numbers: Any) -> FunctionModel:
    def model(messages: Any, info: Any) -> ModelResponse:
        last = messages[-1].parts[-1]
        if isinstance(last, ToolReturnPart):
            return ModelResponse(parts=[TextPart(f"It is {last.content}")])
        return ModelResponse(parts=[ToolCallPart("add", {"numbers": numbers})])

    return FunctionModel(model)


def test_an_agent_calls_tools_until_it_answers(run_node: Run) -> None:
    tools = Tools()
    outputs = run_node("simple_agent", inputs={"message": "2+3?"}, world=world(adding([2, 3]), tools=tools))
    assert outputs["response"]["content"] == 'It is {"sum":5}'
    assert (outputs["tools_used"], outputs["usage"]["tool_calls"], outputs["usage"]["requests"]) == (["add"], 1, 2)
    assert tools.seen == [{"numbers": [2, 3]}]
    assert [artifact["type"] for artifact in outputs["tool_artifacts"]] == ["sum"]


@pytest.mark.rule("ERR-9")
def test_a_failed_tool_is_answered_to_the_model(run_node: Run) -> None:
    outputs = run_node("simple_agent", inputs={"message": "?"}, world=world(adding(["x"]), tools=Tools()))
    assert outputs["response"]["content"] == "It is Not numbers."


@pytest.mark.rule("RT-GATE-6")
@pytest.mark.parametrize(
    ("processor", "inputs"),
    [("simple_agent", {"message": "?"}), ("tool_invoke", {"tool_calls": [{"name": "add", "args": {}, "id": "1"}]})],
)
def test_a_question_out_of_a_tool_call_is_a_question_and_no_failure(run_node: Run, processor: str, inputs: Any) -> None:
    class Asking(Tools):
        def add(self, arguments: Any) -> dict[str, Any]:
            raise Interrupt("confirmation", "May I?")

    source = Asking()
    with pytest.raises(Interrupt) as asked:
        run_node(processor, inputs=inputs, world=world(adding([1]), tools=source))
    assert asked.value.message == "May I?"
    assert source.done == {}


@pytest.mark.parametrize("config", [{"maxIterations": 3}, {"maxTotalTokens": 60, "maxIterations": 100}])
def test_an_agent_that_never_ends_is_stopped(run_node: Run, config: Any) -> None:
    forever = FunctionModel(lambda messages, info: ModelResponse(parts=[ToolCallPart("add", {"numbers": [1]})]))
    with pytest.raises(NodeError) as caught:
        run_node("simple_agent", config, {"message": "?"}, world=world(forever, tools=Tools()))
    assert caught.value.code == "limit_exceeded"


def test_reason_tells_the_calls_and_runs_none(run_node: Run) -> None:
    tools = Tools()
    ask = {"messages": [{"role": "user", "content": "2+3?"}]}
    outputs = run_node("reason", inputs=ask, world=world(adding([2, 3]), tools=tools))
    (call,) = outputs["tool_calls"]
    assert (call["name"], call["args"], outputs["has_tool_calls"], tools.seen) == ("add", {"numbers": [2, 3]}, True, [])
    assert outputs["assistant_message"] == {"role": "assistant", "content": "", "tool_calls": [call]}


def test_a_drawn_loop_of_reason_and_invoke_ends_with_an_answer(run_node: Run) -> None:
    shared = world(adding([2, 3]), tools=Tools())
    messages: list[Any] = [{"role": "user", "content": "2+3?"}]
    first = run_node("reason", inputs={"messages": messages}, world=shared)
    invoked = run_node("tool_invoke", inputs={"tool_calls": first["tool_calls"]}, world=shared)
    messages += [first["assistant_message"], *invoked["tool_messages"]]
    last = run_node("reason", inputs={"messages": messages}, world=shared)
    assert (last["text"], last["has_tool_calls"]) == ('It is {"sum":5}', False)


def test_embeddings_come_in_the_order_of_the_texts(run_node: Run) -> None:
    models = World(extras={"models": Models(embedding=TestEmbeddingModel(dimensions=4))})
    outputs = run_node("openai_embeddings", inputs={"texts": ["a", {"b": 1}]}, world=models)
    assert [entry["index"] for entry in outputs["embeddings"]] == [0, 1]
    assert (outputs["texts_count"], outputs["embedding_dimensions"]) == (2, 4)
    assert outputs["usage"]["total_tokens"] > 0
    hugging = run_node("huggingface_embeddings", inputs={"texts": ["a"]}, world=models)
    assert sum(number**2 for number in hugging["embeddings"][0]["embedding"]) == pytest.approx(1)
    assert run_node("openai_embeddings", inputs={"texts": []}, world=World())["embeddings"] == []
    with pytest.raises(NodeError) as caught:
        run_node("openai_embeddings", inputs={"texts": ["a"]}, world=World())
    assert caught.value.code == "model_missing"


@pytest.mark.parametrize("metric", ["cosine", "l2", "ip"])
def test_the_nearest_documents_are_found(run_node: Run, metric: str) -> None:
    shared = World(extras={"memory": InProcessMemory()})
    documents = [
        {"id": "x", "document": "to the right", "embedding": [1, 0], "metadata": {"n": 1}},
        {"id": "y", "text": "up", "embedding": [0, 1]},
    ]
    added = run_node("chroma_vector_store", {"distanceMetric": metric}, {"documents": documents}, world=shared)
    assert (added["result"], added["documents_processed"]) == (["x", "y"], 2)
    ask = {"documents": [{"embedding": [0.9, 0.1]}]}
    config = {"operation": "query", "limit": 1, "distanceMetric": metric}
    (found,) = run_node("chroma_vector_store", config, ask, world=shared)["result"]
    assert (found["id"], found["document"], found["metadata"]) == ("x", "to the right", {"n": 1})
    assert run_node("chroma_vector_store", {"operation": "delete"}, {"documents": ["x"]}, world=shared)["result"] == ["x"]
    assert run_node("chroma_vector_store", config, ask, world=shared)["result"][0]["id"] == "y"


def test_a_vector_of_another_length_is_a_node_error(run_node: Run) -> None:
    shared = World(extras={"memory": InProcessMemory()})
    run_node("chroma_vector_store", inputs={"documents": [{"embedding": [1, 0]}]}, world=shared)
    with pytest.raises(NodeError) as caught:
        run_node("chroma_vector_store", {"operation": "query"}, {"documents": [{"embedding": [1]}]}, world=shared)
    assert caught.value.code == "dimension_mismatch"


@pytest.fixture
def openai_world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    pytest.importorskip("openai", reason="needs the extra 'ai'")
    with openai_server() as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("FLOWDROP_MODEL", "openai-chat:stub-model")
        yield World(extras={"models": EnvironmentModels()})


def test_an_openai_compatible_server_answers(run_node: Run, openai_world: World) -> None:
    outputs = run_node("openai_chat", inputs={"prompt": "hello"}, world=openai_world)
    assert (outputs["response"], outputs["model"], outputs["tokens_used"]) == ("echo hello", "stub-model", 12)
    assert outputs["finish_reason"] == "stop"
    assert (outputs["usage"]["input_tokens"], outputs["usage"]["cost"]) == (7, None)


@pytest.mark.parametrize(("status", "retryable"), [(400, False), (401, False)])
def test_a_servers_refusal_is_a_node_error(run_node: Run, openai_world: World, status: int, retryable: bool) -> None:
    with pytest.raises(NodeError) as caught:
        run_node("chat_model", inputs={"message": f"status {status}"}, world=openai_world)
    assert (caught.value.code, caught.value.retryable) == ("model_failed", retryable)
    assert caught.value.details == {"status_code": status}


def test_a_model_that_does_not_answer_in_time_is_a_retryable_node_error(run_node: Run, openai_world: World) -> None:
    begin = time.monotonic()
    with pytest.raises(NodeError) as caught:
        run_node("chat_model", {"timeout": 1}, {"message": "slow"}, world=openai_world)
    assert caught.value.retryable
    assert time.monotonic() - begin < 5


def test_without_a_variable_flowdrop_run_has_no_model(run_node: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLOWDROP_MODEL", raising=False)
    with pytest.raises(NodeError) as caught:
        run_node("chat_model", inputs={"message": "x"}, world=World(extras={"models": EnvironmentModels()}))
    assert caught.value.code == "model_missing"


def test_the_prompt_of_the_port_wins_unless_it_is_empty(run_node: Run) -> None:
    def model(messages: Any, info: Any) -> ModelResponse:
        (part,) = [part for part in messages[-1].parts if isinstance(part, UserPromptPart)]
        return ModelResponse(parts=[TextPart(f"got {part.content}")])

    asked = world(FunctionModel(model))
    assert run_node("openai_chat", {"prompt": "saved"}, {"prompt": ""}, world=asked)["response"] == "got saved"
    assert run_node("openai_chat", {"prompt": "saved"}, {"prompt": "port"}, world=asked)["response"] == "got port"
