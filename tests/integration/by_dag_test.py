"""A program: run workflows with ``dag.test()`` in this process and print what each left, as JSON (see test_same_everywhere).

python by_dag_test.py FOLDER < [[dag id, conf], ...]
"""

from __future__ import annotations

import json
import sys

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session


def main() -> None:
    bag = DagBag(sys.argv[1])
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, "dags-folder", None)
    found = []
    for dag_id, conf in json.load(sys.stdin):
        run = bag.dags[dag_id].test(run_conf=conf)
        with create_session() as session:
            rows = session.query(XComModel).filter(XComModel.dag_run_id == run.id).all()
            values = {(row.task_id, row.key): row.value for row in rows}
        plain = {key: json.loads(value) if isinstance(value, str) else value for key, value in values.items()}
        jobs = [value for (_, key), value in plain.items() if key.startswith("flowdrop_job")]
        found.append({"state": run.state, "jobs": jobs, "summary": plain[("flowdrop_result", "flowdrop_run")]})
    print("RESULT", json.dumps(found))


main()
