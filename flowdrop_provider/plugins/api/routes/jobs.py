"""Jobs across runs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from flowdrop_provider.plugins.api.ids import run_key
from flowdrop_provider.plugins.api.job_lists import JobFilter, list_jobs
from flowdrop_provider.plugins.api.models import JobsAnswer
from flowdrop_provider.plugins.api.pages import page_size
from flowdrop_provider.plugins.api.run_lists import dag_ids_of
from flowdrop_provider.plugins.api.security import JOBS_READABLE
from flowdrop_provider.plugins.api.sessions import SessionDep

__all__ = ["WantedJobs", "router"]

router = APIRouter(tags=["jobs"])

Word = Annotated[str | None, Query(max_length=250)]


def _wanted(
    readable: Annotated[set[str], JOBS_READABLE],
    workflow_id: Word = None,
    pipeline_id: Annotated[str | None, Query(max_length=1_200)] = None,
    node_id: Word = None,
    node_type_id: Word = None,
    status: Word = None,
    error_code: Word = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    slower_than_ms: Annotated[int | None, Query(ge=0)] = None,
) -> JobFilter:
    """Return the filter of a request, narrowed to what its caller may read."""
    return JobFilter(
        dag_ids=frozenset(dag_ids_of(readable, workflow_id)),
        run=run_key(pipeline_id) if pipeline_id is not None else None,
        node_id=node_id,
        node_type_id=node_type_id,
        status=status,
        error_code=error_code,
        since=since,
        until=until,
        slower_than_us=slower_than_ms * 1_000 if slower_than_ms is not None else None,
    )


WantedJobs = Annotated[JobFilter, Depends(_wanted)]


@router.get("/jobs", dependencies=[JOBS_READABLE], response_model=None, responses={200: {"model": JobsAnswer}})
def get_jobs(
    session: SessionDep,
    wanted: WantedJobs,
    limit: Annotated[int, Query()] = 50,
    cursor: Annotated[str | None, Query(max_length=1_200)] = None,
) -> dict[str, Any]:
    """Return jobs, those of the newest run first; go on with ``next_cursor`` until it is null."""
    size = page_size(limit)
    rows, following = list_jobs(session, wanted, size, cursor)
    return {"success": True, "data": rows, "pagination": {"limit": size, "next_cursor": following}}
