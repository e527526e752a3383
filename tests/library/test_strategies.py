"""What a named strategy does to a DAG, and what is said about one: in `flowdrop validate` and in the DAG's description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowdrop_provider.cli import main
from flowdrop_provider.dag_factory import FlowDropWarning, build_airflow_dags
from flowdrop_provider.library.workshop import examine_path
from tests.flows import chain, flow, node, write

DIRECT = "flowdrop_runtime:synchronous"


def named(strategy: Any, **settings: Any) -> dict[str, Any]:
    return chain("asked", 4, metadata={"flowdrop": {"orchestrator": strategy, **settings}})


def tasks(folder: Path, **options: Any) -> int:
    """How many tasks run nodes; one more decides the run."""
    return len(build_airflow_dags(folder, cache=folder.parent / "cache", **options)["flowdrop_asked"].tasks) - 1


@pytest.mark.rule("ORC-1")
def test_direct_is_one_task_and_a_pipeline_a_task_per_node(tmp_path: Path) -> None:
    for strategy, expected in ((DIRECT, 1), ("flowdrop_runtime:asynchronous", 4), ("flowdrop_stategraph:stategraph", 4)):
        assert tasks(write(tmp_path / "flows", named(strategy))) == expected
    assert tasks(write(tmp_path / "flows", named(DIRECT, fused=False))) == 4


def test_the_deployment_decides_only_where_nobody_asked(tmp_path: Path) -> None:
    write(tmp_path / "flows", chain("asked", 4))
    # Kept outlines must not outlive a change of the setting.
    assert [tasks(tmp_path / "flows", fused=fused) for fused in (False, True, False)] == [4, 1, 4]
    write(tmp_path / "flows", named("flowdrop_runtime:asynchronous"))
    assert tasks(tmp_path / "flows", fused=True) == 4


@pytest.mark.rule("ORC-2")
def test_the_sites_trigger_names_it_and_a_changed_trigger_counts_at_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "flows", chain("asked", 4))
    file = folder / "flowdrop_trigger.flowdrop_trigger_config.t.yml"
    told = {"id": "t", "workflow_id": "asked", "node_id": "n", "event_type": "entity.insert", "status": True}
    for strategy, expected in ((DIRECT, 1), ("flowdrop_runtime:synchronous_pipeline", 4)):
        file.write_text(json.dumps({**told, "orchestrator_settings": {"orchestrator": strategy}}))
        assert tasks(folder) == expected
    assert [item.plan.strategy for item in examine_path(folder) if item.plan] == ["flowdrop_runtime:synchronous_pipeline"]


@pytest.mark.rule("ORC-3")
def test_an_unknown_one_is_said_and_runs_as_usual(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "flows", named("acme:quantum"))
    assert main(["validate", str(folder)]) == 0
    assert "W_STRATEGY_UNKNOWN" in capsys.readouterr().out
    dag = build_airflow_dags(folder)["flowdrop_asked"]
    assert "'acme:quantum'" in dag.doc_md
    assert len(dag.tasks) == 5


LOOP = flow(
    "asked",
    [node("foreach.1", items=[1, 2]), node("data_to_json.1")],
    [
        {**flow("x", [], ["foreach.1:current_item > data_to_json.1:data"])["edges"][0], "id": "there"},
        {**flow("x", [], ["data_to_json.1:json > foreach.1:loop_back"])["edges"][0], "id": "back"},
    ],
)


@pytest.mark.rule("ORC-7")
def test_direct_refuses_loops_before_anything_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "flows", {**LOOP, "metadata": {"flowdrop": {"orchestrator": DIRECT}}})
    (finding,) = examine_path(folder / "asked.json")[0].report.errors
    assert finding.code == "STRATEGY_NO_LOOPS"
    assert "'back' (data_to_json.1 -> foreach.1)" in finding.message
    assert "'there'" not in finding.message
    assert "flowdrop_stategraph:stategraph" in (finding.hint or "")
    assert main(["run", str(folder / "asked.json"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["status"] == "refused"
    with pytest.warns(FlowDropWarning, match="walks each node once"):
        assert build_airflow_dags(folder) == {}
    assert examine_path(write(tmp_path / "free", LOOP) / "asked.json")[0].valid
