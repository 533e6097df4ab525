"""Credits of a tenant as a ledger, and what each run spends on models.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_WHAT_AN_ENTRY_MAY_DO = """
CASE kind
    WHEN 'grant' THEN available_delta > 0 AND reserved_delta = 0
    WHEN 'adjust' THEN reserved_delta = 0
    WHEN 'reserve' THEN reserved_delta > 0 AND available_delta = -reserved_delta
    WHEN 'commit' THEN reserved_delta < 0 AND available_delta = 0
    WHEN 'release' THEN reserved_delta < 0 AND available_delta = -reserved_delta
    ELSE false
END
"""
_WHOSE_IT_IS = """
(kind IN ('reserve', 'commit', 'release')) = (run_id IS NOT NULL AND attempt IS NOT NULL)
"""


def upgrade() -> None:
    op.create_table(
        "credit_accounts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("unlimited", sa.Boolean(), nullable=False),
        sa.CheckConstraint("available >= 0", name=op.f("ck_credit_accounts_available")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_credit_accounts_reserved")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_credit_accounts")),
    )
    op.create_table(
        "credit_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("available_delta", sa.BigInteger(), nullable=False),
        sa.Column("reserved_delta", sa.BigInteger(), nullable=False),
        # No foreign key: the ledger outlives the runs that it names.
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("attempt", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(_WHAT_AN_ENTRY_MAY_DO, name=op.f("ck_credit_entries_deltas")),
        sa.CheckConstraint(_WHOSE_IT_IS, name=op.f("ck_credit_entries_run")),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["credit_accounts.tenant_id"],
            name=op.f("fk_credit_entries_tenant_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_entries")),
        sa.UniqueConstraint(
            "run_id", "kind", "attempt", name=op.f("uq_credit_entries_run_id_kind_attempt")
        ),
        sa.UniqueConstraint(
            "tenant_id",
            "idempotency_key",
            name=op.f("uq_credit_entries_tenant_id_idempotency_key"),
        ),
    )
    op.create_index(op.f("ix_credit_entries_tenant_id_id"), "credit_entries", ["tenant_id", "id"])
    # What was reserved is either used or given back.
    op.create_index(
        "uq_credit_entries_settled",
        "credit_entries",
        ["run_id", "attempt"],
        unique=True,
        postgresql_where=sa.text("kind IN ('commit', 'release')"),
    )
    op.execute(
        """
        CREATE FUNCTION credit_entries_stay() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'entries of the credit ledger are never changed or deleted';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER credit_entries_stay BEFORE UPDATE OR DELETE ON credit_entries
        FOR EACH ROW EXECUTE FUNCTION credit_entries_stay()
        """
    )
    op.create_table(
        "model_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_model_calls_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_calls")),
    )
    op.create_index(op.f("ix_model_calls_run_id"), "model_calls", ["run_id"])


def downgrade() -> None:
    op.drop_table("model_calls")
    op.drop_table("credit_entries")
    op.execute("DROP FUNCTION credit_entries_stay()")
    op.drop_table("credit_accounts")
