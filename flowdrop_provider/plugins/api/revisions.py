"""The revisions of a workflow: when Airflow first saw each, and what ran by it.

Airflow makes a DAG version for any change of the serialized DAG; several may hold the same revision, and are told as one.
"""

from __future__ import annotations

from typing import Any

from airflow.models.dag_version import DagVersion
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from flowdrop_provider.engine.naming import RESULT_TASK_ID
from flowdrop_provider.plugins.api.drawings import Drawing, drawings_at
from flowdrop_provider.plugins.api.errors import not_found
from flowdrop_provider.plugins.api.reading import iso

__all__ = ["drawing_at", "revisions"]

#: DAG versions looked at, the newest first.
MAX_VERSIONS = 100


def _versions(session: Session, dag_id: str) -> list[tuple[DagVersion, Drawing]]:
    query = select(DagVersion).where(DagVersion.dag_id == dag_id).order_by(DagVersion.version_number.desc()).limit(MAX_VERSIONS)
    versions = session.scalars(query).all()
    drawings = drawings_at(session, [version.id for version in versions])
    return [(version, drawings[version.id]) for version in versions if version.id in drawings]


def _runs(session: Session, dag_id: str) -> dict[Any, Any]:
    """Return runs by DAG version: how many, how many failed, the last one."""
    version = func.coalesce(TaskInstance.dag_version_id, DagRun.created_dag_version_id).label("version")
    joined = and_(
        TaskInstance.dag_id == DagRun.dag_id, TaskInstance.run_id == DagRun.run_id, TaskInstance.task_id == RESULT_TASK_ID
    )
    failed = func.sum(case((DagRun.state == "failed", 1), else_=0)).label("failed")
    query = (
        select(version, func.count().label("runs"), failed, func.max(DagRun.run_after).label("last"))
        .outerjoin(TaskInstance, joined)
        .where(DagRun.dag_id == dag_id)
        .group_by(version)
    )
    return {row.version: row for row in session.execute(query)}


def revisions(session: Session, dag_id: str) -> list[dict[str, Any]]:
    """Return the revisions of a workflow, newest first, with their runs."""
    runs = _runs(session, dag_id)
    found: dict[str, dict[str, Any]] = {}
    for version, drawing in _versions(session, dag_id):
        row = found.setdefault(
            drawing.revision,
            {
                "revision": drawing.revision,
                "name": drawing.name,
                "nodes": len(drawing.nodes),
                "versions": [],
                "bundle": version.bundle_name,
                "runs": 0,
                "failed": 0,
                "last_run": None,
            },
        )
        row["first_seen"] = iso(version.created_at)
        row["versions"].append(version.version_number)
        if (ran := runs.get(version.id)) is not None:
            row["runs"] += ran.runs
            row["failed"] += int(ran.failed or 0)
            row["last_run"] = max(filter(None, (row["last_run"], iso(ran.last))), default=None)
    return list(found.values())


def drawing_at(session: Session, dag_id: str, revision: str) -> dict[str, Any]:
    """Return the drawing of one revision.

    :raises ApiError: 404 ``REVISION_NOT_FOUND``.
    """
    for _, drawing in _versions(session, dag_id):
        if drawing.revision == revision:
            return dict(drawing.flow)
    raise not_found("revision", revision)
