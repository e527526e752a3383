"""When a request to Drupal is sent again, and after how long."""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flowdrop_provider.nodes.world import HttpReply, HttpRequest

__all__ = ["Backoff", "may_repeat", "wants_repeat"]

#: Repeating these changes nothing more than sending them once (RFC 9110, 9.2.2); JSON:API's PATCH sets values.
_SAFE = frozenset({"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"})
_BUSY = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Backoff:
    """How patient a client is.

    :ivar attempts: requests at most, the first included.
    :ivar first: seconds before the second request; doubled each time, with up to a fifth of jitter.
    :ivar longest: seconds a single wait takes at most, whatever ``Retry-After`` says.
    """

    attempts: int = 4
    first: float = 0.5
    longest: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    rng: random.Random = field(default_factory=random.SystemRandom)

    def wait(self, attempt: int, reply: HttpReply | None) -> None:
        """Wait after the attempt with this number (1 is the first)."""
        seconds = self.first * 2 ** (attempt - 1) * (1 + self.rng.random() / 5)
        asked = _retry_after(reply) if reply is not None else None
        self.sleep(min(self.longest, max(seconds, asked or 0.0)))


def _retry_after(reply: HttpReply) -> float | None:
    text = next((value for name, value in reply.headers if name.lower() == "retry-after"), "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def may_repeat(request: HttpRequest) -> bool:
    """Return whether nothing is done twice when the request is sent again: by its method, or by its idempotency key."""
    return request.method.upper() in _SAFE or any(name.lower() == "idempotency-key" for name in request.headers)


def wants_repeat(request: HttpRequest, reply: HttpReply, told: Mapping[str, object]) -> bool:
    """Return whether a reply means "later": 429 and 503 always, other 5xx for repeatable requests.

    FlowDrop answers 500 for what others call 404 and 422 (measured); its envelope gives that away, and repeating helps nobody.
    """
    if reply.status in _BUSY:
        return True
    return reply.status >= 500 and may_repeat(request) and told.get("success") is not False
