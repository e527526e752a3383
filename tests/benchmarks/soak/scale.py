"""docs/scale.md: a capacity model from what was measured on one machine, and what it says of larger ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["DEPLOYMENTS", "NEEDED", "PEAK", "Deployment", "Measured", "render", "runs_a_day"]

_DAY = 86_400
_PAGE = Path(__file__).with_name("scale.md.template")
#: The parts that the model is made of.
NEEDED = frozenset({"runs", "week", "workflows"})
#: Runs do not come evenly: the busiest hour of a day has this many times its average.
PEAK = 4.0
#: Days that runs are kept, of which the database has to hold the rows.
KEPT_DAYS = 30
#: Tasks of a run of ten nodes: a group or each node, and the one that ends the run.
TASKS = {True: 2, False: 11}


@dataclass(frozen=True)
class Measured:
    """What the load tests found, per unit of work; the pairs are by whether the run is fused.

    :ivar run_s: core seconds of one run of ten nodes, everything on the machine counted.
    :ivar scheduler_s: of those, the scheduler's own.
    :ivar run_bytes: bytes of one fused run in the metadata database, indexes included.
    :ivar list_ms: milliseconds of the list of runs with a week of history.
    :ivar parse_s: seconds until Airflow knew the last of the most workflows that were laid out.
    :ivar workflows: how many those were.
    """

    run_s: Mapping[bool, float]
    scheduler_s: Mapping[bool, float]
    run_bytes: float
    list_ms: float
    parse_s: float
    workflows: int

    @classmethod
    def of(cls, kept: Mapping[str, Any], cores: int) -> Measured:
        """Take them from what the parts have kept.

        :param cores: of the machine that they were measured on, all of which were busy.
        :raises KeyError: a part was not measured.
        """
        rows = {row["fused"]: row for row in kept["runs"]["found"]}
        week, many = kept["week"]["found"][-1], kept["workflows"]["found"][-1]
        return cls(
            run_s={fused: cores * row["seconds"] / row["runs"] for fused, row in rows.items()},
            scheduler_s={fused: row["scheduler_s"] / row["runs"] for fused, row in rows.items()},
            run_bytes=sum(week["bytes"].values()) / week["runs"],
            list_ms=week["reads"]["list of runs"],
            parse_s=many["seconds"],
            workflows=many["workflows"],
        )


@dataclass(frozen=True)
class Deployment:
    """A deployment to look at.

    :ivar cores: of all its machines.
    :ivar schedulers: how many there are.
    :ivar start_s: core seconds that every task costs on top, such as for the start of a pod; assumed, not measured.
    """

    name: str
    cores: int
    schedulers: int = 1
    start_s: float = 0.0


DEPLOYMENTS = (
    Deployment("one machine of 2 cores", 2),
    Deployment("one machine of 16 cores", 16),
    Deployment("ten workers of 8 cores", 80),
    Deployment("ten workers of 8 cores, two schedulers", 80, schedulers=2),
    Deployment("Kubernetes, 200 cores, a pod a task, three schedulers", 200, schedulers=3, start_s=2.0),
)


def runs_a_day(measured: Measured, deployment: Deployment, *, fused: bool) -> tuple[float, str]:
    """Return how many runs of ten nodes a day a deployment takes, and what its bound is: ``cores`` or ``schedulers``.

    The busiest hour has to fit, which has :data:`PEAK` times the average.
    """
    by_cores = deployment.cores / (measured.run_s[fused] + TASKS[fused] * deployment.start_s)
    by_schedulers = deployment.schedulers / measured.scheduler_s[fused]
    bound = "cores" if by_cores <= by_schedulers else "schedulers"
    return min(by_cores, by_schedulers) * _DAY / PEAK, bound


def render(kept: Mapping[str, Any], cores: int) -> str:
    """Return the page."""
    measured = Measured.of(kept, cores)
    entry, rows = kept["runs"], []
    for deployment in DEPLOYMENTS:
        cells = []
        for fused in (True, False):
            count, bound = runs_a_day(measured, deployment, fused=fused)
            cells.append(f"{_rounded(count):,} ({bound})")
        rows.append(f"| {deployment.name} | {cells[0]} | {cells[1]} |")
    a_day = {count: count * measured.run_bytes / 1e9 for count in (10_000, 100_000, 1_000_000)}
    disk = "\n".join(f"| {count:,} | {size:,.2f} | {size * KEPT_DAYS:,.0f} |" for count, size in a_day.items())
    return _PAGE.read_text(encoding="utf-8").format(
        **{name: entry[name] for name in ("date", "machine", "python", "airflow")},
        run_fused=measured.run_s[True],
        run_tasks=measured.run_s[False],
        ratio=measured.run_s[False] / measured.run_s[True],
        scheduler_fused=measured.scheduler_s[True] * 1000,
        scheduler_tasks=measured.scheduler_s[False] * 1000,
        tasks_a_second=TASKS[False] / measured.scheduler_s[False],
        run_kb=measured.run_bytes / 1000,
        list_ms=measured.list_ms,
        workflows=measured.workflows,
        parse_s=measured.parse_s,
        peak=PEAK,
        kept_days=KEPT_DAYS,
        table="\n".join(rows),
        disk=disk,
    )


def _rounded(count: float) -> int:
    """Return two digits of it: a model promises no more."""
    digits = max(0, len(str(int(count))) - 2)
    return int(round(count, -digits))
