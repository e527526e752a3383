"""Sealing and signing with the deployment's keys: what must not lie open in Airflow's database, or not be made by others."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

from flowdrop_provider.errors import ConfigurationError

__all__ = ["cipher", "mac", "proves"]


def cipher(keys: Sequence[str]) -> Any:
    """Return the Fernet cipher of the keys, newest first.

    :raises ConfigurationError: ``CONF_SEAL_KEY_MISSING`` or ``CONF_SEAL_KEY_INVALID``.
    """
    from cryptography.fernet import Fernet, MultiFernet

    if not keys:
        raise ConfigurationError(
            "A value with secrets must travel to the next node, and there is no key to seal it with.",
            code="CONF_SEAL_KEY_MISSING",
            hint="Set [flowdrop] seal_key or [core] fernet_key, the same on every worker.",
        )
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ConfigurationError(
            "The key that seals values is no Fernet key.",
            code="CONF_SEAL_KEY_INVALID",
            hint="Make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'",
        ) from error


def mac(purpose: str, body: bytes, key: str) -> bytes:
    """Return the HMAC-SHA256 of a body; one that was made for another purpose does not fit."""
    return hmac.new(key.encode(), f"flowdrop {purpose}\n".encode() + body, hashlib.sha256).digest()


def proves(given: bytes, purpose: str, body: bytes, keys: Sequence[str]) -> bool:
    """Return whether one of the deployment's keys made ``given``; an older one proves as well."""
    return any(hmac.compare_digest(given, mac(purpose, body, key)) for key in keys)
