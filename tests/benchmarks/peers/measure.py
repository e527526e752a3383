"""Our DAG building beside that of the tools that make DAGs from files, on this machine and in one run.

Each measurement is a forked process of its own, so that nothing is kept from the one before; kinds take turns in each round.
``python -m tests.benchmarks.peers.measure --write`` writes the table and the plot of the documentation.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import importlib
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.kinds import BY_HAND, KINDS, OURS, Kind

ROOT = Path(__file__).resolve().parents[3]
PAGE, PLOT = ROOT / "docs" / "peers.md", ROOT / "docs" / "images" / "peers.svg"

#: Workflows and the length of each.
SIZES = ((1, 10), (10, 10), (100, 10), (500, 10), (1, 500))


@dataclass
class Measured:
    """Medians of one kind.

    :ivar build_ms: milliseconds to build all, by size.
    :ivar worker_ms: milliseconds to build what a worker needs for one task of the size with the most workflows.
    :ivar serialized: bytes of one serialized DAG of ten tasks, the drawing of ours not counted.
    """

    build_ms: dict[tuple[int, int], float] = field(default_factory=dict)
    worker_ms: float = 0.0
    serialized: int = 0


def in_a_child(work: Callable[[], Any]) -> Any:
    """Return what ``work`` returns in a forked process; it must be JSON."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            text = json.dumps({"value": work()})
        except BaseException as error:
            text = json.dumps({"error": f"{type(error).__name__}: {error}"})
        with os.fdopen(writing, "w") as stream:
            stream.write(text)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        told = json.loads(stream.read() or '{"error": "the child died"}')
    os.waitpid(child, 0)
    if "error" in told:
        raise RuntimeError(told["error"])
    return told["value"]


def timed(work: Callable[[], dict[str, Any]], dags: int, tasks: int) -> float:
    """Return the milliseconds of one call in a process of its own, its result counted."""

    def one() -> float:
        gc.collect()
        gc.disable()
        start = time.perf_counter()
        built = work()
        took = (time.perf_counter() - start) * 1_000
        found = (len(built), sum(len(dag.task_ids) for dag in built.values()))
        if found != (dags, tasks):
            raise RuntimeError(f"{found} DAGs and tasks instead of {(dags, tasks)}")
        return took

    return float(in_a_child(one))


def size_of(kind: Kind, folder: Path, length: int) -> int:
    """Return the bytes of a serialized DAG; without the drawing, which the tools have no counterpart of."""

    def one() -> int:
        from airflow.serialization.serialized_objects import DagSerialization

        dag = next(iter(kind.build(folder, 1, length).values()))
        data = DagSerialization.to_dict(dag)
        for task in data["dag"]["tasks"]:
            task["__var"].pop("flow", None)
        return len(json.dumps(data))

    return int(in_a_child(one))


@dataclass(frozen=True)
class Contest:
    """One size, prepared for all kinds.

    :ivar places: the folder of each kind's files.
    """

    kinds: tuple[Kind, ...]
    places: dict[str, Path]
    count: int
    length: int

    @classmethod
    def prepared(cls, kinds: tuple[Kind, ...], folder: Path, count: int, length: int) -> Contest:
        """Write the files, and let every tool keep what it keeps between parses, as it would on a DAG processor."""
        places = {kind.name: folder / str(number) / "files" for number, kind in enumerate(kinds)}
        contest = cls(kinds, places, count, length)
        for kind in kinds:
            kind.prepare(places[kind.name], count, length)
            contest.build(kind)
        return contest

    def build(self, kind: Kind) -> float:
        """Return the milliseconds that all DAGs take."""
        place, tasks = self.places[kind.name], self.length + kind.extra_tasks
        return timed(lambda: kind.build(place, self.count, self.length), self.count, self.count * tasks)

    def build_one(self, kind: Kind) -> float:
        """Return the milliseconds that one task's worker spends on DAGs."""
        place, made = self.places[kind.name], 1 if kind.build_one else self.count
        tasks = made * (self.length + kind.extra_tasks)
        return timed(lambda: kind.one(place, self.count, self.length, self.count // 2), made, tasks)

    def medians(self, one: Callable[[Kind], float], rounds: int) -> dict[str, float]:
        """Return the median of each kind; they take turns, so that a slow moment hits all of them."""
        times = [{kind.name: one(kind) for kind in self.kinds} for _ in range(rounds)]
        return {kind.name: statistics.median(row[kind.name] for row in times) for kind in self.kinds}


Sizes = tuple[tuple[int, int], ...]


def measure(folder: Path, sizes: Sizes, rounds: int, kinds: tuple[Kind, ...] = KINDS) -> dict[str, Measured]:
    """Return the medians of each kind by its name."""
    for kind in kinds:
        importlib.import_module(kind.modules)
    found = {kind.name: Measured() for kind in kinds}
    for count, length in sizes:
        contest = Contest.prepared(kinds, folder / f"{count}x{length}", count, length)
        for name, median in contest.medians(contest.build, rounds).items():
            found[name].build_ms[count, length] = median
        if (count, length) == max(sizes):
            for name, median in contest.medians(contest.build_one, rounds).items():
                found[name].worker_ms = median
    single = Contest.prepared(kinds, folder / "single", 1, 10)
    for kind in kinds:
        found[kind.name].serialized = size_of(kind, single.places[kind.name], single.length)
    return found


def plain(row: Measured) -> dict[str, Any]:
    """Return what was measured of a kind as JSON; the sizes are spelled ``100x10``."""
    sizes = {f"{count}x{length}": value for (count, length), value in row.build_ms.items()}
    return {"build_ms": sizes, "worker_ms": row.worker_ms, "serialized": row.serialized}


def table(found: dict[str, Measured]) -> str:
    """Return a Markdown table: milliseconds, and in brackets how many times what the same takes by hand."""
    sizes = list(next(iter(found.values())).build_ms)
    hand = found[BY_HAND]
    head = ["", *(f"{count} x {length}" for count, length in sizes), "one of them, on a worker", "serialized"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, row in found.items():
        cells = [f"{row.build_ms[size]:,.1f} ms ({row.build_ms[size] / hand.build_ms[size]:.2f})" for size in sizes]
        cells += [f"{row.worker_ms:,.1f} ms", f"{row.serialized:,} bytes ({row.serialized / hand.serialized:.2f})"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(found: dict[str, Measured], target: Path) -> None:
    """Draw the ratios to the hand-written DAGs, and the worker's path."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "flowdrop", "font.size": 10, "svg.fonttype": "path"}
    import matplotlib.pyplot as plt

    most = max(next(iter(found.values())).build_ms)
    names = [name for name in found if name != BY_HAND][::-1]
    colours = ["#00796b" if name.startswith(OURS) else "#8a94a6" for name in names]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.2), sharey=True, layout="constrained")
    ratios = [found[name].build_ms[most] / found[BY_HAND].build_ms[most] for name in names]
    left.bar_label(left.barh(names, ratios, color=colours), fmt="%.2f", padding=3)
    left.axvline(1, color="#333", linewidth=1)
    left.set_title(f"Building {most[0]} DAGs of {most[1]} tasks\n(times what it takes by hand; less is better)", fontsize=10)
    singles = [found[name].worker_ms for name in names]
    right.bar_label(right.barh(names, singles, color=colours), fmt="%.0f ms", padding=3)
    right.set_xscale("log")
    right.set_title(
        f"What a worker builds for one task out of {most[0]} DAGs\n(milliseconds, logarithmic; less is better)", fontsize=10
    )
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.15)
    figure.savefig(target, metadata={"Date": None, "Creator": None})


_PAGE = """# Beside other DAG generators

How long it takes to make DAGs from files, measured on one machine in one run against the tools that people use for it, and
against the same DAGs written by hand. Written by `make bench-peers`, which anybody can repeat.

![Ratios to hand-written DAGs, and the worker's path](images/peers.svg)

Medians of {rounds} rounds, in milliseconds; in brackets, how many times what the same takes by hand. A column says how many
workflows there are, and how many tasks each has.

{table}

{date}, {machine}, Python {python}, Airflow {airflow}. Each measurement is a process of its own; the tools take turns.

What is compared, and what is not:

- The tools build rows of `EmptyOperator`; ours builds FlowDrop nodes with their configuration, edges and a result task behind
  them all, and knows of every one whether it is valid.
- *Never seen before* is the first parse after a change: every document is parsed, validated and compiled. Later parses read
  what was kept of it.
- A worker needs the one DAG of its task. Ours and gusty can build only that; the others build all of them for every task. What
  tells gusty which one is code that its user writes.
- *Serialized* is one DAG of ten tasks as Airflow stores it. Ours also stores the author's drawing, which is not counted: the
  others have none.
"""


def write_page(found: dict[str, Measured], rounds: int) -> None:
    """Write the page and the plot of the documentation."""
    from airflow import __version__ as airflow_version

    facts = {
        "table": table(found),
        "rounds": rounds,
        "date": dt.datetime.now(tz=dt.timezone.utc).strftime("%-d %B %Y"),
        "machine": f"{os.cpu_count()} cores",
        "python": platform.python_version(),
        "airflow": airflow_version,
    }
    PAGE.write_text(_PAGE.format(**facts), encoding="utf-8")
    draw(found, PLOT)


def _sizes(text: str) -> tuple[tuple[int, int], ...]:
    return tuple((int(count), int(length)) for count, length in (size.split("x") for size in text.split(",")))


def main() -> None:
    """Measure, print the table, and write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each kind and size (default: 5)")
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="workflows x tasks, such as 1x10,100x10")
    parser.add_argument("--json", type=Path, help="write what was measured to this file")
    parser.add_argument("--write", action="store_true", help="write docs/peers.md and its plot")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), wanted.sizes, wanted.rounds)
    print(table(found))
    if wanted.json:
        wanted.json.write_text(json.dumps({name: plain(row) for name, row in found.items()}))
    if wanted.write:
        write_page(found, wanted.rounds)


if __name__ == "__main__":
    main()
