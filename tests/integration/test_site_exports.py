"""Workflows of real sites on a real scheduler: agent loops with tools, an approval in one, sub-workflows as tools."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_waiting import Questions

pytest.importorskip("pydantic_ai", reason="needs the extra 'ai'")
from flowdrop_provider.engine.launch import launch_schema
from tests.library.test_real_exports import ENDS, sample, site  # noqa: F401 - a fixture

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

#: All ten, where ``FLOWDROP_EXPORTS`` is ``ten``: each of their tasks is a process that imports a model library.
TEN = {
    "site-a": [
        "brand_studio", "aincient_audit_agent", "aincient_chrome_agent", "aincient_onboarding",
        "aincient_operator_agent_loop", "aincient_brand_specialist_colour", "workshop_one_ai_call",
    ],
    "site-b": ["lets_create_a_reasoner", "level_1_4_polite_greeter_templating", "level_1_5_conditional_reply"],
}  # fmt: skip
#: An agent loop whose tools are workflows that ask a person before they run.
SOME = {"site-a": ["brand_studio"]}
CHOSEN = TEN if os.environ.get("FLOWDROP_EXPORTS") == "ten" else SOME

DAGS = """
import os, sys
sys.path.insert(0, {root!r})
os.environ["FLOWDROP_SHARED"] = {shared!r}
from pathlib import Path
from flowdrop_provider.dag_factory import build_airflow_dags
from tests.integration.site_doubles import install

install(Path({memory!r}))
for site, only in {ten!r}.items():
    place = Path({shared!r}) / "exports" / site
    globals().update(build_airflow_dags(place, only=only, prefix="real_", fused=True, schedule=None))
"""


@pytest.fixture(scope="module")
def exports(airflow_server, shared, tmp_path_factory):
    memory = str(tmp_path_factory.mktemp("memory") / "memory.db")
    file = airflow_server.add_dag_file(
        "real_exports.py", DAGS.format(root=str(ROOT), shared=str(shared), memory=memory, ten=CHOSEN)
    )
    for workflow_id in [item for names in CHOSEN.values() for item in names]:
        airflow_server.await_dag(f"real_{workflow_id}", timeout=120)
    yield shared
    # Parsing it costs a model library each time.
    file.unlink()


def conf_of(plan: Any) -> dict[str, Any]:
    chats = [node_id for node_id, node in plan.nodes.items() if node.node_type.processor == "chat_input"]
    initial = {chat: {"message": "Hello"} for chat in chats}
    return {
        **{name: sample(name, schema) for name, schema in launch_schema(plan).items()},
        "flowdrop": {"initial_data": initial},
    }


@pytest.mark.long
def test_real_workflows_run_to_their_end(exports, airflow_server, site):  # noqa: F811
    questions, ended, asked = Questions(airflow_server), {}, []
    for folder, names in CHOSEN.items():
        plans = site(folder)
        for name in names:
            run_id = questions.client.trigger(f"real_{name}", conf_of(plans[name]))
            asked += [name] * consent(questions, f"real_{name}", run_id)
            ended[f"{folder}/{name}"] = airflow_server.finished(f"real_{name}", run_id)

    assert {name: run.summary.get("status") for name, run in ended.items()} == {name: ENDS[name][0] for name in ended}
    rounds = {name: max((job["round"][0] + 1 for job in run.jobs if job["round"]), default=0) for name, run in ended.items()}
    assert rounds == {name: ENDS[name][1] for name in ended}
    assert asked == ["brand_studio"], "its tool is a workflow with side effects"
    (invoked,) = [job for job in ended["site-a/brand_studio"].jobs if "tool_results" in job["output_data"]]
    assert [item["success"] for item in invoked["output_data"]["tool_results"]] == [True]
    assert "typography" in json.dumps(invoked["output_data"])


def consent(questions: Questions, dag_id: str, run_id: str, timeout: float = 240.0) -> int:
    """Consent to whatever a run asks until it has ended; return how often it asked."""
    asked, deadline = 0, time.monotonic() + timeout
    while questions.client.run(dag_id, run_id)["state"] not in ("success", "failed"):
        assert time.monotonic() < deadline, questions.client.tasks(dag_id, run_id)
        for task_id, task in questions.client.tasks(dag_id, run_id).items():
            if task["state"] == "awaiting_input":
                questions.answer(dag_id, run_id, task_id, "Approve")
                asked += 1
        time.sleep(0.5)
    return asked
