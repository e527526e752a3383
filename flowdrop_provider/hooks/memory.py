"""Memory nodes on Airflow: a table in a database of the deployment's choice.

Airflow 3.3 has two key-value stores for workers, and neither serves here: a task's store is readable by that task only, and
an asset's store needs an asset per value, has no expiry and no way to change a value atomically. So the setting
``memory_conn_id`` names an SQL connection, and workers talk to that database, never to Airflow's own.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.memory_store import LOCK_WAIT, MISSING, Place, decoded, encoded

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

__all__ = ["SqlMemory", "airflow_memory"]

#: Seconds after which a lock counts as left behind by a worker that died.
_STALE = 60.0
_PAUSE = 0.05
#: SQLAlchemy's drivers by connection type, for deployments without the type's provider.
_DRIVERS = {"postgres": "postgresql+psycopg2", "mysql": "mysql+mysqldb", "sqlite": "sqlite"}


def _digest(place: Place) -> str:
    return hashlib.sha256("\0".join(place).encode("utf-8", "surrogatepass")).hexdigest()


class SqlMemory:
    """Implements :class:`~flowdrop_provider.nodes.memory_store.MemoryStore` on any SQLAlchemy database.

    Two tables, made when they are missing: values by the digest of their place, and one row for each lock that is held.

    :param connect: gives the engine; asked on first use, so that a node without memory opens no connection.
    """

    def __init__(self, connect: Callable[[], Engine]) -> None:
        from sqlalchemy import Column, Float, MetaData, String, Table, Text

        metadata = MetaData()
        self._connect = connect
        self._metadata = metadata
        self._values: Table = Table(
            "flowdrop_memory",
            metadata,
            Column("place", String(64), primary_key=True),
            Column("scope", String(64), nullable=False),
            Column("scope_id", Text, nullable=False),
            Column("name", Text, nullable=False),
            # MySQL's plain TEXT ends at 64 KiB; the others know no length here, and PostgreSQL refuses one.
            Column("value", Text().with_variant(Text(4_000_000), "mysql", "mariadb"), nullable=False),
            Column("ends", Float, nullable=True),
        )
        self._locks: Table = Table(
            "flowdrop_memory_lock",
            metadata,
            Column("place", String(64), primary_key=True),
            Column("holder", String(36), nullable=False),
            Column("since", Float, nullable=False),
        )

    @cached_property
    def _engine(self) -> Engine:
        from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

        engine = self._connect()
        try:
            self._metadata.create_all(engine, checkfirst=True)
        except (IntegrityError, OperationalError, ProgrammingError):
            # Another worker made them between the look and the making; whatever else it was happens again now.
            self._metadata.create_all(engine, checkfirst=True)
        return engine

    def get(self, place: Place) -> Any:
        """Return the value or :data:`MISSING`."""
        from sqlalchemy import select

        wanted = select(self._values.c.value, self._values.c.ends).where(self._values.c.place == _digest(place))
        with self._engine.connect() as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None or (row.ends is not None and row.ends <= time.time()):
            return MISSING
        return decoded(row.value)

    def put(self, place: Place, value: Any, ttl: float = 0) -> None:
        """Keep a value; of two writers at the same moment the later one wins."""
        from sqlalchemy import delete, insert
        from sqlalchemy.exc import IntegrityError

        digest = _digest(place)
        row = {"place": digest, "scope": place.scope, "scope_id": place.scope_id, "name": place.key, "value": encoded(value)}
        row_ends = {**row, "ends": time.time() + ttl if ttl > 0 else None}
        for last in (False, True):
            try:
                with self._engine.begin() as connection:
                    connection.execute(delete(self._values).where(self._values.c.place == digest))
                    connection.execute(insert(self._values), row_ends)
            except IntegrityError:
                if last:
                    raise
            else:
                return

    def delete(self, place: Place) -> bool:
        """Forget a value; return whether there was one that still counted."""
        from sqlalchemy import delete

        found = self.get(place) is not MISSING
        with self._engine.begin() as connection:
            connection.execute(delete(self._values).where(self._values.c.place == _digest(place)))
        return found

    @contextmanager
    def locked(self, place: Place, wait: float = LOCK_WAIT) -> Iterator[bool]:
        """Hold a place across workers by a row that only one of them can insert (MEM-12)."""
        from sqlalchemy import delete

        digest, holder = _digest(place), str(uuid.uuid4())
        deadline = time.monotonic() + wait
        held = self._taken(digest, holder)
        while not held and time.monotonic() < deadline:
            time.sleep(_PAUSE)
            held = self._taken(digest, holder)
        try:
            yield held
        finally:
            if held:
                with self._engine.begin() as connection:
                    own = (self._locks.c.place == digest) & (self._locks.c.holder == holder)
                    connection.execute(delete(self._locks).where(own))

    def _taken(self, digest: str, holder: str) -> bool:
        from sqlalchemy import delete, insert
        from sqlalchemy.exc import IntegrityError, OperationalError

        now = time.time()
        try:
            with self._engine.begin() as connection:
                stale = (self._locks.c.place == digest) & (self._locks.c.since < now - _STALE)
                connection.execute(delete(self._locks).where(stale))
                connection.execute(insert(self._locks), {"place": digest, "holder": holder, "since": now})
        except (IntegrityError, OperationalError):
            return False
        return True


@lru_cache(maxsize=4)
def airflow_memory(connection_id: str) -> SqlMemory:
    """Return the memory store of an SQL connection; the tables are looked for once in a process."""
    return SqlMemory(lambda: _engine_of(connection_id))


def _engine_of(connection_id: str) -> Engine:
    """Return the engine of a connection: by its provider's hook, else by its address and a driver that is installed."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException
    from sqlalchemy import URL, create_engine

    connection = BaseHook.get_connection(connection_id)
    try:
        hook: Any = connection.get_hook()  # type: ignore[no-untyped-call]
    except AirflowException as error:
        driver = _DRIVERS.get(connection.conn_type or "")
        if driver is None:
            raise NodeError(
                f"The connection {connection_id!r} of type {connection.conn_type!r} is no SQL database that is known here.",
                code="connection_invalid",
                hint="Install its Airflow provider, or name another connection in [flowdrop] memory_conn_id.",
            ) from error
        if driver == "sqlite":
            return create_engine(URL.create(driver, database=connection.host))
        login, password = connection.login, connection.password
        place = URL.create(driver, login, password, connection.host, connection.port or None, connection.schema)
        return create_engine(place)
    engine: Engine = hook.get_sqlalchemy_engine()
    return engine
