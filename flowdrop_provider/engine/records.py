"""The job record: one JSON shape that the API, the UI, the exports and the tests read (DESIGN 5).

A record is redacted and bounded before it leaves the engine. Truncation is stated in ``truncated``, never silent, and never
changes what the next node receives.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict, cast

from flowdrop_provider.engine.execution import Execution
from flowdrop_provider.engine.plan import Plan, PlanNode
from flowdrop_provider.engine.redaction import Redactor

__all__ = [
    "RECORD_VERSION",
    "JobRecord",
    "RecordPolicy",
    "RunIdentity",
    "begun_record",
    "bounded",
    "job_record",
    "read_record",
    "skipped_record",
]

#: The shape of a record. Raise it when a member changes its meaning or goes away, and teach :func:`read_record` the older one;
#: a member that is added needs a default there only.
#:
#: 1. records without ``schema_version``; the first ones lack ``injected`` and ``usage``.
#: 2. says so.
RECORD_VERSION = 2

_NAMESPACE = uuid.UUID("6f0f1f0e-7f7e-5b0e-9d8a-0f1d0f9c2a11")


class JobRecord(TypedDict):
    """One execution of one node; see DESIGN 5 for every field. Times are ISO 8601 in UTC, durations microseconds.

    ``schema_version`` is the :data:`RECORD_VERSION` of the release that wrote it. ``injected`` is ``{source, at}`` when the
    outputs were put in and nothing was executed (INT-10). ``usage`` is what the execution cost besides time, by kind: tokens
    and their price under ``ai_usage``.
    """

    schema_version: int
    id: str
    node_id: str
    node_type_id: str
    processor: str
    label: str
    round: list[int]
    order: int | None
    status: str
    skip_reason: str | None
    routed: bool
    started: str | None
    completed: str | None
    execution_time_us: int | None
    retry_count: int
    max_retries: int
    attempts: list[dict[str, Any]]
    input_data: dict[str, Any]
    output_data: dict[str, Any]
    active_branches: list[str]
    error: dict[str, Any] | None
    truncated: dict[str, int]
    redacted: list[str]
    injected: dict[str, str] | None
    usage: dict[str, Any]
    revision: str
    dag_id: str | None
    run_id: str
    task_id: str | None
    map_index: int
    try_number: int


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """Which run and task a record belongs to; outside Airflow there is only a run id."""

    run_id: str
    dag_id: str | None = None
    task_id: str | None = None
    map_index: int = -1
    try_number: int = 1

    def execution_id(self, node_id: str, number: int = 0) -> str:
        """Return a name of one execution of a node: the same when it is resumed, another one after a clear."""
        return "\n".join(map(str, (self.dag_id or "", self.run_id, self.map_index, self.try_number, node_id, number)))


@dataclass(frozen=True, slots=True)
class RecordPolicy:
    """How much of a node's data is recorded.

    :ivar max_bytes: bound on each of input and output, JSON-encoded; longer strings and lists are cut.
    :ivar store_data: false records no input and output at all.
    :ivar sensitive_keys: further key names to redact.
    :ivar known: secret values that the run has used so far: what a node is handed on may hold those of nodes before it.
    """

    max_bytes: int = 65_536
    store_data: bool = True
    sensitive_keys: frozenset[str] = field(default_factory=frozenset)
    known: set[str] = field(default_factory=set, compare=False)

    def redactor(self, secrets: Iterable[str] = ()) -> Redactor:
        """Return a redactor that knows the secret values of this execution, and those known before."""
        return Redactor({*self.known, *secrets}, self.sensitive_keys)


def job_record(
    plan: Plan,
    node: PlanNode,
    execution: Execution,
    identity: RunIdentity,
    policy: RecordPolicy,
    *,
    order: int,
    execution_number: int = 0,
    round_: tuple[int, ...] = (),
) -> JobRecord:
    """Return the record of a finished execution.

    :param execution_number: how often the node ran before in this run; part of the job's identity (SG-8).
    """
    redactor = policy.redactor(execution.secrets)
    truncated: dict[str, int] = {}
    redacted: list[str] = []
    shown = _Shown(policy, redactor, truncated, redacted)
    facts = {
        "round": list(round_),
        "order": order,
        "status": execution.status,
        "routed": execution.routed,
        "started": _iso(execution.started),
        "completed": _iso(execution.completed) if execution.status != "interrupted" else None,
        "execution_time_us": execution.execution_time_us,
        "retry_count": max(0, len(execution.attempts) - 1),
        "attempts": shown.attempts(execution.attempts),
        "input_data": shown.data("input_data", _visible(execution.params, execution.secret_parameters)),
        "output_data": shown.data("output_data", execution.outputs),
        "active_branches": sorted(execution.active),
        "error": shown.data("error", execution.error),
        "truncated": truncated,
        "redacted": sorted(redacted),
        "injected": execution.injected,
        "usage": execution.usage,
    }
    return cast("JobRecord", {**_blank(plan, node, identity, execution_number), **facts})


def skipped_record(plan: Plan, node: PlanNode, identity: RunIdentity, reason: str) -> JobRecord:
    """Return the record of a node that did not run, with the reason (BR-7)."""
    return cast("JobRecord", {**_blank(plan, node, identity, 0), "status": "skipped", "skip_reason": reason})


def begun_record(
    plan: Plan, node: PlanNode, identity: RunIdentity, now: dt.datetime, order: int, number: int, round_: tuple[int, ...]
) -> JobRecord:
    """Return the record of an execution that begins ``now``; the one of its end has the same id and order.

    :param number: how often the node ran before in this run.
    """
    facts = {"status": "running", "started": _iso(now), "order": order, "round": list(round_)}
    return cast("JobRecord", {**_blank(plan, node, identity, number), **facts})


def _nothing_yet() -> dict[str, Any]:
    """Return what a record says of a node that did nothing; new at each call, for it holds lists."""
    return {
        "round": [],
        "order": None,
        "status": "idle",
        "skip_reason": None,
        "routed": False,
        "started": None,
        "completed": None,
        "execution_time_us": None,
        "retry_count": 0,
        "max_retries": 0,
        "attempts": [],
        "input_data": {},
        "output_data": {},
        "active_branches": [],
        "error": None,
        "truncated": {},
        "redacted": [],
        "injected": None,
        "usage": {},
    }


def read_record(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored record of any release in the shape of this one.

    What its release did not write yet, or one to come no longer writes, is as if the node had done nothing. Of a release to
    come, after a way back, that is read which is known here; its version stays, so that one can tell.
    """
    return {"schema_version": 1, "node_type_id": "", "processor": "", **_nothing_yet(), **stored}


def _blank(plan: Plan, node: PlanNode, identity: RunIdentity, execution_number: int) -> JobRecord:
    key = node.node_id if execution_number == 0 else f"{node.node_id}:{execution_number}"
    blank = {
        "schema_version": RECORD_VERSION,
        "id": str(uuid.uuid5(_NAMESPACE, f"{identity.dag_id or ''}\n{identity.run_id}\n{key}")),
        "node_id": node.node_id,
        "node_type_id": node.node_type.id,
        "processor": node.node_type.processor,
        "label": node.label,
        **_nothing_yet(),
        "max_retries": node.max_retries,
        "revision": plan.revision,
        "dag_id": identity.dag_id,
        "run_id": identity.run_id,
        "task_id": identity.task_id,
        "map_index": identity.map_index,
        "try_number": identity.try_number,
    }
    return cast("JobRecord", blank)


def _visible(params: Mapping[str, Any], secret_parameters: list[str]) -> dict[str, Any]:
    """Return the parameters as recorded: no reserved internal names (SG-2), secret-bearing ones whole as ``<secret>``."""
    return {
        name: "<secret>" if name in secret_parameters else value for name, value in params.items() if not name.startswith("__")
    }


@dataclass(slots=True)
class _Shown:
    policy: RecordPolicy
    redactor: Redactor
    truncated: dict[str, int]
    redacted: list[str]

    def attempts(self, attempts: list[dict[str, Any]]) -> Any:
        # An attempt without an error holds nothing but a number and times: nothing to look through.
        return self.data("attempts", attempts) if any(attempt["error"] for attempt in attempts) else attempts

    def data(self, name: str, value: Any) -> Any:
        if not value:
            return value
        if name in {"input_data", "output_data"} and not self.policy.store_data:
            return {}
        masked, paths = self.redactor.redact(value)
        self.redacted.extend(f"{name}.{path}" if path else name for path in paths)
        cut, marks = bounded(masked, self.policy.max_bytes)
        self.truncated.update({f"{name}.{path}" if path else name: size for path, size in marks.items()})
        return cut


#: Made once: `json.dumps` with options makes one for each of the values of a record.
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)


def bounded(value: Any, max_bytes: int) -> tuple[Any, dict[str, int]]:
    """Return ``value`` cut to ``max_bytes`` of JSON (16 at least), and ``{dotted path: original bytes}`` of what was cut.

    The largest parts go first: long strings keep their beginning, long lists their first items, and an object that is still
    too large keeps the keys that fit.
    """
    size = _size(value)
    if size <= max_bytes:
        return value, {}
    marks: dict[str, int] = {}
    return _cut(value, max_bytes, "", marks), marks


def _size(value: Any) -> int:
    return len(_ENCODER.encode(value).encode("utf-8", "surrogatepass"))


def _cut(value: Any, budget: int, path: str, marks: dict[str, int]) -> Any:
    size = _size(value)
    if size <= budget:
        return value
    if isinstance(value, str):
        marks[path] = size
        return _cut_text(value, budget)
    if isinstance(value, list):
        return _cut_list(value, budget, path, marks, size)
    if isinstance(value, dict):
        return _cut_map(value, budget, path, marks)
    marks[path] = size
    return None


def _cut_text(text: str, budget: int) -> str:
    """Return the beginning of a text whose JSON has at most ``budget`` bytes; escapes count, so it takes some rounds."""
    kept = text.encode("utf-8", "surrogatepass")[: max(0, budget - 5)].decode("utf-8", "ignore")
    while kept and (size := _size(kept)) > budget - 3:
        kept = kept[: min(len(kept) - 1, len(kept) * max(0, budget - 3) // size)]
    return f"{kept}…"


def _cut_list(items: list[Any], budget: int, path: str, marks: dict[str, int], size: int) -> list[Any]:
    kept: list[Any] = []
    left = budget - 2
    for index, item in enumerate(items):
        if left <= _SMALLEST:
            marks[path] = size
            break
        cut = _cut(item, left, _join(path, index), marks)
        kept.append(cut)
        left -= _size(cut) + 2
    return kept


#: Bytes below which nothing readable fits.
_SMALLEST = 10


def _cut_map(members: dict[str, Any], budget: int, path: str, marks: dict[str, int]) -> dict[str, Any]:
    # Small members first, so that one huge value does not push every figure out of the record.
    sizes = {name: _size(value) for name, value in members.items()}
    kept: dict[str, Any] = {}
    left = budget - 2
    for rank, name in enumerate(sorted(members, key=lambda key: sizes[key])):
        own = _size(name) + 4
        share = left // (len(members) - rank) - own
        if share <= _SMALLEST:
            marks[_join(path, name)] = sizes[name]
            continue
        kept[name] = _cut(members[name], share, _join(path, name), marks)
        left -= _size(kept[name]) + own
    return {name: kept[name] for name in members if name in kept}


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
