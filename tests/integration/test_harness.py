"""The tools of the integration tests work: a DAG dropped in is found, runs, and what it left can be read."""

from __future__ import annotations

import httpx
import pytest

DAG = """
from airflow.sdk import DAG, task

with DAG("plain_echo", schedule=None):

    @task
    def echo(ti=None, dag_run=None):
        ti.xcom_push("flowdrop_job", {"node_id": "echo", "status": "completed", "output_data": dag_run.conf})

    @task
    def flowdrop_result():
        return {"status": "completed", "outputs": {"said": "hi"}}

    echo() >> flowdrop_result()
"""


@pytest.fixture(scope="module")
def plain_echo(airflow_server):
    airflow_server.add_dag_file("echo.py", DAG)
    airflow_server.await_dag("plain_echo")
    return "plain_echo"


def test_a_run_gives_back_its_jobs_and_its_summary(airflow_server, plain_echo):
    run = airflow_server.run(plain_echo, {"message": "hi"})

    assert run.state == "success"
    assert run.job("echo")["output_data"] == {"message": "hi"}
    assert run.summary["outputs"] == {"said": "hi"}
    assert set(run.tasks) == {"echo", "flowdrop_result"}


def test_two_files_with_one_dag_are_refused(airflow_server, plain_echo):
    with pytest.raises(ValueError, match=r"another\.py: the DAG plain_echo is in echo\.py already"):
        airflow_server.add_dag_file("another.py", DAG)


def test_a_viewer_may_look_and_not_run(airflow_server, plain_echo):
    viewer = airflow_server.client("viewer")

    assert plain_echo in viewer.dag_ids()
    with pytest.raises(httpx.HTTPStatusError) as refused:
        viewer.trigger(plain_echo)
    assert refused.value.response.status_code == httpx.codes.FORBIDDEN


def test_the_users_passwords_are_readable_by_their_owner_only(airflow_server):
    files = list((airflow_server.server.home / "secrets").iterdir())

    assert len(files) == 2
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
