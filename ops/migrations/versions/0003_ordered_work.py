"""Ordered work: numbers, claims and items.

Revision ID: 0003
Revises: 0002
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ordered_keys",
        *_key(),
        sa.Column("next_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "tenant_id", "key", name=op.f("pk_ordered_keys")),
    )
    op.create_table(
        "ordered_claims",
        *_key(),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("topic", "tenant_id", "key", name=op.f("pk_ordered_claims")),
    )
    op.create_table(
        "ordered_items",
        *_key(),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        _time("accepted_at", default="clock_timestamp()"),
        _time("start_by"),
        _time("not_before", default="clock_timestamp()"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("topic", "tenant_id", "key", "seq", name=op.f("pk_ordered_items")),
    )
    op.create_index(
        "ix_ordered_items_waiting",
        "ordered_items",
        ["topic", "tenant_id", "key", "seq"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )


def downgrade() -> None:
    op.drop_index("ix_ordered_items_waiting", table_name="ordered_items")
    op.drop_table("ordered_items")
    op.drop_table("ordered_claims")
    op.drop_table("ordered_keys")


def _key() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
    )


def _time(name: str, *, default: str | None = None) -> sa.Column[Any]:
    server_default = sa.text(default) if default else None
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=server_default, nullable=False
    )
