"""Snapshots: what a run looked like when somebody kept it (SNAP-1, SNAP-2, INT-9)."""

from __future__ import annotations

from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.dagrun import DagRun
from fastapi import APIRouter, Body, Request
from sqlalchemy import ColumnElement, func, select

from flowdrop_provider.plugins.api.auditing import audited
from flowdrop_provider.plugins.api.errors import ApiError, not_found
from flowdrop_provider.plugins.api.ids import run_key
from flowdrop_provider.plugins.api.pages import Page, page_of
from flowdrop_provider.plugins.api.reading import read_run
from flowdrop_provider.plugins.api.security import UserDep, listed, may_view_all_chats, of_snapshot, require, snapshot_writer
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.shapes.snapshots import (
    complete,
    sent_snapshot,
    snapshot_answer,
    snapshot_of_run,
    snapshot_row,
)
from flowdrop_provider.tables.models import Snapshot, utc_now
from flowdrop_provider.tables.snapshots import find_snapshot, save_snapshot

__all__ = ["router"]

router = APIRouter(tags=["snapshots"])

VALUES = (DagAccessEntity.RUN, DagAccessEntity.XCOM)
READABLE = listed(*VALUES)
READ = of_snapshot("GET")
DELETE = of_snapshot("DELETE")


@router.get("/snapshots")
def list_snapshots(
    session: SessionDep,
    user: UserDep,
    readable: Annotated[set[str], READABLE],
    workflow_id: str | None = None,
    status: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> dict[str, Any]:
    """Return kept snapshots without their documents, the newest first; one's own, and those of DAGs one may edit (SNAP-2)."""
    everything = readable & set(get_auth_manager().get_authorized_dag_ids(user=user, method="PUT", session=session))
    own = Snapshot.owner == (user.get_name() or None)
    wanted: list[ColumnElement[bool]] = [Snapshot.dag_id.in_(sorted(readable)), own | Snapshot.dag_id.in_(sorted(everything))]
    wanted += [Snapshot.workflow_id == workflow_id] if workflow_id is not None else []
    wanted += [Snapshot.status == status] if status is not None else []
    page = Page.asked(limit, offset)
    total = session.scalar(select(func.count(Snapshot.number)).where(*wanted)) or 0
    query = select(Snapshot).where(*wanted).order_by(Snapshot.updated_at.desc(), Snapshot.number.desc())
    rows = session.scalars(query.limit(page.limit).offset(page.offset))
    return page_of([snapshot_row(row) for row in rows], total, page)


@router.post("/snapshots", dependencies=[snapshot_writer, audited("flowdrop_save_snapshot")])
def keep_snapshot(
    session: SessionDep, user: UserDep, request: Request, body: Annotated[dict[str, Any], Body()]
) -> dict[str, Any]:
    """Keep the snapshot of a run, in the place of an earlier one (INT-9).

    With nothing but ``execution_id`` it is taken from the run's records; a document may be sent along, in either spelling.

    :raises ApiError: 400 ``BODY_INVALID``, 404 ``PIPELINE_NOT_FOUND``, 403 when the snapshot is somebody else's.
    """
    sent = sent_snapshot(body)
    dag_id, run_id = run_key(sent["executionId"])
    run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
    if run is None:
        raise not_found("pipeline", sent["executionId"])
    require(session, user, "GET", VALUES, dag_id)
    earlier = find_snapshot(session, sent["executionId"])
    if earlier is not None and earlier.owner != user.get_name() and not may_view_all_chats(session, user, dag_id):
        raise ApiError(403, "FORBIDDEN", "This snapshot is somebody else's.")
    request.scope["path_params"] |= {"dag_id": dag_id, "dag_run_id": run_id}
    view = read_run(session, run)
    told = snapshot_of_run(view)
    document = complete({**told, **sent}, utc_now()) if "nodeStates" in sent else told
    # A snapshot belongs to the workflow its run belongs to, whatever was sent.
    kept = save_snapshot(session, dag_id, user.get_name() or None, {**document, "workflowId": told["workflowId"]})
    return {"success": True, "data": {"entity_id": kept.number, "execution_id": kept.execution_id}}


@router.get("/snapshots/{execution_id}")
def get_snapshot(snapshot: Annotated[Snapshot, READ]) -> dict[str, Any]:
    """Return a snapshot with its document."""
    return {"success": True, "data": snapshot_answer(snapshot)}


@router.delete("/snapshots/{execution_id}", dependencies=[DELETE, audited("flowdrop_delete_snapshot")])
def delete_snapshot(session: SessionDep, snapshot: Annotated[Snapshot, DELETE]) -> dict[str, Any]:
    """Delete a snapshot; its run stays."""
    execution_id = snapshot.execution_id
    session.delete(snapshot)
    session.flush()
    return {"success": True, "data": {"message": "The snapshot was deleted.", "execution_id": execution_id}}
