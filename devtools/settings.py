"""What an embedded Airflow is told: secrets made once, free ports, and the environment variables of its programs."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCALHOST = "127.0.0.1"
DEFAULT_PORT = 8080
Bundle = dict[str, Any]


def flowdrop_bundle(folder: Path, refresh_interval: int = 5, name: str = "flowdrop") -> Bundle:
    """Return the DAG-bundle setting that runs the exports in ``folder``, read again every ``refresh_interval`` seconds."""
    return {
        "name": name,
        "classpath": "flowdrop_provider.bundles.folder.FlowDropFolderBundle",
        "kwargs": {"path": str(folder), "refresh_interval": refresh_interval},
    }


@dataclass(frozen=True)
class Secrets:
    """The keys and passwords of one embedded Airflow. ``passwords`` maps user name to password."""

    fernet_key: str
    jwt_secret: str
    session_key: str
    passwords: dict[str, str]


def load_secrets(folder: Path, users: Iterable[str]) -> Secrets:
    """Read the secrets kept in ``folder``, making the missing ones; the files are readable by their owner only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = _keep(folder / "keys.json", {"fernet_key": _fernet_key, "jwt_secret": _token, "session_key": _token})
    passwords = _keep(passwords_file(folder), dict.fromkeys(users, _password))
    return Secrets(**keys, passwords=passwords)


def passwords_file(folder: Path) -> Path:
    """Return the file in which Airflow's simple auth manager looks up the passwords."""
    return folder / "passwords.json"


def _keep(file: Path, makers: Mapping[str, Any]) -> dict[str, str]:
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    values = {name: kept.get(name) or make() for name, make in makers.items()}
    if values != kept:
        # Created with its final mode: written first and closed later would leave a moment to read it.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as output:
            json.dump(values, output)
    return values


def _fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def _token() -> str:
    return secrets.token_urlsafe(48)


def _password() -> str:
    return secrets.token_urlsafe(12)


def free_ports(count: int, preferred: int | None = None) -> list[int]:
    """Return ``count`` different TCP ports nobody listens on; the first is ``preferred`` when that one is free."""
    # All stay bound until the last is known, or the kernel might offer one twice.
    first = (_bind(preferred) if preferred else None) or _bind(0)
    sockets = [first, *(_bind(0) for _ in range(count - 1))]
    ports = [bound.getsockname()[1] for bound in sockets if bound]
    for bound in sockets:
        if bound:
            bound.close()
    return ports


def _bind(port: int) -> socket.socket | None:
    """Return a socket bound to ``port`` (any free one for 0), or None when it is taken."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((LOCALHOST, port))
    except OSError:
        bound.close()
        return None
    return bound


def airflow_environment(
    home: Path, *, ports: Sequence[int], database: Mapping[str, str], bundles: Sequence[Bundle], users: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment in which every program of this Airflow runs.

    ``ports`` are those of the API server, the worker logs and the triggerer logs; ``database`` maps ``psycopg2`` and
    ``asyncpg`` to a URL; ``users`` maps a name to its role. Settings the caller's shell has for another Airflow do not get in.
    """
    keys = load_secrets(home / "secrets", users)
    sections = {
        "core": _core(home, ports[0], keys, users),
        "database": {"sql_alchemy_conn": database["psycopg2"], "sql_alchemy_conn_async": database["asyncpg"]},
        "api": _api(ports[0], keys),
        "api_auth": {"jwt_secret": keys.jwt_secret},
        "dag_processor": _dag_processor(home, bundles),
        # An idle scheduler asks again after this many seconds; the default of 1 is most of the time of a short run.
        "scheduler": {"scheduler_idle_sleep_time": "0.2", "enable_health_check": "False"},
        # A skipped or failed end may be noticed this late (default 5).
        "workers": {"min_heartbeat_interval": "1"},
        "logging": _logging(home, ports),
        "usage_data_collection": {"enabled": "False"},
    }
    settings = {
        f"AIRFLOW__{name}__{key}".upper(): value for name, section in sections.items() for key, value in section.items()
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PG"))}
    return {**inherited, **settings, "AIRFLOW_HOME": str(home / "airflow"), "PYTHONUNBUFFERED": "1"}


def _core(home: Path, port: int, keys: Secrets, users: Mapping[str, str]) -> dict[str, str]:
    return {
        "executor": "LocalExecutor",
        "parallelism": "8",
        "dags_folder": str(home / "airflow" / "dags"),
        "load_examples": "False",
        "dags_are_paused_at_creation": "False",
        "min_serialized_dag_update_interval": "1",
        "fernet_key": keys.fernet_key,
        "execution_api_server_url": f"http://{LOCALHOST}:{port}/execution/",
        "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "simple_auth_manager_users": ",".join(f"{name}:{role}" for name, role in users.items()),
        "simple_auth_manager_passwords_file": str(passwords_file(home / "secrets")),
    }


def _api(port: int, keys: Secrets) -> dict[str, str]:
    return {
        "host": LOCALHOST,
        "port": str(port),
        "base_url": f"http://localhost:{port}",
        "workers": "1",
        "secret_key": keys.session_key,
    }


def _dag_processor(home: Path, bundles: Sequence[Bundle]) -> dict[str, str]:
    return {
        "dag_bundle_config_list": json.dumps(bundles),
        "dag_bundle_storage_path": str(home / "bundles"),
        "bundle_refresh_check_interval": "1",
        "min_file_process_interval": "10",
    }


def _logging(home: Path, ports: Sequence[int]) -> dict[str, str]:
    return {
        "base_log_folder": str(home / "logs" / "tasks"),
        "dag_processor_child_process_log_directory": str(home / "logs" / "dag-files"),
        "worker_log_server_port": str(ports[1]),
        "trigger_log_server_port": str(ports[2]),
    }
