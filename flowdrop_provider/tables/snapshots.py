"""The store of snapshots: an upsert by execution id, and its cleanup (INT-9). Who may do what is decided at the API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from flowdrop_provider.tables.models import Snapshot, utc_now

__all__ = ["clean_snapshots", "find_snapshot", "save_snapshot"]


def find_snapshot(session: Session, execution_id: str) -> Snapshot | None:
    """Return the snapshot of an execution."""
    return session.scalar(select(Snapshot).where(Snapshot.execution_id == execution_id))


def save_snapshot(session: Session, dag_id: str, owner: str | None, document: Mapping[str, Any]) -> Snapshot:
    """Store a snapshot in the place of an earlier one of the same execution.

    :param document: in the published camel case (SNAP-1), with ``executionId``.
    """
    execution_id = str(document["executionId"])
    found = find_snapshot(session, execution_id)
    if found is None:
        found = Snapshot(execution_id=execution_id, dag_id=dag_id, owner=owner)
        session.add(found)
    found.workflow_id = str(document.get("workflowId") or "unknown")
    found.status = str(document.get("status") or "unknown")
    found.document = dict(document)
    found.updated_at = utc_now()
    session.flush()
    return found


def clean_snapshots(session: Session, created_before: dt.datetime, statuses: Collection[str] | None = None) -> int:
    """Delete old snapshots and return how many they were.

    :param statuses: only those of these run statuses; all for ``None``.
    """
    query = delete(Snapshot).where(Snapshot.created_at < created_before)
    if statuses is not None:
        query = query.where(Snapshot.status.in_(sorted(statuses)))
    return cast("CursorResult[Any]", session.execute(query)).rowcount
