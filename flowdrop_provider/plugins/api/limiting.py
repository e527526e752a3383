"""How often one caller may write: a moving window in each API server process, kept by the library ``limits``.

It keeps a script that has run wild, or a page that sends and sends, from filling the scheduler's queue. It is no protection
against a crowd; that is the proxy's work.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers

from flowdrop_provider import conf
from flowdrop_provider.errors import ConfigurationError

if TYPE_CHECKING:
    from limits import RateLimitItem

__all__ = ["caller_of", "seconds_to_wait"]


def caller_of(headers: Headers, client: Any) -> str:
    """Return who sends a request, as far as is known before it is authenticated: credentials by hash, else the address."""
    told = headers.get("authorization") or headers.get("cookie")
    if told:
        return hashlib.sha256(told.encode()).hexdigest()
    return str(client[0]) if client else ""


def seconds_to_wait(caller: str) -> float:
    """Count a writing request; return 0 when it may go on, else the seconds until one may.

    :raises ConfigurationError: ``CONF_WRITE_LIMIT``: the setting is no rate.
    """
    rate = _rate(conf.api_write_limit())
    if rate is None:
        return 0.0
    import time

    window = _window()
    if window.hit(rate, caller):
        return 0.0
    return max(0.1, float(window.get_window_stats(rate, caller).reset_time) - time.time())


@cache
def _window() -> Any:
    from limits.storage import MemoryStorage
    from limits.strategies import MovingWindowRateLimiter

    return MovingWindowRateLimiter(MemoryStorage())


@cache
def _rate(text: str) -> RateLimitItem | None:
    if not text:
        return None
    from limits import parse

    try:
        return parse(text)
    except ValueError as error:
        raise ConfigurationError(
            f"[flowdrop] api_write_limit is {text[:60]!r}, which is no rate.",
            code="CONF_WRITE_LIMIT",
            hint="Write it as 600/minute, or leave it empty for no limit.",
        ) from error
