"""The confirmation gate: a node with side effects asks a person before it is executed, where policy says so (RT-GATE-1..13).

The question is about exactly these arguments: consent is kept under a digest of them, used once, and worth nothing for others.
Whether a node has to ask is decided when it is about to run, from the node type as it is then.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowdrop_provider.document.node_types import NodeType
from flowdrop_provider.engine.redaction import Redactor
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.values import truthy
from flowdrop_provider.nodes._tool_calls import tool_schema
from flowdrop_provider.nodes.api import Interrupt, NodeContext

if TYPE_CHECKING:
    from flowdrop_provider.engine.execution import NodeToRun
    from flowdrop_provider.engine.progress import Waiting

__all__ = ["CONFIRMATION_PORT", "CONSENTS", "GatePolicy", "consent_of", "is_gate", "must_ask", "pass_gate"]

#: The reserved input port that adds an approval where the node type grants dynamic escalation (RT-GATE-9).
CONFIRMATION_PORT = "requires_confirmation"

#: The reserved configuration key of an author's choice, and what may be chosen; empty defers to the policy (RT-GATE-7).
_CHOICE = "requiresConfirmation"
_CHOICES = {"require": True, "waive": False}

#: Member of a question's context that tells it from a question of a node itself.
_MARK = "gate"

#: Characters of an argument that a question shows.
_MAX_SHOWN = 500

#: Worlds keep the run's consents, by digest, under this name.
CONSENTS = "consents"


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """The deployment's part of the gate.

    :ivar asks_by_default: whether a node with side effects asks when neither its author nor its type says anything.
    :ivar expires_in: seconds until an unanswered question cancels the run; always positive.
    :ivar by_hand: a person runs this one node and nothing else, which is consent enough.
    """

    asks_by_default: bool = True
    expires_in: float = 86_400.0
    by_hand: bool = False


def must_ask(node_type: NodeType, config: Mapping[str, Any], delivered: Mapping[str, Any], policy: GatePolicy) -> bool:
    """Return whether an execution needs consent (RT-GATE-7, RT-GATE-8).

    :param delivered: values by input port; only the reserved confirmation port counts.
    """
    governance = node_type.confirmation
    if not governance:
        return node_type.side_effects and policy.asks_by_default
    if _granted(governance.get("dynamic_controls")) and truthy(delivered.get(CONFIRMATION_PORT)):
        return True
    choice = config.get(_CHOICE)
    if isinstance(choice, str) and choice in _CHOICES and choice in _listed(governance.get("author_controls")):
        return _CHOICES[choice]
    stated = governance.get("policy")
    if stated in ("ask", "skip"):
        return bool(stated == "ask")
    return node_type.side_effects and policy.asks_by_default


def _granted(controls: Any) -> bool:
    return "require" in _listed(controls) or "escalate" in _listed(controls)


def _listed(controls: Any) -> list[str]:
    """Return the granted controls; Drupal writes a list or a map, an empty one grants nothing."""
    if isinstance(controls, Mapping):
        return [str(name) for key, value in controls.items() for name in (key, value) if isinstance(name, str) and value]
    return [str(name) for name in controls] if isinstance(controls, list | tuple) else []


def pass_gate(node: NodeToRun, params: Mapping[str, Any], context: NodeContext, hidden: list[str]) -> None:
    """Let an execution pass that needs no consent or has it; the consent is used up.

    :param params: resolved parameters.
    :param hidden: names of parameters that hold a secret; shown as ``<secret>`` whole (RT-GATE-12).
    :raises Interrupt: consent is asked for.
    :raises NodeError: ``confirmation_declined``, with who declined and when (RT-GATE-4).
    """
    if context.resume is not None:
        return  # The node asked something itself, so it had passed before.
    policy: GatePolicy = context.world.extras.get("gate") or GatePolicy()
    if policy.by_hand or not must_ask(node.node_type, node.config, context.inputs, policy):
        return
    digest = _digest(node, params, context)
    consents: MutableMapping[str, Mapping[str, Any]] = context.world.extras.get(CONSENTS, {})
    consent = consents.pop(digest, None)
    if consent is None:
        raise _question(node, params, hidden, digest, policy, context.world.known_secrets)
    if consent.get("value") is not True or consent.get("expired"):
        raise _declined(consent)


def _digest(node: NodeToRun, params: Mapping[str, Any], context: NodeContext) -> str:
    """Return what a consent is bound to: the node and its canonical arguments, the escalation's value among them."""
    arguments = {name: value for name, value in params.items() if not name.startswith("__")}
    if CONFIRMATION_PORT in context.inputs and _granted(node.node_type.confirmation.get("dynamic_controls")):
        arguments[CONFIRMATION_PORT] = context.inputs[CONFIRMATION_PORT]
    text = json.dumps([node.node_id, arguments], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _question(
    node: NodeToRun, params: Mapping[str, Any], hidden: list[str], digest: str, policy: GatePolicy, known: Iterable[str]
) -> Interrupt:
    fillable = tool_schema(node.node_type, node.config)["properties"]
    shown = {name: "<secret>" if name in hidden else params[name] for name in fillable if params.get(name) is not None}
    masked, _ = Redactor(known).redact(shown)
    lines = [f"- {name}: {_short(value)}" for name, value in masked.items()]
    message = "\n".join([f"Run {node.label or node.node_id}?", *lines])
    return Interrupt(
        "confirmation",
        message,
        schema={"type": "boolean"},
        options=[{"value": True, "label": "Approve"}, {"value": False, "label": "Decline"}],
        expires_in=policy.expires_in,
        context={_MARK: digest, "arguments": {name: _short(value) for name, value in masked.items()}},
    )


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"


def _declined(consent: Mapping[str, Any]) -> NodeError:
    reason = "expired" if consent.get("expired") else "declined"
    return NodeError(
        "Nobody approved it in time." if consent.get("expired") else "A person declined it.",
        code="confirmation_declined",
        details={
            "interrupt_type": "confirmation",
            "reason": reason,
            "user_id": consent.get("user_id"),
            "at": consent.get("answered_at"),
            "interrupt_id": consent.get("interrupt_id"),
        },
    )


def is_gate(interrupt: Interrupt) -> bool:
    """Return whether a question is the gate's, and not one that a node asks."""
    return _MARK in interrupt.context


def consent_of(waiting: Waiting, answer: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return ``(digest, consent)`` when an answer answers a gate, ``None`` for a node's own question (RT-GATE-1).

    An answer that was given after the question had expired is a decline.
    """
    digest = waiting.context.get(_MARK)
    if not isinstance(digest, str):
        return None
    return digest, {**answer, "expired": _late(waiting, answer)}


def _late(waiting: Waiting, answer: Mapping[str, Any]) -> bool:
    try:
        asked, answered = (dt.datetime.fromisoformat(str(moment)) for moment in (waiting.asked_at, answer.get("answered_at")))
        return waiting.expires_in is not None and (answered - asked).total_seconds() > waiting.expires_in
    except (ValueError, TypeError):
        return False
