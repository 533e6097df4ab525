"""Which key of the ring wraps a data key: asked at every start, so it has an index.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    wrapped_with = sa.Column(
        "wrapped_with",
        sa.Text(),
        sa.Computed("split_part(wrapped, '.'::text, 2)", persisted=True),
        nullable=False,
    )
    op.add_column("data_keys", wrapped_with)
    op.create_index(op.f("ix_data_keys_wrapped_with"), "data_keys", ["wrapped_with"])


def downgrade() -> None:
    op.drop_index(op.f("ix_data_keys_wrapped_with"), table_name="data_keys")
    op.drop_column("data_keys", "wrapped_with")
