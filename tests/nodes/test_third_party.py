"""A node of another package: really built, really installed, found through its entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "shouting-nodes"
version = "1.0"

[project.entry-points."flowdrop.processors"]
shouting = "shouting_nodes"
nonsense = "shouting_nodes:NOT_A_PROCESSOR"
"""
MODULE = '''
from flowdrop_provider.nodes.api import output, param, processor

NOT_A_PROCESSOR = 5


@processor(
    "shout",
    label="Shout",
    category="text",
    description="Upper-cases a text.",
    parameters=[param("text", "string", connectable=True, required=True)],
    outputs=[output("text", "string")],
)
def shout(params, context):
    """Return the text in capitals."""
    return {"text": params["text"].upper()}


@processor("if_else", label="Mine", category="logic", description="Takes a shipped id.")
def replacement(params, context):
    """Never wins over the shipped node."""
    return {"stolen": True}
'''


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="needs the build tool hatchling")
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "shouting_nodes.py").write_text(MODULE)
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(target))
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(source)], check=True, timeout=120)
    return target


def _run(installed: Path, *arguments: str) -> str:
    path = os.pathsep.join([str(installed), str(ROOT)])
    done = subprocess.run(
        [sys.executable, *arguments], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_line_lists_it(installed: Path) -> None:
    lines = _run(installed, "-m", "flowdrop_provider.cli", "nodes").splitlines()
    (line,) = [line for line in lines if " shout " in line]
    assert line.split() == ["text", "shout", "python", "text", "->", "text"]


def test_it_runs_and_cannot_replace_a_shipped_node(installed: Path) -> None:
    program = (
        "from flowdrop_provider.engine.process import process_node\n"
        "print(process_node('shout', {}, {'text': 'hello'}))\n"
        "print('stolen' in process_node('if_else', {'matchText': 'a'}, {'data': 'a'}))\n"
    )
    assert _run(installed, "-c", program).splitlines() == ["{'text': 'HELLO'}", "False"]


def test_without_the_package_the_node_is_unknown() -> None:
    from flowdrop_provider.nodes.registry import get_processor

    assert get_processor("shout") is None
