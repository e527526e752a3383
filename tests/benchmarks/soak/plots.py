"""The plots of docs/performance.md: ``python -m tests.benchmarks.soak.plots KEPT.json IMAGES``, where Matplotlib is."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def _plots(count: int) -> Any:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "flowdrop", "font.size": 10, "svg.fonttype": "path"}
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, count, figsize=(11, 3.2), layout="constrained", squeeze=False)
    for each in axes[0]:
        each.spines[["top", "right"]].set_visible(False)
        each.grid(axis="y", color="#ddd", linewidth=0.7)
    return figure, axes[0]


def _save(figure: Any, target: Path) -> None:
    figure.savefig(target, metadata={"Date": None, "Creator": None})
    target.write_text("".join(f"{line.rstrip()}\n" for line in target.read_text().splitlines()))


def _draw_engine(found: Any, target: Path) -> None:
    figure, (left, right) = _plots(2)
    for axes, key, title in (
        (left, "node_us", "µs a node, by nodes in a chain"),
        (right, "round_us", "µs a round, by rounds of a loop"),
    ):
        axes.plot([int(size) for size in found[key]], list(found[key].values()), marker="o", color="#00796b")
        axes.set(xscale="log", ylim=(0, None), title=title)
    left.axhline(100, color="#c62828", linewidth=1, linestyle="--")
    _save(figure, target)


def _draw_week(found: Any, target: Path) -> None:
    figure, (left, right) = _plots(2)
    runs = [row["runs"] for row in found]
    for name in found[0]["reads"]:
        own = name.startswith("Airflow")
        left.plot(
            runs, [row["reads"][name] for row in found], marker="o", label=name, color="#8a94a6" if own else None,
            linestyle="--" if own else "-",
        )  # fmt: skip
    left.set(title="milliseconds an answer, by runs recorded", ylim=(0, 1.5 * left.get_ylim()[1]))
    left.legend(frameon=False, fontsize=8, loc="upper left", ncols=2)
    right.stackplot(
        runs, *([row["bytes"][table] / 1e6 for row in found] for table in found[0]["bytes"]), labels=list(found[0]["bytes"]),
        colors=["#00796b", "#80cbc4", "#b0bec5"],
    )  # fmt: skip
    right.set(title="MB on disk, by runs recorded", ylim=(0, None))
    right.legend(frameon=False, fontsize=8, loc="upper left")
    _save(figure, target)


def _draw_steady(found: Any, target: Path) -> None:
    figure, (left, right) = _plots(2)
    minutes = [row["at"] / 60 for row in found]
    for service in found[0]["memory"]:
        left.plot(minutes, [row["memory"].get(service) for row in found], label=service)
    left.set(title="MB held by each service, by minutes", ylim=(0, None))
    left.legend(frameon=False, fontsize=8)
    right.plot(minutes, [row["run_s"] for row in found], label="a run, s", color="#00796b")
    right.plot(minutes, [row["answer_ms"] / 1000 for row in found], label="the list of runs, s", color="#8a94a6")
    right.set(title="seconds, by minutes", ylim=(0, None))
    right.legend(frameon=False, fontsize=8)
    _save(figure, target)


_PLOTS: dict[str, Callable[[Any, Path], None]] = {"engine": _draw_engine, "week": _draw_week, "steady": _draw_steady}


def main(kept: Path, images: Path) -> None:
    """Draw the parts that were measured."""
    for name, entry in json.loads(kept.read_text()).items():
        if name in _PLOTS:
            _PLOTS[name](entry["found"], images / f"soak-{name}.svg")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
