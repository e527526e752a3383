"""The snapshot store: one row an execution, and a cleanup that says how many it took (INT-9)."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from flowdrop_provider.tables.models import Base, utc_now
from flowdrop_provider.tables.snapshots import clean_snapshots, find_snapshot, save_snapshot


@pytest.fixture
def session():
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as found:
        yield found


@pytest.mark.rule("INT-9")
def test_saving_again_replaces(session):
    first = save_snapshot(session, "flowdrop_x", "ada", {"executionId": "e1", "workflowId": "x", "status": "running"})
    again = save_snapshot(session, "flowdrop_x", "bob", {"executionId": "e1", "workflowId": "x", "status": "failed"})

    assert again.number == first.number
    assert (again.status, again.owner) == ("failed", "ada"), "who kept it first owns it"
    assert find_snapshot(session, "e2") is None


@pytest.mark.rule("INT-9")
def test_a_cleanup_takes_old_ones_of_the_given_statuses(session):
    for number, status in enumerate(["completed", "failed", "running"]):
        save_snapshot(session, "flowdrop_x", None, {"executionId": f"e{number}", "status": status})
    later = utc_now() + dt.timedelta(seconds=1)

    assert clean_snapshots(session, later - dt.timedelta(days=7)) == 0
    assert clean_snapshots(session, later, {"completed", "failed"}) == 2
    assert find_snapshot(session, "e2") is not None
    assert clean_snapshots(session, later) == 1
