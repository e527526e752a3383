"""Texts to vectors: embedding nodes, through the deployment's embedding model."""

from __future__ import annotations

import math
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._messages import content_text
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.models import embedding_model_of, model_errors

__all__ = ["embedded", "huggingface_embeddings", "openai_embeddings"]

_MAX_TEXTS = 2048
_MODULE: dict[str, Any] = {"category": "embeddings", "runs": "model"}
_KEY = param("apiKey", configurable=True, default="", description="Not read: keys belong to the deployment's connection.")
_TEXTS = param("texts", connectable=True, default=[], title="Texts")


def _texts(value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [] if value is None else [value]
    if len(texts) > _MAX_TEXTS:
        raise NodeError(f"{len(texts):,} texts are more than the {_MAX_TEXTS:,} one call takes.", code="limit_exceeded")
    return [content_text(text) for text in texts]


def embedded(context: NodeContext, model: Any, texts: list[str], *, query: bool = False) -> tuple[list[list[float]], str, int]:
    """Return a vector per text, the model's name and the tokens read; nothing is asked for no texts.

    :raises NodeError: as the chat nodes do: ``model_missing``, ``model_failed``, ``model_invalid``, ``timeout``.
    """
    if not texts:
        return [], model if isinstance(model, str) else "", 0
    chosen = embedding_model_of(context.world, model)
    with model_errors():
        from pydantic_ai.embeddings import Embedder

        result = Embedder(chosen).embed_sync(texts, input_type="query" if query else "document")
    return [[float(number) for number in vector] for vector in result.embeddings], result.model_name, result.usage.input_tokens


def _normalized(vector: list[float]) -> list[float]:
    length = math.sqrt(sum(number * number for number in vector))
    return [number / length for number in vector] if length else vector


@processor(
    "openai_embeddings",
    label="OpenAI Embeddings",
    description="Turns texts into vectors.",
    parameters=[
        _TEXTS,
        param("model", configurable=True, default="", title="Model"),
        _KEY,
        param("maxTokens", configurable=True, default=8191, description="Not read: the model cuts a text at its own limit."),
    ],
    outputs=[
        output("embeddings", "array"),
        output("model", "string"),
        output("usage", "object"),
        output("texts_count", "integer"),
        output("embedding_dimensions", "integer"),
    ],
    **_MODULE,
)
def openai_embeddings(params: Params, context: NodeContext) -> Outputs:
    """Return ``embeddings[{object, embedding, index}]`` in the order of the texts, as OpenAI's interface does."""
    texts = _texts(params["texts"])
    vectors, model, tokens = embedded(context, params["model"], texts)
    return {
        "embeddings": [{"object": "embedding", "embedding": vector, "index": index} for index, vector in enumerate(vectors)],
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        "texts_count": len(texts),
        "embedding_dimensions": len(vectors[0]) if vectors else 0,
    }


@processor(
    "huggingface_embeddings",
    label="HuggingFace Embeddings",
    description="Turns texts into vectors, by default of length one.",
    parameters=[
        _TEXTS,
        param("model", configurable=True, default="", title="Model"),
        _KEY,
        param("maxLength", configurable=True, default=512, description="Not read: the model cuts a text at its own limit."),
        param("normalize", configurable=True, default=True),
    ],
    outputs=[
        output("embeddings", "array"),
        output("model", "string"),
        output("usage", "object"),
        output("texts_count", "integer"),
        output("embedding_dimensions", "integer"),
        output("normalize", "boolean"),
    ],
    **_MODULE,
)
def huggingface_embeddings(params: Params, context: NodeContext) -> Outputs:
    """Return ``embeddings[{embedding, index, text}]`` in the order of the texts; with ``normalize`` each has length one."""
    texts, normalize = _texts(params["texts"]), params["normalize"] is not False
    vectors, model, tokens = embedded(context, params["model"], texts)
    shown = [_normalized(vector) for vector in vectors] if normalize else vectors
    return {
        "embeddings": [{"embedding": vector, "index": index, "text": texts[index]} for index, vector in enumerate(shown)],
        "model": model,
        "usage": {"requests": 1 if texts else 0, "tokens": tokens},
        "texts_count": len(texts),
        "embedding_dimensions": len(vectors[0]) if vectors else 0,
        "normalize": normalize,
    }
