"""Models for AI nodes: who provides them, and what their failures mean to a workflow.

The protocol speaks pydantic-ai, which knows every provider; it comes with the ``ai`` extra and is imported when a node runs.
A drawing only *names* a model. Which platform, address and key that means is the deployment's decision.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.world import World

if TYPE_CHECKING:
    from pydantic_ai.embeddings import EmbeddingModel
    from pydantic_ai.models import Model

__all__ = ["EnvironmentModels", "ModelSource", "embedding_model_of", "model_errors", "model_missing", "model_of"]

_RETRYABLE = frozenset({408, 409, 425, 429})


class ModelSource(Protocol):
    """Gives the deployment's models."""

    def chat(self, name: str, role: str) -> Model:
        """Return the chat model for an author's model name (``""`` for the default) and role (``operation_type``).

        :raises NodeError: ``model_missing``, ``model_refused``.
        """
        ...

    def embedding(self, name: str) -> EmbeddingModel:
        """Return the embedding model for an author's model name; raises as :meth:`chat`."""
        ...


def model_missing() -> NodeError:
    """Return the error of a deployment that has no model, with the way out."""
    return NodeError(
        "No AI model is configured here.",
        code="model_missing",
        hint="Install the extra 'ai' and set [flowdrop] model_conn_id to a Pydantic AI connection; "
        "for 'flowdrop run' set FLOWDROP_MODEL and the provider's key in the environment.",
    )


def _source(world: World) -> ModelSource:
    source: ModelSource | None = world.extras.get("models")
    if source is None:
        raise model_missing()
    return source


def model_of(world: World, name: object, role: object = "") -> Model:
    """Return the chat model, or raise a node-level error (``model_missing`` without a configured one)."""
    with model_errors():
        return _source(world).chat(name if isinstance(name, str) else "", role if isinstance(role, str) else "")


def embedding_model_of(world: World, name: object) -> EmbeddingModel:
    """Return the embedding model, or raise a node-level error."""
    with model_errors():
        return _source(world).embedding(name if isinstance(name, str) else "")


class EnvironmentModels:
    """The models of ``flowdrop run``: ``FLOWDROP_MODEL`` and ``FLOWDROP_EMBEDDING_MODEL`` (``provider:model``)."""

    def chat(self, name: str, role: str) -> Model:  # noqa: ARG002 - the person at the keyboard chose the model
        """Return the model of ``FLOWDROP_MODEL``."""
        from pydantic_ai.models import infer_model

        return infer_model(_required("FLOWDROP_MODEL"))

    def embedding(self, name: str) -> EmbeddingModel:  # noqa: ARG002
        """Return the model of ``FLOWDROP_EMBEDDING_MODEL``."""
        from pydantic_ai.embeddings import infer_embedding_model

        return infer_embedding_model(_required("FLOWDROP_EMBEDDING_MODEL"))


def _required(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise model_missing()
    return value


@contextmanager
def model_errors() -> Iterator[None]:
    """Turn what models raise into node-level errors; what may pass by itself is retryable (ERR-2)."""
    try:
        from pydantic_ai import exceptions as ai
    except ImportError as error:
        raise model_missing() from error
    try:
        yield
    except ai.UsageLimitExceeded as error:
        raise NodeError(f"A limit of the model run was reached: {error}", code="limit_exceeded") from error
    except (ai.RunTimedOut, TimeoutError) as error:
        raise NodeError("The model did not answer in time.", code="timeout", retryable=True) from error
    except ai.ModelHTTPError as error:
        retryable = error.status_code >= 500 or error.status_code in _RETRYABLE
        message = f"The model's provider answered with status {error.status_code}."
        raise NodeError(
            message, code="model_failed", retryable=retryable, details={"status_code": error.status_code}
        ) from error
    except ai.ModelAPIError as error:
        raise NodeError(f"The model cannot be reached: {error}", code="model_failed", retryable=True) from error
    except ai.AgentRunError as error:
        raise NodeError(f"The model answered with something unusable: {error}", code="model_failed") from error
    except (ai.UserError, ImportError, ValueError) as error:
        raise NodeError(f"The model cannot be used: {error}", code="model_invalid") from error
