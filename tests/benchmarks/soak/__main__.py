"""Load and endurance: ``python -m tests.benchmarks.soak [--only runs,steady] [--short] [--write]``.

Each part starts an Airflow of its own and keeps what it measured, so that a machine that is needed for something else can do
them one after the other; ``--write`` makes docs/performance.md of what has been kept.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devtools.harness import AirflowHarness
from tests.benchmarks.peers.__main__ import ensure
from tests.benchmarks.soak import engine, measure, page, scale

ROOT = Path(__file__).resolve().parents[3]
KEPT = ROOT / ".flowdrop" / "soak.json"

Part = Callable[[AirflowHarness], Any]
#: Each part in full, and small enough for a first look.
PARTS: dict[str, tuple[Part, Part]] = {
    "workflows": (
        lambda server: measure.many_workflows(server, (10, 100, 300, 1_000)),
        lambda server: measure.many_workflows(server, (5, 20)),
    ),
    "runs": (
        lambda server: [measure.many_runs(server, 500, fused=True), measure.many_runs(server, 50, fused=False)],
        lambda server: [measure.many_runs(server, 10, fused=True), measure.many_runs(server, 2, fused=False)],
    ),
    "large": (measure.large_drawing, measure.large_drawing),
    "week": (
        lambda server: measure.history(server, (1, 2, 3, 5, 7), a_day=10_000),
        lambda server: measure.history(server, (1, 2), a_day=200),
    ),
    "steady": (
        lambda server: measure.steady_work(server, 600, every=3),
        lambda server: measure.steady_work(server, 60, every=5),
    ),
}


def on_an_airflow(part: Part) -> Any:
    """Measure on an Airflow of its own, with the settings that docs/operating.md recommends and room for all runs at once."""
    with tempfile.TemporaryDirectory(prefix="flowdrop-soak-") as home:
        server = AirflowHarness(Path(home), AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG="500")
        server.start()
        try:
            return part(server)
        finally:
            server.stop()


def facts() -> dict[str, str]:
    """Return when and on what it was measured."""
    from airflow import __version__ as airflow_version

    return {
        "date": dt.datetime.now(tz=dt.timezone.utc).strftime("%-d %B %Y"),
        "machine": f"{os.cpu_count()} cores",
        "python": platform.python_version(),
        "airflow": airflow_version,
    }


def main(arguments: list[str]) -> int:
    """Measure what is asked for, keep it, and write the page if wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(("engine", *PARTS)), help="parts, with commas between; none is ''")
    parser.add_argument("--short", action="store_true", help="in small: shows that the measurements work, not what they are")
    parser.add_argument(
        "--write", action="store_true", help="write docs/performance.md and docs/scale.md from all that was kept"
    )
    wanted = parser.parse_args(arguments)
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in filter(None, wanted.only.split(",")):
        print(f"{name} ...", file=sys.stderr, flush=True)
        found = engine.measure(short=wanted.short) if name == "engine" else on_an_airflow(PARTS[name][int(wanted.short)])
        print(json.dumps({name: found}), flush=True)
        if not wanted.short:
            kept[name] = {"found": found, **facts()}
            KEPT.parent.mkdir(parents=True, exist_ok=True)
            KEPT.write_text(json.dumps(kept, indent=1))
    if wanted.write:
        (ROOT / "docs" / "performance.md").write_text(page.render(kept), encoding="utf-8")
        if kept.keys() >= scale.NEEDED:
            (ROOT / "docs" / "scale.md").write_text(scale.render(kept, os.cpu_count() or 1), encoding="utf-8")
        # Matplotlib is where the comparison with other tools has it.
        drawing = [ensure(), "-m", "tests.benchmarks.soak.plots", KEPT, ROOT / "docs" / "images"]
        subprocess.run(drawing, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
