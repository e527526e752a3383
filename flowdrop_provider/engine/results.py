"""What a run ends as, and why it ended early (ERR-9, ORC-11)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.engine.progress import Progress
from flowdrop_provider.engine.records import JobRecord

__all__ = [
    "MAX_ITERATIONS",
    "PAUSE_ASKED",
    "RUN_CANCELLED",
    "RUN_FAILED",
    "RUN_PAUSED",
    "RUN_STOPPED",
    "RunResult",
    "run_status",
]

#: Why nodes are skipped once the run has ended early.
RUN_FAILED, RUN_STOPPED, RUN_PAUSED, RUN_CANCELLED = "run_failed", "run_stopped", "run_paused", "run_cancelled"

#: Why a run pauses that somebody asked to; unlike a spent budget it is never taken up by itself (INT-12).
PAUSE_ASKED = "pause_asked"

#: The run status of a state whose iteration count went past its maximum (SG-14).
MAX_ITERATIONS = "max_iterations_exceeded"


@dataclass(slots=True)
class RunResult:
    """The end of a run, or its pause.

    :ivar status: ``completed, completed_with_warnings, failed, cancelled, paused`` or ``max_iterations_exceeded``.
    :ivar jobs: job records in the order they ended; skipped nodes included.
    :ivar progress: where a paused run goes on.
    :ivar seeded: how many nodes an earlier run's outputs stood in for (INT-10).
    """

    status: str
    outputs: dict[str, Any] = field(default_factory=dict)
    jobs: list[JobRecord] = field(default_factory=list)
    skipped_node_ids: list[str] = field(default_factory=list)
    error: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)
    seeded: int = 0


def run_status(jobs: list[JobRecord], progress: Progress) -> str:
    """Return the status of a run from its jobs and how far it came (ERR-9, ORC-11)."""
    failed = [job for job in jobs if job["status"] == "failed"]
    if progress.ended == MAX_ITERATIONS:
        return MAX_ITERATIONS
    if any(not job["routed"] for job in failed) or progress.ended == RUN_FAILED:
        return "failed"
    if progress.ended == RUN_CANCELLED:
        return "cancelled"
    if progress.paused:
        return "paused"
    return "completed_with_warnings" if failed else "completed"
