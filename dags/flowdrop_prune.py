"""Forgets what old FlowDrop runs left behind, every night, by ``[flowdrop] retention``.

A task has no access to Airflow's metadata database. The connection ``flowdrop_metadata`` gives it to this one: its type is
``generic``, its password the value of ``[database] sql_alchemy_conn``. Airflow masks passwords in logs.
"""

import datetime as dt
import shlex
import sys

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    "flowdrop_prune",
    description="Forgets input and output of old FlowDrop runs, later their records.",
    schedule="17 3 * * *",
    start_date=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    doc_md=__doc__,
    params={"dry_run": False},
):
    BashOperator(
        task_id="prune",
        bash_command=f"{shlex.quote(sys.executable)} -m flowdrop_provider.cli prune --json"
        "{{ ' --dry-run' if params.dry_run else '' }}",
        env={"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "{{ conn.flowdrop_metadata.password }}"},
        append_env=True,
    )
