"""Models of AI nodes on Airflow: through the common-ai provider's connection, never with a key out of a drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowdrop_provider import conf
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.models import model_missing

if TYPE_CHECKING:
    from pydantic_ai.embeddings import EmbeddingModel
    from pydantic_ai.models import Model

__all__ = ["AirflowModels"]


class AirflowModels:
    """Implements :class:`~flowdrop_provider.nodes.models.ModelSource`.

    A drawing's model name or role is looked up in ``[flowdrop] model_aliases`` first. A name that is not there goes to the
    connection's own platform; one that names a platform (``anthropic:...``) is refused, because the connection's key would be
    sent there.
    """

    def chat(self, name: str, role: str) -> Model:
        """Return the connection's model; see :meth:`~flowdrop_provider.nodes.models.ModelSource.chat`."""
        connection_id = conf.model_conn_id()
        if not connection_id:
            raise model_missing()
        aliases = conf.model_aliases()
        chosen = aliases.get(name) or aliases.get(role) or _bare(name)
        try:
            from airflow.providers.common.ai.hooks.pydantic_ai import PydanticAIHook
        except ImportError as error:
            raise model_missing() from error
        asked = _on_platform(chosen, connection_id) if chosen else ""
        hook: Any = PydanticAIHook.get_hook(connection_id, hook_params={"model_id": asked} if asked else None)
        model: Model = hook.get_conn()
        return model

    def embedding(self, name: str) -> EmbeddingModel:  # noqa: ARG002 - the deployment chooses the embedding model
        """Return the model of ``[flowdrop] embedding_model``, with the provider's key from the worker's environment."""
        configured = conf.embedding_model()
        if not configured:
            raise model_missing()
        from pydantic_ai.embeddings import infer_embedding_model

        return infer_embedding_model(configured)


def _on_platform(name: str, connection_id: str) -> str:
    """Return a model's name with the platform that a generic connection's own model has: its key belongs there."""
    from airflow.sdk import BaseHook

    own = str(BaseHook.get_connection(connection_id).extra_dejson.get("model") or "")
    platform, colon, _ = own.partition(":")
    return f"{platform}:{name}" if colon and ":" not in name else name


def _bare(name: str) -> str:
    if ":" in name:
        raise NodeError(
            f"The model {name!r} names a platform.",
            code="model_refused",
            hint="An operator can allow it with [flowdrop] model_aliases, as name=model.",
        )
    return name
