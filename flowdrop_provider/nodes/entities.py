"""Drupal's content: find entities, load one, save one; through core's JSON:API (see :mod:`flowdrop_provider.nodes.drupal`)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.values import is_numeric, to_float, to_string
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.drupal import DrupalClient, checked_name, drupal_of

__all__ = ["entity_context", "entity_query", "entity_save"]

_MODULE: dict[str, Any] = {"category": "data", "runs": "drupal"}
#: Core's JSON:API gives at most 50 entities a page, whatever is asked for (measured).
_PAGE = 50
_MOST = 1000
_ID_KEYS = {"node": "nid", "taxonomy_term": "tid", "user": "uid", "media": "mid", "file": "fid", "comment": "cid"}
_PUBLISHABLE = frozenset({"node", "taxonomy_term", "media", "comment", "block_content", "menu_link_content"})
_LABELS = ("title", "name", "label", "display_name", "subject", "filename", "info")
_OPERATORS = frozenset(
    {"=", "<>", ">", ">=", "<", "<=", "STARTS_WITH", "CONTAINS", "ENDS_WITH", "IN", "NOT IN", "BETWEEN", "NOT BETWEEN"}
    | {"IS NULL", "IS NOT NULL"}
)
#: Fields no client may set; Drupal refuses the whole entity for one of them (measured).
_READ_ONLY = frozenset({"changed", "uuid", "id", "vid", "nid", "type"})


def _path(params: Params) -> str:
    entity_type = checked_name(params["entity_type"], "The entity type")
    return f"{entity_type}/{checked_name(params['bundle'] or entity_type, 'The bundle')}"


def _seconds(value: Any) -> int | None:
    """Return an ISO 8601 time of JSON:API as Unix seconds."""
    try:
        return int(dt.datetime.fromisoformat(value).timestamp()) if isinstance(value, str) else None
    except ValueError:
        return None


def _described(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every node tells about an entity; ``id`` is Drupal's own number, the UUID where there is none."""
    attributes = resource.get("attributes") or {}
    entity_type, _, bundle = str(resource.get("type") or "").partition("--")
    number = attributes.get(f"drupal_internal__{_ID_KEYS.get(entity_type, 'id')}")
    return {
        "id": to_string(resource.get("id") if number is None else number),
        "uuid": resource.get("id"),
        "entity_type": entity_type,
        "bundle": bundle,
        "label": next((to_string(attributes[name]) for name in _LABELS if attributes.get(name) is not None), ""),
        "created": _seconds(attributes.get("created")),
        "changed": _seconds(attributes.get("changed")),
    }


def _fields(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entity's fields: attributes as they are, references as ``{type, id}`` or lists of them."""
    references = {
        name: value.get("data") for name, value in (resource.get("relationships") or {}).items() if isinstance(value, Mapping)
    }
    return {**references, **(resource.get("attributes") or {})}


def _conditions(given: Any) -> list[tuple[str, str, Any]]:
    """Return conditions as ``(field, operator, value)``, from a map of values or a list of ``{field, operator, value}``."""
    pairs = given.items() if isinstance(given, Mapping) else ()
    entries = given if isinstance(given, list) else [{"field": name, "value": value} for name, value in pairs]
    found = []
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise NodeError("A condition is a map of field, operator and value.", code="invalid_condition")
        value = entry.get("value")
        inner = value if isinstance(value, Mapping) and "value" in value else entry
        operator = str(inner.get("operator") or ("IN" if isinstance(value, list) else "=")).upper()
        field = to_string(entry.get("field"))
        if operator not in _OPERATORS or not all(part.isidentifier() for part in field.split(".")):
            raise NodeError(f"The condition on {field!r} cannot be used.", code="invalid_condition")
        found.append((field, operator, inner.get("value")))
    return found


def _filters(params: Params) -> dict[str, str]:
    query: dict[str, str] = {}
    conditions = _conditions(params["conditions"])
    if params["published_only"] and params["entity_type"] in _PUBLISHABLE:
        conditions.append(("status", "=", 1))
    after = params["changed_after"]
    if is_numeric(after) and not isinstance(after, bool) and to_float(after) > 0:
        # A number, since a text is compared as a text by some databases (measured).
        conditions.append(("changed", ">", int(to_float(after))))
    for number, (field, operator, value) in enumerate(conditions):
        prefix = f"filter[c{number}][condition]"
        query |= {f"{prefix}[path]": field, f"{prefix}[operator]": operator}
        if isinstance(value, list):
            query |= {f"{prefix}[value][{place}]": _plain(item) for place, item in enumerate(value)}
        elif not operator.startswith("IS"):
            query[f"{prefix}[value]"] = _plain(value)
    return query


def _plain(value: Any) -> str:
    return ("1" if value else "0") if isinstance(value, bool) else to_string(value)


def _bounded(value: Any, fallback: int, most: int) -> int:
    return min(most, max(0, int(to_float(value)))) if is_numeric(value) and not isinstance(value, bool) else fallback


def _sort(params: Params) -> str:
    field = to_string(params["sort_field"] or "changed")
    return field if str(params["sort_direction"] or "DESC").upper() == "ASC" else f"-{field}"


def _pages(client: DrupalClient, params: Params, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """Return up to ``limit`` entities and whether there are more; a page may be short, since hidden entities leave gaps."""
    query = {**_filters(params), "sort": _sort(params)}
    offset, more = _bounded(params["offset"], 0, 10**9), True
    found: list[dict[str, Any]] = []
    while more and len(found) < limit:
        size = min(_PAGE, limit - len(found))
        page = client.request("GET", _path(params), {**query, "page[limit]": str(size), "page[offset]": str(offset)})
        data = page.get("data")
        found += [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []
        offset, more = offset + size, "next" in (page.get("links") or {})
    return found, more


@processor(
    "entity_query",
    label="Entity Query",
    description="Finds content of the Drupal site.",
    parameters=[
        param("entity_type", configurable=True, required=True, default="node", title="Entity type"),
        param("bundle", configurable=True, connectable=True, default="", title="Bundle"),
        param("conditions", configurable=True, connectable=True, default={}, title="Conditions"),
        param("changed_after", configurable=True, connectable=True, default=0, title="Changed after", description="Unix time."),
        param("published_only", configurable=True, default=True),
        param("sort_field", configurable=True, default="changed"),
        param("sort_direction", configurable=True, default="DESC"),
        param("limit", configurable=True, default=100, description=f"{_MOST} at most."),
        param("offset", configurable=True, connectable=True, default=0),
        param("load_entities", configurable=True, default=False, description="Fills entities with all fields."),
    ],
    outputs=[
        output("ids", "array"),
        output("results", "array"),
        output("entities", "array"),
        output("count", "integer"),
        output("has_more", "boolean"),
        output("bundle", "string"),
        output("entity_type", "string"),
        output("success", "boolean"),
        output("error_message", "string"),
    ],
    **_MODULE,
)
def entity_query(params: Params, context: NodeContext) -> Outputs:
    """Return the entities the connection's user may see; a query Drupal refuses is told by ``success`` and ``error_message``.

    :raises NodeError: ``invalid_parameter``, ``invalid_condition``; retryable ``drupal_failed`` and network errors.
    """
    client, limit = drupal_of(context.world), _bounded(params["limit"], 100, _MOST)
    base = {"bundle": to_string(params["bundle"] or ""), "entity_type": params["entity_type"]}
    try:
        resources, more = _pages(client, params, limit)
    except NodeError as error:
        if error.code != "drupal_refused":
            raise
        empty = {"ids": [], "results": [], "entities": [], "count": 0, "has_more": False}
        return {**empty, **base, "success": False, "error_message": error.message}
    results = [_described(resource) for resource in resources]
    full = [{**_described(resource), **_fields(resource)} for resource in resources] if params["load_entities"] else []
    found = {"ids": [entry["id"] for entry in results], "results": results, "entities": full, "count": len(results)}
    return {**found, "has_more": more, **base, "success": True, "error_message": ""}


def _loaded(client: DrupalClient, params: Params, identity: str) -> dict[str, Any]:
    """Return an entity by UUID, or by Drupal's number; raises ``entity_not_found``."""
    if not is_numeric(identity):
        found = client.request("GET", f"{_path(params)}/{_uuid(identity)}").get("data")
    else:
        key = _ID_KEYS.get(str(params["entity_type"]), "id")
        listed = client.request("GET", _path(params), {f"filter[drupal_internal__{key}]": identity}).get("data")
        found = listed[0] if isinstance(listed, list) and listed else None
    if not isinstance(found, dict):
        raise NodeError(f"There is no {params['entity_type']} {identity!r}.", code="entity_not_found")
    return found


def _uuid(identity: str) -> str:
    if not identity.replace("-", "").isalnum():
        raise NodeError(f"{identity!r} is no entity id.", code="invalid_parameter")
    return identity


@processor(
    "entity_context",
    label="Entity Context",
    description="Loads one entity of the Drupal site.",
    parameters=[
        param("entity_type", configurable=True, connectable=True, required=True, default="node", title="Entity type"),
        param("bundle", configurable=True, connectable=True, default="", title="Bundle"),
        param(
            "entity_id", configurable=True, connectable=True, required=True, title="Entity id", description="Number or UUID."
        ),
    ],
    outputs=[
        output("entity", "object"),
        output("entity_id", "string"),
        output("uuid", "string"),
        output("entity_type", "string"),
        output("bundle", "string"),
        output("label", "string"),
    ],
    **_MODULE,
)
def entity_context(params: Params, context: NodeContext) -> Outputs:
    """Return the entity's fields and what it is; the connection's user must be allowed to view it.

    :raises NodeError: ``entity_not_found``, ``drupal_refused``, ``invalid_parameter``; retryable ``drupal_failed``.
    """
    resource = _loaded(drupal_of(context.world), params, to_string(params["entity_id"]))
    about = _described(resource)
    names = ("uuid", "entity_type", "bundle", "label")
    return {"entity": _fields(resource), "entity_id": about["id"], **{name: about[name] for name in names}}


def _allowed(params: Params) -> tuple[dict[str, Any], list[str]]:
    """Return the values to send and the names of those left out: not allowed by the author, or never settable."""
    given = params["values"] if isinstance(params["values"], Mapping) else {}
    listed = params["allowed_fields"]
    allowed = set(map(to_string, listed.values() if isinstance(listed, Mapping) else listed or ()))
    kept = {name: value for name, value in given.items() if name not in _READ_ONLY and (not allowed or name in allowed)}
    return kept, [name for name in given if name not in kept]


def _is_reference(value: Any) -> bool:
    entries = value if isinstance(value, list) else [value]
    return bool(entries) and all(
        isinstance(entry, Mapping) and "id" in entry and "--" in str(entry.get("type")) for entry in entries
    )


def _resource(params: Params, values: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {name: value for name, value in values.items() if not _is_reference(value)}
    if params["new_revision"] and params["revision_log_message"]:
        attributes["revision_log"] = params["revision_log_message"]
    references = {name: {"data": value} for name, value in values.items() if _is_reference(value)}
    resource = {"type": _path(params).replace("/", "--"), "attributes": attributes}
    return {**resource, "relationships": references} if references else resource


def _new_uuid(context: NodeContext) -> str:
    return str(uuid.UUID(int=context.world.rng.getrandbits(128), version=4))


def _create(client: DrupalClient, path: str, resource: Mapping[str, Any], identity: str) -> dict[str, Any]:
    """Create an entity under an id of ours, so that a request whose answer was lost can be sent again (409, measured)."""
    try:
        return client.request("POST", path, body={"data": {**resource, "id": identity}})
    except NodeError as error:
        if (error.details or {}).get("status_code") != 409:
            raise
        return client.request("GET", f"{path}/{identity}")


@processor(
    "entity_save",
    label="Entity Save",
    description="Creates or changes content of the Drupal site.",
    parameters=[
        param("entity_type", configurable=True, connectable=True, required=True, default="node", title="Entity type"),
        param("bundle", configurable=True, connectable=True, default="", title="Bundle"),
        param("entity_id", connectable=True, default="", title="Entity id", description="Empty creates a new entity."),
        param("values", configurable=True, connectable=True, default={}, title="Values"),
        param("allowed_fields", configurable=True, default=[], title="Allowed fields", description="Empty allows all."),
        param("new_revision", configurable=True, connectable=True, default=False),
        param("revision_log_message", configurable=True, connectable=True, default=""),
    ],
    outputs=[
        output("entity_id", "string"),
        output("uuid", "string"),
        output("entity_type", "string"),
        output("bundle", "string"),
        output("label", "string"),
        output("is_new", "boolean"),
        output("revision_id"),
        output("created"),
        output("changed"),
        output("skipped_fields", "array"),
    ],
    side_effects=True,
    confirmation={"policy": "ask"},
    **_MODULE,
)
def entity_save(params: Params, context: NodeContext) -> Outputs:
    """Create an entity, or change the one with ``entity_id``; the bundle's own setting decides about new revisions.

    :raises NodeError: ``drupal_refused`` with Drupal's reasons (permission, validation, read-only site), ``entity_not_found``,
        ``invalid_parameter``; retryable ``drupal_failed`` and network errors.
    """
    client, identity = drupal_of(context.world), to_string(params["entity_id"] or "")
    values, skipped = _allowed(params)
    resource = _resource(params, values)
    if identity:
        own = _loaded(client, params, identity)["id"] if is_numeric(identity) else _uuid(identity)
        document = client.request("PATCH", f"{_path(params)}/{own}", body={"data": {**resource, "id": own}})
    else:
        document = _create(client, _path(params), resource, _new_uuid(context))
    saved = document.get("data") or {}
    about = _described(saved)
    revision = (saved.get("attributes") or {}).get("drupal_internal__vid")
    names = ("uuid", "entity_type", "bundle", "label", "created", "changed")
    told = {name: about[name] for name in names}
    return {"entity_id": about["id"], **told, "is_new": not identity, "revision_id": revision, "skipped_fields": skipped}
