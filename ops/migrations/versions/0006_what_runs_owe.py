"""What the end of a run owes, known when it is accepted.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kinds = sa.Column(
        "owes", postgresql.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")
    )
    op.add_column("runs", kinds)


def downgrade() -> None:
    op.drop_column("runs", "owes")
