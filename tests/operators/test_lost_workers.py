"""Which tasks Airflow starts again after their worker died: those without side effects, the end of the run among them."""

from __future__ import annotations

from flowdrop_provider.dag_factory import FlowDropTaskGroup, build_airflow_dags
from tests.flows import flow, node, write

DOCUMENT = flow(
    "lost",
    [node("text_input.1", defaultValue="x"), node("http_request.1", url="http://example.org/"), node("text_output.1")],
    ["text_input.1:text > http_request.1:body", "http_request.1:body > text_output.1:text"],
)


def test_only_nodes_with_side_effects_are_not_started_again(tmp_path, monkeypatch):
    dag = build_airflow_dags(write(tmp_path, DOCUMENT), cache=tmp_path / "cache")["flowdrop_lost"]
    assert {task.task_id: task.retries for task in dag.tasks} == {
        "text_input.1": 1, "http_request.1": 0, "text_output.1": 1, "flowdrop_result": 1,
    }  # fmt: skip

    monkeypatch.setenv("AIRFLOW__FLOWDROP__LOST_WORKER_RETRIES", "0")
    dag = build_airflow_dags(tmp_path / "lost.json", cache=tmp_path / "cache")["flowdrop_lost"]
    assert {task.retries for task in dag.tasks} == {0}


def test_neither_is_the_beginning_of_a_group_in_a_dag_of_somebody_else(tmp_path):
    from airflow.sdk import DAG

    with DAG("theirs", schedule=None) as dag:
        FlowDropTaskGroup("lost", write(tmp_path, DOCUMENT) / "lost.json")

    assert {dag.get_task(f"lost.{name}").retries for name in ("flowdrop_launch", "flowdrop_result", "text_input.1")} == {1}
    assert dag.get_task("lost.http_request.1").retries == 0
