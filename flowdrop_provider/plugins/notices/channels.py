"""The ways out: mail, a signed webhook, any notifier of Airflow's."""

from __future__ import annotations

import html
import importlib
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

__all__ = ["send", "text_of"]

#: Seconds a receiver may take.
_TIMEOUT = 10.0


def text_of(body: Mapping[str, Any]) -> str:
    """Return a notice as people read it."""
    lines = [body["subject"], "", f"Workflow: {body['dag_id']}"]
    lines += [f"{name}: {body[key]}" for name, key in (("Run", "run_id"), ("Details", "detail"), ("Link", "link")) if body[key]]
    if body["error"]:
        lines.append(f"Node {body['error'].get('node_id')}: {body['error'].get('message')} [{body['error'].get('code')}]")
    return "\n".join(lines)


def send(channel: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    """Send a notice; raises whatever goes wrong, and the caller tries again."""
    {"mail": _mail, "webhook": _webhook, "notifier": _notifier}[channel["kind"]](channel, body)


def _mail(channel: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    with _smtp(channel.get("conn_id", "smtp_default")) as hook:
        hook.send_email_smtp(
            to=channel["to"],
            subject=body["subject"].replace("\n", " "),
            html_content=f"<pre>{html.escape(text_of(body))}</pre>",
            from_email=channel.get("from"),
        )


def _smtp(conn_id: str) -> Any:
    """Return Airflow's hook for one attempt of ours.

    By itself it tries six times for 30 seconds each, longer than the lease of a notice: another scheduler would send it too.
    """
    from airflow.providers.smtp.hooks.smtp import SmtpHook
    from airflow.sdk import BaseHook

    # The hook's own refusal does not say which one is missing.
    BaseHook.get_connection(conn_id)

    class OneAttempt(SmtpHook):
        smtp_retry_limit = 0
        timeout = _TIMEOUT  # type: ignore[assignment]  # sockets take fractions

    return OneAttempt(smtp_conn_id=conn_id)


def _webhook(channel: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    """Post the notice to the connection's address, signed with its password as requests to Drupal are."""
    import requests
    from airflow.sdk import BaseHook

    from flowdrop_provider.drupal.signing import signed_headers

    connection = BaseHook.get_connection(channel["conn_id"])
    host = connection.host or ""
    base = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    url = f"{base}:{connection.port}" if connection.port and not urlsplit(base).port else base
    url = url.rstrip("/") + str(channel.get("path", "" if urlsplit(url).path else "/"))
    content = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json"}
    if connection.password:
        target, now = urlsplit(url).path or "/", int(time.time())
        headers |= signed_headers(connection.password, "POST", target, content, now=now, delivery=str(body["id"]))
    reply = requests.post(url, data=content, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
    if not reply.ok or reply.is_redirect:
        raise ConnectionError(f"The webhook answered {reply.status_code}.")


def _notifier(channel: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    """Call a notifier by its class path; its arguments may use ``{subject}``, ``{text}`` and ``{link}``."""
    module, _, name = str(channel["class"]).rpartition(".")
    given = {"subject": body["subject"], "text": text_of(body), "link": body["link"]}
    arguments = {
        key: value.format_map(given) if isinstance(value, str) else value
        for key, value in (channel.get("arguments") or {}).items()
    }
    getattr(importlib.import_module(module), name)(**arguments).notify({"flowdrop": dict(body)})
