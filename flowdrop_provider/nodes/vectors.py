"""A vector store: documents with their vectors, and the nearest ones to a question."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._messages import content_text
from flowdrop_provider.nodes._php.values import to_string
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.embeddings import embedded
from flowdrop_provider.nodes.memory_store import MISSING, Place, memory_of

__all__ = ["chroma_vector_store"]

Vector = list[float]
_TEXT_KEYS = ("document", "text", "content", "page_content")
_OPERATIONS = ("add", "query", "delete", "update")


def _cosine(left: Vector, right: Vector) -> float:
    lengths = math.sqrt(sum(a * a for a in left)) * math.sqrt(sum(b * b for b in right))
    return 1 - _dot(left, right) / lengths if lengths else 1.0


def _dot(left: Vector, right: Vector) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


#: Distances as Chroma defines them: smaller is nearer.
_DISTANCES: dict[str, Callable[[Vector, Vector], float]] = {
    "cosine": _cosine,
    "l2": lambda left, right: sum((a - b) ** 2 for a, b in zip(left, right, strict=True)),
    "ip": lambda left, right: 1 - _dot(left, right),
}


@processor(
    "chroma_vector_store",
    label="Chroma Vector Store",
    category="embeddings",
    description="Keeps documents with their vectors and finds those nearest to a question.",
    parameters=[
        param("documents", connectable=True, title="Documents", description="Texts, or {id, document, metadata, embedding}."),
        param("data", connectable=True, exposed=False, description="First generation: read when there are no documents."),
        param("query", connectable=True, configurable=True, default="", title="Question"),
        param("operation", configurable=True, default="add", enum=_OPERATIONS),
        param("collectionName", "string", configurable=True, default="default", title="Collection"),
        param("embeddingModel", configurable=True, default="", title="Embedding model"),
        param("distanceMetric", "string", configurable=True, default="cosine", enum=tuple(_DISTANCES)),
        param("limit", "integer", configurable=True, default=10, minimum=1, maximum=1000, title="Most results"),
    ],
    outputs=[
        output("result"),
        output("operation", "string"),
        output("collection_name", "string"),
        output("embedding_model", "string"),
        output("distance_metric", "string"),
        output("documents_processed", "integer"),
    ],
    runs="store",
    side_effects=True,
    confirmation={"policy": "skip"},
)
def chroma_vector_store(params: Params, context: NodeContext) -> Outputs:
    """Return what the operation gave: ids for add, update and delete; ``{id, document, metadata, distance}`` for query.

    Collections live in the memory store, each as one value, which bounds a collection to a megabyte: enough for a prompt's
    examples. A document without a vector gets one from the embedding model; ids are made up where none is given.

    :raises NodeError: ``dimension_mismatch``, ``value_too_large``, and what embedding raises.
    """
    given = params["documents"] if params["documents"] not in (None, [], "") else params["data"]
    documents = given if isinstance(given, list) else [] if given is None else [given]
    operation = params["operation"] or "add"
    run = _query if operation == "query" else _forget if operation == "delete" else _keep
    result = run(params, context, documents)
    return {
        "result": result,
        "operation": operation,
        "collection_name": params["collectionName"],
        "embedding_model": params["embeddingModel"],
        "distance_metric": params["distanceMetric"],
        "documents_processed": len(result),
    }


def _place(params: Params) -> Place:
    return Place("vectors", "", params["collectionName"] or "default")


def _collection(params: Params, context: NodeContext) -> dict[str, Any]:
    found = memory_of(context.world).get(_place(params))
    return {} if found is MISSING else dict(found)


def _text(document: Any) -> str:
    if not isinstance(document, Mapping):
        return content_text(document)
    return content_text(next((document[key] for key in _TEXT_KEYS if document.get(key) is not None), ""))


def _identity(document: Any, context: NodeContext) -> str:
    given = document.get("id") if isinstance(document, Mapping) else None
    made_up = uuid.UUID(int=context.world.rng.getrandbits(128), version=4)
    return to_string(given) if isinstance(given, str | int) else str(made_up)


def _vectors(params: Params, context: NodeContext, documents: list[Any], *, query: bool = False) -> list[Vector]:
    """Return a vector per document: its own, or the embedding model's; the model is asked once for all."""
    own = [document.get("embedding") if isinstance(document, Mapping) else None for document in documents]
    open_texts = [_text(document) for document, vector in zip(documents, own, strict=True) if not _is_vector(vector)]
    made = iter(embedded(context, params["embeddingModel"], open_texts, query=query)[0])
    return [[float(number) for number in vector or ()] if _is_vector(vector) else next(made) for vector in own]


def _is_vector(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(number, int | float) for number in value)


def _keep(params: Params, context: NodeContext, documents: list[Any]) -> list[str]:
    vectors = _vectors(params, context, documents)
    store, place = memory_of(context.world), _place(params)
    with store.locked(place):
        collection, kept = _collection(params, context), []
        for document, vector in zip(documents, vectors, strict=True):
            identity = _identity(document, context)
            metadata = document.get("metadata") if isinstance(document, Mapping) else None
            collection[identity] = {"document": _text(document), "metadata": metadata or {}, "vector": vector}
            kept.append(identity)
        store.put(place, collection)
    return kept


def _forget(params: Params, context: NodeContext, documents: list[Any]) -> list[str]:
    store, place = memory_of(context.world), _place(params)
    wanted = {to_string(item.get("id")) if isinstance(item, Mapping) else to_string(item) for item in documents}
    with store.locked(place):
        collection = _collection(params, context)
        gone = [identity for identity in collection if identity in wanted]
        store.put(place, {identity: entry for identity, entry in collection.items() if identity not in wanted})
    return gone


def _query(params: Params, context: NodeContext, documents: list[Any]) -> list[dict[str, Any]]:
    questions = [params["query"]] if params["query"] else documents[:1]
    collection = _collection(params, context)
    if not questions or not collection:
        return []
    (asked,) = _vectors(params, context, questions, query=True)
    distance = _DISTANCES[params["distanceMetric"] or "cosine"]
    if any(len(entry["vector"]) != len(asked) for entry in collection.values()):
        raise NodeError(f"The question's vector has {len(asked)} numbers, the collection's another.", code="dimension_mismatch")
    found = [{"id": identity, **entry, "distance": distance(asked, entry["vector"])} for identity, entry in collection.items()]
    nearest = sorted(found, key=lambda entry: float(entry["distance"]))[: params["limit"] or 10]
    return [{key: value for key, value in entry.items() if key != "vector"} for entry in nearest]
