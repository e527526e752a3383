from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flowdrop_provider.cli import main
from tests.flows import chain, flow, node, write

ROOT = Path(__file__).parents[2]


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status = main([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_validate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, chain("good", 2), flow("bad", [node("text_processor.1", operation="uppercas")]))
    status, found = answer(capsys, "validate", str(tmp_path / "bad.json"), str(tmp_path / "good.json"))
    assert status == 1
    assert set(found) == {"valid", "files"}
    bad, good = found["files"]
    assert set(bad) == {"path", "workflow_id", "revision", "errors", "warnings"}
    assert (found["valid"], good["errors"], len(good["revision"])) == (False, [], 64)
    assert set(bad["errors"][0]) == {"code", "message", "locator", "line", "hint"}
    assert bad["errors"][0]["hint"] == "Did you mean 'uppercase'?"


def test_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, chain("f", 2))
    status, found = answer(capsys, "plan", str(tmp_path / "f.json"))
    assert status == 0
    assert {"workflow_id", "revision", "nodes", "excluded", "edges", "regions", "order"} <= set(found)
    assert set(found["nodes"][0]) == {"node_id", "node_type_id", "processor", "task_id"}
    assert set(found["edges"][0]) == {"edge_id", "kind", "source", "source_port", "target", "target_port", "gated"}
    assert found["order"] == ["text_input.1", "text_processor.1"]


@pytest.mark.rule("VAL-LAUNCH")
def test_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, chain("f", 2), flow("bad", [node("text_processor.1", operation="x"), node("nix.1")]))
    status, found = answer(capsys, "run", str(tmp_path / "f.json"))
    assert (status, found["status"], found["outputs"]) == (0, "completed", {"text_processor.1": {"text": "HELLO"}})
    assert {"workflow_id", "revision", "jobs", "skipped_node_ids", "error"} <= set(found)
    status, refused = answer(capsys, "run", str(tmp_path / "bad.json"))
    assert (status, refused["status"]) == (1, "refused")
    assert {finding["code"] for finding in refused["errors"]} == {"R6_CONFIG_INVALID", "R9_NODE_TYPE_UNKNOWN"}


def test_process_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    good = {"id": 7, "node_type": "text_processor", "config": {"operation": "uppercase"}, "inputs": {"text": "a"}}
    lines = [
        json.dumps(good),
        "{oops",
        "5",
        '{"id": 8}',
        '{"id": 9, "node_type": "nix"}',
        '{"id": 10, "node_type": "merge", "config": 5}',
    ]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    assert main(["process", "--jsonl"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert found[0] == {"id": 7, "output": {"text": "A"}}
    assert [item["id"] for item in found] == [7, None, None, 8, 9, 10]
    codes = [item["error"]["code"] for item in found[1:]]
    assert codes == ["malformed_request"] * 3 + ["unknown_node_type", "malformed_request"]
    assert all(set(item["error"]) == {"code", "message", "retryable"} for item in found[1:])


def test_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    status, found = answer(capsys, "nodes")
    assert status == 0
    assert "if_else" in {row["id"] for row in found["nodes"]}


def test_validate_imports_no_airflow(tmp_path: Path) -> None:
    write(tmp_path, chain("f", 2))
    program = "import sys; from flowdrop_provider.cli import main; main(sys.argv[1:]); assert 'airflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", program, "validate", str(tmp_path)], check=True, timeout=30)


def test_the_examples_of_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```console\n\$ flowdrop (.+)\n((?:.+\n)+?)```", (ROOT / "docs" / "cli.md").read_text())
    assert blocks
    for command, expected in blocks:
        main(shlex.split(command))
        assert capsys.readouterr().out == expected
