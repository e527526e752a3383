"""Sends a test message by the channels of a rule for notices, now and once, and says what happened."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from airflow.configuration import conf as airflow_conf

from flowdrop_provider import conf
from flowdrop_provider.errors import ConfigurationError
from flowdrop_provider.plugins.notices.channels import send
from flowdrop_provider.plugins.notices.rules import Rule, read_rules

__all__ = ["list_rules", "try_rule"]


def list_rules() -> list[dict[str, Any]]:
    """Return the rules: ``{rule, workflows, on, channels}``, channels by kind and by whom they reach.

    :raises ConfigurationError: ``CONF_NOTICES``.
    """
    return [
        {
            "rule": rule.id,
            "workflows": list(rule.workflows),
            "on": list(rule.on),
            "channels": [_named(channel) for channel in rule.channels],
        }
        for rule in read_rules(conf.notices())
    ]


def try_rule(rule_id: str) -> dict[str, Any]:
    """Send a test message by each channel of a rule and return ``{rule, sent, channels}``.

    Nothing is written into the book of notices, nothing is tried again, and no throttle counts it. ``sent`` says whether all
    channels took it; each channel has ``kind``, ``to``, ``sent``, ``error`` and ``seconds``.

    :raises ConfigurationError: ``CONF_NOTICES``, ``CONF_NOTICE_UNKNOWN``.
    """
    rules = {rule.id: rule for rule in read_rules(conf.notices())}
    if rule_id not in rules:
        raise ConfigurationError(
            f"There is no rule {rule_id!r} for notices.",
            code="CONF_NOTICE_UNKNOWN",
            hint=f"There are: {', '.join(sorted(rules)) or 'none'}.",
        )
    rule = rules[rule_id]
    told = [_try(channel, _message(rule)) for channel in rule.channels]
    return {"rule": rule.id, "sent": all(channel["sent"] for channel in told), "channels": told}


def _message(rule: Rule) -> dict[str, Any]:
    return {
        "id": f"test-{uuid.uuid4()}",
        "kind": "test",
        "subject": f"Test of the FlowDrop rule {rule.id}",
        "dag_id": ", ".join(rule.workflows),
        "run_id": None,
        "detail": f"Nothing happened. This rule tells of: {', '.join(rule.on)}.",
        "link": str(airflow_conf.get("api", "base_url", fallback="") or ""),
        "error": None,
    }


def _try(channel: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    why, began = None, time.monotonic()
    try:
        send(channel, body)
    except Exception as error:  # noqa: BLE001 - what goes wrong is what somebody wants to know
        why = f"{type(error).__name__}: {error}"[:1000]
    return {**_named(channel), "sent": why is None, "error": why, "seconds": round(time.monotonic() - began, 3)}


def _named(channel: Mapping[str, Any]) -> dict[str, str]:
    """Return a channel without its arguments, which may hold more than everybody should read."""
    to = {"mail": "to", "webhook": "conn_id", "notifier": "class"}[channel["kind"]]
    reached = channel[to]
    return {"kind": channel["kind"], "to": ", ".join(reached) if isinstance(reached, list) else str(reached)}
