"""How alembic reaches Airflow's database, and which of its tables are ours."""

from __future__ import annotations

from typing import Any

from airflow import settings
from alembic import context

from flowdrop_provider.tables.manager import FlowDropDBManager

_METADATA = FlowDropDBManager.metadata
_VERSION_TABLE = FlowDropDBManager.version_table_name


def _is_ours(_: Any, name: str | None, kind: str, *__: Any) -> bool:
    return kind != "table" or name in _METADATA.tables


def _print_sql() -> None:
    """Write the statements instead of running them (``airflow db migrate --show-sql-only``)."""
    context.configure(
        url=settings.SQL_ALCHEMY_CONN, target_metadata=_METADATA, literal_binds=True, version_table=_VERSION_TABLE
    )
    with context.begin_transaction():
        context.run_migrations()


def _migrate(connection: Any) -> None:
    context.configure(
        connection=connection,
        target_metadata=_METADATA,
        transaction_per_migration=True,
        compare_type=True,
        render_as_batch=True,
        version_table=_VERSION_TABLE,
        include_object=_is_ours,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _print_sql()
elif (given := context.config.attributes.get("connection")) is not None:
    _migrate(given)
else:
    with settings.get_engine().connect() as opened:  # type: ignore[no-untyped-call]
        _migrate(opened)
