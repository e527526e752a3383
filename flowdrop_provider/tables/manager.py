"""The database manager: ``airflow db migrate`` makes and upgrades our tables with it."""

from __future__ import annotations

from pathlib import Path

from airflow.utils.db_manager import BaseDBManager

from flowdrop_provider.tables.models import Base

__all__ = ["FlowDropDBManager"]

_FOLDER = Path(__file__).parent


class FlowDropDBManager(BaseDBManager):
    """Airflow's manager of external tables, told where ours are."""

    metadata = Base.metadata
    version_table_name = "alembic_version_flowdrop"
    migration_dir = str(_FOLDER / "migrations")
    alembic_file = str(_FOLDER / "alembic.ini")
    supports_table_dropping = True
