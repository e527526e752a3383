"""Nodes that run somewhere else: the contract ``execute-node`` with the Drupal module (``docs/drupal.md``).

A processor that nobody provides in Python is asked for there. The request carries a key that names this execution of this
node, and the other side keeps what a key gave, so that a request whose answer was lost may be sent again without doing
anything twice.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from flowdrop_provider.document.node_types import NodeType
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.api import Interrupt, NodeContext, Outputs, Params

__all__ = ["CONTRACT", "RemoteNodes", "node_request", "outcome_of", "run_remote"]

#: The version of the contract.
CONTRACT = 1

_QUESTIONS = frozenset({"confirmation", "choice", "text", "form"})
#: Seconds until a node that is still at work is asked for again, at most.
_LONGEST = 3600


class RemoteNodes(Protocol):
    """Runs nodes elsewhere; the service ``remote`` of a :class:`~flowdrop_provider.nodes.world.World`."""

    def execute(self, request: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """Return the reply to a request.

        :param key: the request's idempotency key.
        :raises NodeError: there is none; retryable where trying again may help.
        """
        ...


def node_request(node_type: NodeType, params: Params, context: NodeContext) -> dict[str, Any]:
    """Return the body of a request."""
    return {
        "contract": CONTRACT,
        "processor": node_type.executor_plugin or node_type.id,
        "node_type_id": node_type.id,
        "node_id": context.node_id,
        "label": context.label,
        "workflow_id": context.workflow_id,
        "run_id": context.run_id,
        "idempotency_key": _key(context),
        "parameters": dict(params),
        "inputs": dict(context.inputs),
        "config": dict(context.config),
        "initial_data": dict(context.initial_data),
        "resume": dict(context.resume) if context.resume is not None and not _waited(context.resume) else None,
    }


def _key(context: NodeContext) -> str:
    # Without a name for the execution (a node used as a tool) it is at least the same within this request.
    return uuid.uuid5(uuid.NAMESPACE_URL, context.execution_id).hex if context.execution_id else uuid.uuid4().hex


def _waited(resume: Mapping[str, Any]) -> bool:
    return resume.get("timed_out") is True


def outcome_of(reply: Mapping[str, Any], now: dt.datetime) -> Outputs:
    """Return the outputs of a reply.

    :raises NodeError: what the processor there raised, or ``remote_reply`` for a reply that breaks the contract.
    :raises Interrupt: the node asks a person, or is still at work: then it is asked for again after a pause.
    """
    status = reply.get("status")
    if status == "success":
        # PHP's empty array is a list in JSON.
        output = reply.get("output")
        return dict(output) if isinstance(output, Mapping) else _only_empty(output)
    if status == "error":
        raise _error(reply.get("error"))
    if status == "running":
        raise Interrupt("timer", "The node is still at work.", wait_until=_later(reply.get("retry_after"), now))
    if status == "interrupt":
        raise _question(reply.get("interrupt"))
    raise _broken(f"the status {str(status)[:60]!r}")


def _only_empty(output: Any) -> Outputs:
    if output in ([], None):
        return {}
    raise _broken("outputs that are no object")


def _broken(what: str) -> NodeError:
    return NodeError(f"The reply of the other side has {what}.", code="remote_reply")


def _error(error: Any) -> NodeError:
    told = error if isinstance(error, Mapping) else {}
    details = told.get("details")
    return NodeError(
        str(told.get("message") or "The node failed there without a message."),
        code=str(told.get("code") or "remote_error"),
        retryable=told.get("retryable") is True,
        details=dict(details) if isinstance(details, Mapping) else None,
    )


def _later(seconds: Any, now: dt.datetime) -> str:
    wait = seconds if isinstance(seconds, int | float) and not isinstance(seconds, bool) else 5
    return (now + dt.timedelta(seconds=min(_LONGEST, max(1, wait)))).isoformat()


def _question(asked: Any) -> Interrupt:
    if not isinstance(asked, Mapping) or asked.get("kind") not in _QUESTIONS:
        raise _broken("a question of an unknown kind")
    schema, options = asked.get("schema"), asked.get("options")
    chosen = [item for item in options if isinstance(item, Mapping) and "label" in item] if isinstance(options, list) else []
    return Interrupt(
        str(asked["kind"]),
        str(asked.get("message") or ""),
        schema=schema if isinstance(schema, Mapping) else None,
        options=[{"value": item.get("value", item["label"]), **item} for item in chosen],
        default=asked.get("default"),
    )


def run_remote(node_type: NodeType, params: Params, context: NodeContext) -> Outputs:
    """Run a node elsewhere: a processor for every node type that has none here.

    :raises NodeError: see :func:`outcome_of` and :meth:`RemoteNodes.execute`.
    """
    remote: RemoteNodes = context.world.extras["remote"]
    request = node_request(node_type, params, context)
    return outcome_of(remote.execute(request, request["idempotency_key"]), context.world.now())
