"""Database sessions of requests, never more at a time than leave some for Airflow itself.

Airflow serves routes like ours in up to 40 threads over a pool of 15 connections, and looks for revoked tokens on the event
loop. When requests hold the whole pool, that look-up waits on the loop for a connection which only the loop could set free, and
the server stands still (measured: 50 clients that poll every second). So requests queue for a slot first, without a connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Annotated

from airflow.utils.session import create_session
from fastapi import Depends
from sqlalchemy.orm import Session

__all__ = ["SessionDep"]


@cache
def _slots() -> asyncio.Semaphore:
    from airflow.configuration import conf

    size = conf.getint("database", "sql_alchemy_pool_size", fallback=5)
    overflow = conf.getint("database", "sql_alchemy_max_overflow", fallback=10)
    # An auth manager may need a second connection for a request; a negative overflow means no bound.
    return asyncio.Semaphore(max(1, (size + overflow) // 2) if overflow >= 0 else 20)


async def _slot() -> AsyncIterator[None]:
    async with _slots():
        yield


def _session(_: Annotated[None, Depends(_slot, scope="function")]) -> Iterator[Session]:
    with create_session(scoped=False) as session:
        yield session


#: The session of a request; committed and closed before the answer is sent.
SessionDep = Annotated[Session, Depends(_session, scope="function")]
