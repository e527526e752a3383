"""Ended runs for systems that poll."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query

from flowdrop_provider.plugins.api.models import OutcomesAnswer
from flowdrop_provider.plugins.api.outcomes import list_outcomes
from flowdrop_provider.plugins.api.pages import page_size
from flowdrop_provider.plugins.api.run_lists import dag_ids_of
from flowdrop_provider.plugins.api.security import JOBS_READABLE, UserDep, may_read_values
from flowdrop_provider.plugins.api.sessions import SessionDep

__all__ = ["router"]

router = APIRouter(tags=["runs"])


@router.get("/outcomes", response_model=None, responses={200: {"model": OutcomesAnswer}})
def get_outcomes(
    session: SessionDep,
    readable: Annotated[set[str], JOBS_READABLE],
    user: UserDep,
    source: Annotated[str, Query(max_length=40)] = "event",
    workflow_id: Annotated[str | None, Query(max_length=250)] = None,
    limit: int = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> dict[str, Any]:
    """Return runs that have ended, oldest end first, each once to whoever goes on with ``next_cursor``.

    Keep the cursor of the last answer for the next poll, also when nothing was new; poll again at once while ``has_more``.
    A run appears five seconds after its end at the soonest. ``outputs`` is null for callers who may not read XComs in Airflow.
    """
    size = page_size(limit)
    rows, following, more = list_outcomes(
        session,
        dag_ids_of(readable, workflow_id),
        partial(may_read_values, session, user),
        source=source,
        now=dt.datetime.now(dt.timezone.utc),
        limit=size,
        cursor=cursor,
    )
    return {"success": True, "data": rows, "pagination": {"limit": size, "next_cursor": following, "has_more": more}}
