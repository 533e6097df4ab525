"""Sealed keys of clients' objects, and pairs of candidates that somebody told apart.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What `source_key` holds in plain cannot be sealed here, without keys: the nightly sweep does it.
    op.add_column("files", sa.Column("source_key_sealed", sa.Text(), nullable=True))
    op.create_table(
        "distinct_pairs",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("one_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column(
            "decided_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["one_id"], ["candidates.id"], name=op.f("fk_distinct_pairs_one_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["other_id"],
            ["candidates.id"],
            name=op.f("fk_distinct_pairs_other_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("one_id", "other_id", name=op.f("pk_distinct_pairs")),
    )  # fmt: skip
    op.create_index(op.f("ix_distinct_pairs_other_id"), "distinct_pairs", ["other_id"])


def downgrade() -> None:
    op.drop_table("distinct_pairs")
    op.drop_column("files", "source_key_sealed")
