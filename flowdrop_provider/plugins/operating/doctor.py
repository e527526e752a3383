"""A check-up of this deployment, for the command line and the API."""

from __future__ import annotations

from typing import Any

from airflow.utils.session import create_session
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from flowdrop_provider.library.checkup import report
from flowdrop_provider.plugins.operating.facts import gather

__all__ = ["examine", "examine_here"]


def examine(session: Session) -> dict[str, Any]:
    """Return the report of :func:`flowdrop_provider.library.checkup.report`; nobody outside is called."""
    return report(gather(session))


def examine_here(*, connect: bool = False) -> dict[str, Any]:
    """Return the report as seen from this process; a database that is away is part of it.

    :param connect: whether Drupal sites are called and the metrics host is looked up.
    """
    try:
        with create_session(scoped=False) as session:
            session.execute(text("SELECT 1"))
            return report(gather(session, connect=connect))
    except SQLAlchemyError as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    return report(gather(None, connect=connect, database_error=why))
