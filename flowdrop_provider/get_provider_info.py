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
        "bundles": [
            {
                "integration-name": "FlowDrop",
                "python-modules": ["flowdrop_provider.bundles.drupal", "flowdrop_provider.bundles.folder"],
            }
        ],
        "hooks": [{"integration-name": "FlowDrop", "python-modules": ["flowdrop_provider.hooks.drupal"]}],
        "connection-types": [_DRUPAL],
        "db-managers": ["flowdrop_provider.tables.manager.FlowDropDBManager"],
        "config": {"flowdrop": {"description": "FlowDrop workflows.", "options": _OPTIONS}},
    }


def _option(description: str, type_: str = "string", default: str = "", *, sensitive: bool = False) -> dict[str, Any]:
    option = {"description": description, "version_added": "0.1.0", "type": type_, "example": None, "default": default}
    return {**option, "sensitive": True} if sensitive else option


def _field(label: str, description: str, type_: str = "string", **schema: Any) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": [type_, "null"], **schema}}


def _secret(label: str, description: str) -> dict[str, Any]:
    return _field(label, description, format="password")


#: The form of a Drupal connection; Airflow draws it without importing the hook.
_DRUPAL: dict[str, Any] = {
    "connection-type": "drupal",
    "hook-class-name": "flowdrop_provider.hooks.drupal.DrupalHook",
    "hook-name": "Drupal",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "port", "extra"],
        "relabeling": {"host": "Base URL", "login": "User", "password": "Password"},
        "placeholders": {"host": "https://www.example.org", "login": "a service account of the site"},
    },
    "conn-fields": {
        "auth": _field(
            "Authentication",
            "session (user and password; the only one FlowDrop's own routes take), basic, oauth2, api_key or none. "
            "Empty: by what is filled in.",
            enum=["session", "basic", "oauth2", "api_key", "none", None],
        ),
        "client_id": _field("OAuth2 client id", "Client credentials of the site's OAuth2 server."),
        "client_secret": _secret("OAuth2 client secret", "Belongs to the client id."),
        "scope": _field("OAuth2 scope", "Scopes, separated by blanks; may be empty."),
        "token_path": _field("OAuth2 token path", "Where tokens are given; /oauth/token by default."),
        "key_header": _field("API key header", "The header that carries the key; api-key by default."),
        "api_key": _secret("API key", "Key of the service account."),
        "signing_secret": _secret("Signing secret", "The secret in the settings of the module flowdrop_airflow."),
        "editor_url": _field(
            "Editor's address",
            "Where people open a workflow, with {id} for its id: an address, or a path of the site; "
            "/admin/flowdrop/workflows/{id}/editor by default.",
        ),
        "verify_tls": _field("Check certificates", "Off only for a test site.", "boolean"),
        "ca_bundle": _field("CA bundle", "File with the authorities to trust, on every worker."),
        "client_cert": _field("Client certificate", "File with certificate and key, on every worker."),
        "timeout": _field("Timeout", "Seconds a request may take; 30 by default.", "number"),
        "attempts": _field("Attempts", "Requests at most when the site is busy or away; 4 by default.", "integer"),
    },
}


_OPTIONS: dict[str, dict[str, Any]] = {
    "dag_id_prefix": _option("Before the workflow id in DAG ids.", default="flowdrop_"),
    "record_max_bytes": _option("Bound on the recorded input and output of a job, bytes of JSON each.", "integer", "65536"),
    "store_data": _option("Whether input and output of jobs are recorded at all.", "boolean", "True"),
    "secret_names": _option(
        "Patterns of the connections and variables that drawings may name as secrets, comma-separated; by default all.",
        default="*",
    ),
    "sensitive_keys": _option("Further key names to redact, comma-separated."),
    "seal_key": _option("Fernet keys for sealed values, newest first; empty uses [core] fernet_key.", sensitive=True),
    "large_value_bytes": _option("A value handed on that is larger goes to object storage.", "integer", "1048576"),
    "large_value_path": _option("Object storage URL for large values; empty keeps them in XCom."),
    "unknown_processor": _option(
        "refuse a workflow whose processor nobody provides, fail its task, or run it in drupal.", default="refuse"
    ),
    "confirmation_default": _option(
        "Whether nodes with side effects whose type and author say nothing ask a person before they run, or skip that.",
        default="ask",
    ),
    "confirmation_expiry": _option("Seconds until an unanswered confirmation cancels its run.", "float", "86400"),
    "api_write_limit": _option(
        "Writing requests of one caller to one API server process; empty for any number.", default="600/minute"
    ),
    "callback_base_url": _option("Where other systems call this Airflow back; empty takes [api] base_url."),
    "workflow_store": _option("DAG bundle over a folder that the API saves workflows into; empty refuses to save."),
    "lost_worker_retries": _option("New starts of a node without side effects after its worker died.", "integer", "1"),
    "retry_policies": _option("JSON of retry policies by node type and by workflow; empty for none."),
    "fused": _option("Whether workflows that do not say otherwise run connected nodes in one task.", "boolean", "False"),
    "cache_folder": _option("Where outlines of unchanged documents are kept; none keeps nothing."),
    "hooks": _option("Code called before and after each node, as module:attribute, comma-separated, besides installed hooks."),
    "file_root": _option("Folder or object storage URL below which file nodes work; empty refuses them."),
    "allowed_hosts": _option("Internal hosts or networks that HTTP nodes may reach, comma-separated."),
    "http_binary_bodies": _option("refuse a binary reply of http_request, or keep it below file_root.", default="refuse"),
    "http_connections": _option("Airflow connection by host, as host=connection_id, comma-separated."),
    "http_defer_after": _option(
        "HTTP calls with a time-out of so many seconds or more wait in the triggerer; 0 for none.", "float", "0"
    ),
    "memory_conn_id": _option("Connection of the SQL database memory nodes use; empty refuses them."),
    "model_conn_id": _option("Pydantic AI connection of AI nodes; empty refuses them."),
    "model_aliases": _option("Model by a drawing's model name or role, as name=model, comma-separated."),
    "embedding_model": _option("Model of embedding nodes, as provider:model; empty refuses them."),
    "drupal_callback_seconds": _option(
        "Seconds between deliveries of run states to Drupal, by a process beside the scheduler; 0 delivers nothing.",
        "float",
        "0",
    ),
    "event_log": _option("File that runs, jobs and actions are told in, as lines of ECS JSON; empty writes none."),
    "notices": _option("JSON list of rules who is told what about runs; empty tells nobody."),
    "retention": _option("JSON of what flowdrop prune forgets and when; empty forgets nothing."),
    "drupal_conn_id": _option("Connection of the Drupal site that nodes use; empty refuses them."),
}
