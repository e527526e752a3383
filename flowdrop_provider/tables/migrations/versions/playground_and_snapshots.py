"""Sessions and messages of the playground, snapshots of runs."""

from __future__ import annotations

import sqlalchemy as sa
from airflow.utils.sqlalchemy import UtcDateTime
from alembic import op

revision = "f10d0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.String(250)


def _session() -> None:
    op.create_table(
        "flowdrop_playground_session",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dag_id", _ID, nullable=False),
        sa.Column("workflow_id", _ID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("owner", _ID),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("id", name="flowdrop_playground_session_id_key"),
    )
    op.create_index("ix_flowdrop_playground_session_dag_id", "flowdrop_playground_session", ["dag_id"])


def _message() -> None:
    op.create_table(
        "flowdrop_playground_message",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("session_number", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(300), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("node_id", _ID),
        sa.Column("run_id", _ID),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["session_number"], ["flowdrop_playground_session.number"], ondelete="CASCADE"),
    )
    table = "flowdrop_playground_message"
    op.create_index("idx_flowdrop_message_sequence", table, ["session_number", "sequence"], unique=True)
    op.create_index("idx_flowdrop_message_source", table, ["session_number", "source"], unique=True)


def _snapshot() -> None:
    op.create_table(
        "flowdrop_snapshot",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("execution_id", sa.String(700), nullable=False),
        sa.Column("dag_id", _ID, nullable=False),
        sa.Column("workflow_id", _ID, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("owner", _ID),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("execution_id", name="flowdrop_snapshot_execution_id_key"),
    )
    op.create_index("ix_flowdrop_snapshot_dag_id", "flowdrop_snapshot", ["dag_id"])


def upgrade() -> None:
    """Make the tables."""
    _session()
    _message()
    _snapshot()


def downgrade() -> None:
    """Drop them with all they hold."""
    for table in ("flowdrop_snapshot", "flowdrop_playground_message", "flowdrop_playground_session"):
        op.drop_table(table)
