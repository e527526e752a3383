"""Random input for everything that reads what strangers write; how often each was tried is printed at the end."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import runpy
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowdrop_provider.bundles.writing import write_broken
from flowdrop_provider.cli.rendering import print_json, say
from flowdrop_provider.dag_factory import FlowDropWarning, build_airflow_dags
from flowdrop_provider.document.exports import read_exports
from flowdrop_provider.document.parsing import parse
from flowdrop_provider.engine.naming import RESULT_TASK_ID, airflow_id, task_ids
from flowdrop_provider.errors import DocumentError, ExpressionError, FlowDropError, printable
from flowdrop_provider.expressions import ENGINES, evaluate, extract_all, twig
from flowdrop_provider.library.forms import FORM_TYPES, form_schema
from flowdrop_provider.plugins.api.exporting import csv_line
from tests.flows import chain, edge, flow, node
from tests.hostile.corpus import PAYLOADS
from tests.hostile.measure import shows

#: More of everything: ``FLOWDROP_FUZZ=20`` for an hour at night.
ROUNDS = int(os.environ.get("FLOWDROP_FUZZ", "1"))
QUICK = {"deadline": None, "suppress_health_check": list(HealthCheck)}
NASTY = st.sampled_from([text for text in PAYLOADS if len(text) < 500])
TEXTS = NASTY | st.text(max_size=20) | st.text(alphabet="\0\x1b\r\n\x85\u2028\u202e=@+-<{[%$'\"\\/.:", max_size=12)
ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
JSON = st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12)
TOKENS = [
    b"[", b"{", b"}", b"]", b'"', b":", b",", b"- ", b"? ", b"&a ", b"*a", b"!!", b"!!binary ", b"<<: ", b"|\n", b"%YAML",
    b"---\n", b"\\u0000", b"\\ud800", b"\xff", b"\0", b"\xc2\x85", b"\xe2\x80\xa8", b"\r", b"\t", b"1e999", b"NaN", b"0x",
    b"PK\x01\x02", b"PK\x05\x06", b"\xff\xff\xff\xff"
]  # fmt: skip


class Tried:
    """Counts executions, and the longest of them in seconds of CPU."""

    def __init__(self) -> None:
        self.count, self.longest, self.refused = 0, 0.0, 0

    @contextlib.contextmanager
    def once(self, *expected: type[Exception]) -> Iterator[None]:
        """One execution; what is expected to refuse it may be raised."""
        begin = time.process_time()
        try:
            yield
        except expected:
            self.refused += 1
        self.count += 1
        self.longest = max(self.longest, time.process_time() - begin)
        assert self.longest < 2

    def __str__(self) -> str:
        return f"{self.count} executions, {self.refused} refused, longest {self.longest * 1e3:.0f} ms"


def whole_zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", json.dumps(chain("zipped", 3)))
        archive.writestr("flowdrop_workflow.flowdrop_workflow.b.yml", "id: b\nnodes: []\nedges: []\n")
    return content.getvalue()


SEEDS = {
    "flow.json": json.dumps(chain("seed", 3), indent=1).encode(),
    "flow.yml": b"id: seed\nlabel: 'x'\nnodes:\n  - id: a.1\n    data: {label: x, config: {a: [1, 2], b: yes}}\nedges: []\n",
    "flow.zip": whole_zip(),
}


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """An export in which pieces were deleted, doubled, or replaced by what readers trip over."""
    name = draw(st.sampled_from(sorted(SEEDS)))
    data = SEEDS[name]
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        piece = draw(st.sampled_from([b"", data[start:end] * 2, *TOKENS]) | st.binary(max_size=4))
        data = data[:start] + piece + data[end:]
    return name, data


def test_any_bytes_are_read_or_refused(tmp_path: Path, figures: Callable[[str], None]) -> None:
    tried = Tried()

    @settings(max_examples=400 * ROUNDS, **QUICK)
    @given(mutated())
    def check(sample: tuple[str, bytes]) -> None:
        name, data = sample
        if not name.endswith(".zip"):
            with tried.once(DocumentError):
                json.dumps(parse(data, name), allow_nan=False).encode()
        (tmp_path / name).write_bytes(data)
        with tried.once():
            found = read_exports(tmp_path / name)
            assert all(problem.code.startswith("DOC_") for problem in found.problems)

    check()
    figures(str(tried))


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A workflow that is nearly one, with anything in the fields that Airflow is given."""
    kinds = st.sampled_from(["text_input", "text_processor", "prompt_template", "note", "scheduled_trigger", "text_output"])
    ids = st.sampled_from(["a.1", "b.1", "a b", airflow_id("a b"), RESULT_TASK_ID, "c"])
    names = sorted(draw(st.sets(ids, min_size=2, max_size=4)))
    settings_of = st.sampled_from(["content", "template", "scheduleExpression", "timezone", "defaultValue", "unknown"])
    nodes = [
        node(name, draw(kinds), label=draw(TEXTS), **draw(st.dictionaries(settings_of, TEXTS, max_size=2))) for name in names
    ]
    lines = [edge(f"{names[0]}:text > {names[1]}:{draw(st.sampled_from(['text', 'trigger']))}", draw(TEXTS.filter(bool)))]
    given_fields = st.sampled_from(["description", "name", "output_schema", "status", "created"])
    found = flow("fuzzed", nodes, lines, **draw(st.dictionaries(given_fields, TEXTS | JSON, max_size=3)))
    found["metadata"] = {"tags": draw(st.lists(TEXTS, max_size=3)), "flowdrop": draw(JSON)}
    inputs = [item["id"] for item in nodes if item["data"]["metadata"]["node_type_id"] == "text_input"]
    if inputs and draw(st.booleans()):
        keywords = st.sampled_from(
            ["type", "default", "enum", "$ref", "pattern", "items", "minimum", "self", "title", "format"]
        )
        schema = draw(st.dictionaries(keywords, JSON, max_size=4))
        port = {"name": "given", "node_id": inputs[0], "port": "defaultValue", "title": draw(TEXTS), "description": draw(TEXTS)}
        found |= {"input_ports": [port], "parameter_schema": {"properties": {"given": schema}}}
    return found


def test_any_document_leaves_its_neighbour_alone(tmp_path: Path, figures: Callable[[str], None]) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    (tmp_path / "good.json").write_text(json.dumps(chain("good", 2)))
    tried, built = Tried(), []

    @settings(max_examples=120 * ROUNDS, **QUICK)
    @given(documents())
    def check(document: dict[str, Any]) -> None:
        (tmp_path / "fuzzed.json").write_text(json.dumps(document))
        with tried.once(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FlowDropWarning)
            dags = build_airflow_dags(tmp_path)
        assert "flowdrop_good" in dags
        for dag in dags.values():
            assert not (dag.doc_md or "").endswith(".md")
            json.dumps(DagSerialization.to_dict(dag), allow_nan=False)
        built.append(len(dags) - 1)

    check()
    figures(f"{tried}, {sum(built)} became DAGs")
    assert sum(built) > 40


PIECES = [
    "{{", "}}", "{%", "%}", "{#", "#}", "|", "..", "**", "~", "(", ")", "[", "]", "{", "}", ".", ",", "'", '"', "#{", "=>",
    "??", "?:", " for i in ", " if ", " endfor ", " set a = ", "a", "loop", "_self", "__class__", "map(v => v)",
    "reduce((c, v) => c ~ v)", "1", "1e308", "9" * 400, "$", "@", "*", "?", "&&", "==", " matches ", "/(a+)+$/", "\0", "\\",
    "\n", "é"
]  # fmt: skip


def test_any_expression_template_or_path_has_a_value_or_an_error(figures: Callable[[str], None]) -> None:
    tried = Tried()

    @settings(max_examples=400 * ROUNDS, **QUICK)
    @given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | TEXTS, JSON, st.sampled_from(ENGINES))
    def check(text: str, value: Any, engine: str) -> None:
        for call in (
            lambda: twig.render(text, {"a": value}),
            lambda: evaluate(engine, text, {"a": value}),
            lambda: extract_all("jsonpath", text, value),
            lambda: extract_all("property_path", text, value),
        ):
            with tried.once(ExpressionError):
                call()

    check()
    figures(str(tried))


def test_a_file_that_tells_of_a_broken_export_runs_nothing_of_it(tmp_path: Path, figures: Callable[[str], None]) -> None:
    tried = Tried()

    @settings(max_examples=120 * ROUNDS, **QUICK)
    @given(TEXTS.filter(bool) | st.just("\udcff.json") | st.just("節" * 200), TEXTS)
    def check(name: str, message: str) -> None:
        folder = tmp_path / str(tried.count)
        folder.mkdir()
        write_broken(folder, name, message)
        (file,) = folder.iterdir()
        with tried.once(), pytest.raises(Exception) as raised:  # noqa: PT011 - its class is made anew by the file
            runpy.run_path(str(file))
        assert (raised.typename, str(raised.value)) == ("BrokenExportError", message)
        assert b"airflow" in file.read_bytes()

    check()
    figures(str(tried))


def test_any_schema_that_reaches_airflow_is_plain(figures: Callable[[str], None]) -> None:
    from jsonschema import FormatChecker, ValidationError, validate

    tried = Tried()
    keywords = st.sampled_from([
        "type", "enum", "items", "$ref", "$dynamicRef", "pattern", "format", "minimum", "multipleOf", "allOf", "maxLength",
        "title", "properties", "patternProperties", "self", "$schema", "uniqueItems", "examples"
    ])  # fmt: skip
    values = JSON | st.sampled_from([*FORM_TYPES, "http://127.0.0.1/x", "file:///etc/passwd", "#/x"])
    schemas = st.recursive(
        st.dictionaries(keywords, values), lambda inner: st.dictionaries(keywords, inner | values), max_leaves=6
    )

    def plain(schema: dict[str, Any]) -> None:
        assert not any(key.startswith(("$", "pattern", "all", "properties", "self")) for key in schema)
        if "items" in schema:
            plain(schema["items"])

    @settings(max_examples=150 * ROUNDS, **QUICK)
    @given(schemas, JSON)
    def check(schema: dict[str, Any], value: Any) -> None:
        with tried.once(ValidationError):
            passed = form_schema(schema)
            plain(passed)
            validate(value, passed, format_checker=FormatChecker())

    check()
    figures(str(tried))


def test_any_text_is_shown_as_text(capsys: pytest.CaptureFixture[str], figures: Callable[[str], None]) -> None:
    """In a terminal, in a log, in a table."""
    tried = Tried()

    @settings(max_examples=200 * ROUNDS, **QUICK)
    @given(TEXTS | st.text(st.characters(), max_size=10), JSON)
    def check(text: str, value: Any) -> None:
        with tried.once():
            capsys.readouterr()
            say(text)
            assert capsys.readouterr().out == printable(text) + "\n"
            print_json({text: value})
            shown = capsys.readouterr().out
            assert json.loads(shown) == {text: value}
            assert all(map(shows, printable(text) + str(FlowDropError(text, path=text, locator=text, hint=text))))
            assert all(char == "\n" or shows(char) for char in shown)
            ((cell,),) = csv.reader(io.StringIO(csv_line([text]), newline=""))
            assert cell.lstrip()[:1] not in {*"=+-@\t\r\n＝＋－＠"} - {""}

    check()
    figures(str(tried))


def test_no_two_nodes_share_a_task(figures: Callable[[str], None]) -> None:
    tried = Tried()
    names = TEXTS | st.sampled_from([RESULT_TASK_ID, f"{RESULT_TASK_ID} node"])

    @settings(max_examples=200 * ROUNDS, **QUICK)
    @given(st.sets(names | names.map(airflow_id) | names.map(lambda name: airflow_id(f"{name} ")), max_size=12))
    def check(found: set[str]) -> None:
        with tried.once():
            tasks = task_ids(found)
            assert set(tasks) == found
            assert len({*tasks.values(), RESULT_TASK_ID}) == len(found) + 1
            assert all(airflow_id(task) == task for task in tasks.values())

    check()
    figures(str(tried))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The API in this process, over a database in memory with one workflow, for somebody who may do everything."""
    from airflow.api_fastapi.core_api.security import get_user
    from starlette.testclient import TestClient

    from flowdrop_provider.plugins.api import security, sessions
    from flowdrop_provider.plugins.api.app import create_app
    from flowdrop_provider.plugins.api.routes import snapshots
    from tests.plugins.database import airflow_tables
    from tests.plugins.database import sessions as opened

    class Everything:
        """An auth manager that refuses nothing."""

        def get_authorized_dag_ids(self, **_: Any) -> set[str]:
            return {"flowdrop_a"}

        def __getattr__(self, name: str) -> Any:
            if not name.startswith("is_authorized_"):
                raise AttributeError(name)
            return lambda **_: True

    with opened(airflow_tables("flowdrop_a")) as open_session:
        monkeypatch.setattr(sessions, "create_session", lambda **_: open_session())
        monkeypatch.setattr(security, "get_auth_manager", Everything)
        monkeypatch.setattr(snapshots, "get_auth_manager", Everything)
        app = create_app()
        app.dependency_overrides[get_user] = lambda: SimpleNamespace(get_id=lambda: "1", get_name=lambda: "ann")
        yield TestClient(app, base_url="http://airflow.example", raise_server_exceptions=False)


def test_any_body_is_taken_or_refused(client: Any, monkeypatch: pytest.MonkeyPatch, figures: Callable[[str], None]) -> None:
    monkeypatch.setenv("AIRFLOW__FLOWDROP__API_WRITE_LIMIT", "")
    routes = [(method, route.path) for route in client.app.routes for method in getattr(route, "methods", None) or ()]
    writing = sorted((method, path) for method, path in routes if method in {"POST", "PUT", "PATCH"})
    words = [
        "inputs",
        "name",
        "nodes",
        "edges",
        "value",
        "content",
        "conf",
        "id",
        "outputs",
        "pins",
        "metadata",
        "message",
        "reason",
    ]
    bodies = st.dictionaries(st.sampled_from(words) | TEXTS, JSON, max_size=5) | JSON
    tried, statuses = Tried(), set()

    @settings(max_examples=150 * ROUNDS, **QUICK)
    @given(st.sampled_from(writing), bodies, st.sampled_from(["a", "flowdrop_a"]) | TEXTS)
    def check(route: tuple[str, str], body: Any, name: str) -> None:
        from urllib.parse import quote

        path = "/".join(
            quote(name, safe="", errors="replace") if part.startswith("{") else part for part in route[1].split("/")
        )
        with tried.once():
            content = json.dumps(body).encode()
            answer = client.request(route[0], path, content=content, headers={"content-type": "application/json"})
        statuses.add(answer.status_code)
        assert answer.status_code < 500, (route, path, body, answer.text)
        if answer.status_code >= 400:
            assert answer.json()["error_code"]

    check()
    figures(f"{tried}, {len(writing)} routes, answers {sorted(statuses)}")
