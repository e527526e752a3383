"""Sealing with the deployment's keys: what travels through Airflow's database and must not lie open in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowdrop_provider.errors import ConfigurationError

__all__ = ["cipher"]


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
