"""What Airflow wants to know about this provider package."""

from __future__ import annotations

from typing import Any

__all__ = ["get_provider_info"]


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata: bundles, and the settings of ``[flowdrop]`` with their defaults."""
    return {
        "package-name": "airflow-provider-flowdrop",
        "name": "FlowDrop",
        "description": "Run FlowDrop workflow drawings on Airflow, and watch every run on the author's own canvas.",
        "integrations": [
            {
                "integration-name": "FlowDrop",
                "external-doc-url": "https://www.drupal.org/project/flowdrop",
                "tags": ["service"],
            }
        ],
        "bundles": [{"integration-name": "FlowDrop", "python-modules": ["flowdrop_provider.bundles.folder"]}],
        "db-managers": ["flowdrop_provider.tables.manager.FlowDropDBManager"],
        "config": {"flowdrop": {"description": "FlowDrop workflows.", "options": _OPTIONS}},
    }


def _option(description: str, type_: str = "string", default: str = "", *, sensitive: bool = False) -> dict[str, Any]:
    option = {"description": description, "version_added": "0.1.0", "type": type_, "example": None, "default": default}
    return {**option, "sensitive": True} if sensitive else option


_OPTIONS: dict[str, dict[str, Any]] = {
    "dag_id_prefix": _option("Before the workflow id in DAG ids.", default="flowdrop_"),
    "record_max_bytes": _option("Bound on the recorded input and output of a job, bytes of JSON each.", "integer", "65536"),
    "store_data": _option("Whether input and output of jobs are recorded at all.", "boolean", "True"),
    "sensitive_keys": _option("Further key names to redact, comma-separated."),
    "seal_key": _option("Fernet keys for sealed values, newest first; empty uses [core] fernet_key.", sensitive=True),
    "large_value_bytes": _option("A value handed on that is larger goes to object storage.", "integer", "1048576"),
    "large_value_path": _option("Object storage URL for large values; empty keeps them in XCom."),
    "unknown_processor": _option("refuse a workflow whose processor nobody provides, or fail its task.", default="refuse"),
    "confirmation_default": _option(
        "Whether nodes with side effects whose type and author say nothing ask a person before they run, or skip that.",
        default="ask",
    ),
    "confirmation_expiry": _option("Seconds until an unanswered confirmation cancels its run.", "float", "86400"),
    "workflow_store": _option("DAG bundle over a folder that the API saves workflows into; empty refuses to save."),
    "lost_worker_retries": _option("New starts of a node without side effects after its worker died.", "integer", "1"),
    "retry_policies": _option("JSON of retry policies by node type and by workflow; empty for none."),
    "fused": _option("Whether workflows that do not say otherwise run connected nodes in one task.", "boolean", "False"),
    "cache_folder": _option("Where outlines of unchanged documents are kept; none keeps nothing."),
    "hooks": _option("Code called before and after each node, as module:attribute, comma-separated, besides installed hooks."),
    "file_root": _option("Folder or object storage URL below which file nodes work; empty refuses them."),
    "allowed_hosts": _option("Internal hosts or networks that HTTP nodes may reach, comma-separated."),
    "http_connections": _option("Airflow connection by host, as host=connection_id, comma-separated."),
    "memory_conn_id": _option("Connection of the SQL database memory nodes use; empty refuses them."),
    "model_conn_id": _option("Pydantic AI connection of AI nodes; empty refuses them."),
    "model_aliases": _option("Model by a drawing's model name or role, as name=model, comma-separated."),
    "embedding_model": _option("Model of embedding nodes, as provider:model; empty refuses them."),
    "drupal_conn_id": _option("HTTP connection of the Drupal site that entity nodes use; empty refuses them."),
}
