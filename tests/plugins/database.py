"""Airflow's tables and ours in memory, for tests of queries that need no running Airflow."""

from __future__ import annotations

import contextlib
from typing import Any

from sqlalchemy import Engine, StaticPool, create_engine
from sqlalchemy.orm import Session


def airflow_tables(*flows: str, others: tuple[str, ...] = ()) -> Engine:
    """Return an empty database with DAGs: workflows of ours, and others."""
    from airflow import models
    from airflow.models.base import Base as AirflowBase
    from airflow.models.dag import DagModel, DagTag
    from airflow.models.dagbundle import DagBundleModel

    from flowdrop_provider.tables.models import Base

    models.import_all_models()
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    AirflowBase.metadata.create_all(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(DagBundleModel(name="b"))
        session.flush()
        for dag_id in (*flows, *others):
            session.add(DagModel(dag_id=dag_id, bundle_name="b"))
            session.flush()
            session.add(DagTag(name="flowdrop" if dag_id in flows else "x", dag_id=dag_id))
        session.commit()
    return engine


@contextlib.contextmanager
def sessions(engine: Engine) -> Any:
    """Give a function that opens committing sessions; in the end everything but the DAGs is deleted."""
    from airflow.models.base import Base as AirflowBase

    from flowdrop_provider.tables.models import Base

    @contextlib.contextmanager
    def open_session() -> Any:
        with Session(engine) as session:
            yield session
            session.commit()

    yield open_session
    with engine.begin() as connection:
        for table in (*AirflowBase.metadata.sorted_tables[::-1], *Base.metadata.sorted_tables[::-1]):
            if table.name not in ("dag", "dag_tag", "dag_bundle"):
                connection.execute(table.delete())
