"""Polling for what came of runs: each once, none dropped, whoever else ends meanwhile (OCX-2, OCX-3, OCX-8, OCX-9)."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance

from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.ids import pack_cursor, run_key
from flowdrop_provider.plugins.api.models import Outcome
from flowdrop_provider.plugins.api.outcomes import SETTLED, list_outcomes
from tests.plugins.database import airflow_tables, sessions

FLOW, HIDDEN = "flowdrop_a", "flowdrop_hidden"
NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.timezone.utc)


@pytest.fixture(scope="module")
def tables():
    return airflow_tables(FLOW, HIDDEN)


@pytest.fixture
def session(tables):
    with sessions(tables) as opened, opened() as session:
        yield session


def run(session, run_id, state="success", *, seconds=60.0, source="event", dag_id=FLOW, last_task=None):
    """Store a run that ended so many seconds ago."""
    own = {"source": source, "trigger": "hook"} if source else {}
    made = DagRun(dag_id=dag_id, run_id=run_id, run_type="manual", state=state, conf={"message": "hi", "flowdrop": own})
    made.run_after = made.start_date = NOW - dt.timedelta(hours=1)
    made.end_date = NOW - dt.timedelta(seconds=seconds) if state in ("success", "failed") else None
    session.add(made)
    session.flush()
    if last_task is not None:
        facts = {"dag_id": dag_id, "run_id": run_id, "pool_slots": 1, "pool": "p", "queue": "q"}
        session.execute(TaskInstance.__table__.insert().values(task_id="flowdrop_result", state=last_task, **facts))


def polled(session, cursor=None, *, limit=50, now=NOW, source="event", readable=(FLOW,), with_values=(FLOW,)):
    found = partial(list_outcomes, session, set(readable), set(with_values).__contains__)
    return found(source=source, now=now, limit=limit, cursor=cursor)


def names(rows):
    return [run_key(row["pipeline_id"])[1] for row in rows]


@pytest.mark.rule("OCX-8")
def test_every_end_is_told_and_no_run_that_waits(session):
    run(session, "done", seconds=90)
    run(session, "broken", "failed", seconds=80)
    run(session, "stopped", "failed", seconds=70, last_task="skipped")
    run(session, "waiting", "running")
    run(session, "queued", "queued")
    rows, _, more = polled(session)

    assert [(name, row["status"]) for name, row in zip(names(rows), rows, strict=True)] == [
        ("done", "completed"),
        ("broken", "failed"),
        ("stopped", "cancelled"),
    ]
    assert not more
    assert all(Outcome.model_validate(row).execution_id == row["pipeline_id"] for row in rows)


@pytest.mark.rule("OCX-9")
def test_a_backlog_takes_several_polls_and_ties_lose_nothing(session):
    """Seven runs ended in the same microsecond, across the borders of the pages; three more while it was polled."""
    for number in range(10):
        run(session, f"r{number}", seconds=100 if 1 <= number < 8 else 120 - number)
    told, cursor, more = [], None, True
    while more:
        rows, cursor, more = polled(session, cursor, limit=3)
        assert rows, "an empty answer while there is more"
        told += names(rows)
        if len(told) == 3:
            for number in range(10, 13):
                run(session, f"r{number}", seconds=20)

    assert sorted(told) == sorted(f"r{number}" for number in range(13))
    assert polled(session, cursor) == ([], cursor, False), "nothing new: the cursor stays"


@pytest.mark.rule("OCX-3")
def test_whose_run_it_is_says_one_mark_only(session):
    """Runs that people and schedules started are not told to whoever sent events, though they name a trigger as well."""
    run(session, "sent")
    run(session, "by_hand", source="manual")
    run(session, "by_clock", source="")

    assert names(polled(session)[0]) == ["sent"]
    assert names(polled(session, source="manual")[0]) == ["by_hand"]
    with pytest.raises(ApiError, match="there are api, manual, event"):
        polled(session, source="trigger")


def test_an_end_is_told_when_no_earlier_one_can_come_any_more(session):
    """The second run to end was stored first: told at once, the cursor would have passed the first."""
    run(session, "second", seconds=1)
    assert polled(session) == ([], None, False)
    run(session, "first", seconds=2)

    assert names(polled(session, now=NOW + SETTLED)[0]) == ["first", "second"]


def test_only_what_the_caller_may_read(session):
    run(session, "mine")
    run(session, "theirs", dag_id=HIDDEN)

    assert names(polled(session)[0]) == ["mine"]
    assert polled(session)[0][0]["outputs"] == {}
    assert polled(session, with_values=())[0][0]["outputs"] is None


@pytest.mark.parametrize("cursor", ["x", "WzFd", "WyJub3cgYW5kIHRoZW4iLDFd", pack_cursor("2026-06-01", 1)])
def test_a_cursor_of_somebody_else(session, cursor):
    with pytest.raises(ApiError, match="This cursor is not one that this API gave out"):
        polled(session, cursor)
