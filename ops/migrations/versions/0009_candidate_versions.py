"""Versions of a candidate, and what may be the same person.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "candidate_versions",
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("profile_sealed", sa.Text(), nullable=False),
        sa.Column("names_sealed", sa.Text(), nullable=True),
        sa.Column("analyst", sa.Text(), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("years", sa.Float(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("thumbnail_key", sa.Text(), nullable=True),
        _now("created_at"),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_candidate_versions_candidate_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_candidate_versions_run_id")),
        sa.PrimaryKeyConstraint("candidate_id", "version", name=op.f("pk_candidate_versions")),
        sa.UniqueConstraint("run_id", name=op.f("uq_candidate_versions_run_id")),
    )
    # Their names are not copied: they are sealed, and read from the profile where they are needed.
    op.execute(
        "INSERT INTO candidate_versions (candidate_id, version, tenant_id, run_id, profile_sealed,"
        " analyst, skills, years, language, thumbnail_key, created_at)"
        " SELECT id, version, tenant_id, run_id, profile_sealed,"
        " analyst, skills, years, language, thumbnail_key, created_at FROM candidates"
    )
    op.drop_constraint("uq_candidates_run_id", "candidates", type_="unique")
    op.add_column("candidates", sa.Column("possible_duplicate_of", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_candidates_possible_duplicate_of"),
        "candidates",
        "candidates",
        ["possible_duplicate_of"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(
        op.f("ix_candidates_possible_duplicate_of"), "candidates", ["possible_duplicate_of"]
    )
    op.add_column("candidates", _now("updated_at"))
    op.execute("UPDATE candidates SET updated_at = created_at")
    op.create_table(
        "erased_candidates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _now("erased_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erased_candidates")),
    )
    op.create_index(op.f("ix_erased_candidates_tenant_id"), "erased_candidates", ["tenant_id"])
    op.create_table(
        "erased_contacts",
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        _now("erased_at"),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["erased_candidates.id"],
            name=op.f("fk_erased_contacts_candidate_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("candidate_id", "kind", "value", name=op.f("pk_erased_contacts")),
    )
    op.create_index("ix_erased_contacts_value", "erased_contacts", ["tenant_id", "kind", "value"])
    op.create_index("ix_runs_tenant_id_fingerprint", "runs", ["tenant_id", "fingerprint"])


def downgrade() -> None:
    op.drop_index("ix_runs_tenant_id_fingerprint", table_name="runs")
    op.drop_table("erased_contacts")
    op.drop_table("erased_candidates")
    op.drop_column("candidates", "updated_at")
    op.drop_column("candidates", "possible_duplicate_of")
    op.create_unique_constraint("uq_candidates_run_id", "candidates", ["run_id"])
    op.drop_table("candidate_versions")


def _now(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )
