"""The capacity model: it agrees with what it was made from, and says which bound comes first."""

from __future__ import annotations

import pytest

from tests.benchmarks.soak.scale import PEAK, Deployment, Measured, render, runs_a_day

SEEN = {
    "runs": {
        "found": [
            {"fused": True, "runs": 100, "seconds": 100.0, "scheduler_s": 2.0},
            {"fused": False, "runs": 10, "seconds": 60.0, "scheduler_s": 1.0},
        ],
        "date": "1 May 2026", "machine": "2 cores", "python": "3.11", "airflow": "3.3",
    },
    "week": {"found": [{"runs": 1_000, "bytes": {"dag_run": 1_000_000, "xcom": 4_000_000}, "reads": {"list of runs": 30.0}}]},
    "workflows": {"found": [{"workflows": 10, "seconds": 1.0}, {"workflows": 1_000, "seconds": 9.0}]},
}  # fmt: skip


def test_the_machine_that_was_measured_takes_what_it_took():
    """100 fused runs in 100 seconds were a run a second."""
    count, bound = runs_a_day(Measured.of(SEEN, 2), Deployment("the same", 2), fused=True)

    assert count == pytest.approx(86_400 / PEAK)
    assert bound == "cores"


def test_more_cores_help_until_the_scheduler_is_the_bound():
    measured = Measured.of(SEEN, 2)

    assert runs_a_day(measured, Deployment("", 20), fused=True) == (pytest.approx(10 * 86_400 / PEAK), "cores")
    assert runs_a_day(measured, Deployment("", 1_000), fused=True) == (pytest.approx(50 * 86_400 / PEAK), "schedulers")
    assert runs_a_day(measured, Deployment("", 1_000, schedulers=2), fused=True)[0] == pytest.approx(100 * 86_400 / PEAK)
    pods = Deployment("", 20, start_s=9.0)
    assert runs_a_day(measured, pods, fused=True)[0] == pytest.approx(86_400 / PEAK), "two pods of nine seconds and two of work"


def test_the_page_has_the_figures():
    page = render(SEEN, 2)

    assert "| core seconds of a run of ten nodes, everything on the machine | 2.00 | 12.00 |" in page
    assert "| one machine of 2 cores | 22,000 (cores) | 3,600 (cores) |" in page
    assert "| 1,000,000 | 5.00 | 150 |" in page
    assert "{" not in page
