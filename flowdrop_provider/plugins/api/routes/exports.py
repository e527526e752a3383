"""Exports of runs, jobs and the audit trail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.exporting import as_csv, as_ndjson, run_bundle
from flowdrop_provider.plugins.api.job_lists import JobFilter, list_jobs
from flowdrop_provider.plugins.api.reading import read_run
from flowdrop_provider.plugins.api.routes.jobs import WantedJobs
from flowdrop_provider.plugins.api.routes.runs import READ_VALUES
from flowdrop_provider.plugins.api.run_lists import dag_ids_of
from flowdrop_provider.plugins.api.security import JOBS_READABLE, listed
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.trail import Trail
from flowdrop_provider.plugins.api.trail_lines import FORMATS

__all__ = ["router"]

router = APIRouter(tags=["exports"])

_PAGE = 500
#: Whoever may read all that is in a trail: actions, runs, revisions.
TRACED = listed(DagAccessEntity.AUDIT_LOG, DagAccessEntity.RUN, DagAccessEntity.VERSION)
_LONGEST = dt.timedelta(days=366)


@router.get("/runs/{id}/export")
def export_run(session: SessionDep, run: Annotated[DagRun, READ_VALUES], response: Response) -> dict[str, Any]:
    """Return one run as a verifiable bundle: drawing, revision, records and the hash of each part."""
    response.headers["Content-Disposition"] = 'attachment; filename="flowdrop-run.json"'
    return run_bundle(read_run(session, run))


def _pages(wanted: JobFilter, first: str | None, format_: str) -> Iterator[str]:
    def page(cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        # A session a page: the answer may take minutes, and the request's own ends before it is sent.
        with create_session(scoped=False) as session:
            return list_jobs(session, wanted, _PAGE, cursor or first)

    return as_csv(page) if format_ == "csv" else as_ndjson(page)


@router.get("/export/jobs", dependencies=[JOBS_READABLE], response_class=StreamingResponse)
def export_jobs(
    wanted: WantedJobs,
    format: Literal["ndjson", "csv"] = "ndjson",  # noqa: A002 - says what it is in the address
    cursor: Annotated[str | None, Query(max_length=1_200)] = None,
) -> StreamingResponse:
    """Return jobs across runs, without input and output, at most 10,000 in one answer."""
    kind = "text/csv; charset=utf-8" if format == "csv" else "application/x-ndjson"
    headers = {"Content-Disposition": f'attachment; filename="flowdrop-jobs.{format}"'}
    return StreamingResponse(_pages(wanted, cursor, format), media_type=kind, headers=headers)


@router.get("/export/audit", response_class=StreamingResponse)
def export_audit(
    readable: Annotated[set[str], TRACED],
    format: Literal["ndjson", "csv", "cef"] = "ndjson",  # noqa: A002 - says what it is in the address
    workflow_id: Annotated[str | None, Query(max_length=250)] = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> StreamingResponse:
    """Return the audit trail of a period (by default the last 30 days, at most 366): revisions, runs, actions, oldest first.

    Every entry has a ``chain``: a digest of it and of those before it, which ``flowdrop audit verify`` checks.
    """
    end = until or dt.datetime.now(dt.timezone.utc)
    start = since or end - dt.timedelta(days=30)
    if not dt.timedelta() < end - start <= _LONGEST:
        raise ApiError(400, "PERIOD_INVALID", "The period must end after it begins and be at most 366 days long.")
    dag_ids = frozenset(dag_ids_of(readable, workflow_id))
    lines, kind, ending = FORMATS[format]
    trail = Trail(dag_ids, start, end, lambda: create_session(scoped=False))
    headers = {"Content-Disposition": f'attachment; filename="flowdrop-audit.{ending}"'}
    return StreamingResponse(lines(trail.entries()), media_type=kind, headers=headers)
