"""What tasks need is loaded in the scheduler that they are forked from."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from flowdrop_provider.plugins.preloading import MODULES, preload

#: Loads beforehand, then makes a DAG of an export and runs it as tasks do; prints what had to be loaded for that.
PROGRAM = """
import json, sys
from pathlib import Path
from flowdrop_provider.plugins.preloading import preload
preload()
before = set(sys.modules)
from flowdrop_provider.dag_factory import build_airflow_dags
from flowdrop_provider.operators.steps import run_node
from tests.engine.running import plan_of, run
from tests.flows import chain, write
assert build_airflow_dags(write(Path(sys.argv[1]), chain("ahead", 3)), cache=Path(sys.argv[1]) / "cache")
assert run(plan_of(chain("ahead", 3))).status == "completed"
print(json.dumps(sorted(name for name in set(sys.modules) - before if name.startswith("flowdrop_provider"))))
"""


def test_all_of_it_can_be_loaded(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor")

    loaded = preload()
    assert set(MODULES) < set(loaded)
    assert "flowdrop_provider.nodes.logic" in loaded


def test_nothing_is_loaded_where_tasks_come_from_elsewhere(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")

    assert preload() == []


@pytest.mark.slow
def test_a_task_finds_everything_there(tmp_path):
    done = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path], capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == []
