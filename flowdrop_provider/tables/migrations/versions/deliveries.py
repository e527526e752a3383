"""What was told to a Drupal site about each run, and what is on its way."""

from __future__ import annotations

import sqlalchemy as sa
from airflow.utils.sqlalchemy import UtcDateTime
from alembic import op

revision = "f10d0002"
down_revision = "f10d0001"
branch_labels = None
depends_on = None

_ID = sa.String(250)
_TABLE = "flowdrop_delivery"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        _TABLE,
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("dag_id", _ID, nullable=False),
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("event", sa.JSON()),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
    )
    op.create_index("idx_flowdrop_delivery_run", _TABLE, ["dag_id", "run_id"], unique=True)
    op.create_index("idx_flowdrop_delivery_open", _TABLE, ["finished", "next_attempt_at"])


def downgrade() -> None:
    """Drop it with all it holds."""
    op.drop_table(_TABLE)
