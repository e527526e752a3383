"""Executing one node: resolve, call the processor, strip, check, retry, and say what came of it.

The one place where a processor is called; the in-process runner and the Airflow operators both come through here, so that
parameters and errors mean the same everywhere (ERR-13).
"""

from __future__ import annotations

import datetime as dt
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from flowdrop_provider.engine.gate import pass_gate
from flowdrop_provider.engine.outputs import active_branches, check_json, strip_hidden
from flowdrop_provider.engine.parameters import resolve
from flowdrop_provider.engine.retries import RetryPolicies
from flowdrop_provider.engine.secrets import substitute
from flowdrop_provider.errors import FlowDropError, NodeError
from flowdrop_provider.nodes.api import Interrupt, NodeContext, StopRun
from flowdrop_provider.nodes.registry import get_processor
from flowdrop_provider.nodes.remote import run_remote

__all__ = ["Execution", "NodeToRun", "error_envelope", "execute", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class NodeToRun:
    """What is executed: the node's live type, its configuration, and whether a failure may be routed (ERR-7)."""

    node_id: str
    label: str
    node_type: Any
    config: Mapping[str, Any]
    max_retries: int = 0
    routes_errors: bool = False


@dataclass(slots=True)
class Execution:
    """What came of one execution, all attempts included.

    :ivar status: ``completed``, ``failed`` or ``interrupted``.
    :ivar outputs: stripped outputs; for a routed failure the error envelope (ERR-7); ``{}`` otherwise.
    :ivar params: the resolved parameters the processor saw, ``{}`` when resolution failed.
    :ivar error: ``{code, message, node_id, retryable, details?}`` of the last attempt, or ``None``.
    :ivar attempts: one entry per attempt: ``number, started, execution_time_us, error``.
    :ivar cause: an exception that is no node-level error: the run fails with it, unroutable (ERR-3).
    :ivar secrets: secret values that were substituted, for redaction.
    :ivar injected: ``{source, at}`` when nothing was executed and the outputs were put in (INT-10).
    :ivar usage: what it cost besides time, by kind: ``{"ai_usage": {"input_tokens", ..., "cost"}}``, attempts added up.
    """

    status: str = "completed"
    outputs: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    routed: bool = False
    stopped: bool = False
    interrupt: Interrupt | None = None
    active: frozenset[str] = frozenset()
    attempts: list[dict[str, Any]] = field(default_factory=list)
    started: dt.datetime | None = None
    completed: dt.datetime | None = None
    execution_time_us: int = 0
    cause: Exception | None = None
    secrets: list[str] = field(default_factory=list)
    secret_parameters: list[str] = field(default_factory=list)
    injected: dict[str, str] | None = None
    usage: dict[str, dict[str, Any]] = field(default_factory=dict)


def execute(node: NodeToRun, context: NodeContext, *, retries_spent: int = 0) -> Execution:
    """Execute ``node`` with the delivered values in ``context.inputs``.

    :param retries_spent: retries of this node in earlier rounds of the run; the maximum bounds them all (ERR-11).
    :returns: the :class:`Execution`; node-level errors never escape (ERR-1).
    """
    execution = Execution(started=context.world.now())
    begin = time.perf_counter_ns()
    _try(node, context, execution, max(node.max_retries - retries_spent, 0))
    execution.usage = context.usage
    _conclude(node, execution)
    execution.execution_time_us = (time.perf_counter_ns() - begin) // 1000
    execution.completed = context.world.now()
    return execution


def _try(node: NodeToRun, context: NodeContext, execution: Execution, own_retries: int) -> None:
    """Attempt until it works, or neither the document nor the deployment wants another attempt."""
    policies: RetryPolicies = context.world.extras.get("retries") or RetryPolicies()
    policy = policies.find(context.workflow_id, node.node_type.id)
    for number in itertools.count(1):
        _attempt(node, context, execution, number)
        if execution.error is None or execution.cause is not None:
            return
        wait = policies.next_wait(policy, execution.error, number, own_retries, context.world.rng)
        if wait is None:
            return
        if wait > 0:
            policies.sleep(wait)


def refused(node: NodeToRun, error: FlowDropError, now: dt.datetime) -> Execution:
    """Return the execution of a node that could not even start, such as when the run's inputs are not accepted."""
    execution = Execution(status="failed", error=_error(node, error), started=now, completed=now, cause=error)
    execution.attempts.append({"number": 1, "started": now.isoformat(), "execution_time_us": 0, "error": execution.error})
    return execution


def failed(node: NodeToRun, error: dict[str, Any], now: dt.datetime) -> Execution:
    """Return the execution of a node that failed for a reason outside of its processor; an error edge may take it (ERR-7).

    :param error: the payload of :func:`error_envelope`.
    """
    execution = Execution(error=error, started=now, completed=now)
    execution.attempts.append({"number": 1, "started": now.isoformat(), "execution_time_us": 0, "error": error})
    _conclude(node, execution)
    return execution


def _attempt(node: NodeToRun, context: NodeContext, execution: Execution, number: int) -> None:
    started, begin = context.world.now(), time.perf_counter_ns()
    execution.error = execution.cause = None
    try:
        execution.outputs = _call(node, context, execution)
    except Interrupt as interrupt:
        execution.status, execution.interrupt = "interrupted", interrupt
    except FlowDropError as error:
        execution.error = _error(node, error)
    except Exception as error:  # noqa: BLE001 - whatever a processor raises must end as this node's failure (ERR-3)
        execution.error = _error(node, NodeError(f"{type(error).__name__}: {error}", code="unexpected_error"))
        execution.cause = error
    execution.attempts.append(
        {
            "number": number,
            "started": started.isoformat(),
            "execution_time_us": (time.perf_counter_ns() - begin) // 1000,
            "error": execution.error,
        }
    )


def _call(node: NodeToRun, context: NodeContext, execution: Execution) -> dict[str, Any]:
    function = _function(node, context)
    config, used, names = substitute(node.config, context.world.secret)
    execution.secrets.extend(used)
    context.world.known_secrets.update(used)
    execution.secret_parameters = names
    execution.params = resolve(node.node_type, config, context.inputs)
    pass_gate(node, execution.params, context, names)
    try:
        outputs = dict(function(execution.params, replace(context, config=config) if names else context))
    except StopRun as stop:
        outputs, execution.stopped = dict(stop.outputs), True
    stripped = strip_hidden(node.node_type, config, outputs)
    check_json(stripped, node_id=node.node_id, node_type_id=node.node_type.id)
    execution.active = active_branches(stripped)
    return stripped


def _function(node: NodeToRun, context: NodeContext) -> Callable[[Mapping[str, Any], NodeContext], dict[str, Any]]:
    if node.node_type.derivative and node.node_type.processor == "workflow_executor":
        from flowdrop_provider.engine.subworkflows import run_as_node

        return partial(run_as_node, node.node_type.derivative)
    found = get_processor(node.node_type.processor) if node.node_type.available else None
    if found is None and context.world.extras.get("remote") is not None:
        return partial(run_remote, node.node_type)
    if found is None:
        raise NodeError(
            f"No processor {node.node_type.executor_plugin or node.node_type.id!r} is installed here.",
            code="processor_missing",
            hint="Install the package that provides it, or let Drupal run this node (setting unknown_processor).",
        )
    return found.function


def _error(node: NodeToRun, error: FlowDropError) -> dict[str, Any]:
    known = error if isinstance(error, NodeError) else None
    return error_envelope(
        node.node_id,
        code=error.code,
        message=error.message,
        retryable=known.retryable if known else False,
        details=known.details if known else {"locator": error.locator} if error.locator else None,
    )


def error_envelope(
    node_id: str, *, code: str, message: str, retryable: bool = False, details: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the error payload of ERR-7; ``details`` only when supplied."""
    envelope = {"message": message, "code": code, "node_id": node_id, "retryable": retryable}
    return {**envelope, "details": details} if details else envelope


def _conclude(node: NodeToRun, execution: Execution) -> None:
    if execution.error is None:
        return
    execution.status = "failed"
    execution.routed = node.routes_errors and execution.cause is None
    execution.outputs = {"error": execution.error} if execution.routed else {}
    execution.active = frozenset()
