"""Clients of the API on a running Airflow: one that does what FlowDrop's editor does, one for tokens."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import httpx

from flowdrop_provider.library.chains import broken_event

API = "/flowdrop/api/v1"
ENDED = {"completed", "failed", "cancelled"}


def editor(server: Any, user: str = "admin") -> httpx.Client:
    """A browser page on Airflow's own origin: the session cookie and nothing else."""
    return httpx.Client(base_url=f"{server.url}{API}", cookies={"_token": server.server.token(user)}, timeout=30)


def api(server: Any, user: str = "admin") -> httpx.Client:
    """A program with a token."""
    headers = {"Authorization": f"Bearer {server.server.token(user)}"}
    return httpx.Client(base_url=f"{server.url}{API}", headers=headers, timeout=30)


def started(client: httpx.Client, workflow_id: str, **body: Any) -> str:
    """Start a run and return its pipeline id."""
    answer = client.post(f"/workflows/{workflow_id}/execute", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["data"]["pipeline_id"])


def follow(client: httpx.Client, pipeline: str, timeout: float = 120.0) -> list[dict[str, Any]]:
    """Poll as the editor does, only while the status is exactly ``running``; return every answer."""
    seen, deadline = [], time.monotonic() + timeout
    while True:
        answer = client.get(f"/pipeline/{pipeline}", headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, answer.text
        seen.append(answer.json())
        if seen[-1]["status"] != "running":
            return seen
        assert time.monotonic() < deadline, seen[-1]
        time.sleep(0.2)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of a refusal in the one envelope."""
    body = answer.json()
    assert body["success"] is False
    assert isinstance(body["error"], str)
    assert body["error"]
    return answer.status_code, str(body["error_code"])


def audit_trail(client: httpx.Client, workflow_id: str) -> list[dict[str, Any]]:
    """Return the exported audit trail of a workflow, whose chain is whole."""
    answer = client.get("/export/audit", params={"workflow_id": workflow_id})
    assert answer.status_code == 200, answer.text
    entries = [json.loads(line) for line in answer.text.split("\n") if line]
    assert broken_event(entries)[0] is None
    return entries


def command(server: Any, *arguments: str) -> tuple[int, Any]:
    """Run ``flowdrop`` where Airflow runs; return how it ended and what it said as JSON."""
    program = [sys.executable, "-m", "flowdrop_provider.cli", *arguments, "--json"]
    done = subprocess.run(program, env=server.server.environment, text=True, capture_output=True, timeout=120, check=False)
    assert done.stdout, done.stderr[-3000:]
    return done.returncode, json.loads(done.stdout)
