"""Agents: a whole agent loop in one node, and the single step that a drawn loop is made of."""

from __future__ import annotations

from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._agents import Limits, infer_once, run_agent
from flowdrop_provider.nodes._messages import content_text
from flowdrop_provider.nodes._tool_calls import tools_of
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.models import model_of

__all__ = ["reason", "simple_agent"]

_SECONDS, _MOST_SECONDS = 300, 3600
_TOOL = param("tool", connectable=True, title="Tools")
_TIMEOUT = param("timeout", "number", configurable=True, default=_SECONDS, minimum=1, maximum=_MOST_SECONDS, exposed=False)
_MODEL = param("model", configurable=True, default="", title="Model", description="Empty: the deployment's default.")
_ROLE = param("operation_type", configurable=True, default="", title="Role", description="The deployment maps it to a model.")
_TEMPERATURE = param("temperature", "number", configurable=True, default=0.7, minimum=0, maximum=2)
_AGENT: dict[str, Any] = {"category": "agents", "runs": "model", "consumes_tools": True}


@processor(
    "simple_agent",
    label="Simple Agent",
    description="Lets a model work on a task with the tools wired to it, until it answers.",
    parameters=[
        param("message", connectable=True, title="Message"),
        param("tools", connectable=True, description="First generation; not read: wire tools to the tool port."),
        _TOOL,
        param("systemPrompt", configurable=True, default="You are a helpful assistant.", format="multiline"),
        _MODEL,
        _ROLE,
        _TEMPERATURE,
        param("maxTokens", "integer", configurable=True, default=1000, minimum=1, description="Of one answer."),
        param("maxIterations", "integer", configurable=True, default=10, minimum=1, maximum=100, title="Most steps"),
        param("maxTotalTokens", "integer", configurable=True, minimum=1, exposed=False, title="Most tokens in all"),
        _TIMEOUT,
    ],
    outputs=[
        output("response", "object"),
        output("system_prompt", "string"),
        output("temperature", "number"),
        output("max_tokens", "integer"),
        output("tools_used", "array"),
        output("message", "string"),
        output("tool_artifacts", "array", exposed=False),
        output("usage", "object", exposed=False, description="Tokens, requests, tool calls and the price in US dollars."),
    ],
    **_AGENT,
)
def simple_agent(params: Params, context: NodeContext) -> Outputs:
    """Return ``response{content, role, timestamp, tools_used}`` and what it took.

    Each step is one request to the model; a failed tool call is answered to the model and fails nothing (ERR-9).

    :raises NodeError: ``missing_parameter``, ``model_missing``, ``limit_exceeded`` (steps or tokens), ``timeout``,
        ``model_failed``, ``model_invalid``.
    """
    message = content_text(params["message"])
    if not message.strip():
        raise NodeError("No message provided to the agent", code="missing_parameter")
    reply = run_agent(
        context,
        model_of(context.world, params["model"], params["operation_type"]),
        message,
        settings={"temperature": params["temperature"], "max_tokens": params["maxTokens"]},
        limits=Limits(params["timeout"] or _SECONDS, params["maxIterations"] or 10, params["maxTotalTokens"]),
        system=content_text(params["systemPrompt"]),
        tools=tools_of(context),
    )
    used = list(dict.fromkeys(outcome.name for outcome in reply.outcomes))
    moment = int(context.world.now().timestamp())
    return {
        "response": {"content": reply.output, "role": "assistant", "timestamp": moment, "tools_used": used},
        "system_prompt": params["systemPrompt"],
        "temperature": params["temperature"],
        "max_tokens": params["maxTokens"],
        "tools_used": used,
        "message": message,
        "tool_artifacts": [artifact for outcome in reply.outcomes for artifact in outcome.artifacts()],
        "usage": reply.usage,
    }


@processor(
    "reason",
    aliases=("flowdrop_node_processor_reason",),
    label="Reason",
    description="One step of an agent: the model answers, or says which tools it wants called. It calls none.",
    parameters=[
        param("messages", connectable=True, default=[], title="Messages"),
        param("systemPrompt", configurable=True, connectable=True, default="", title="System prompt", format="multiline"),
        _TOOL,
        param("loop_back", connectable=True, exposed=False),
        _MODEL,
        _ROLE,
        _TEMPERATURE,
        param("maxTokens", "integer", configurable=True, default=1024, minimum=1),
        _TIMEOUT,
    ],
    outputs=[
        output("tool_calls", "array"),
        output("text", "string"),
        output("has_tool_calls", "boolean"),
        output("assistant_message", "object"),
        output("usage", "object", exposed=False),
    ],
    **_AGENT,
)
def reason(params: Params, context: NodeContext) -> Outputs:
    """Return the model's text, the tool calls it wants, and both as the message to append to the conversation.

    :raises NodeError: ``missing_parameter`` without any message; else as ``simple_agent``.
    """
    messages = params["messages"] if isinstance(params["messages"], list) else []
    if not messages:
        raise NodeError("There is no message to reason about.", code="missing_parameter")
    reply = infer_once(
        model_of(context.world, params["model"], params["operation_type"]),
        messages,
        tools_of(context),
        {"temperature": params["temperature"], "max_tokens": params["maxTokens"]},
        Limits(params["timeout"] or _SECONDS),
        content_text(params["systemPrompt"]),
    )
    context.report("ai_usage", reply.usage)
    message: dict[str, Any] = {"role": "assistant", "content": reply.output}
    return {
        "tool_calls": reply.calls,
        "text": reply.output,
        "has_tool_calls": bool(reply.calls),
        "assistant_message": {**message, "tool_calls": reply.calls} if reply.calls else message,
        "usage": reply.usage,
    }
