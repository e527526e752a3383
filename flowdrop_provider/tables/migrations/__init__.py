"""The migrations of our tables, run by Alembic."""
