"""Workflows: list, read, export, validate (STORE-8..15)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.dag import DagModel
from fastapi import APIRouter, Body, Query, Response
from fastapi.responses import PlainTextResponse
from sqlalchemy import select

from flowdrop_provider.dag_factory import dag_id_of
from flowdrop_provider.plugins.api.documents import document_of
from flowdrop_provider.plugins.api.drawings import Drawing, drawing_of, latest_drawings
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.pages import Page, page_of
from flowdrop_provider.plugins.api.reading import iso
from flowdrop_provider.plugins.api.security import UserDep, listed, may, of_workflow, of_workflow_or, signed_in
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.shapes.workflows import workflow_from_document, workflow_from_drawing
from flowdrop_provider.plugins.api.store import is_stored, open_store
from flowdrop_provider.plugins.api.validating import examined

__all__ = ["router"]

router = APIRouter(tags=["workflows"])

_READ = of_workflow_or("GET", is_stored)
_SORTS = {"created_at": "createdAt", "updated_at": "updatedAt", "name": "name"}


def _facts(dag: DagModel, drawing: Drawing) -> dict[str, Any]:
    parsed = iso(dag.last_parsed_time)
    return {
        "createdAt": parsed,
        "updatedAt": parsed,
        "revision": drawing.revision,
        "dag_id": dag.dag_id,
        "paused": dag.is_paused,
        "bundle": dag.bundle_name,
        "bundle_version": dag.bundle_version,
    }


def workflow_object(dag: DagModel, drawing: Drawing, *, document: bool) -> dict[str, Any]:
    """Return a workflow: from its document where the caller may read it and this machine has it, else from its drawing."""
    found = document_of(dag, drawing) if document else None
    if found is None:
        return workflow_from_drawing(drawing, _facts(dag, drawing))
    return workflow_from_document(found.workflow, found.catalogue, _facts(dag, drawing))


@router.get("/workflows")
def list_workflows(
    session: SessionDep,
    readable: Annotated[set[str], listed()],
    response: Response,
    search: Annotated[str | None, Query(max_length=255)] = None,
    tags: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
    sort: Literal["created_at", "updated_at", "name"] = "updated_at",
    order: Literal["asc", "desc"] = "desc",
) -> dict[str, Any]:
    """Return workflows as their drawings; ``search`` is a literal part of the name, whatever the case (STORE-15)."""
    dags = session.scalars(select(DagModel).where(DagModel.dag_id.in_(readable), ~DagModel.is_stale)).all()
    drawings = latest_drawings(session, [dag.dag_id for dag in dags])
    wanted = {tag.strip() for tag in (tags or "").split(",") if tag.strip()}
    needle = (search or "").casefold()
    found = [
        (dag, drawings.get(dag.dag_id, Drawing({})))
        for dag in dags
        if needle in drawings.get(dag.dag_id, Drawing({})).name.casefold() and wanted <= {tag.name for tag in dag.tags}
    ]
    found.sort(key=lambda pair: pair[1].name.casefold())
    if sort != "name":
        found.sort(key=lambda pair: str(iso(pair[0].last_parsed_time)), reverse=order == "desc")
    elif order == "desc":
        found.reverse()
    page = Page.asked(limit, offset)
    response.headers.update(
        {"X-Total-Count": str(len(found)), "X-Page-Size": str(page.limit), "X-Page-Offset": str(page.offset)}
    )
    rows = [workflow_object(dag, drawing, document=False) for dag, drawing in page.cut(found)]
    return page_of(rows, len(found), page, message=f"Found {len(found)} workflows")


@router.get("/workflows/{id}")
def get_workflow(session: SessionDep, user: UserDep, workflow_id: Annotated[str, _READ]) -> dict[str, Any]:
    """Return a workflow as the editor loads it; its configuration only for callers who may read code in Airflow.

    What was saved here a moment ago is answered from the store, because Airflow reads it some seconds later.
    """
    dag = session.get(DagModel, dag_id_of(workflow_id)) or session.get(DagModel, workflow_id)
    readable = may(session, user, "GET", DagAccessEntity.CODE, dag.dag_id if dag is not None else dag_id_of(workflow_id))
    store = open_store()
    stored = store.find(workflow_id) if store is not None else None
    if store is not None and stored is not None and readable:
        return {"success": True, "data": store.answer(stored)}
    if dag is None:
        raise ApiError(403, "FORBIDDEN", "You may not do this with this workflow.")
    return {"success": True, "data": workflow_object(dag, drawing_of(session, dag.dag_id, None), document=readable)}


@router.get("/workflows/{id}/export", response_model=None)
def export_workflow(
    session: SessionDep,
    dag: Annotated[DagModel, of_workflow("GET", DagAccessEntity.CODE)],
    format: Literal["json", "yaml"] = "json",  # noqa: A002 - the contract's name
) -> dict[str, Any] | Response:
    """Return the bare workflow object as a file to keep.

    :raises ApiError: 409 ``DOCUMENT_NOT_HERE`` when only the drawing is known; an export without configuration would lie.
    """
    drawing = drawing_of(session, dag.dag_id, None)
    found = document_of(dag, drawing)
    if found is None:
        raise ApiError(409, "DOCUMENT_NOT_HERE", "The API server does not have the document of this revision.")
    data = workflow_from_document(found.workflow, found.catalogue, _facts(dag, drawing))
    if format == "json":
        return data
    import yaml

    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    return PlainTextResponse(text, media_type="application/x-yaml")


@router.post("/workflows/validate", dependencies=[signed_in])
def validate_workflow(body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Return the verdict on a document; nothing is stored. ``findings`` has places and codes, the lists have sentences."""
    verdict = examined(body)
    data = {
        "valid": verdict.valid,
        "errors": [f"{item.locator}: {item.message}" for item in verdict.report.errors],
        "warnings": [f"{item.locator}: {item.message}" for item in verdict.report.warnings],
        "suggestions": [item.hint for item in (*verdict.report.errors, *verdict.report.warnings) if item.hint],
        "findings": verdict.as_dict(),
    }
    return {"success": True, "data": data}
