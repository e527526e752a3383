"""Values handed on from node to node: an XCom of their own, apart from the record that people see (DESIGN 4).

The record is redacted and bounded; what the next node gets is neither. Only ports that an edge really carries are handed on.
A value that redaction would touch travels sealed: encrypted with a key of the deployment, so that a secret never lies open in
the metadata database. A large value goes to object storage by reference.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from flowdrop_provider import conf
from flowdrop_provider.engine.execution import Execution
from flowdrop_provider.engine.plan import Plan, PlanNode
from flowdrop_provider.engine.redaction import Redactor
from flowdrop_provider.engine.routing import Outcome
from flowdrop_provider.engine.runner import outcome_of
from flowdrop_provider.errors import ConfigurationError, NodeError
from flowdrop_provider.library.sealing import cipher

__all__ = [
    "HANDOVER_KEY",
    "JOB_KEY",
    "SKIPS_KEY",
    "Learn",
    "delete_stored",
    "open_values",
    "outcome_from",
    "pack",
    "pack_outcome",
    "seal_values",
    "storable",
    "stored_places",
]

#: Takes secret values that are not to be shown.
Learn: TypeAlias = Callable[[Iterable[str]], None]

#: XCom keys: what people see, what successors get, and who was skipped without a process of its own.
JOB_KEY, HANDOVER_KEY, SKIPS_KEY = "flowdrop_job", "flowdrop_handover", "flowdrop_skips"


#: A NUL in JSON text; an even number of backslashes before it are characters of their own.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def storable(value: Any) -> Any:
    """Return a JSON value as PostgreSQL can keep it: it has no character U+0000, which is shown as U+FFFD.

    For what people see. What a node is handed on is JSON text within a text, and keeps it.
    """
    text = json.dumps(value, default=str)
    return json.loads(_NUL.sub(r"\1\\ufffd", text)) if "\\u0000" in text else value


def pack(plan: Plan, node: PlanNode, execution: Execution, redactor: Redactor) -> dict[str, Any]:
    """Return what the successors of a finished node need: status, branches, and the values of its carried ports.

    :raises NodeError: ``value_not_stored``: there is no room for a large value.
    """
    return pack_outcome(outcome_of(node, execution), plan.carried_ports(node.node_id), redactor)


def pack_outcome(outcome: Outcome, carried: frozenset[str] | None, redactor: Redactor) -> dict[str, Any]:
    """Return an outcome with the values of the carried ports, ``None`` for all of them."""
    every = carried is None or ("output" in carried and "output" not in outcome.ports)
    ports = {name: value for name, value in outcome.ports.items() if every or name in (carried or ())}
    return {**outcome.to_data(), "ports": seal_values(ports, redactor)}


def outcome_from(handover: Mapping[str, Any], learn: Learn) -> Outcome:
    """Return the outcome a handover stands for; sealed and stored values are opened."""
    return Outcome.from_data({**handover, "ports": open_values(handover["ports"], learn)})


def seal_values(values: Mapping[str, Any], redactor: Redactor) -> dict[str, dict[str, Any]]:
    """Return each value as ``{"json"}`` (its text), ``{"sealed"}`` or ``{"stored", "sealed": bool}``.

    Text, because PostgreSQL keeps JSON objects without the order of their keys, and to an author that order is data. With a
    sealed value travel the secrets that may be in it, so that the next node's record does not show them.
    """
    secrets = sorted(redactor.values)
    return {name: _pack_value(value, secrets if redactor.touches({name: value}) else None) for name, value in values.items()}


def open_values(packed: Mapping[str, Mapping[str, Any]], learn: Learn) -> dict[str, Any]:
    """Return the values that :func:`seal_values` packed.

    :param learn: takes the secrets that may be in them.
    """
    return {name: _open_value(entry, learn) for name, entry in packed.items()}


def _pack_value(value: Any, secrets: list[str] | None) -> dict[str, Any]:
    """Pack a value; sealed when there are secrets to tell of it, be it none by value."""
    sensitive = secrets is not None
    text = json.dumps({"value": value, "secrets": secrets} if sensitive else value, ensure_ascii=False)
    folder = conf.large_value_path()
    large = bool(folder) and len(text) > conf.large_value_bytes()
    if not sensitive and not large:
        return {"json": text}
    body = _cipher().encrypt(text.encode()) if sensitive else text.encode()
    if large:
        return {"stored": _store(folder, body), "sealed": sensitive}
    return {"sealed": body.decode()}


def _open_value(entry: Mapping[str, Any], learn: Learn) -> Any:
    if "json" in entry:
        return json.loads(entry["json"])
    body = _load(entry["stored"]) if "stored" in entry else entry["sealed"].encode()
    if not entry["sealed"]:
        return json.loads(body)
    found = json.loads(_cipher().decrypt(body))
    learn(found["secrets"])
    return found["value"]


def _cipher() -> Any:
    return cipher(conf.seal_keys())


def _store(folder: str, body: bytes) -> str:
    from airflow.sdk import ObjectStoragePath

    path = ObjectStoragePath(folder) / f"{uuid.uuid4()}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    except Exception as error:  # each kind of storage raises its own
        raise NodeError(
            f"A value of {len(body):,} bytes could not be stored for the nodes behind this one: {type(error).__name__}.",
            code="value_not_stored",
            retryable=True,
        ) from error
    return str(path)


def stored_places(packed: Any) -> list[str]:
    """Return where the large values lie that anything packed refers to, however deep in it."""
    if isinstance(packed, list):
        return [place for item in packed for place in stored_places(item)]
    if not isinstance(packed, Mapping):
        return []
    if isinstance(packed.get("stored"), str) and "sealed" in packed:
        return [packed["stored"]]
    return [place for item in packed.values() for place in stored_places(item)]


def delete_stored(location: str) -> bool:
    """Delete a large value; return whether it was there and lay in the storage for large values."""
    from airflow.sdk import ObjectStoragePath

    if not _is_ours(location):
        return False
    try:
        ObjectStoragePath(location).unlink()
    except FileNotFoundError:
        return False
    return True


def _is_ours(location: str) -> bool:
    root = conf.large_value_path()
    return bool(root) and location.startswith(root.rstrip("/") + "/") and "/../" not in location


def _load(location: str) -> bytes:
    from airflow.sdk import ObjectStoragePath

    if not _is_ours(location):
        # An XCom can be edited by whoever may edit XComs; it must not make a worker read another place.
        raise ConfigurationError(
            "A value lies outside of the storage for large values.",
            code="CONF_LARGE_VALUE_PLACE",
            hint="Keep [flowdrop] large_value_path the same while runs are going on.",
        )
    return bytes(ObjectStoragePath(location).read_bytes())
