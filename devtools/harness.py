"""A running Airflow as a test wants it: drop a workflow in, run it, look at what came out."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path

from devtools.airflow_server import EmbeddedAirflow
from devtools.client import AirflowClient, Json
from devtools.processes import ServiceError, tail
from devtools.settings import Bundle, flowdrop_bundle

USERS = {"admin": "admin", "operator": "op", "viewer": "viewer"}
#: Rules for notices to look at and to try; they are about no run of any test.
NOTICES = [
    {
        "id": "on-call",
        "workflows": ["flowdrop_nobody_*"],
        "on": ["failure", "slow", "error_rate"],
        "channels": [{"kind": "webhook", "conn_id": "flowdrop_hook"}],
    },
    {
        "id": "editors",
        "workflows": ["flowdrop_nobody_*"],
        "on": ["waiting", "warnings"],
        "channels": [
            {"kind": "mail", "to": ["editors@example.org"], "conn_id": "flowdrop_no_mail"},
            {"kind": "webhook", "conn_id": "flowdrop_hook"},
        ],
    },
]
#: The id of a DAG in a file as the tests write them.
_DAG_ID = re.compile(r"""\bDAG\(\s*["'](\w+)["']""")


@dataclass(frozen=True)
class FinishedRun:
    """One run that has ended: its ``state``, Airflow's ``tasks`` by task id, FlowDrop's ``jobs`` and run ``summary``."""

    run_id: str
    state: str
    tasks: dict[str, Json]
    jobs: list[Json]
    summary: Json

    def job(self, node_id: str) -> Json:
        """Return the last job record of a node; ``KeyError`` when it left none."""
        found = [job for job in self.jobs if job["node_id"] == node_id]
        if not found:
            raise KeyError(node_id)
        return found[-1]


class AirflowHarness:
    """An :class:`EmbeddedAirflow` with watched folders: ``workflows`` for exports, ``dag_files`` for plain DAGs.

    Workflows that the API saves go to ``store``, which Airflow looks at by itself every five minutes only.

    Further bundles and environment variables (settings, connections) may be given.
    """

    #: What runs it.
    server_type: type[EmbeddedAirflow] = EmbeddedAirflow

    def __init__(self, home: Path, *more_bundles: Bundle, **settings: str) -> None:
        self.workflows = home / "workflows"
        self.dag_files = home / "dag-files"
        self.store = home / "store"
        for folder in (self.workflows, self.dag_files, self.store):
            folder.mkdir(parents=True, exist_ok=True)
        quick = {"AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "1", "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30"}
        quick |= {
            "AIRFLOW__FLOWDROP__WORKFLOW_STORE": "store",
            "AIRFLOW__FLOWDROP__ALLOWED_HOSTS": "127.0.0.1",
            "AIRFLOW__FLOWDROP__HTTP_DEFER_AFTER": "60",
            "AIRFLOW__FLOWDROP__NOTICES": json.dumps(NOTICES),
            # A test that uses them makes these connections; the notices are of workflows that no test has.
            "AIRFLOW__FLOWDROP__MEMORY_CONN_ID": "flowdrop_memory",
            "AIRFLOW__FLOWDROP__MODEL_CONN_ID": "flowdrop_model",
        }
        bundles = [
            flowdrop_bundle(self.workflows, refresh_interval=1),
            _plain_bundle(self.dag_files),
            flowdrop_bundle(self.store, name="store", refresh_interval=300),
            *more_bundles,
        ]
        self.server = self.server_type(home, bundles, port=0, users=USERS, settings=quick | settings)
        self._written: dict[str, Path] = {}

    def start(self) -> None:
        """Start all services, the triggerer included."""
        self.server.start()
        self.server.start_service("triggerer")

    def stop(self) -> None:
        """Stop them all."""
        self.server.stop()

    @property
    def url(self) -> str:
        """The address of the API and of the user interface."""
        return self.server.url

    def client(self, user: str = "admin") -> AirflowClient:
        """Return a client logged in as ``admin``, ``operator`` (may run, not administer) or ``viewer`` (may only look)."""
        return self.server.client(user)

    def add_workflow(self, name: str, text: str) -> Path:
        """Write an export into the watched folder under its file name (``flow.json``, ``flow.yml``) and return its path."""
        return _write(self.workflows / name, text)

    def add_dag_file(self, name: str, source: str) -> Path:
        """Write a plain DAG file next to the workflows, to compare with, and return its path.

        Raises ``ValueError`` when another file has a DAG of the same id: all tests share one Airflow, which would run either.
        """
        file = self.dag_files / name
        for dag_id in _DAG_ID.findall(source):
            if self._written.setdefault(dag_id, file) != file:
                raise ValueError(
                    f"{file.name}: the DAG {dag_id} is in {self._written[dag_id].name} already; give it another id"
                )
        return _write(file, source)

    def await_dag(self, dag_id: str, timeout: float = 60.0) -> None:
        """Wait until Airflow knows the DAG; raises ServiceError with Airflow's import errors when it does not in time."""
        client = self.client()
        deadline = time.monotonic() + timeout
        while dag_id not in client.dag_ids():
            self.server.check()
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"{dag_id} did not appear: {client.import_errors()}\n{tail(self.server.log('dag-processor'))}"
                )
            time.sleep(0.2)

    def run(self, dag_id: str, conf: Json | None = None, timeout: float = 120.0) -> FinishedRun:
        """Start a run, wait for its end (whatever that is) and return what it left."""
        client = self.client()
        return self.finished(dag_id, client.trigger(dag_id, conf), timeout)

    def finished(self, dag_id: str, run_id: str, timeout: float = 120.0) -> FinishedRun:
        """Wait for the end of a run that someone else started and return what it left."""
        client = self.client()
        state = client.wait(dag_id, run_id, timeout)["state"]
        tasks = client.tasks(dag_id, run_id)
        summary = client.summary(dag_id, run_id) if "flowdrop_result" in tasks else {}
        return FinishedRun(run_id, state, tasks, client.jobs(dag_id, run_id), summary)


def _plain_bundle(folder: Path) -> Bundle:
    classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return {"name": "plain", "classpath": classpath, "kwargs": {"path": str(folder), "refresh_interval": 1}}


def _write(file: Path, text: str) -> Path:
    # Renamed into place: the DAG processor must never read half a file.
    unfinished = file.with_name(f".{file.name}.new")
    unfinished.write_text(text)
    return unfinished.rename(file)
