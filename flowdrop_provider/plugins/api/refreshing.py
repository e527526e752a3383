"""Asking Airflow's DAG processor to look at a bundle now instead of at its next turn."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

__all__ = ["PUSHED", "request_refresh"]

#: No such file exists: the request makes the DAG processor refresh the bundle, and the file itself is then dropped. A real one
#: would be parsed as it lay there before the refresh.
PUSHED = "flowdrop_pushed.py"


def request_refresh(session: Session, bundle: str) -> None:
    """Ask for a refresh of a bundle in Airflow's own way; one request is enough for many changes."""
    from airflow.models.dagbag import DagPriorityParsingRequest as Wanted

    asked = select(Wanted.id).where(Wanted.bundle_name == bundle, Wanted.relative_fileloc == PUSHED)
    if session.scalar(asked) is not None:
        return
    try:
        with session.begin_nested():
            session.add(Wanted(bundle_name=bundle, relative_fileloc=PUSHED))
    except IntegrityError:
        # Another change was a moment quicker.
        return
