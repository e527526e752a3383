"""One workflow, three ways of running it, the same jobs: in process, by ``dag.test()``, on a scheduler (ERR-13)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from devtools.harness import FinishedRun
from flowdrop_provider.engine.launch import launch, takes_events
from flowdrop_provider.engine.runner import run_plan
from flowdrop_provider.library.workshop import examine_path, plan_or_raise
from flowdrop_provider.nodes.world import World
from tests.flows import write
from tests.integration.scenarios import SCENARIOS, UNFUSED

HERE = Path(__file__).parent

#: What differs between two runs of the same thing: identities and times.
_OF_THE_RUN = {"id", "dag_id", "run_id", "task_id", "map_index", "try_number", "started", "completed", "execution_time_us"}


def comparable(job: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in job.items() if key not in _OF_THE_RUN}
    kept["attempts"] = [{"number": item["number"], "error": item["error"]} for item in job["attempts"]]
    kept["output_data"] = {key: value for key, value in job["output_data"].items() if key != "execution_metadata"}
    return kept


def story(status: str, outputs: Any, jobs: list[dict[str, Any]], reasons: dict[str, str]) -> dict[str, Any]:
    """What a run did, without what belongs to one run only."""
    executed = {f"{job['node_id']}@{job['order']}": comparable(job) for job in jobs if job["status"] != "skipped"}
    return {"status": status, "outputs": outputs, "jobs": executed, "skipped": reasons}


def in_process(path: Path, inputs: dict[str, Any]) -> dict[str, Any]:
    plan = plan_or_raise(examine_path(path)[0])
    start = launch(plan, initial_data=inputs) if takes_events(plan) else launch(plan, inputs=inputs)
    result = run_plan(plan, start, World())
    reasons = {job["node_id"]: str(job["skip_reason"]) for job in result.jobs if job["status"] == "skipped"}
    return story(result.status, result.outputs, list(map(dict, result.jobs)), reasons)


def from_airflow(jobs: list[dict[str, Any]], summary: dict[str, Any]) -> dict[str, Any]:
    return story(summary["status"], summary["outputs"], jobs, summary["skip_reasons"])


@pytest.fixture(scope="module")
def chosen(request) -> list[int]:
    """The scenarios that the selected tests are about: all unfused ones, and the fused ones in `make test-long`."""
    asked = {item.callspec.params.get("index") for item in request.session.items if hasattr(item, "callspec")}
    return [index for index in range(len(SCENARIOS)) if index < len(UNFUSED) or index in asked]


@pytest.fixture(scope="module")
def dag_tested(tmp_path_factory, chosen) -> dict[int, dict[str, Any]]:
    home = tmp_path_factory.mktemp("dag-test")
    write(home / "dags" / "flows", *{SCENARIOS[index][0]["id"]: SCENARIOS[index][0] for index in chosen}.values())
    loader = "from flowdrop_provider.dag_factory import build_airflow_dags\n"
    (home / "dags" / "loader.py").write_text(
        f"{loader}\nglobals().update(build_airflow_dags('flows', beside=__file__, on_error='raise'))\n"
    )
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    asked = json.dumps([[f"flowdrop_{SCENARIOS[index][0]['id']}", SCENARIOS[index][1]] for index in chosen])
    done = subprocess.run(
        [sys.executable, str(HERE / "by_dag_test.py"), str(home / "dags")],
        env=environment, input=asked, text=True, capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, done.stderr[-4000:]
    return dict(zip(chosen, json.loads(lines[-1].removeprefix("RESULT ")), strict=True))


@pytest.fixture(scope="module")
def scheduled(airflow_server, chosen) -> dict[int, FinishedRun]:
    for index in chosen:
        document = SCENARIOS[index][0]
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    started = {index: (f"flowdrop_{SCENARIOS[index][0]['id']}", SCENARIOS[index][1]) for index in chosen}
    for dag_id, _ in started.values():
        airflow_server.await_dag(dag_id)
    client = airflow_server.client()
    runs = {index: (dag_id, client.trigger(dag_id, inputs)) for index, (dag_id, inputs) in started.items()}
    return {index: airflow_server.finished(dag_id, run_id, timeout=240) for index, (dag_id, run_id) in runs.items()}


@pytest.mark.slow
@pytest.mark.rule("ERR-13", "ERR-9", "ORC-11")
@pytest.mark.parametrize(
    "index",
    [
        pytest.param(index, id=f"{document['id']}-{status}", marks=[pytest.mark.long] if index >= len(UNFUSED) else [])
        for index, (document, _, status) in enumerate(SCENARIOS)
    ],
)
def test_the_same_jobs_however_it_runs(index, dag_tested, scheduled, tmp_path):
    document, inputs, status = SCENARIOS[index]
    expected = in_process(write(tmp_path, document) / f"{document['id']}.json", inputs)

    assert expected["status"] == status
    for found in (
        from_airflow(dag_tested[index]["jobs"], dag_tested[index]["summary"]),
        from_airflow(scheduled[index].jobs, scheduled[index].summary),
    ):
        assert found.keys() == expected.keys()
        assert found["jobs"].keys() == expected["jobs"].keys()
        for key, job in expected["jobs"].items():
            assert found["jobs"][key] == job
        assert found == expected
    assert scheduled[index].state == ("failed" if status == "failed" else "success")


@pytest.mark.slow
def test_what_people_see_is_redacted_and_what_travels_is_sealed(scheduled, airflow_server):
    index = next(i for i, (document, _, _) in enumerate(SCENARIOS) if document["id"] == "same_secret")
    run = scheduled[index]

    assert run.job("data_mapper.1")["output_data"]["login"]["password"] == "[redacted]"
    assert run.job("data_extractor.1")["output_data"]["data"] == "correct horse", "the extracted text has no telling name"
    handover = airflow_server.client().xcom("flowdrop_same_secret", run.run_id, "data_mapper.1", "flowdrop_handover")
    assert "correct horse" not in json.dumps(handover)
    assert set(handover["ports"]["login"]) == {"sealed"}


@pytest.mark.slow
def test_a_dead_branch_starts_no_process(scheduled):
    index = next(i for i, (_, inputs, _) in enumerate(SCENARIOS) if inputs == {"message": "yes"})
    tasks = scheduled[index].tasks

    assert tasks["prompt_template.2"]["state"] == "skipped"
    assert tasks["prompt_template.2"]["try_number"] == 0
    assert tasks["text_processor.1"]["try_number"] == 0
