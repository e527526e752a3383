"""The log lines of a run's nodes, read where Airflow keeps them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.dagrun import DagRun
from fastapi import APIRouter

from flowdrop_provider.plugins.api.log_lines import read_lines
from flowdrop_provider.plugins.api.reading import read_run
from flowdrop_provider.plugins.api.security import of_run
from flowdrop_provider.plugins.api.sessions import SessionDep

__all__ = ["router"]

router = APIRouter(tags=["logs"])

READ = of_run("GET", DagAccessEntity.RUN, DagAccessEntity.TASK_LOGS)


@router.get("/executions/{id}/logs")
@router.get("/pipeline/{id}/logs")
def get_logs(
    session: SessionDep,
    run: Annotated[DagRun, READ],
    level: Literal["debug", "info", "warning", "error"] | None = None,
    node_id: str | None = None,
    limit: int = 500,
) -> dict[str, Any]:
    """Return the newest ``limit`` lines (at most 2,000) in the order of time, at least as severe as ``level``."""
    lines, complete = read_lines(session, read_run(session, run), level, node_id, min(max(limit, 1), 2_000))
    return {"success": True, "data": lines, "message": "" if complete else "Older lines are left out."}
