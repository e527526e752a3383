"""Chat nodes: one question to a model, one answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._agents import Limits, Reply, run_agent
from flowdrop_provider.nodes._messages import content_text
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.models import model_of

__all__ = ["chat", "chat_model", "openai_chat", "simple_chat"]

#: Seconds a model may take to answer, and the most a drawing may ask for.
_SECONDS, _MOST_SECONDS = 120, 600
_AI: dict[str, Any] = {"category": "ai", "runs": "model"}
_PROVIDER: dict[str, Any] = {**_AI, "module": "flowdrop_ai_provider"}
_MODEL = param("model", configurable=True, default="", title="Model", description="Empty: the deployment's default.")
_TEMPERATURE = param("temperature", "number", configurable=True, default=0.7, minimum=0, maximum=2, title="Temperature")
_TOKENS = param("maxTokens", "integer", configurable=True, default=1000, minimum=1, title="Most tokens of the answer")
_SYSTEM = param("systemPrompt", configurable=True, connectable=True, default="", title="System prompt", format="multiline")
_TIMEOUT = param("timeout", "number", configurable=True, default=_SECONDS, minimum=1, maximum=_MOST_SECONDS, exposed=False)
_SCHEMA = param("responseSchema", configurable=True, title="JSON Schema of the answer", description="Then data is filled.")
_ROLE = param("operation_type", configurable=True, default="", title="Role", description="The deployment maps it to a model.")
_MESSAGE = param("message", connectable=True, title="Message")
_HISTORY = param("history", connectable=True, default=[], title="Earlier messages")
_OUTPUTS = [
    output("response", "string"),
    output("model", "string", exposed=False),
    output("provider", "string", exposed=False),
    output("tokens_used", "integer", exposed=False),
    output("temperature", "number", exposed=False),
    output("max_tokens", "integer", exposed=False),
    output("usage", "object", exposed=False, description="Tokens, requests and the price in US dollars."),
    output("data", exposed=False, description="The answer as data, with a schema."),
]


def _asked(params: Params, context: NodeContext, prompt: Any, *, system: Any = "", history: Any = ()) -> Reply:
    """Ask the model once; a message that is empty is a node-level error before any model is asked."""
    text = content_text(prompt)
    if not text.strip():
        raise NodeError("No message provided to the chat model", code="missing_parameter")
    schema = params.get("responseSchema")
    settings = {
        "temperature": params["temperature"],
        "max_tokens": params["maxTokens"],
        "top_p": params.get("topP"),
        "frequency_penalty": params.get("frequencyPenalty"),
        "presence_penalty": params.get("presencePenalty"),
    }
    return run_agent(
        context,
        model_of(context.world, params["model"], params.get("operation_type")),
        text,
        settings=settings,
        # A model whose data does not fit its schema is asked again, twice at most.
        limits=Limits(seconds=params["timeout"] or _SECONDS, steps=3 if schema else 1),
        system=content_text(system),
        history=history if isinstance(history, list) else (),
        schema=schema if isinstance(schema, Mapping) and schema else None,
    )


def _answered(params: Params, reply: Reply) -> Outputs:
    structured = not isinstance(reply.output, str)
    return {
        "response": content_text(reply.output),
        "model": reply.model,
        "provider": reply.provider,
        "tokens_used": reply.usage["total_tokens"],
        "temperature": params["temperature"],
        "max_tokens": params["maxTokens"],
        "usage": reply.usage,
        "data": reply.output if structured else None,
    }


@processor(
    "chat_model",
    label="Chat Model",
    description="Asks a model and returns its answer.",
    parameters=[
        _MESSAGE,
        param("text", connectable=True, exposed=False, description="Used when there is no message."),
        _MODEL,
        _TEMPERATURE,
        _TOKENS,
        _SYSTEM,
        _TIMEOUT,
        _SCHEMA,
    ],
    outputs=_OUTPUTS,
    **_PROVIDER,
)
def chat_model(params: Params, context: NodeContext) -> Outputs:
    """Return ``response`` and what it took.

    :raises NodeError: ``missing_parameter`` without a message, ``model_missing``, ``model_refused``, ``model_invalid``,
        ``limit_exceeded``; retryable ``timeout`` and, for what may pass, ``model_failed``.
    """
    message = params["text"] if params["message"] in (None, "") else params["message"]
    return _answered(params, _asked(params, context, message, system=params["systemPrompt"]))


@processor(
    "simple_chat",
    type_id="flowdrop_ai_provider_simple_chat",
    label="Simple Chat",
    description="Asks a model with a plain text system prompt and the messages so far.",
    parameters=[
        param("message", connectable=True, required=True, title="Message"),
        _HISTORY,
        _SYSTEM,
        _MODEL,
        _ROLE,
        _TEMPERATURE,
        _TOKENS,
        _TIMEOUT,
        _SCHEMA,
    ],
    outputs=_OUTPUTS,
    aliases=["simple_chat"],
    **_PROVIDER,
)
def simple_chat(params: Params, context: NodeContext) -> Outputs:
    """Return ``response`` and what it took; raises as ``chat_model``."""
    reply = _asked(params, context, params["message"], system=params["systemPrompt"], history=params["history"])
    return _answered(params, reply)


@processor(
    "chat",
    type_id="flowdrop_ai_provider_chat",
    label="Chat",
    description="Continues a conversation: the messages so far and a new one go to a model.",
    parameters=[
        _MESSAGE,
        param("messages", connectable=True, default=[], title="Messages", description="The last one is asked without message."),
        _HISTORY,
        _SYSTEM,
        _MODEL,
        _ROLE,
        _TEMPERATURE,
        _TOKENS,
        _TIMEOUT,
        _SCHEMA,
    ],
    outputs=[*_OUTPUTS, output("messages", "array", exposed=False), output("assistant_message", "object", exposed=False)],
    aliases=["chat"],
    **_PROVIDER,
)
def chat(params: Params, context: NodeContext) -> Outputs:
    """Return ``response``, the answer as a message, and the conversation with it; raises as ``chat_model``."""
    given = params["messages"] if isinstance(params["messages"], list) and params["messages"] else params["history"]
    earlier = list(given) if isinstance(given, list) else []
    message = params["message"]
    if message in (None, "") and earlier and isinstance(earlier[-1], Mapping) and earlier[-1].get("role") == "user":
        message = earlier.pop().get("content")
    reply = _asked(params, context, message, system=params["systemPrompt"], history=earlier)
    answer = {"role": "assistant", "content": content_text(reply.output)}
    turn = [*earlier, {"role": "user", "content": content_text(message)}, answer]
    return {**_answered(params, reply), "messages": turn, "assistant_message": answer}


@processor(
    "openai_chat",
    label="OpenAI Chat",
    description="Asks a model, with OpenAI's settings.",
    parameters=[
        param("prompt", configurable=True, connectable=True, default="", title="Prompt", format="multiline"),
        param("system_message", connectable=True, title="System message"),
        param("messages", connectable=True, default=[], title="Earlier messages"),
        param("model", configurable=True, default="", title="Model"),
        _TEMPERATURE,
        _TOKENS,
        param("topP", "number", configurable=True, default=1, minimum=0, maximum=1),
        param("frequencyPenalty", "number", configurable=True, default=0, minimum=-2, maximum=2),
        param("presencePenalty", "number", configurable=True, default=0, minimum=-2, maximum=2),
        param("apiKey", configurable=True, default="", description="Not read: keys belong to the deployment's connection."),
        _TIMEOUT,
    ],
    outputs=[
        output("response", "string"),
        output("model", "string"),
        output("temperature", "number"),
        output("tokens_used", "integer"),
        output("finish_reason", "string"),
        output("usage", "object", exposed=False),
    ],
    aliases=["openai_chat_executor"],
    **_AI,
)
def openai_chat(params: Params, context: NodeContext) -> Outputs:
    """Return ``response`` and what it took; the port's prompt wins over the saved one unless it is empty (measured)."""
    prompt = params["prompt"] or context.config.get("prompt") or ""
    reply = _asked(params, context, prompt, system=params["system_message"], history=params["messages"])
    return {
        "response": reply.output,
        "model": reply.model,
        "temperature": params["temperature"],
        "tokens_used": reply.usage["total_tokens"],
        "finish_reason": reply.finish_reason or "stop",
        "usage": reply.usage,
    }
