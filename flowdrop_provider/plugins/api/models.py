"""The shapes of our own answers, for the OpenAPI document and the clients generated from it (DESIGN 5).

Answers are built as plain data and not by these models; a test holds the two together.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Answer",
    "ChangesAnswer",
    "ComparisonAnswer",
    "ErrorEnvelope",
    "JobsAnswer",
    "MetricsAnswer",
    "OutcomesAnswer",
    "RunJobsAnswer",
    "StartedAnswer",
    "TraceAnswer",
]

JobStatus = Literal["idle", "pending", "running", "completed", "failed", "cancelled", "skipped", "interrupted"]
RunStatus = Literal["pending", "running", "paused", "completed", "completed_with_warnings", "failed", "cancelled"]
Values = dict[str, Any]


class Answer(BaseModel):
    """The base of all shapes: nothing is answered that the document does not have."""

    model_config = ConfigDict(extra="forbid")


class ErrorEnvelope(Answer):
    """Every refusal; ``error_code`` never changes its meaning (API-8), ``code`` repeats it for the published contract."""

    success: Literal[False]
    error: str
    error_code: str
    code: str
    details: list[Any] | dict[str, Any] | None = None


class Started(Answer):
    """A run that was started; ``execution_id`` is the pipeline id under the contract's name."""

    execution_id: str
    pipeline_id: str
    status: Literal["pending", "running", "completed", "failed", "cancelled"]
    started_at: str | None
    dag_id: str
    run_id: str


class StartedAnswer(Answer):
    """Answer of a start."""

    success: Literal[True]
    message: str
    data: Started


class Trigger(Answer):
    """Who started a run and from where."""

    type: str
    via: str | None
    user: str | None
    source: str | None


class Run(Answer):
    """A run; times ISO 8601 in UTC."""

    id: str
    workflow_id: str
    name: str
    revision: str
    dag_id: str
    run_id: str
    status: RunStatus
    created: str | None
    started: str | None
    completed: str | None
    triggered: Trigger
    rerun_of: str | None
    note: str | None
    error: dict[str, Any] | None
    warnings: list[Any]
    changed: str


class Injected(Answer):
    """Where outputs come from that no execution gave: ``source`` is ``pin`` or the run id they were taken from."""

    source: str
    at: str


class Job(Answer):
    """One execution of one node without its values; ``execution_number`` is 0 in lists across runs."""

    id: str
    node_id: str
    node_type_id: str
    label: str
    status: JobStatus
    skip_reason: str | None
    queued: str | None
    started: str | None
    completed: str | None
    execution_time_us: int | None
    execution_number: int
    order: int | None
    round: list[int]
    routed: bool
    active_branches: list[str]
    injected: Injected | None
    retry_count: int
    max_retries: int
    error: dict[str, Any] | None
    task_id: str
    map_index: int
    task_state: str | None
    try_number: int


class RunJob(Job):
    """A job with its recorded values, redacted and bounded: ``truncated`` maps dotted paths to original bytes."""

    input_data: Values = Field(default_factory=dict)
    output_data: Values = Field(default_factory=dict)
    attempts: list[Any] = Field(default_factory=list)
    truncated: dict[str, int] = Field(default_factory=dict)
    redacted: list[str] = Field(default_factory=list)


class ListedJob(Job):
    """A job in a list across runs."""

    dag_id: str
    run_id: str
    pipeline_id: str


class NodeState(Answer):
    """What a node did in a run."""

    status: JobStatus
    executions: int
    execution_time_us: int
    skip_reason: str | None
    error: str | None
    injected: Injected | None
    job_ids: list[str]


class EdgeState(Answer):
    """What an edge did in a run, and how often."""

    id: str
    kind: str
    source: str
    target: str
    state: Literal["followed", "not_followed", "open", "not_an_order"]
    times: int


class Span(Answer):
    """A job on the timeline."""

    job_id: str
    node_id: str
    status: JobStatus
    queued: str | None
    started: str | None
    completed: str | None
    round: list[int]
    attempts: list[dict[str, Any]]
    try_number: int


class Trace(Answer):
    """A run as a story; ``graph`` is the drawing of its own revision, ``editor_url`` where Drupal shows it, if known."""

    run: Run
    graph: dict[str, Any]
    nodes: dict[str, NodeState]
    edges: list[EdgeState]
    timeline: list[Span]
    summary: dict[str, int]
    outputs: Values
    truncated: dict[str, int]
    editor_url: str | None


class TraceAnswer(Answer):
    """Answer of a trace."""

    success: Literal[True]
    data: Trace


class Changes(Answer):
    """The state of a run for somebody who follows it."""

    run: Run
    nodes: dict[str, NodeState]
    summary: dict[str, int]
    cursor: str
    finished: bool


class ChangesAnswer(Answer):
    """Answer of changes."""

    success: Literal[True]
    data: Changes


class Keyset(Answer):
    """Where a list goes on; ``None`` at its end."""

    limit: int
    next_cursor: str | None


class JobsAnswer(Answer):
    """Answer of jobs across runs."""

    success: Literal[True]
    data: list[ListedJob]
    pagination: Keyset


class Outcome(Answer):
    """How a run ended that another system asked for; ``outputs`` is null for callers who may not read values."""

    execution_id: str
    pipeline_id: str
    workflow_id: str
    status: Literal["completed", "completed_with_warnings", "failed", "cancelled"]
    started: str | None
    completed: str
    source: str
    trigger: str | None
    outputs: Values | None
    error: dict[str, Any] | None


class PollPlace(Answer):
    """Where the next poll goes on; null as long as nothing has ever ended."""

    limit: int
    next_cursor: str | None
    has_more: bool


class OutcomesAnswer(Answer):
    """Answer of a poll."""

    success: Literal[True]
    data: list[Outcome]
    pagination: PollPlace


class RunJobsAnswer(Answer):
    """Answer of the jobs of a run."""

    success: Literal[True]
    data: list[RunJob]


class Difference(BaseModel):
    """A difference between two values at a JSON Pointer; an absent side has no key."""

    path: str
    left: Any = None
    right: Any = None


class NodeComparison(BaseModel):
    """How a node differs between two runs; data only for callers who may see it."""

    node_id: str
    left: dict[str, Any] | None
    right: dict[str, Any] | None
    differs: bool
    input_data: list[Difference] = Field(default_factory=list)
    input_data_complete: bool = True
    output_data: list[Difference] = Field(default_factory=list)
    output_data_complete: bool = True


class Comparison(Answer):
    """Two runs beside each other."""

    left: Run
    right: Run
    same_revision: bool
    first_difference: str | None
    nodes: list[NodeComparison]
    outputs: dict[str, Any]


class ComparisonAnswer(Answer):
    """Answer of a comparison."""

    success: Literal[True]
    data: Comparison


class Figures(BaseModel):
    """Figures of a group over a period; times in seconds."""

    count: int
    failed: int
    failure_rate: float
    duration_s: dict[str, float | None]
    queue_wait_s: dict[str, float | None]
    complete: bool


class Group(Figures):
    """A group and its figures, with those of the period before."""

    dag_id: str | None = None
    workflow_id: str | None = None
    name: str | None = None
    node_id: str | None = None
    node_type_id: str | None = None
    label: str | None = None
    previous: Figures | None


class MetricsAnswer(Answer):
    """Answer of metrics."""

    success: Literal[True]
    data: list[Group]
    period: dict[str, str | None]
    group_by: Literal["workflow", "node", "node_type"]
