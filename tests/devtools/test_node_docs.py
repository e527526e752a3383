"""The node pages say what the code says, and their examples give what they show."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devtools.node_docs import stale
from devtools.node_examples import load_examples, run_example
from flowdrop_provider.nodes.registry import all_processors

SHARED = Path(os.environ.get("FLOWDROP_SHARED", Path(__file__).parents[3] / "shared"))
MEASURED = Path(__file__).parents[1] / "nodes" / "golden" / "measured.txt"
OWN = [item for item in all_processors() if item.function.__module__.startswith("flowdrop_provider.")]


def test_every_node_has_an_example() -> None:
    assert set(load_examples()) == {item.id for item in OWN}


@pytest.mark.parametrize("processor", OWN, ids=lambda item: item.id)
def test_an_example_runs_and_gives_the_same_twice(processor) -> None:
    if processor.runs == "model":
        pytest.importorskip("pydantic_ai", reason="needs the extra 'ai'")
    example = load_examples()[processor.id]
    assert run_example(processor, example) == run_example(processor, example)


def test_the_pages_are_fresh() -> None:
    pytest.importorskip("pydantic_ai", reason="needs the extra 'ai'")
    assert stale() == [], "run python -m devtools.node_docs"


def test_the_list_of_measured_processors_is_that_of_the_vectors() -> None:
    vectors = {path.stem for path in (SHARED / "golden").glob("*.jsonl")} - {"plugin_schemas"}
    if not vectors:
        pytest.skip(f"no golden vectors below {SHARED}; set FLOWDROP_SHARED")
    assert set(MEASURED.read_text().split()) == vectors
