"""A small client of Airflow's REST API, as the demo and the tests use it."""

from __future__ import annotations

import time
from typing import Any

import httpx

FINISHED = frozenset({"success", "failed"})
JOB_KEY = "flowdrop_job"
RESULT_TASK = "flowdrop_result"
Json = dict[str, Any]


class AirflowClient:
    """Calls ``/api/v2`` as one user. Every method raises ``httpx.HTTPStatusError`` when Airflow refuses."""

    def __init__(self, url: str, user: str, password: str, timeout: float = 30.0) -> None:
        self.http = httpx.Client(base_url=url, timeout=timeout)
        self._login = {"username": user, "password": password}

    def token(self) -> str:
        """Log in and return a fresh access token (a JWT)."""
        answer = self.http.post("/auth/token", json=self._login)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def request(self, method: str, path: str, **options: Any) -> Any:
        """Call ``path`` and return the decoded JSON body; the login happens at the first call."""
        if "Authorization" not in self.http.headers:
            self.http.headers["Authorization"] = f"Bearer {self.token()}"
        answer = self.http.request(method, path, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def get(self, path: str, **params: Any) -> Any:
        """GET a path below ``/api/v2``."""
        return self.request("GET", f"/api/v2{path}", params=params)

    def dag_ids(self) -> set[str]:
        """Return the ids of all active DAGs."""
        return {dag["dag_id"] for dag in self.get("/dags", limit=1000)["dags"]}

    def import_errors(self) -> list[Json]:
        """Return Airflow's import errors: ``filename``, ``stack_trace`` and more each."""
        return list(self.get("/importErrors", limit=100)["import_errors"])

    def trigger(self, dag_id: str, conf: Json | None = None, run_id: str | None = None) -> str:
        """Start a run now and return its id."""
        body = {"logical_date": None, "conf": conf or {}} | ({"dag_run_id": run_id} if run_id else {})
        return str(self.request("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> Json:
        """Return one run: ``state``, ``start_date``, ``conf`` and more."""
        return dict(self.get(f"/dags/{dag_id}/dagRuns/{run_id}"))

    def wait(self, dag_id: str, run_id: str, timeout: float = 120.0) -> Json:
        """Return the run once it has succeeded or failed; raises ``TimeoutError`` after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while (run := self.run(dag_id, run_id))["state"] not in FINISHED:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{dag_id}/{run_id} is still {run['state']} after {timeout:.0f} s.")
            time.sleep(0.2)
        return run

    def tasks(self, dag_id: str, run_id: str) -> dict[str, Json]:
        """Return the task instances of a run by task id."""
        found = self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=1000)["task_instances"]
        return {task["task_id"]: task for task in found}

    def xcom_keys(self, dag_id: str, run_id: str, task_id: str) -> list[str]:
        """Return the keys of the values a task pushed."""
        entries = self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries", limit=1000)
        return [entry["key"] for entry in entries["xcom_entries"]]

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
        """Return one value a task pushed."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        return self.get(path, stringify="false")["value"]

    def task_jobs(self, dag_id: str, run_id: str, task_id: str) -> list[Json]:
        """Return the FlowDrop job records of one task in the order they ran (a loop region has several)."""
        keys = [key for key in self.xcom_keys(dag_id, run_id, task_id) if key.split(".")[0] == JOB_KEY]
        jobs = [self.xcom(dag_id, run_id, task_id, key) for key in keys]
        return sorted(jobs, key=lambda job: job.get("order") or 0)

    def jobs(self, dag_id: str, run_id: str) -> list[Json]:
        """Return all FlowDrop job records of a run, task by task."""
        return [job for task_id in self.tasks(dag_id, run_id) for job in self.task_jobs(dag_id, run_id, task_id)]

    def summary(self, dag_id: str, run_id: str) -> Json:
        """Return the run summary (``status``, ``outputs``...) that the last task left; empty when it left none."""
        keys = self.xcom_keys(dag_id, run_id, RESULT_TASK)
        # A failed run has no return value; the summary has a key of its own and is there either way.
        key = next((name for name in ("flowdrop_run", "return_value") if name in keys), None)
        return dict(self.xcom(dag_id, run_id, RESULT_TASK, key)) if key else {}
