"""Talking to a model: FlowDrop's messages to pydantic-ai's and back, one inference, and the agent loop with its limits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flowdrop_provider.nodes._messages import call_id, coerced, declared_calls
from flowdrop_provider.nodes._tool_calls import Outcome, ToolSet, call_once
from flowdrop_provider.nodes.api import NodeContext
from flowdrop_provider.nodes.models import model_errors

if TYPE_CHECKING:
    from pydantic_ai import Agent, ModelMessage, Tool
    from pydantic_ai.messages import ModelRequestPart, ModelResponsePart
    from pydantic_ai.models import Model
    from pydantic_ai.settings import ModelSettings

__all__ = ["Limits", "Reply", "infer_once", "run_agent"]

_SETTINGS = ("temperature", "max_tokens", "top_p", "frequency_penalty", "presence_penalty")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one model run may take: seconds, requests to the model, and tokens of all requests together (``None``: any)."""

    seconds: float = 120.0
    steps: int = 1
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model run gave.

    :ivar output: the text, or the data where a schema was asked for.
    :ivar calls: tool calls the model wants, as ``{name, args, tool_call_id}`` (of one inference only).
    :ivar usage: ``{input_tokens, output_tokens, total_tokens, requests, tool_calls, cost}``; ``cost`` in US dollars or null.
    :ivar outcomes: the tool calls that were run.
    """

    output: Any
    model: str
    provider: str
    usage: dict[str, Any]
    finish_reason: str
    calls: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


def _settings(given: Mapping[str, Any], seconds: float) -> ModelSettings:
    chosen: Any = {name: given[name] for name in _SETTINGS if given.get(name) is not None}
    chosen["timeout"] = seconds
    settings: ModelSettings = chosen
    return settings


def history_of(messages: Iterable[Any]) -> list[ModelMessage]:
    """Return a message list as a model takes it; tool results without a call are left out, since providers refuse them."""
    from pydantic_ai.messages import ModelRequest, ModelResponse

    history: list[ModelMessage] = []
    names: dict[str, str] = {}
    for message in filter(None, map(coerced, messages)):
        if message["role"] == "assistant":
            history.append(ModelResponse(parts=_response_parts(message, names)))
        elif (part := _request_part(message, names)) is not None:
            history.append(ModelRequest(parts=[part]))
    return history


def _response_parts(message: Mapping[str, Any], names: dict[str, str]) -> list[ModelResponsePart]:
    from pydantic_ai.messages import TextPart, ToolCallPart

    parts: list[ModelResponsePart] = [TextPart(message["content"])] if message["content"] else []
    for call in declared_calls(message):
        identity, function = call_id(call), call.get("function") if isinstance(call, Mapping) else None
        shape = function if isinstance(function, Mapping) else call
        if identity and isinstance(shape.get("name"), str):
            names[identity] = shape["name"]
            parts.append(ToolCallPart(shape["name"], shape.get("args", shape.get("arguments")), identity))
    return parts


def _request_part(message: Mapping[str, Any], names: Mapping[str, str]) -> ModelRequestPart | None:
    from pydantic_ai.messages import SystemPromptPart, ToolReturnPart, UserPromptPart

    if message["role"] == "system":
        return SystemPromptPart(message["content"])
    if message["role"] == "user":
        return UserPromptPart(message["content"])
    identity = str(message.get("tool_call_id"))
    return ToolReturnPart(names[identity], message["content"], identity) if identity in names else None


def _usage(responses: Sequence[Any], tool_calls: int) -> dict[str, Any]:
    read = sum(response.usage.input_tokens for response in responses)
    written = sum(response.usage.output_tokens for response in responses)
    counts = {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
    return {**counts, "requests": len(responses), "tool_calls": tool_calls, "cost": _cost(responses)}


def _cost(responses: Sequence[Any]) -> float | None:
    """Return the price of all responses, ``None`` when one of the models has no known price."""
    try:
        return float(sum(response.cost().total_price for response in responses))
    except (LookupError, AssertionError, ValueError):
        return None


def infer_once(
    model: Model, messages: Iterable[Any], tools: ToolSet, settings: Mapping[str, Any], limits: Limits, system: str = ""
) -> Reply:
    """Return what the model says or wants next; it is shown the tools, and nothing is executed."""
    with model_errors():
        from pydantic_ai.direct import model_request_sync
        from pydantic_ai.messages import ModelRequest, SystemPromptPart, ToolCallPart
        from pydantic_ai.models import ModelRequestParameters
        from pydantic_ai.tools import ToolDefinition

        first: list[ModelMessage] = [ModelRequest(parts=[SystemPromptPart(system)])] if system else []
        shown = [
            ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=dict(tool.schema))
            for tool in tools.tools.values()
        ]
        response = model_request_sync(
            model,
            [*first, *history_of(messages)],
            model_settings=_settings(settings, limits.seconds),
            model_request_parameters=ModelRequestParameters(function_tools=shown),
        )
        calls = [
            {"name": part.tool_name, "args": part.args_as_dict(), "tool_call_id": part.tool_call_id}
            for part in response.parts
            if isinstance(part, ToolCallPart)
        ]
        return Reply(
            output=response.text or "",
            model=response.model_name or "",
            provider=response.provider_name or "",
            usage=_usage([response], 0),
            finish_reason=response.finish_reason or "",
            calls=calls,
        )


def run_agent(
    context: NodeContext,
    model: Model,
    prompt: str,
    *,
    settings: Mapping[str, Any],
    limits: Limits,
    system: str = "",
    history: Iterable[Any] = (),
    tools: ToolSet | None = None,
    schema: Mapping[str, Any] | None = None,
) -> Reply:
    """Run the model, and the tools it calls, until it answers or a limit is reached.

    :param schema: JSON Schema of the answer; then ``output`` is data instead of a text.
    :raises NodeError: ``limit_exceeded``, ``timeout``, ``model_failed``, ``model_invalid``.
    """
    outcomes: list[Outcome] = []
    with model_errors():
        from pydantic_ai import UsageLimits

        agent = _agent(model, system, schema, _agent_tools(tools, context, outcomes) if tools else [])
        result = agent.run_sync(
            prompt,
            message_history=history_of(history),
            model_settings=_settings(settings, limits.seconds),
            usage_limits=UsageLimits(request_limit=limits.steps, total_tokens_limit=limits.tokens),
            timeout=limits.seconds,
        )
        reply = _reply(result.output, result.new_messages(), outcomes)
    context.report("ai_usage", reply.usage)
    return reply


def _agent(model: Model, system: str, schema: Mapping[str, Any] | None, tools: list[Tool[None]]) -> Agent[None, Any]:
    from pydantic_ai import Agent, StructuredDict

    shape = StructuredDict(dict(schema)) if schema else str
    return Agent(model, output_type=shape, instructions=system or None, tools=tools)


def _reply(output: Any, messages: Iterable[ModelMessage], outcomes: list[Outcome]) -> Reply:
    from pydantic_ai.messages import ModelResponse

    responses = [message for message in messages if isinstance(message, ModelResponse)]
    return Reply(
        output=output,
        model=responses[-1].model_name or "",
        provider=responses[-1].provider_name or "",
        usage=_usage(responses, len(outcomes)),
        finish_reason=responses[-1].finish_reason or "",
        outcomes=outcomes,
    )


def _agent_tools(tools: ToolSet, context: NodeContext, outcomes: list[Outcome]) -> list[Tool[None]]:
    from pydantic_ai import RunContext, Tool

    def runner(name: str) -> Any:
        def run(agent: RunContext[None], **arguments: Any) -> str:
            call = {"name": name, "args": arguments, "tool_call_id": agent.tool_call_id}
            outcomes.append(call_once(tools, call, context))
            return str(outcomes[-1].message()["content"])

        return run

    return [
        Tool.from_schema(runner(name), name, tool.description, json.loads(json.dumps(tool.schema)), takes_ctx=True)
        for name, tool in tools.tools.items()
    ]
