"""Settings of the ``[flowdrop]`` section: one typed accessor each, nothing else reads them.

The table in ``docs/configuration.md`` is checked against this module by a test.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from flowdrop_provider.errors import ConfigurationError

__all__ = [
    "allowed_hosts",
    "api_write_limit",
    "cache_folder",
    "callback_base_url",
    "confirmation_default",
    "confirmation_expiry",
    "dag_id_prefix",
    "drupal_callback_seconds",
    "drupal_conn_id",
    "embedding_model",
    "event_log",
    "file_root",
    "fused",
    "hooks",
    "http_binary_bodies",
    "http_connections",
    "http_defer_after",
    "large_value_bytes",
    "large_value_path",
    "lost_worker_retries",
    "memory_conn_id",
    "missing_processor",
    "model_aliases",
    "model_conn_id",
    "notices",
    "notices_wanted",
    "record_max_bytes",
    "remote_nodes",
    "retention",
    "retry_policies",
    "seal_keys",
    "secret_names",
    "sensitive_keys",
    "store_data",
    "unknown_processor",
    "workflow_store",
]

_SECTION = "flowdrop"


def _get(key: str, fallback: str) -> str:
    from airflow.sdk.configuration import conf

    return str(conf.get(_SECTION, key, fallback=fallback))


def _words(key: str) -> list[str]:
    return [word.strip() for word in _get(key, "").replace("\n", ",").split(",") if word.strip()]


def dag_id_prefix() -> str:
    """``[flowdrop] dag_id_prefix``: before the workflow id in DAG ids (``flowdrop_``)."""
    return _get("dag_id_prefix", "flowdrop_")


def record_max_bytes() -> int:
    """``[flowdrop] record_max_bytes``: bound on the recorded input and output of a job, bytes of JSON each (65536)."""
    return int(_get("record_max_bytes", "65536"))


def store_data() -> bool:
    """``[flowdrop] store_data``: whether input and output of jobs are recorded at all (true)."""
    return _get("store_data", "True").strip().lower() in {"true", "1", "yes", "on"}


def secret_names() -> list[str]:
    """``[flowdrop] secret_names``: patterns of the names that drawings may ask for as secrets, comma-separated (``*``)."""
    return [word.strip() for word in _get("secret_names", "*").split(",") if word.strip()]


def sensitive_keys() -> frozenset[str]:
    """``[flowdrop] sensitive_keys``: further key names to redact, comma-separated (none)."""
    return frozenset(word.lower() for word in _words("sensitive_keys"))


def seal_keys() -> list[str]:
    """``[flowdrop] seal_key``: Fernet keys for sealed values, newest first; by default ``[core] fernet_key``."""
    own = _words("seal_key")
    if own:
        return own
    from airflow.sdk.configuration import conf

    return [key.strip() for key in str(conf.get("core", "fernet_key", fallback="")).split(",") if key.strip()]


def large_value_bytes() -> int:
    """``[flowdrop] large_value_bytes``: a value handed on that is larger goes to object storage (1048576)."""
    return int(_get("large_value_bytes", "1048576"))


def large_value_path() -> str:
    """``[flowdrop] large_value_path``: object storage URL for large values; empty keeps them in XCom (empty)."""
    return _get("large_value_path", "")


def unknown_processor() -> str:
    """``[flowdrop] unknown_processor``: ``refuse`` the workflow, ``fail`` its task, or run the node in ``drupal`` (refuse)."""
    return _get("unknown_processor", "refuse").strip().lower()


def confirmation_default() -> str:
    """``[flowdrop] confirmation_default``: nodes with side effects of a type without a policy ``ask`` or ``skip`` (ask)."""
    return _get("confirmation_default", "ask").strip().lower()


def confirmation_expiry() -> float:
    """``[flowdrop] confirmation_expiry``: seconds until an unanswered confirmation cancels its run (86400).

    :raises ConfigurationError: it is not positive: a run must not wait for ever.
    """
    seconds = float(_get("confirmation_expiry", "86400"))
    if not seconds > 0:
        raise ConfigurationError("[flowdrop] confirmation_expiry must be positive: a run must not wait for ever.")
    return seconds


def api_write_limit() -> str:
    """``[flowdrop] api_write_limit``: writing requests of one caller to one API process, as ``600/minute``; empty for any."""
    return _get("api_write_limit", "600/minute").strip()


def callback_base_url() -> str:
    """``[flowdrop] callback_base_url``: where other systems reach this Airflow; empty takes ``[api] base_url`` (empty)."""
    own = _get("callback_base_url", "").strip()
    if own:
        return own
    from airflow.sdk.configuration import conf

    return str(conf.get("api", "base_url", fallback="") or "")


def workflow_store() -> str:
    """``[flowdrop] workflow_store``: name of the DAG bundle over a folder that the API saves workflows into (empty)."""
    return _get("workflow_store", "").strip()


def remote_nodes() -> bool:
    """Return whether nodes nobody provides here run in Drupal: wanted, and with a site to run in."""
    return unknown_processor() == "drupal" and bool(drupal_conn_id())


def missing_processor() -> str:
    """Return what a missing processor is to validation: an ``error``, or a ``warning`` where something else happens to it."""
    return "warning" if unknown_processor() == "fail" or remote_nodes() else "error"


def lost_worker_retries() -> int:
    """``[flowdrop] lost_worker_retries``: new starts of a node without side effects after its worker died (1)."""
    return int(_get("lost_worker_retries", "1"))


def retry_policies() -> Any:
    """``[flowdrop] retry_policies``: JSON ``{"node_types": {id: policy}, "workflows": {id: policy}}`` (``{}``).

    A policy is ``{max_attempts, delay_seconds, backoff, jitter, codes}``.

    :raises ConfigurationError: it is no JSON.
    """
    return _json("retry_policies", "{}")


def fused() -> bool:
    """``[flowdrop] fused``: whether workflows that do not say otherwise run connected nodes in one task (false)."""
    return _get("fused", "False").strip().lower() in {"true", "1", "yes", "on"}


def cache_folder() -> Path | None:
    """``[flowdrop] cache_folder``: where outlines are kept (``$AIRFLOW_HOME/flowdrop_cache``); ``none`` keeps nothing."""
    configured = _get("cache_folder", "")
    if configured:
        return None if configured == "none" else Path(configured)
    return Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser() / "flowdrop_cache"


def hooks() -> list[str]:
    """``[flowdrop] hooks``: code called before and after each node, as ``module:attribute``, comma-separated (none)."""
    return _words("hooks")


def file_root() -> str:
    """``[flowdrop] file_root``: folder or object storage URL below which file nodes work; empty refuses them (empty)."""
    return _get("file_root", "")


def allowed_hosts() -> list[str]:
    """``[flowdrop] allowed_hosts``: internal hosts, addresses or networks that HTTP nodes may reach, comma-separated (none)."""
    return _words("allowed_hosts")


def _pairs(key: str) -> dict[str, str]:
    pairs = (entry.split("=", 1) for entry in _words(key) if "=" in entry)
    return {name.strip(): value.strip() for name, value in pairs}


def http_binary_bodies() -> str:
    """``[flowdrop] http_binary_bodies``: a binary reply of ``http_request`` is ``refuse``d, or ``keep``t as a file (refuse)."""
    return _get("http_binary_bodies", "refuse").strip().lower()


def http_connections() -> dict[str, str]:
    """``[flowdrop] http_connections``: Airflow connection by host, as ``host=connection_id``, comma-separated (none)."""
    return {host.lower(): connection_id for host, connection_id in _pairs("http_connections").items()}


def http_defer_after() -> float:
    """``[flowdrop] http_defer_after``: calls with at least so many seconds of time wait in the triggerer; 0 for none (0)."""
    return float(_get("http_defer_after", "0"))


def memory_conn_id() -> str:
    """``[flowdrop] memory_conn_id``: connection of the SQL database memory nodes use; empty refuses them (empty)."""
    return _get("memory_conn_id", "")


def model_conn_id() -> str:
    """``[flowdrop] model_conn_id``: Pydantic AI connection of AI nodes; empty refuses them (empty)."""
    return _get("model_conn_id", "")


def model_aliases() -> dict[str, str]:
    """``[flowdrop] model_aliases``: model by a drawing's model name or role, as ``name=model``, comma-separated (none)."""
    return _pairs("model_aliases")


def embedding_model() -> str:
    """``[flowdrop] embedding_model``: model of embedding nodes, as ``provider:model``; empty refuses them (empty)."""
    return _get("embedding_model", "")


def drupal_conn_id() -> str:
    """``[flowdrop] drupal_conn_id``: connection of the Drupal site that nodes use; empty refuses them (empty)."""
    return _get("drupal_conn_id", "")


def drupal_callback_seconds() -> float:
    """``[flowdrop] drupal_callback_seconds``: pause between deliveries of run states to Drupal; 0 delivers nothing (0)."""
    return float(_get("drupal_callback_seconds", "0"))


def event_log() -> str:
    """``[flowdrop] event_log``: file for runs, jobs and actions as lines of ECS JSON; empty writes none (empty)."""
    return _get("event_log", "").strip()


def notices() -> Any:
    """``[flowdrop] notices``: JSON list of rules who is told what about runs; empty tells nobody (empty).

    :raises ConfigurationError: it is no JSON.
    """
    return _json("notices", "[]", "CONF_NOTICES")


def notices_wanted() -> bool:
    """Return whether there are rules for notices at all, without reading them: a mistake in them must not stop a scheduler."""
    return _get("notices", "").strip() not in ("", "[]")


def retention() -> Any:
    """``[flowdrop] retention``: JSON of what ``flowdrop prune`` forgets and when; empty forgets nothing (empty).

    :raises ConfigurationError: it is no JSON.
    """
    return _json("retention", "{}", "CONF_RETENTION")


def _json(name: str, empty: str, code: str | None = None) -> Any:
    try:
        return json.loads(_get(name, "") or empty)
    except ValueError as error:
        raise ConfigurationError(f"[flowdrop] {name} is no JSON: {error}.", code=code) from error
