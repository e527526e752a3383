"""A short form of the comparison: enough to see that nobody made us slower than the others."""

from __future__ import annotations

import json

from tests.benchmarks.peers.__main__ import main

SIZE = "100x10"


def test_we_build_faster_than_the_other_generators(tmp_path, figures):
    target = tmp_path / "found.json"
    assert main(["--rounds", "3", "--sizes", f"1x10,{SIZE}", "--json", str(target)]) == 0
    found = json.loads(target.read_text())

    ours = found.pop("FlowDrop on Airflow")
    hand, first = found.pop("by hand with airflow.sdk"), found.pop("FlowDrop on Airflow, never seen before")
    took = {name: row["build_ms"][SIZE] for name, row in {"by hand": hand, "ours": ours, "at first": first}.items()}
    figures(f"{SIZE}: " + ", ".join(f"{name} {value:.0f} ms" for name, value in took.items()))
    for name, row in found.items():
        figures(f"{name}: {row['build_ms'][SIZE]:.0f} ms; a worker {row['worker_ms']:.0f} ms, ours {ours['worker_ms']:.0f} ms")
        assert ours["build_ms"][SIZE] < row["build_ms"][SIZE]
        assert ours["worker_ms"] < row["worker_ms"]
    assert len(found) == 3
