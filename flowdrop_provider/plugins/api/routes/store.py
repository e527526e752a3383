"""Saving workflows, where the deployment has a store for them (STORE-1..9); else every route here refuses."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Annotated, Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from fastapi import APIRouter, Body, Request
from sqlalchemy import select

from flowdrop_provider.dag_factory import dag_id_of
from flowdrop_provider.document.normalise import BUNDLE_FORMAT
from flowdrop_provider.document.storing import FLOW_ID, flow_id_of, stored_workflow
from flowdrop_provider.errors import DocumentError
from flowdrop_provider.plugins.api.auditing import audited, note_stored
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.refreshing import request_refresh
from flowdrop_provider.plugins.api.security import UserDep, may_edit, of_workflow_or, store_writer
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.store import Stored, WorkflowStore, is_bundle, is_stored, open_store
from flowdrop_provider.plugins.api.validating import examined

__all__ = ["router"]

log = logging.getLogger("flowdrop.api")

router = APIRouter(tags=["workflows"])

CHANGE = of_workflow_or("PUT", is_stored)
REMOVE = of_workflow_or("DELETE", is_stored)
Document = Annotated[dict[str, Any], Body()]


def _writable(sent: Mapping[str, Any] | None = None) -> WorkflowStore:
    """Return the store.

    :param sent: a document that is judged before the refusal, so that its author learns both.
    :raises ApiError: 403 ``STORE_READ_ONLY``.
    """
    store = open_store()
    if store is None:
        verdict = examined({"id": "new", **sent}) if sent is not None else None
        if verdict is not None and not verdict.valid:
            raise _refused([item.as_dict() for item in verdict.report.errors])
        raise ApiError(
            403,
            "STORE_READ_ONLY",
            "Workflows come from this deployment's DAG bundles; save it in Drupal or in the bundle's folder.",
        )
    return store


def _refused(findings: list[dict[str, Any]]) -> ApiError:
    """Return the refusal of an invalid document: nothing is stored, and warnings do not count (STORE-5)."""
    return ApiError(422, "VALIDATION_FAILED", str(findings[0]["message"]), details=findings)


def _finding(code: str, message: str, locator: str) -> dict[str, Any]:
    return {"code": code, "message": message, "locator": locator}


def _formed(store: WorkflowStore, sent: Mapping[str, Any], before: Stored | None, id_: str) -> dict[str, Any]:
    """Return the stored form of what was sent, valid.

    :raises ApiError: 400 for what is no workflow (STORE-2), 422 with all findings (STORE-5).
    """
    envelope = before.envelope if before is not None else None
    catalogue = store.catalogue(envelope)
    flow = before.flow if before is not None else {}
    try:
        found = stored_workflow(sent, flow, id_, int(time.time()), lambda name: catalogue.get(name) is not None)
    except DocumentError as error:
        raise ApiError(400, error.code, error.message, details=[error.as_dict()]) from error
    verdict = store.examine(found, envelope)
    if not verdict.valid:
        raise _refused([item.as_dict() for item in verdict.report.errors])
    return found


def _new(session: Any, user: Any, store: WorkflowStore, sent: Mapping[str, Any], where: str) -> str:
    """Return the id of a new workflow, free and of the right shape (STORE-3, STORE-9)."""

    def taken(id_: str) -> bool:
        dag = session.get(DagModel, dag_id_of(id_))
        return store.find(id_) is not None or (dag is not None and not dag.is_stale)

    asked = sent.get("id")
    if asked in (None, ""):
        return flow_id_of(str(sent.get("name") or ""), taken)
    if not isinstance(asked, str) or not FLOW_ID.match(asked):
        message = "A workflow id has 1 to 64 small letters, digits and underscores."
        raise _refused([_finding("STORE_ID", message, where)])
    may_edit(session, user, dag_id_of(asked))
    if taken(asked):
        finding = _finding("WORKFLOW_EXISTS", f"There is a workflow {asked!r} already.", where)
        raise ApiError(409, "WORKFLOW_EXISTS", finding["message"], details=[finding])
    return asked


def _stored(
    session: Any, user: Any, request: Request, store: WorkflowStore, before: Stored, flow: Mapping[str, Any]
) -> dict[str, Any]:
    id_ = str(flow["id"])
    try:
        store.write(id_, before.document(flow))
    except OSError as error:
        raise ApiError(
            503, "STORE_UNWRITABLE", "The workflow store cannot be written to; the server's log says why."
        ) from error
    request.scope["path_params"]["dag_id"] = dag_id_of(id_)
    request_refresh(session, store.bundle)
    answer = store.answer(Stored(flow, before.envelope))
    note_stored(session, request, user.get_name(), dag_id_of(id_), str(answer["metadata"]["airflow"]["revision"]))
    return answer


@router.post("/workflows", status_code=201, dependencies=[store_writer, audited("flowdrop_create_workflow")])
def create_workflow(session: SessionDep, user: UserDep, request: Request, body: Document) -> dict[str, Any]:
    """Store a new workflow; without an ``id`` it gets one made from its name.

    :raises ApiError: 400 ``STORE_*`` for what is no workflow; 409 ``WORKFLOW_EXISTS``, never an update (STORE-3); 422
        ``VALIDATION_FAILED`` with all findings (STORE-5); 403 ``STORE_READ_ONLY`` where the deployment has no store.
    """
    store = _writable(body)
    id_ = _new(session, user, store, body, "id")
    may_edit(session, user, dag_id_of(id_))
    flow = _formed(store, body, None, id_)
    return {"success": True, "message": "Workflow created", "data": _stored(session, user, request, store, Stored(flow), flow)}


@router.post("/workflows/import", status_code=201, dependencies=[store_writer, audited("flowdrop_import_workflow")])
def import_workflow(session: SessionDep, user: UserDep, request: Request, body: Document) -> dict[str, Any]:
    """Store a new workflow from a file: a workflow object, or a ``flowdrop.bundle/v1`` with its node types (STORE-9).

    The gates come in the specification's order: the envelope's format, processors that are missing, the workflow's own rules,
    the shape of its id, an id that is taken. Nothing is stored before the last, so there is nothing to roll back.
    """
    store = _writable(None if is_bundle(body) else body)
    before, flow = None, body
    if is_bundle(body):
        payload = body.get("payload")
        inner = payload.get("flow") if isinstance(payload, Mapping) else None
        if body.get("format") != BUNDLE_FORMAT or not isinstance(inner, Mapping):
            raise _refused(
                [_finding("DOC_BUNDLE_FORMAT", f"Only {BUNDLE_FORMAT} with a payload.flow is understood.", "format")]
            )
        before, flow = Stored({}, body), dict(inner)
    formed = _formed(store, flow, before, str(flow.get("id") or "new"))
    id_ = _new(session, user, store, flow, "flow.id")
    may_edit(session, user, dag_id_of(id_))
    kept = Stored({}, before.envelope) if before is not None else Stored(formed)
    data = _stored(session, user, request, store, kept, {**formed, "id": id_})
    return {"success": True, "message": "Workflow imported", "data": data}


def _own(store: WorkflowStore, id_: str) -> Stored:
    found = store.find(id_)
    if found is None:
        raise ApiError(403, "STORE_READ_ONLY", f"The workflow {id_!r} comes from elsewhere; change it where its file is kept.")
    return found


@router.put("/workflows/{id}", dependencies=[CHANGE, audited("flowdrop_update_workflow")])
def update_workflow(
    session: SessionDep, user: UserDep, request: Request, workflow_id: Annotated[str, CHANGE], body: Document
) -> dict[str, Any]:
    """Change a stored workflow; what is left out stays as it is, ``name`` is needed (STORE-2, STORE-4).

    Runs that have begun go on with the revision they began with.
    """
    store = _writable()
    before = _own(store, workflow_id)
    flow = _formed(store, body, before, workflow_id)
    return {"success": True, "message": "Workflow updated", "data": _stored(session, user, request, store, before, flow)}


@router.delete("/workflows/{id}", dependencies=[REMOVE, audited("flowdrop_delete_workflow")])
def delete_workflow(session: SessionDep, workflow_id: Annotated[str, REMOVE]) -> dict[str, Any]:
    """Remove a stored workflow. Airflow keeps the history of its runs until its retention ends them.

    :raises ApiError: 409 ``WORKFLOW_RUNNING``: Airflow drops the runs of a DAG that is gone, so they must end first.
    """
    store = _writable()
    _own(store, workflow_id)
    dag_id = dag_id_of(workflow_id)
    going_on = select(DagRun.id).where(DagRun.dag_id == dag_id, DagRun.state.in_(["queued", "running"]))
    if session.scalar(going_on.limit(1)) is not None:
        raise ApiError(409, "WORKFLOW_RUNNING", "Runs of this workflow are going on; stop them or wait for their end.")
    store.delete(workflow_id)
    dag = session.get(DagModel, dag_id)
    if dag is not None:
        # Airflow would notice by itself, a minute or two later.
        dag.is_stale = True
    request_refresh(session, store.bundle)
    return {"success": True, "message": "Workflow deleted successfully"}
