"""Whose workflow it is: asked of the database only where workflows have owners."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.models.dagbundle import DagBundleModel
from airflow.models.team import Team
from sqlalchemy import event

from flowdrop_provider.plugins.api import security
from tests.plugins.database import airflow_tables, sessions

FLOW = "flowdrop_a"


@pytest.fixture
def asked(monkeypatch):
    """The teams that the auth manager was told."""
    found = []

    class Manager:
        def is_authorized_dag(self, *, details, **_):
            found.append((details.id, details.team_name))
            return True

        def get_authorized_dag_ids(self, **_):
            return {FLOW}

    monkeypatch.setattr(security, "get_auth_manager", Manager)
    return found


@pytest.fixture(scope="module")
def tables():
    engine = airflow_tables(FLOW)
    with sessions(engine) as opened:
        with opened() as session:
            bundle = session.get(DagBundleModel, "b")
            bundle.teams.append(Team(name="red"))
        yield engine, opened


@pytest.mark.parametrize(("teams", "team"), [("False", None), ("True", "red")])
def test_the_auth_manager_is_told_the_team_where_there_are_teams(monkeypatch, tables, asked, teams, team):
    engine, opened = tables
    statements = []
    event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", teams)
    with opened() as session:
        assert security.may(session, SimpleNamespace(), "GET", None, FLOW)
        assert security.readable_dag_ids(session, SimpleNamespace(), security.DagAccessEntity.RUN) == {FLOW}

    assert asked == [(FLOW, team), (FLOW, team)]
    assert any("team" in statement for statement in statements) == (teams == "True")
