"""``docs/drupal.md``: every command, in the order of the page, until a run is seen."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.harness import AirflowHarness
from devtools.stub_drupal import StubDrupal
from tests.flows import flow, node

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "drupal.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^\*\*(\d+)\. (.*?)(?=^\*\*\d+\.|^## What happens)", PAGE, re.DOTALL | re.MULTILINE)
BLOCKS = {int(number): re.findall(r"```console\n(.*?)```", text, re.DOTALL) for number, text in STEPS}


class Shell:
    """Runs blocks one after the other; what one exports the next one sees."""

    def __init__(self, folder: Path) -> None:
        self.environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self._kept = folder / "environment"

    def run(self, number: int) -> str:
        (block,) = BLOCKS[number]
        command = ["bash", "-euo", "pipefail", "-c", f"{block}\nenv -0 > {self._kept}"]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"step {number}: {done.stdout}{done.stderr}"
        pairs = (entry.split("=", 1) for entry in self._kept.read_text().split("\0") if "=" in entry)
        self.environment = dict(pairs)
        return done.stdout


@pytest.fixture
def site() -> Iterator[StubDrupal]:
    with StubDrupal().running() as stub:
        nodes = [node("text_input.1", defaultValue="hello"), node("text_output.1")]
        stub.save(flow("greeting", nodes, ["text_input.1:text > text_output.1:text"]))
        yield stub


def test_there_are_at_most_ten_steps_and_all_commands_are_in_them() -> None:
    assert [int(number) for number, _ in STEPS] == list(range(1, len(STEPS) + 1))
    assert len(STEPS) <= 10
    assert sum(map(len, BLOCKS.values())) == PAGE.count("```console")
    assert all(len(blocks) <= 1 for blocks in BLOCKS.values())


@pytest.mark.long
def test_the_page_leads_to_a_run(site: StubDrupal, tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.environment |= {"DRUPAL_ROOT": str(tmp_path / "web"), "SITE": site.url}
    shell.environment |= {"SITE_USER": site.user, "SITE_PASSWORD": site.password}
    shell.run(1)
    site.secret = shell.environment["FLOWDROP_DRUPAL_SECRET"]
    shell.run(2)
    assert (tmp_path / "web" / "modules" / "custom" / "flowdrop_airflow" / "flowdrop_airflow.info.yml").is_file()
    assert "accepts the signature" in shell.run(4)
    shell.run(5)
    wanted = {name: value for name, value in shell.environment.items() if name.startswith("AIRFLOW__FLOWDROP__")}
    (bundle,) = json.loads(shell.environment["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    harness = AirflowHarness(tmp_path / "airflow", {**bundle, "kwargs": {**bundle["kwargs"], "refresh_interval": 2}}, **wanted)
    harness.start()
    try:
        shell.environment |= {**harness.server.environment, "PATH": shell.environment["PATH"]}
        shell.run(6)
        harness.await_dag("flowdrop_greeting", 90)
        password = harness.server.passwords["admin"]
        shell.environment |= {"AIRFLOW": harness.url, "AIRFLOW_USER": "admin", "AIRFLOW_PASSWORD": password}
        shell.run(8)
        deadline = time.monotonic() + 90
        while (found := json.loads(shell.run(9)))["status"] == "running" and time.monotonic() < deadline:
            time.sleep(0.5)
        assert {job["node_id"]: job["status"] for job in found["jobs"]} == {
            "text_input.1": "completed",
            "text_output.1": "completed",
        }
        while not [event for event in site.events if event["run"]["completed"]] and time.monotonic() < deadline:
            time.sleep(0.2)
        assert site.events[-1]["run"]["status"] == "completed"
    finally:
        harness.stop()
