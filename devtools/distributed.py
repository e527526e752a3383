"""``make distributed``: Airflow with the CeleryExecutor as separate processes over PostgreSQL and Redis.

An API server, a scheduler, a DAG processor, a triggerer and two workers. Each behaves as if it were on a machine of its own: it
has its own folder for ``AIRFLOW_HOME``, logs, temporary files, DAG bundles and exports, so nothing can lean on a disk that all
share. What they do share is named in ``docs/reliability.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, NoReturn

from devtools.airflow_server import ADMIN, EmbeddedAirflow
from devtools.demo import Progress, StopRequested, stop_signals
from devtools.processes import Service, ServiceError, spawn, tail
from devtools.settings import DEFAULT_PORT, LOCALHOST, Bundle, flowdrop_bundle, free_ports

__all__ = ["QUICK", "WORKERS", "DistributedAirflow", "machine_name", "read_settings"]

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "deploy" / "distributed" / "celery.env"
WORKERS = ("worker-1", "worker-2")
_AI_PROVIDER = "apache-airflow-providers-common-ai"
#: Task processes of one worker.
CONCURRENCY = 4

#: What a test waits for shorter than a deployment would: lost workers, lost messages, dead schedulers and triggerers.
QUICK = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "60",
}


def machine_name() -> str:
    """Return the name that Airflow calls this machine by (``[core] hostname_callable``)."""
    return os.environ.get("FLOWDROP_MACHINE") or socket.gethostname()


def read_settings(file: Path) -> dict[str, str]:
    """Return the variables of an env file: ``NAME=value`` lines, comments and empty lines apart."""
    lines = [line.strip() for line in file.read_text("utf-8").splitlines()]
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _preloading(settings: dict[str, str]) -> dict[str, str]:
    """Let workers load the plugin of Airflow's AI provider too, where it is installed: each task would import Airflow's API."""
    name = "AIRFLOW__CELERY__EXTRA_CELERY_CONFIG"
    if _AI_PROVIDER in {found.name for found in distributions()}:
        more = json.loads(settings[name])
        settings[name] = json.dumps({**more, "imports": [*more["imports"], "airflow.providers.common.ai.plugins.hitl_review"]})
    return settings


def bring(source: Path, target: Path) -> None:
    """Copy what is new or changed in a folder to another one; each file appears whole, and none is taken away."""
    for file in source.rglob("*"):
        place = target / file.relative_to(source)
        if file.name.startswith(".") or not file.is_file() or (place.exists() and _same(file, place)):
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = place.with_name(f".{place.name}.new")
        shutil.copy2(file, unfinished)
        unfinished.rename(place)
    target.mkdir(parents=True, exist_ok=True)


def _same(one: Path, other: Path) -> bool:
    first, second = one.stat(), other.stat()
    return (first.st_size, first.st_mtime_ns) == (second.st_size, second.st_mtime_ns)


class DistributedAirflow(EmbeddedAirflow):
    """An :class:`EmbeddedAirflow` of several machines in one: each service by its name has a folder ``machines/<name>``.

    Exports that lie in a folder below ``home`` reach the machines by :meth:`deploy`, as a deployment would bring them there.
    """

    core_services = ("api-server", *WORKERS, "dag-processor", "scheduler")
    # What a commit has acknowledged is on the disk: the tests look for what is lost.
    postgres_options = ("synchronous_commit=on", "max_connections=120")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        #: Further environment variables of single services, for their next start.
        self.variables: dict[str, dict[str, str]] = {}
        self._redis_port = 0
        self._log_ports: dict[str, int] = {}

    def foundation(self) -> Mapping[str, str]:
        """Start Redis and return what leads to it, with the settings of ``deploy/distributed/celery.env``."""
        self._redis_port, *ports = free_ports(1 + len(WORKERS))
        self._log_ports = dict(zip(WORKERS, ports, strict=True))
        self.start_redis()
        return {
            **_preloading(read_settings(SETTINGS)),
            # Twice what the workers can take at a time: the rest waits in Redis.
            "AIRFLOW__CORE__PARALLELISM": str(2 * CONCURRENCY * len(WORKERS)),
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "devtools.distributed.machine_name",
            "AIRFLOW__CELERY__BROKER_URL": f"redis://{LOCALHOST}:{self._redis_port}/0",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{self.postgres.url('psycopg2')}",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": str(CONCURRENCY),
            "AIRFLOW__FLOWDROP__LARGE_VALUE_PATH": f"file://{self.object_store}",
            "PYTHONPATH": str(ROOT),
        }

    @property
    def object_store(self) -> Path:
        """The folder that stands for object storage: the one place for files that all machines reach."""
        return self.home / "object-store"

    def machine(self, name: str) -> Path:
        """Return the folder of a service's machine."""
        return self.home / "machines" / name

    def start_redis(self) -> None:
        """Start Redis over its folder; what was written down before is there again."""
        folder = self.home / "redis"
        folder.mkdir(exist_ok=True)
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        if not program:
            raise ServiceError("redis-server is not installed: apt-get install -y redis-server")
        place = ["--port", str(self._redis_port), "--bind", LOCALHOST, "--dir", str(folder)]
        redis = spawn(
            "redis", [program, *place, "--appendonly", "yes", "--save", ""], cwd=folder, env=os.environ, log=self.log("redis")
        )
        self._services["redis"] = redis
        _await_port(redis, self._redis_port)

    def redis_command(self, *words: str) -> bytes:
        """Send one command to Redis and return the beginning of its reply."""
        with socket.create_connection((LOCALHOST, self._redis_port), timeout=10) as connection:
            connection.sendall((" ".join(words) + "\r\n").encode())
            return connection.recv(4096)

    def start_service(self, name: str) -> None:
        """Start one service by its name: ``worker-1``, ``scheduler``, ``scheduler-2``, ``redis``..."""
        if name == "redis":
            self.start_redis()
            return
        machine = self.machine(name)
        for folder in ("airflow", "logs", "bundles", "tmp"):
            (machine / folder).mkdir(parents=True, exist_ok=True)
        self.object_store.mkdir(exist_ok=True)
        self.deploy(name)
        super().start_service(name)

    def arguments(self, name: str) -> Sequence[str]:
        """Return the command of a service: of ``worker-1`` that of a Celery worker, of ``scheduler-2`` that of a scheduler."""
        if name in WORKERS:
            return ("celery", "worker", "--celery-hostname", name)
        return (name.removesuffix("-2"),)

    def service_folder(self, name: str) -> Path:
        """Return the folder of the service's machine."""
        return self.machine(name)

    def service_environment(self, name: str) -> Mapping[str, str]:
        """Return the environment of a service, in which every path leads to its own machine."""
        machine, bundles = self.machine(name), [self._there(bundle, name) for bundle in self._bundles]
        own = {
            "FLOWDROP_MACHINE": name,
            "AIRFLOW_HOME": str(machine / "airflow"),
            "TMPDIR": str(machine / "tmp"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(machine / "airflow" / "dags"),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(machine / "bundles"),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(machine / "logs"),
            "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(machine / "logs" / "dag-files"),
        }
        if name in self._log_ports:
            own["AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT"] = str(self._log_ports[name])
        return {**self.environment, **own, **self.variables.get(name, {})}

    def _there(self, bundle: Bundle, name: str) -> Bundle:
        """Return a bundle as a machine has it: a folder below ``home`` has a copy there."""
        kwargs = dict(bundle.get("kwargs", {}))
        place = Path(str(kwargs.get("path", "")))
        if place.is_relative_to(self.home):
            kwargs["path"] = str(self.machine(name) / "exports" / place.relative_to(self.home))
        return {**bundle, "kwargs": kwargs}

    def deploy(self, *names: str) -> None:
        """Bring the folders of exports to these machines, by default to all that run."""
        places = [Path(str(bundle.get("kwargs", {}).get("path", ""))) for bundle in self._bundles]
        for name in names or [name for name in self._services if name != "redis"]:
            for place in places:
                if place.is_relative_to(self.home):
                    bring(place, self.machine(name) / "exports" / place.relative_to(self.home))


def _await_port(service: Service, port: int, timeout: float = 15.0) -> None:
    deadline = time.monotonic() + timeout
    while True:
        service.check()
        try:
            socket.create_connection((LOCALHOST, port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise ServiceError(f"{service.name} did not start.\n{tail(service.log)}") from None
            time.sleep(0.05)
        else:
            return


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the deployment until Ctrl-C; returns 0 unless it could not start."""
    options = _parser().parse_args(arguments)
    exports = options.home.resolve() / "workflows"
    progress = Progress()
    server = DistributedAirflow(options.home, [flowdrop_bundle(exports)], port=options.port, report=progress.step)
    try:
        with stop_signals():
            bring(options.workflows, exports)
            server.start()
            server.start_service("triggerer")
            print(_told(server), flush=True)
            _stay(server, options.workflows, exports)
    except StopRequested:
        return 0
    except ServiceError as error:
        print(f"\nThe deployment could not go on: {error}", file=sys.stderr)
        return 1
    finally:
        server.stop()
        progress.step("stopped, nothing left running")


def _stay(server: DistributedAirflow, source: Path, exports: Path) -> NoReturn:
    while True:
        server.check()
        bring(source, exports)
        server.deploy()
        time.sleep(2)


def _told(server: DistributedAirflow) -> str:
    rows = [
        ("Airflow", server.url),
        ("Log in as", f"{ADMIN} / {server.passwords[ADMIN]}"),
        ("Machines", str(server.home / "machines")),
        *((name, f"process {service.process.pid}") for name, service in server.services.items()),
        ("Stop", "Ctrl-C"),
    ]
    return "\n" + "\n".join(f"  {name:<16} {value}" for name, value in rows) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make distributed", description=__doc__)
    parser.add_argument("--workflows", type=Path, default=ROOT / "dags" / "workflows", help="folder with FlowDrop exports")
    parser.add_argument("--home", type=Path, default=ROOT / ".flowdrop" / "distributed", help="folder for everything it writes")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port of the user interface, another when taken")
    return parser


if __name__ == "__main__":
    sys.exit(main())
