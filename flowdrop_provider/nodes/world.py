"""What a node needs from the world, as small protocols with plain defaults.

``flowdrop run`` and the tests use the defaults here; on Airflow the operators pass implementations built on hooks,
connections and object storage. A node asks the world at run time and never at import, so a processor stays a plain
function that a test calls with a world of its own.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from flowdrop_provider.errors import NodeError

__all__ = ["FileStore", "HttpClient", "HttpReply", "HttpRequest", "World", "utc_now"]


def utc_now() -> dt.datetime:
    """Return the current moment, aware, in UTC."""
    return dt.datetime.now(dt.timezone.utc)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One outbound request; ``timeout`` in seconds, ``body`` already encoded or ``None``."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout: float = 30.0
    follow_redirects: bool = True
    max_redirects: int = 5
    connection_id: str | None = None


@dataclass(frozen=True, slots=True)
class HttpReply:
    """The answer: ``headers`` in the order received, repeated names kept; ``url`` is where the redirects ended.

    :ivar history: the headers of each redirect on the way, first hop first.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str
    history: tuple[tuple[tuple[str, str], ...], ...] = ()


class HttpClient(Protocol):
    """Sends a request; refuses addresses the deployment does not allow (NET-1..3)."""

    def send(self, request: HttpRequest) -> HttpReply:
        """Return the reply of any status; raise :class:`NodeError` (retryable where sensible) when there is none."""
        ...


class FileStore(Protocol):
    """Files below one configured root; names are relative, traversal is refused."""

    def write(self, name: str, data: bytes, *, append: bool = False) -> str:
        """Write and return the public path."""
        ...

    def exists(self, name: str) -> bool:
        """Return whether the file is there."""
        ...

    def read(self, name: str) -> bytes:
        """Return the content; raise :class:`NodeError` ``file_not_found``."""
        ...


def _unreported(node_id: str, kind: str, facts: Mapping[str, Any]) -> None:
    logging.getLogger("flowdrop.node").debug("%s %s: %s", node_id, kind, facts)


def _missing(what: str, how: str) -> Callable[..., Any]:
    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise NodeError(f"This run has no {what}.", code="service_unavailable", hint=how)

    return refuse


@dataclass(slots=True)
class World:
    """The services of one run; every field has a default that works in one process or refuses with a hint.

    :ivar now: the clock (aware, UTC).
    :ivar rng: randomness; a test passes a seeded one.
    :ivar secret: name -> value of ``${{ secrets.NAME }}``.
    :ivar known_secrets: the values that the run has used so far, for whoever shows something of it.
    :ivar http: outbound requests; ``None`` refuses.
    :ivar files: the file root; ``None`` refuses.
    :ivar report: takes what a job cost besides time, as ``(node_id, "ai_usage", facts)``; the host adds it to the job
        and to its metrics.
    :ivar yaml: whether YAML is read and written; false stands for a site whose PHP lacks the YAML extension.
    :ivar session_id: the chat session the run belongs to, ``""`` for none; from the launch, never from a node's input.
    :ivar user_id: the user whose memory the run may use, in a session its owner (MEM-8); ``""`` or ``"0"`` for nobody.
    :ivar extras: services of optional node packs by name (``memory``, ``models``, ``embeddings``, ``drupal``,
        ``workflows``, ``callbacks``, ``tools``); each pack's module has the protocol.
    """

    now: Callable[[], dt.datetime] = utc_now
    rng: random.Random = field(default_factory=random.SystemRandom)
    secret: Callable[[str], str] = field(
        default_factory=lambda: _missing("secrets", "Define the secret as an Airflow variable or connection.")
    )
    known_secrets: set[str] = field(default_factory=set)
    http: HttpClient | None = None
    files: FileStore | None = None
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("flowdrop.node"))
    report: Callable[[str, str, Mapping[str, Any]], None] = _unreported
    yaml: bool = True
    session_id: str = ""
    user_id: str = ""
    extras: dict[str, Any] = field(default_factory=dict)

    def require_http(self) -> HttpClient:
        """Return the HTTP client or raise a node-level error."""
        return self.http or _missing("network access", "Run on Airflow, or pass an HTTP client to the world.")()

    def require_files(self) -> FileStore:
        """Return the file store or raise a node-level error."""
        return self.files or _missing("file storage", "Set [flowdrop] file_root.")()

    def require(self, service: str, what: str, how: str) -> Any:
        """Return the service of an optional node pack from :attr:`extras`.

        :param what: what the service is, for the error's sentence.
        :param how: what an operator does to have it.
        :raises NodeError: ``service_unavailable``.
        """
        return self.extras.get(service) or _missing(what, how)()
