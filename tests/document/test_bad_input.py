"""Hostile and broken exports: a located error, in bounded time and memory, and nothing half loaded."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from flowdrop_provider.document.exports import MAX_ZIP_BYTES, read_exports
from flowdrop_provider.document.findings import MAX_FINDINGS
from flowdrop_provider.document.models import MAX_RETRIES
from flowdrop_provider.document.parsing import MAX_BYTES, parse
from flowdrop_provider.errors import DocumentError
from flowdrop_provider.library.workshop import examine_path
from tests.flows import edge, flow, node

BOMB = 100_000


def refused(data: bytes, name: str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        parse(data, name)
    return caught.value


@pytest.mark.parametrize(
    ("name", "data", "code", "line"),
    [
        ("a.json", b'{"id": "x",\n "nodes": [}', "DOC_MALFORMED", 2),
        ("a.json", b"", "DOC_MALFORMED", 1),
        ("a.json", b'{"x":\n NaN}', "DOC_MALFORMED", 2),
        ("a.json", b'{"x":\n -Infinity}', "DOC_MALFORMED", 2),
        ("a.json", b'{"NaN": "1e999",\n\n"x": 1e999}', "DOC_MALFORMED", 3),
        ("a.json", b'{"x":\n' + b"7" * 5000 + b"}", "DOC_MALFORMED", 2),
        ("a.json", b'{"x": "\\ud800"}', "DOC_ENCODING", None),
        ("a.json", b'{"x":\n"\xff"}', "DOC_ENCODING", 2),
        ("a.yml", b"id: x\nnodes: [\n", "DOC_MALFORMED", 3),
        ("a.yml", b"id: x\nid: y\n", "DOC_MALFORMED", 2),
        ("a.yml", b"id: x\nn: .nan\n", "DOC_MALFORMED", 2),
        ("a.yml", b"id: x\nn: -.INF\n", "DOC_MALFORMED", 2),
        ("a.yml", b"id: x\nn: 0x" + b"f" * 5000, "DOC_MALFORMED", 2),
        ("a.yml", b"id: x\nn: " + b"7" * 5000, "DOC_MALFORMED", 2),
        ("a.yml", b"id: x\nn: !!python/object/apply:os.system [ls]\n", "DOC_MALFORMED", 2),
        ("a.yml", b"id: x\nn: !!binary abc\n", "DOC_MALFORMED", 2),
        ("a.yml", b"? [a, b]\n: c\n", "DOC_MALFORMED", 1),
        ("a.yml", b"a: 1\nb: &x [1]\nc: *x\n", "DOC_YAML_ALIAS", 2),
        ("a.yml", "a: 1\u2028b: 2\u2028c: [&x 1]".encode(), "DOC_YAML_ALIAS", None),
        ("a.yml", b"a: \x00", "DOC_MALFORMED", None),
        ("a.yml", b"--- a\n--- b\n", "DOC_MALFORMED", 2),
    ],
)
def test_a_broken_text_is_located(name: str, data: bytes, code: str, line: int | None) -> None:
    error = refused(data, name)
    assert (error.code, error.path) == (code, name)
    assert line is None or error.line == line
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("flow.json", b"[" * BOMB),
        ("flow.json", b'{"a":' * BOMB),
        ("flow.json", b"[" * 64 + b"]" * 64),
        ("flow.yml", b"[" * BOMB),
        ("flow.yml", b"{a: " * BOMB),
        ("flow.yml", b"- " * BOMB),
        ("flow.yml", b"? " * BOMB),
        ("flow.yml", b"-\t" * BOMB),
        ("flow.yml", b"".join(b" " * n + b"a:\n" for n in range(2_000))),
        ("flow.yml", b"-\r".join(b" " * n for n in range(2_000))),
        ("flow.yml", "-\u2028".join(" " * n for n in range(2_000)).encode()),
        ("flow.yml", "-\u0085".join(" " * n for n in range(2_000)).encode()),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value[:4]!r}",
)
def test_deep_nesting_is_refused_before_it_hurts(name: str, data: bytes, tmp_path: Path) -> None:
    """In a process of its own, because a mistake here would end the tests: libyaml composes recursively in C."""
    path = tmp_path / name
    path.write_bytes(data)
    done = limited("-m", "flowdrop_provider.cli", "validate", "--json", str(path))
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    (file,) = json.loads(done.stdout)["files"]
    assert file["errors"][0]["code"] in {"DOC_TOO_DEEP", "DOC_MALFORMED"}


def limited(*arguments: str, seconds: int = 10, megabytes: int = 1024) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, preexec_fn=limit)


@pytest.mark.parametrize("name", ["big.json", "big.yml"])
def test_twenty_megabytes_are_refused_unread(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"[" + b"1," * 10_000_000 + b"1]")
    done = limited("-m", "flowdrop_provider.cli", "validate", str(path), seconds=5, megabytes=512)
    assert done.returncode == 1
    assert "[DOC_TOO_LARGE at document]" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("data", [b"[" + b"1," * 4_000_000 + b"1]", b"- a\n" * 2_000_000, b"a: {},\n" * 10])
def test_a_million_values_in_little_text(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "many.yml"
    path.write_bytes(data)
    done = limited("-m", "flowdrop_provider.cli", "validate", str(path), megabytes=512)
    assert done.returncode == 1
    assert "DOC_TOO_MANY_VALUES" in done.stdout or "DOC_MALFORMED" in done.stdout


@pytest.mark.rule("STORE-1")
def test_the_documented_limits_are_accepted() -> None:
    deepest = b"[" * 63 + b"]" * 63
    assert parse(deepest, "a.json") == parse(deepest, "a.yml")
    for name in ("a.json", "a.yml"):
        assert refused(b"[" + deepest + b"]", name).code == "DOC_TOO_DEEP"
    largest = b'{"a": "' + b"x" * (MAX_BYTES - 9) + b'"}'
    assert len(largest) == MAX_BYTES
    assert parse(largest, "a.json") == parse(largest, "a.yml")
    assert refused(largest + b" ", "a.json").code == "DOC_TOO_LARGE"


def codes(tmp_path: Path, document: object, name: str = "flow.json") -> set[str]:
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return {finding.code for verdict in examine_path(path) for finding in verdict.report.errors}


@pytest.mark.parametrize(
    ("node_id", "says"),
    [
        ("../x", "'/'"),
        ("x" * 300, "300 characters"),
        ("node.\N{GRINNING FACE}", "grinning face"),
        ("a-output-b", "handle marker"),
        ("a-input-b", "handle marker"),
        ("a..b", "'..'"),
        ("a\nb", "control character"),
        ("a\\b", "'\\\\\\\\'"),
    ],
)
def test_hostile_node_ids_are_named(node_id: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(flow("f", [node(node_id, "text_input")])))
    (verdict,) = examine_path(path)
    (finding,) = [item for item in verdict.report.errors if item.code == "NODE_ID_UNSAFE"]
    assert says.replace("\\\\\\\\", "\\\\") in finding.message
    assert finding.line == 1
    assert "Use letters" in str(finding.hint)


@pytest.mark.parametrize("node_id", ["text_input.1", "Ünïcode 1", "a:b", "节点", "-x", "a_b-c.d"])
def test_odd_but_harmless_node_ids_are_fine(node_id: str, tmp_path: Path) -> None:
    assert codes(tmp_path, flow("f", [node(node_id, "text_input")])) == set()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nodes": 5}, "DOC_SHAPE"),
        ({"nodes": [1]}, "DOC_SHAPE"),
        ({"edges": "none"}, "DOC_SHAPE"),
        ({"edges": [{"id": "e", "source": "a", "target": "b", "data": {"edgeType": "wormhole"}}]}, "EDGE_TYPE_UNKNOWN"),
        ({"edges": [{"id": "e"}]}, "R8_EDGE_SOURCE_MISSING"),
        ({"id": ""}, "CMP_WORKFLOW_WITHOUT_ID"),
    ],
)
def test_a_wrong_shape_has_a_place(changes: dict, code: str, tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    path.write_text(json.dumps({**flow("f", [node("text_input.1")]), **changes}, indent=1))
    (verdict,) = examine_path(path)
    found = {finding.code: finding for finding in verdict.report.errors}
    assert code in found
    assert found[code].locator
    if code != "CMP_WORKFLOW_WITHOUT_ID":
        assert found[code].line is not None


@pytest.mark.parametrize(
    "odd",
    [
        {"position": {"x": 10**400, "y": "nan"}},
        {"position": [1], "measured": 7},
        {"data": "text"},
        {"data": {"metadata": [], "config": {"maxRetries": "\N{SUPERSCRIPT TWO}", "ports": 5}}},
        {"data": {"metadata": {"node_type_id": ["x"]}, "label": {}}},
        {"type": {}, "id": True},
    ],
)
def test_odd_values_are_findings_never_crashes(odd: dict, tmp_path: Path) -> None:
    document = flow("f", [{**node("text_input.1"), **odd}], [], uid=[], metadata="m", created={}, input_ports=3, status=[])
    assert isinstance(codes(tmp_path, document), set)


def test_retries_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(flow("f", [node("text_input.1", maxRetries=10**12)])))
    (verdict,) = examine_path(path)
    assert verdict.plan.nodes["text_input.1"].max_retries == MAX_RETRIES
    assert "RETRIES_LIMITED" in {finding.code for finding in verdict.report.warnings}


def test_an_unhashable_edge_type_is_ignored(tmp_path: Path) -> None:
    document = flow("f", [node("text_input.1"), node("text_output.1")], [edge("text_input.1:text > text_output.1:text")])
    document["edges"][0]["data"] = {"edgeType": ["data"]}
    assert codes(tmp_path, document) == set()


def test_half_a_million_findings_are_cut_short(tmp_path: Path) -> None:
    document = flow("f", [node("text_input.1", **{f"unknown_{number}": 1 for number in range(60_000)})])
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(document))
    (verdict,) = examine_path(path)
    assert len(verdict.report.warnings) == MAX_FINDINGS + 1
    assert verdict.report.warnings[-1].code == "MORE_FINDINGS"
    assert verdict.valid


def test_a_broken_neighbour_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(flow("good", [node("text_input.1")])))
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "deep.yml").write_bytes(b"[" * BOMB)
    (tmp_path / "flowdrop_trigger.x.yml").write_text("id: [1]\nworkflow_id: {}\nevent_type: 5\nconditions: x\n")
    found = read_exports(tmp_path)
    assert [item.workflow.id for item in found.workflows] == ["good"]
    assert {problem.code for problem in found.problems} == {"DOC_MALFORMED", "DOC_TOO_DEEP"}
    assert found.triggers[0].event_type == "5"


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_zip_bombs_and_traversal(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", **{f"{n}.json": b"0" * (MAX_ZIP_BYTES // 8) for n in range(9)})
    many = zipped(tmp_path / "many.zip", **{f"{n}.json": b"" for n in range(10_001)})
    escape = zipped(tmp_path / "escape.zip", **{"../../evil.json": b"{}"})
    absolute = zipped(tmp_path / "absolute.zip", **{"/etc/evil.json": b"{}"})
    one_big = zipped(tmp_path / "big.zip", **{"big.json": b"[" + b"1," * MAX_BYTES + b"1]"})
    for path in (bomb, many, escape, absolute):
        found = read_exports(path)
        assert [problem.code for problem in found.problems] == ["DOC_ZIP"], path
        assert not found.workflows
    assert [problem.code for problem in read_exports(one_big).problems] == ["DOC_TOO_LARGE"]


def test_a_damaged_zip(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "whole.zip", **{"a.json": json.dumps(flow("a", [node("text_input.1")])).encode() * 50})
    data = bytearray(whole.read_bytes())
    for index in range(60, 100):
        data[index] ^= 0xFF
    (tmp_path / "damaged.zip").write_bytes(data)
    (tmp_path / "text.zip").write_text("no zip")
    for name in ("damaged.zip", "text.zip"):
        assert {problem.code for problem in read_exports(tmp_path / name).problems} == {"DOC_ZIP"}


@pytest.mark.rule("SCH-33")
def test_an_unreadable_node_type_is_never_replaced_by_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "flow.json").write_text(json.dumps(flow("f", [node("text_input.1"), node("text_input.2")])))
    (tmp_path / "flowdrop_node_type.flowdrop_node_type.text_input.yml").write_text("id: text_input\nparameters: [\n")
    verdict = next(item for item in examine_path(tmp_path) if item.loaded)
    assert [finding.code for finding in verdict.report.errors] == [
        "NODE_TYPE_UNREADABLE",
        "NODE_TYPE_UNREADABLE",
        "CMP_NODE_TYPE_UNREADABLE",
    ]
    assert not verdict.valid
