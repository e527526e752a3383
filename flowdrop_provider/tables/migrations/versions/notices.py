"""Who was told what about which run, and what is still to be sent."""

from __future__ import annotations

import sqlalchemy as sa
from airflow.utils.sqlalchemy import UtcDateTime
from alembic import op

revision = "f10d0003"
down_revision = "f10d0002"
branch_labels = None
depends_on = None

_ID = sa.String(250)
_TABLE = "flowdrop_notice"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        _TABLE,
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("rule", _ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("dag_id", _ID, nullable=False),
        sa.Column("run_id", _ID),
        sa.Column("channel_number", sa.Integer(), nullable=False),
        sa.Column("channel", sa.JSON(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_index("idx_flowdrop_notice_key", _TABLE, ["key"], unique=True)
    op.create_index("idx_flowdrop_notice_due", _TABLE, ["status", "next_attempt_at"])


def downgrade() -> None:
    """Drop it with all it holds."""
    op.drop_table(_TABLE)
