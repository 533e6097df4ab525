"""Priority and limit key of a run, so that a job that Redis lost is delivered as before.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, default in (("priority", "ingestion"), ("limit_key", "")):
        column = sa.Column(name, sa.Text(), nullable=False, server_default=sa.text(f"'{default}'"))
        op.add_column("runs", column)


def downgrade() -> None:
    op.drop_column("runs", "limit_key")
    op.drop_column("runs", "priority")
