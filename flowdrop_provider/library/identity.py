"""Whose chat session a run belongs to, proved: a run's ``conf`` can be written by anybody who may trigger its DAG (MEM-9).

The API server signs the session when a turn starts a run; the worker believes nothing that is not signed for *this* run.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["ChatIdentity", "read_identity", "sign_identity"]


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
    return {**told, "proof": _proof(identity, dag_id, run_id, keys[0])} if keys else told


def read_identity(told: Any, dag_id: str, run_id: str, keys: Sequence[str]) -> ChatIdentity | None:
    """Return the identity that a run's configuration proves for this very run, else ``None``.

    :param told: whatever lies there.
    :param keys: the deployment's keys, newest first; an older one proves as well.
    """
    if not isinstance(told, Mapping):
        return None
    identity = ChatIdentity(str(told.get("id") or ""), str(told.get("owner") or ""))
    given = str(told.get("proof") or "")
    if not identity.session_id or not given.isascii():
        return None
    good = any(hmac.compare_digest(given, _proof(identity, dag_id, run_id, key)) for key in keys)
    return identity if good else None


def _proof(identity: ChatIdentity, dag_id: str, run_id: str, key: str) -> str:
    text = json.dumps(["flowdrop chat session", dag_id, run_id, identity.session_id, identity.owner])
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
