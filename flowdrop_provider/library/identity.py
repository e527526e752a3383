"""Whose chat session a run belongs to, proved: a run's ``conf`` can be written by anybody who may trigger its DAG (MEM-9).

The API server signs the session when a turn starts a run; the worker believes nothing that is not signed for *this* run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowdrop_provider.library.sealing import mac, proves

__all__ = ["ChatIdentity", "read_identity", "sign_identity"]

_PURPOSE = "chat session"


@dataclass(frozen=True, slots=True)
class ChatIdentity:
    """The chat session of a run and the user whose memory it may use.

    :ivar session_id: UUID of the session.
    :ivar owner: its owner's Airflow user id, ``""`` for nobody.
    """

    session_id: str
    owner: str


def sign_identity(identity: ChatIdentity, dag_id: str, run_id: str, keys: Sequence[str]) -> dict[str, str]:
    """Return what a run carries in its configuration; without a key there is no ``proof``, and nobody will believe it."""
    told = {"id": identity.session_id, "owner": identity.owner}
    return {**told, "proof": mac(_PURPOSE, _body(identity, dag_id, run_id), keys[0]).hex()} if keys else told


def read_identity(told: Any, dag_id: str, run_id: str, keys: Sequence[str]) -> ChatIdentity | None:
    """Return the identity that a run's configuration proves for this very run, else ``None``.

    :param told: whatever lies there.
    :param keys: the deployment's keys, newest first; an older one proves as well.
    """
    if not isinstance(told, Mapping):
        return None
    identity = ChatIdentity(str(told.get("id") or ""), str(told.get("owner") or ""))
    try:
        given = bytes.fromhex(str(told.get("proof") or ""))
    except ValueError:
        return None
    good = bool(identity.session_id) and proves(given, _PURPOSE, _body(identity, dag_id, run_id), keys)
    return identity if good else None


def _body(identity: ChatIdentity, dag_id: str, run_id: str) -> bytes:
    return json.dumps([dag_id, run_id, identity.session_id, identity.owner]).encode()
