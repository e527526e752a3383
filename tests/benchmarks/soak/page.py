"""docs/performance.md, from what the measurements have kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["render"]

Kept = Mapping[str, Any]

_HEAD = """# Performance: load and endurance

What grows, and how. Everything here was measured by `make soak` on one machine (it writes this page); DAG building beside other
tools is in [peers](peers.md), the speed of the API with 200,000 jobs in `make bench`. A machine that does other work too
gives larger figures; how they grow is what to look at.
"""


def render(kept: Kept) -> str:
    """Return the page; a part that was not measured is not on it."""
    parts = [_HEAD]
    for name, section in _SECTIONS.items():
        if name in kept:
            entry = kept[name]
            parts.append(section(entry["found"]))
            parts.append(
                f'*Measured with `make soak SOAK_ARGS="--only {name}"` on {entry["date"]}: {entry["machine"]}, '
                f"Python {entry['python']}, Airflow {entry['airflow']}.*\n"
            )
    return "\n".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _engine(found: Any) -> str:
    nodes = _table(["nodes in the chain", "µs a node"], [(int(length), taken) for length, taken in found["node_us"].items()])
    rounds = _table(["rounds", "µs a round of two nodes"], [(int(count), taken) for count, taken in found["round_us"].items()])
    return f"""## The engine in process

Processor time of the best of several runs, everything included that a run leaves behind: resolved parameters, redaction, a job
record for each execution.

![Time a node and a round](images/soak-engine.svg)

{nodes}
{rounds}"""


def _workflows(found: Any) -> str:
    rows = [
        (row["workflows"], row["seconds"], row["memory"].get("dag-processor", "–"), row["memory"].get("scheduler", "–"))
        for row in found
    ]
    table = _table(
        ["workflows of ten nodes", "seconds until Airflow knows the new ones", "DAG processor, MB", "scheduler, MB"], rows
    )
    return f"""## Many workflows

Exports are laid into one folder, more and more of them; the clock starts when the last file of a step is there.

{table}"""


def _runs(found: Any) -> str:
    rows = [
        (
            row["runs"],
            "one task" if row["fused"] else "a task each",
            row["seconds"],
            row["per_minute"],
            row["at_once"],
            ", ".join(f"{count} {status}" for status, count in row["statuses"].items()),
        )
        for row in found
    ]
    head = [
        "runs of ten nodes",
        "nodes are",
        "seconds until the last has ended",
        "runs a minute",
        "running at once",
        "ended as",
    ]
    return f"""## Many runs at once

All are asked for at once through `POST /workflows/{{id}}/execute`; LocalExecutor with eight tasks at once. On
two cores a task is bound by the start of its process, about a second of processor time each.

{_table(head, rows)}"""


def _large(found: Any) -> str:
    rows = [
        ("validate and compile, ms", found["compile_ms"]),
        ("run in process, ms", found["in_process_ms"]),
        ("from the file to the DAG that Airflow knows, s", found["known_s"]),
        ("a fused run on the scheduler, from the request to its end, s", found["run_s"]),
        ("its trace from the API, ms", found["trace_ms"]),
        ("its trace, kB", found["trace_kb"]),
    ]
    return f"""## A drawing of {found["nodes"]} nodes and {found["edges"]:,} edges

{_table(["", ""], rows)}"""


def _week(found: Any) -> str:
    names = list(found[0]["reads"])
    reads = _table(
        ["day", "runs", *(f"{name}, ms" for name in names)],
        [(row["day"], row["runs"], *(row["reads"][name] for name in names)) for row in found],
    )
    last = found[-1]
    sizes = _table(
        ["table", "MB after the last day", "bytes a run"],
        [(table, size / 1e6, round(size / last["runs"])) for table, size in last["bytes"].items()],
    )
    return f"""## A week of 10,000 runs a day

One real fused run of ten nodes, copied in PostgreSQL over 20 workflows; medians of seven requests to one API server at the
end of a day.

![Answers over a week](images/soak-week.svg)

{reads}
What a run costs on disk, indexes included:

{sizes}"""


def _steady(found: Any) -> str:
    services = list(found[0]["memory"])
    first, middle, last = found[0], found[len(found) // 2], found[-1]
    rows = [(service, *(moment["memory"].get(service, "–") for moment in (first, middle, last))) for service in services]
    head = ["MB", *(f"after {moment['at'] / 60:.1f} min" for moment in (first, middle, last))]
    took = [row["run_s"] for row in found if row["run_s"] is not None]
    every, minutes = last["at"] / max(1, last["started"]), last["at"] / 60
    return f"""## Steady work

A fused run of ten nodes every {every:.0f} seconds for {minutes:.0f} minutes: {last["started"]} were started, {last["ended"]}
of them had ended by the last look, all as completed. The memory that each service holds for itself alone, with its
children (the scheduler without the tasks it has started):

![Memory and run time over time](images/soak-steady.svg)

{_table(head, rows)}
A run took {min(took):.1f} to {max(took):.1f} s (medians of about ten seconds each).
"""


_SECTIONS = {
    "engine": _engine,
    "workflows": _workflows,
    "runs": _runs,
    "large": _large,
    "week": _week,
    "steady": _steady,
}
