"""The examples of docs/api.md, executed as they are printed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.flows import flow, node
from tests.plugins.client import api, follow

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
GREETING = flow(
    "greeting",
    [node("text_processor.1", operation="uppercase"), node("text_output.1")],
    ["text_processor.1:text > text_output.1:text"],
    input_ports=[{"name": "words", "node_id": "text_processor.1", "port": "text", "required": True}],
    output_ports=[{"name": "shouted", "node_id": "text_processor.1", "port": "text"}],
    parameter_schema={"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]},
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def server(airflow_server):
    airflow_server.add_workflow("greeting.json", json.dumps(GREETING))
    airflow_server.await_dag("flowdrop_greeting")
    return airflow_server


def run(program: list[str], text: str, **variables: str) -> str:
    done = subprocess.run(
        program, input=text, env=os.environ | variables, text=True, capture_output=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_examples(server):
    login, start, by_airflow, *_ = blocks("bash")
    login = login.replace("http://localhost:8080", server.url)
    password = server.server.passwords["admin"]

    first = json.loads(run(["bash", "-e"], f"{login}\n{start}", PASSWORD=password))
    again = json.loads(run(["bash", "-e"], f"{login}\n{start}", PASSWORD=password))
    second = json.loads(run(["bash", "-e"], f"{login}\n{by_airflow}", PASSWORD=password))

    pipeline = first["data"]["pipeline_id"]
    assert again["data"]["pipeline_id"] == pipeline
    with api(server) as client:
        final = follow(client, pipeline)[-1]
        script = f"{login}\nPIPELINE={pipeline}\nCURSOR=\n{blocks('bash')[3].splitlines()[0]}"
        assert json.loads(run(["bash", "-e"], script, PASSWORD=password))["status"] == "completed"
    assert final["data"]["execution_data"]["output"] == {"shouted": "HELLO"}
    assert server.finished("flowdrop_greeting", second["dag_run_id"]).summary["outputs"] == {"shouted": "HELLO"}


@pytest.mark.skipif(shutil.which("php") is None, reason="php-cli is not installed")
def test_the_php_example(server):
    if run(["php", "-r", "echo extension_loaded('curl') ? 'yes' : 'no';"], "") != "yes":
        pytest.skip("PHP's curl extension is not installed")
    said = run(
        ["php"], blocks("php")[0],
        FLOWDROP_URL=server.url, FLOWDROP_TOKEN=server.server.token(), FLOWDROP_WORKFLOW="greeting",
    )  # fmt: skip

    assert said.strip() == 'completed {"shouted":"HELLO FROM DRUPAL"}'
