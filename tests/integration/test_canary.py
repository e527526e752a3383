"""Secrets that runs use are found nowhere afterwards: not in the database, the logs or an answer of the API."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from sqlalchemy import create_engine, text

from tests.flows import flow, node
from tests.plugins.client import api, follow, started
from tests.serving import QuietHandler, serving

#: One with what JSON escapes, one that may stand in an address as it is.
CANARY, PLAIN = 'canary-7c1f"\\/3b', "canary-91aa/3b.x"
SECRET, IN_URL = "${{ secrets.canary }}", "${{ secrets.canary_plain }}"
#: How they may be spelled on their way.
SPELLINGS = {CANARY, quote(CANARY, safe=""), json.dumps(CANARY)[1:-1], PLAIN, quote(PLAIN, safe="")}

#: Where Airflow itself keeps it, encrypted with the deployment's key.
KEPT_BY_AIRFLOW = {"connection"}


@pytest.fixture(scope="module")
def echo():
    """A server that answers with all it was sent; below /broken with a failure."""
    seen = []

    class Echo(QuietHandler):
        def do_POST(self):
            sent = self.taken().decode()
            told = {"path": self.path, "headers": dict(self.headers), "body": sent, "inside": json.dumps({"again": sent})}
            seen.append(told)
            status = 500 if self.path.startswith("/broken") else 200
            self.give(status, json.dumps(told).encode(), Content_Type="application/json", X_Told=quote(CANARY))

    with serving(Echo) as url:
        yield url, seen


def uses(flow_id, url):
    """A workflow that sends a secret in every place there is, and works on with what comes back."""
    body = json.dumps({"note": SECRET, "inner": json.dumps({"deep": [SECRET]})})
    request = node(
        "http_request.1",
        url=f"{url}/{IN_URL}?key={IN_URL}",
        method="POST",
        headers={"Authorization": f"Bearer {SECRET}", "X-Note": f"<{SECRET}>", "Content-Type": "text/plain"},
        body=body,
    )
    nodes = [
        request,
        node("prompt_template.1", template=f"Told {SECRET}: {{{{ body }}}}"),
        node("text_processor.1", operation="uppercase"),
        node("data_to_json.1"),
        node("text_output.1"),
    ]
    edges = [
        "http_request.1:json > prompt_template.1:variables",
        "http_request.1:headers > data_to_json.1:data",
        "prompt_template.1:prompt > text_output.1:text",
        "prompt_template.1:prompt > text_processor.1:text",
    ]
    return flow(flow_id, nodes, edges)


NODES = ("http_request.1", "prompt_template.1", "text_output.1")


def leaks(where, content, found):
    """Note where one of the spellings stands."""
    for spelling in SPELLINGS:
        at = content.find(spelling)
        if at >= 0:
            found.append(f"{where}: ...{content[max(at - 60, 0) : at + 20]!r}")
            return


def database_of(server):
    engine = create_engine(server.server.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    with engine.connect() as connection:
        tables = connection.execute(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        ).scalars()  # fmt: skip
        for table in sorted(set(tables) - KEPT_BY_AIRFLOW):
            for row in connection.execute(text(f'SELECT t::text FROM "{table}" t')).scalars():
                yield table, row
    engine.dispose()


@pytest.fixture(scope="module")
def pipelines(airflow_server, echo):
    url, seen = echo
    documents = [uses("canary_good", f"{url}/good"), uses("canary_broken", f"{url}/broken")]
    for document in documents:
        airflow_server.add_workflow(f"{document['id']}.json", json.dumps(document))
    with api(airflow_server) as client:
        for name, secret in {"canary": CANARY, "canary_plain": PLAIN}.items():
            body = {"connection_id": name, "conn_type": "generic", "password": secret}
            made = client.post(f"{airflow_server.url}/api/v2/connections", json=body)
            assert made.status_code == 201, made.text
        for document in documents:
            airflow_server.await_dag(f"flowdrop_{document['id']}")
        runs = [started(client, document["id"]) for document in documents]
        ended = [follow(client, run)[-1]["status"] for run in runs]
    assert ended == ["completed", "failed"]
    assert [CANARY in told["headers"]["X-Note"] for told in seen] == [True, True], "it was really sent"
    assert [told["path"].endswith(f"{PLAIN}?key={PLAIN}") for told in seen] == [True, True]
    return runs


def test_the_database_and_the_logs_hold_no_secret(pipelines, airflow_server):
    found = []
    for table, row in database_of(airflow_server):
        leaks(f"table {table}", row, found)
    for file in sorted((airflow_server.server.home / "logs").rglob("*")):
        if file.is_file():
            leaks(file.name, file.read_text("utf-8", errors="replace"), found)
    assert found == []


def test_no_answer_of_the_api_holds_the_secret(pipelines, airflow_server):
    found, read = [], 0
    with api(airflow_server) as client:
        for run in pipelines:
            parts = ("trace", "export", "jobs", "changes", *(f"nodes/{name}/data" for name in NODES))
            paths = [f"/runs/{run}/{part}" for part in parts] + [f"/pipeline/{run}", f"/pipeline/{run}/logs"]
            for path in [*paths, f"/export/jobs?pipeline_id={run}", "/executions?limit=50", "/audit"]:
                answer = client.get(path)
                read += answer.status_code == 200
                leaks(f"{answer.status_code} {path}", answer.text, found)
    assert found == []
    assert read >= 20, "or the answers were refusals"
