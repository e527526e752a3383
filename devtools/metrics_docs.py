"""Writes the table of metrics in ``docs/metrics.md``: ``python -m devtools.metrics_docs``."""

from __future__ import annotations

from pathlib import Path

from flowdrop_provider.library.metrics import METRICS

__all__ = ["PAGE", "metrics_table", "with_table"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
START, END = "<!-- metrics: written by devtools.metrics_docs -->", "<!-- end of metrics -->"


def metrics_table() -> str:
    """Return every metric as a Markdown table."""
    rows = [
        f"| `{metric.name}` | {metric.kind} | {metric.unit} | {', '.join(f'`{tag}`' for tag in metric.tags)} | {metric.when} |"
        for metric in METRICS.values()
    ]
    return "\n".join(["| name | type | unit | tags | when |", "|---|---|---|---|---|", *rows])


def with_table(text: str) -> str:
    """Return a page with its table of metrics renewed."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{metrics_table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
