"""Addresses that another system calls back once: a token that names a waiting task, signed by the deployment (INT-19)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence

from flowdrop_provider.errors import ConfigurationError
from flowdrop_provider.library.sealing import mac, proves

__all__ = ["CALL_FIELD", "open_token", "sign_token"]

#: The field of a waiting task that names the callback it waits for.
CALL_FIELD = "interrupt_id"

_PURPOSE = "callback"


def sign_token(task_instance_id: str, interrupt_id: str, keys: Sequence[str]) -> str:
    """Return the token of a wait; nobody can make one for another wait without the key.

    :param keys: the deployment's keys, newest first.
    :raises ConfigurationError: ``CONF_SEAL_KEY_MISSING``.
    """
    if not keys:
        raise ConfigurationError(
            "A callback needs a key to sign its address with.",
            code="CONF_SEAL_KEY_MISSING",
            hint="Set [flowdrop] seal_key or [core] fernet_key, the same on every component.",
        )
    body = json.dumps([task_instance_id, interrupt_id], separators=(",", ":")).encode()
    return f"{_text(body)}.{_text(mac(_PURPOSE, body, keys[0]))}"


def open_token(token: str, keys: Sequence[str]) -> tuple[str, str] | None:
    """Return ``(task instance id, interrupt id)`` of a token that one of the keys signed, else ``None``."""
    told, _, proof = token.partition(".")
    try:
        body, given = _bytes(told), _bytes(proof)
        if not proves(given, _PURPOSE, body, keys):
            return None
        task_instance_id, interrupt_id = json.loads(body)
    except (ValueError, binascii.Error):
        return None
    return str(task_instance_id), str(interrupt_id)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
