from __future__ import annotations

import psycopg2
import pytest

from devtools.postgres import EmbeddedPostgres
from devtools.processes import in_sessions

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path):
    server = EmbeddedPostgres(tmp_path, tmp_path / "postgres.log")
    yield server
    server.stop()


def query(server: EmbeddedPostgres, text: str):
    connection = psycopg2.connect(server.url("psycopg2").replace("+psycopg2", ""))
    with connection, connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall() if cursor.description else None


def test_what_was_stored_is_there_after_a_restart(server):
    server.start()
    query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    server.start()

    assert query(server, "SELECT answer FROM kept") == [(42,)]


def test_it_recovers_from_a_killed_server(server):
    server.start()
    query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    server.services[0].process.kill()
    server.start()

    assert query(server, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'") == [(1,)]


@pytest.mark.parametrize("crash", [False, True])
def test_restarted_it_has_what_it_had_under_the_same_address(server, crash):
    server.start()
    address = server.url("psycopg2")
    query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    server.restart(crash=crash)

    assert server.url("psycopg2") == address
    assert query(server, "SELECT answer FROM kept") == [(42,)]


def test_settings_reach_the_server(tmp_path):
    server = EmbeddedPostgres(tmp_path, tmp_path / "postgres.log", ["max_connections=33"])
    server.start()
    try:
        assert query(server, "SHOW max_connections") == [("33",)]
    finally:
        server.stop()


def test_stopping_leaves_no_process(server):
    server.start()
    session = server.services[0].process.pid
    server.stop()

    assert in_sessions({session}) == []
    assert server.services == []


def test_nothing_listens_on_the_network(server):
    server.start()

    assert query(server, "SHOW listen_addresses") == [("",)]


def test_a_path_too_long_for_a_socket_is_no_obstacle(tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    server = EmbeddedPostgres(folder, folder / "postgres.log")
    server.start()
    url = server.url("psycopg2")
    try:
        assert str(folder) not in url
        assert query(server, "SELECT 1") == [(1,)]
    finally:
        server.stop()


def test_a_half_made_database_is_made_anew(server):
    unfinished = server.data.with_suffix(".new")
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18")
    server.start()

    assert query(server, "SELECT 1") == [(1,)]
    assert not unfinished.exists()
