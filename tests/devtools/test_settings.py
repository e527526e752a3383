from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

from devtools.settings import LOCALHOST, airflow_environment, flowdrop_bundle, free_ports, load_secrets

DATABASE = {"psycopg2": "postgresql+psycopg2://x", "asyncpg": "postgresql+asyncpg://x"}


def environment(home: Path, **users: str) -> dict[str, str]:
    bundles = [flowdrop_bundle(home / "workflows")]
    return airflow_environment(home, ports=(1, 2, 3), database=DATABASE, bundles=bundles, users=users or {"admin": "admin"})


def test_secrets_stay_the_same_and_are_private(tmp_path):
    first = load_secrets(tmp_path, ["admin"])

    assert load_secrets(tmp_path, ["admin"]) == first
    assert [stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()] == [0o600, 0o600]


def test_a_new_user_gets_a_password_and_the_others_keep_theirs(tmp_path):
    admin = load_secrets(tmp_path, ["admin"]).passwords["admin"]
    both = load_secrets(tmp_path, ["admin", "viewer"]).passwords

    assert both["admin"] == admin
    assert both["viewer"] not in ("", admin)


def test_a_taken_port_is_replaced_by_another():
    with socket.socket() as taken:
        taken.bind((LOCALHOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = free_ports(3, preferred=port)

    assert port not in ports
    assert len(set(ports)) == 3


def test_a_free_preferred_port_is_used():
    wanted = free_ports(1)[0]

    assert free_ports(2, preferred=wanted)[0] == wanted


def test_settings_for_another_airflow_do_not_get_in(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "True")
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", "http://shop")
    monkeypatch.setenv("PGHOST", "elsewhere")
    result = environment(tmp_path)

    assert result["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert not {"AIRFLOW_CONN_SHOP", "PGHOST"} & set(result)


def test_every_path_lies_in_the_home_folder(tmp_path):
    result = environment(tmp_path)
    paths = [value for name, value in result.items() if name.startswith("AIRFLOW") and value.startswith("/")]

    assert len(paths) == 6
    assert all(Path(path).is_relative_to(tmp_path) for path in paths)


def test_users_and_bundles_reach_airflow(tmp_path):
    result = environment(tmp_path, admin="admin", eve="viewer")

    assert result["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == "admin:admin,eve:viewer"
    assert json.loads(result["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])[0]["name"] == "flowdrop"
