"""Gauges for Prometheus, beside the API: a scraper wants a path of its own and no envelope."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Response

from flowdrop_provider.plugins.api.security import JOBS_READABLE
from flowdrop_provider.plugins.api.sessions import SessionDep

__all__ = ["router"]

router = APIRouter(tags=["figures"])

_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
def get_prometheus_metrics(session: SessionDep, readable: Annotated[set[str], JOBS_READABLE]) -> Response:
    """Return gauges of the workflows that the caller may read, in Prometheus' text format 0.0.4."""
    from flowdrop_provider.plugins.api.gauges import gauges_text

    return Response(gauges_text(session, readable, dt.datetime.now(dt.timezone.utc)), media_type=_TEXT)
