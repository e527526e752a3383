"""What ``airflow db migrate`` makes of an empty database equals the models, by either way, and can be taken back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow import settings
from airflow.providers_manager import ProvidersManager
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect
from sqlalchemy.orm import Session

from devtools.postgres import EmbeddedPostgres
from flowdrop_provider.tables.manager import FlowDropDBManager

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pg")
    server = EmbeddedPostgres(folder, folder / "postgres.log")
    server.start()
    yield server.url("psycopg2")
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/tables.db" if request.param == "sqlite" else request.getfixturevalue("postgres")
    engine = create_engine(url)
    FlowDropDBManager.metadata.drop_all(engine)
    monkeypatch.setattr(settings, "SQL_ALCHEMY_CONN", url)
    monkeypatch.setattr(settings, "get_engine", lambda: engine)
    monkeypatch.setattr(settings, "engine", engine)
    with Session(engine) as session:
        manager = FlowDropDBManager(session)
        yield SimpleNamespace(engine=engine, manager=manager, session=session)
        session.rollback()
    with engine.begin() as connection:
        FlowDropDBManager.metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version_flowdrop")
    engine.dispose()


def differences(engine):
    with engine.connect() as connection:
        ours = set(FlowDropDBManager.metadata.tables)
        options = {"compare_type": True, "include_object": lambda _o, name, kind, *_: kind != "table" or name in ours}
        context = MigrationContext.configure(connection, opts=options)
        return compare_metadata(context, FlowDropDBManager.metadata)


def test_airflow_finds_the_manager():
    assert "flowdrop_provider.tables.manager.FlowDropDBManager" in ProvidersManager().db_managers


def test_the_migrations_make_what_the_models_say(database):
    database.manager.initdb(use_migration_files=True)

    assert differences(database.engine) == []
    assert database.manager.check_migration()


def test_a_new_database_is_made_from_the_models_and_is_up_to_date(database):
    database.manager.initdb()

    assert differences(database.engine) == []
    assert database.manager.check_migration()
    database.manager.upgradedb()


def test_a_downgrade_leaves_nothing_behind(database):
    database.manager.initdb(use_migration_files=True)
    database.session.rollback()
    command.downgrade(database.manager.get_alembic_config(), "base")

    assert [name for name in inspect(database.engine).get_table_names() if name.startswith("flowdrop_")] == []
