"""Where the picture of a portfolio lies.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("candidate_versions", sa.Column("portfolio_key", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("candidate_versions", "portfolio_key")
