"""A short form of load and endurance on the session's Airflow: every run ends well, and memory and answers stay in bounds."""

from __future__ import annotations

import pytest

from tests.benchmarks.soak import engine, measure, page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

#: Megabytes that a service may gain while a few runs go by: caches fill, nothing more.
MOST_GAIN_MB = 60
SLOWEST_ANSWER_MS = 1_000


def test_runs_at_once_all_end_well_and_more_workflows_are_found(airflow_server, figures):
    known = measure.many_workflows(airflow_server, (3, 12))
    runs = measure.many_runs(airflow_server, 8, fused=True)
    figures(f"12 workflows were known {known[-1]['seconds']} s after the last file")
    figures(f"8 fused runs at once: {runs['seconds']} s, {runs['per_minute']} a minute, {runs['at_once']} running at once")

    assert [row["workflows"] for row in known] == [3, 12]
    assert runs["statuses"] == {"completed": 8}
    assert runs["at_once"] > 1


def test_steady_work_leaves_memory_and_answers_as_they_were(airflow_server, figures):
    found = measure.steady_work(airflow_server, 31, every=4)
    first, last = found[0], found[-1]
    figures(f"{last['ended']} runs in {last['at']:.0f} s: memory {first['memory']} MB, then {last['memory']} MB")

    assert len(found) == 3
    assert last["ended"] >= 2
    assert max(row["answer_ms"] for row in found) < SLOWEST_ANSWER_MS
    for service, before in first["memory"].items():
        assert before > 10, f"{service} cannot be that small"
        assert last["memory"][service] - before < MOST_GAIN_MB, service

    made = {"date": "1 May 2026", "machine": "m", "python": "p", "airflow": "a"}
    text = page.render({"steady": {"found": found, **made}, "engine": {"found": engine.measure(short=True), **made}})
    assert "## Steady work" in text
    assert "\n| scheduler | " in text
    assert "Many runs" not in text, "it was not measured"
