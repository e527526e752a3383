"""Hostile documents end in time and memory, refused with a code or harmless, and hurt nobody beside them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.corpus import corpus
from tests.hostile.measure import ROOT, rows

pytestmark = pytest.mark.slow

MAX_SECONDS, MAX_MEGABYTES = 2.0, 200.0
DOCUMENTS = {item.name: item for item in corpus()}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Row by document: one process reads them all."""
    folder = tmp_path_factory.mktemp("hostile")
    environment = {**os.environ, "AIRFLOW_HOME": str(folder / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    command = [sys.executable, "-m", "tests.hostile.measure", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    found = {row["name"]: row for row in rows(iter(done.stdout.splitlines()))}
    assert found, done.stderr[-3000:]
    ended = [row["name"] for row in found.values() if "ended" in row]
    assert not ended, f"{ended[0]}: {done.stderr[-3000:]}"
    assert set(found) == set(DOCUMENTS)
    return found


def wrong(results: dict[str, dict[str, Any]], is_wrong: Any) -> dict[str, Any]:
    """The rows that are."""
    return {name: row for name, row in results.items() if is_wrong(row)}


def test_each_ends_in_time_and_memory(results: dict[str, dict[str, Any]], figures: Any) -> None:
    slowest = max(results.values(), key=lambda row: row["seconds"])
    largest = max(results.values(), key=lambda row: row["megabytes"])
    built = sum(row["dags"] for row in results.values())
    figures(
        f"{len(results)} attacks, {sum(row['files'] for row in results.values())} files, {built} of them harmless workflows"
    )
    figures(
        f"longest {slowest['seconds']:.2f} s ({slowest['name']}), largest {largest['megabytes']:.0f} MB ({largest['name']})"
    )
    over = wrong(results, lambda row: row["seconds"] > MAX_SECONDS or row["megabytes"] > MAX_MEGABYTES)
    assert {name: (row["seconds"], row["megabytes"]) for name, row in over.items()} == {}


def test_none_runs_code_opens_a_file_outside_or_speaks_to_a_network(results: dict[str, dict[str, Any]]) -> None:
    assert {name: row["seen"] for name, row in wrong(results, lambda row: row["seen"]).items()} == {}


def test_none_shows_what_lies_outside(results: dict[str, dict[str, Any]]) -> None:
    assert {name: row["leaked"] for name, row in wrong(results, lambda row: row["leaked"]).items()} == {}


def test_none_takes_its_neighbour_with_it(results: dict[str, dict[str, Any]]) -> None:
    assert {name: row["refused"] for name, row in wrong(results, lambda row: not row["good"]).items()} == {}


def test_each_is_refused_with_a_code_or_is_a_workflow(results: dict[str, dict[str, Any]]) -> None:
    silent = wrong(results, lambda row: not row["dags"] and not row["codes"] and row["refused"])
    assert {name: row["refused"] for name, row in silent.items()} == {}
    expected = {name: item.codes for name, item in DOCUMENTS.items() if item.codes}
    assert {name: results[name]["codes"] for name, codes in expected.items() if not codes & set(results[name]["codes"])} == {}
    assert len(expected) > 90
    assert sum(row["ran"] for row in results.values()) > 20


def test_none_writes_lines_or_moves_the_cursor_where_people_read(results: dict[str, dict[str, Any]]) -> None:
    assert {name: row["unprintable"] for name, row in wrong(results, lambda row: row["unprintable"]).items()} == {}


def test_no_documentation_names_a_file_or_fetches_an_image(results: dict[str, dict[str, Any]]) -> None:
    texts = {name: row["documentation"] for name, row in results.items()}
    assert {name: found for name, found in texts.items() if any(text.endswith(".md") or "![" in text for text in found)} == {}
    assert sum("<script>" in text for found in texts.values() for text in found) > 0, "markup is text to Airflow, see below"


def test_airflow_passes_over_markup_in_documentation() -> None:
    """Its Markdown component is told to skip HTML; what it makes of addresses is a list of harmless schemes."""
    import airflow

    scripts = sorted((Path(airflow.__file__).parent / "ui" / "dist" / "assets").glob("index-*.js"))
    text = "".join(file.read_text("utf-8") for file in scripts)
    assert "skipHtml:!0" in text
    assert "https?|ircs?|mailto|xmpp" in text
