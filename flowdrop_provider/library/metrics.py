"""The one table of metrics, and what a job record or a run's end says in them.

Names are finite: no run id, no node id, nothing an author writes is part of a name. What tells workflows and node types apart
is a tag, so that a StatsD server that drops tags still gets sums that make sense. ``docs/metrics.md``, the mapping, the alerts
and the dashboard below ``deploy/`` are checked against :data:`METRICS` by tests.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["METRICS", "Measurement", "Metric", "job_measurements", "run_measurements", "skip_measurements"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    :ivar name: as given to Airflow, which puts ``[metrics] statsd_prefix`` and a dot before it.
    :ivar kind: ``counter`` or ``timer``; a timer's values are milliseconds, whatever is sent.
    :ivar unit: what is counted or measured.
    :ivar tags: names of its tags.
    :ivar when: the moment at which it is sent.
    """

    name: str
    kind: str
    unit: str
    tags: tuple[str, ...]
    when: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value of a metric: a count, or milliseconds."""

    name: str
    value: float
    tags: Mapping[str, str] = field(default_factory=dict)


_JOB = ("workflow", "node_type")

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("flowdrop.run.started", "counter", "runs", ("workflow",), "the scheduler starts a run"),
        Metric("flowdrop.run.finished", "counter", "runs", ("workflow", "status"), "the last task has decided the run"),
        Metric("flowdrop.run.aborted", "counter", "runs", ("workflow",), "a run fails from outside: stopped, or timed out"),
        Metric("flowdrop.run.duration", "timer", "ms", ("workflow", "status"), "with flowdrop.run.finished"),
        Metric("flowdrop.job.finished", "counter", "jobs", (*_JOB, "status"), "a node was executed, in each round of a loop"),
        Metric("flowdrop.job.duration", "timer", "ms", (*_JOB, "status"), "with flowdrop.job.finished"),
        Metric("flowdrop.job.retries", "counter", "attempts", _JOB, "a node needed more than one attempt"),
        Metric("flowdrop.job.skipped", "counter", "jobs", ("workflow", "reason"), "a task decides that nodes do not run"),
        Metric("flowdrop.job.input_bytes", "counter", "bytes", _JOB, "a node was executed: JSON bytes of its recorded input"),
        Metric("flowdrop.job.output_bytes", "counter", "bytes", _JOB, "the same of its recorded output"),
        Metric("flowdrop.job.truncated", "counter", "values", _JOB, "a record was cut to [flowdrop] record_max_bytes"),
        Metric("flowdrop.interrupt.asked", "counter", "questions", _JOB, "a node asks a person, or asks again"),
        Metric("flowdrop.interrupt.answered", "counter", "questions", _JOB, "an answer has arrived"),
        Metric("flowdrop.interrupt.expired", "counter", "questions", _JOB, "nobody answered in time"),
        Metric("flowdrop.notice.sent", "counter", "notices", ("outcome",), "a notice was sent, failed, or was given up"),
    )
}


def job_measurements(record: Mapping[str, Any], dag_id: str) -> Iterator[Measurement]:
    """Yield what a finished job's record says; a skipped one is counted by :func:`skip_measurements`.

    :param record: redacted and bounded, so bytes are those that were kept.
    """
    tags = {"workflow": dag_id, "node_type": str(record["node_type_id"])}
    with_status = {**tags, "status": str(record["status"])}
    yield Measurement("flowdrop.job.finished", 1, with_status)
    if record["execution_time_us"] is not None:
        yield Measurement("flowdrop.job.duration", record["execution_time_us"] / 1000, with_status)
    counts = {
        "flowdrop.job.retries": int(record["retry_count"] or 0),
        "flowdrop.job.input_bytes": _size(record["input_data"]),
        "flowdrop.job.output_bytes": _size(record["output_data"]),
        "flowdrop.job.truncated": len(record["truncated"]),
    }
    for name, count in counts.items():
        if count:
            yield Measurement(name, count, tags)


def skip_measurements(reasons: Mapping[str, str], dag_id: str) -> Iterator[Measurement]:
    """Yield the number of skipped nodes by reason.

    :param reasons: reason by node id.
    """
    for reason in sorted(set(reasons.values())):
        count = sum(1 for item in reasons.values() if item == reason)
        yield Measurement("flowdrop.job.skipped", count, {"workflow": dag_id, "reason": reason or "unknown"})


def run_measurements(
    summary: Mapping[str, Any], dag_id: str, started: dt.datetime | None, now: dt.datetime
) -> Iterator[Measurement]:
    """Yield what the end of a run says.

    :param summary: what the last task hands on.
    :param started: when the run started, aware.
    """
    tags = {"workflow": dag_id, "status": str(summary["status"])}
    yield Measurement("flowdrop.run.finished", 1, tags)
    if started is not None:
        yield Measurement("flowdrop.run.duration", (now - started).total_seconds() * 1000, tags)


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")) if value else 0
