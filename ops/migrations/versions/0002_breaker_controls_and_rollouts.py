"""Breaker controls and rollouts.

Revision ID: 0002
Revises: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "breaker_controls",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("resets", sa.BigInteger(), nullable=False),
        *_said(),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_breaker_controls")),
    )
    op.create_table(
        "rollouts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("share_bp", sa.BigInteger(), nullable=False),
        *_said(),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rollouts")),
    )


def downgrade() -> None:
    op.drop_table("rollouts")
    op.drop_table("breaker_controls")


def _said() -> tuple[sa.Column[Any], ...]:
    """Who decided, when and why."""
    return (
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    )
