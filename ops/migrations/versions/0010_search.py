"""What search over candidates reads.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC, VECTOR
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Candidates that are here already get their words from the schedule `search_index`.
    op.create_table(
        "candidate_words",
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("numbers", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_candidate_words_candidate_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("candidate_id", name=op.f("pk_candidate_words")),
    )
    op.create_index(
        op.f("ix_candidate_words_tenant_id"), "candidate_words", ["tenant_id"], unique=False
    )
    op.create_index(
        "ix_candidate_words_numbers",
        "candidate_words",
        ["numbers"],
        unique=False,
        postgresql_using="gin",
    )
    # Hashes do not compress; trying costs a third of the time to write them.
    op.execute("ALTER TABLE candidate_words ALTER numbers SET STORAGE EXTERNAL")
    op.drop_index("ix_chunks_text", table_name="chunks", postgresql_using="gin")
    # Half precision: 1 KiB a vector stays in the row and three times as many fit on a page of the
    # index; the order of hits does not change.
    op.drop_index("ix_chunks_embedding", table_name="chunks", postgresql_using="hnsw")
    op.alter_column(
        "chunks", "embedding", type_=HALFVEC(512), postgresql_using="embedding::halfvec(512)"
    )
    op.create_index(
        "ix_chunks_embedding",
        "chunks",
        ["embedding"],
        unique=False,
        postgresql_using="hnsw",
        postgresql_ops={"embedding": "halfvec_cosine_ops"},
    )


def downgrade() -> None:
    op.drop_index("ix_chunks_embedding", table_name="chunks", postgresql_using="hnsw")
    op.alter_column(
        "chunks", "embedding", type_=VECTOR(512), postgresql_using="embedding::vector(512)"
    )
    op.create_index(
        "ix_chunks_embedding",
        "chunks",
        ["embedding"],
        unique=False,
        postgresql_using="hnsw",
        postgresql_ops={"embedding": "vector_cosine_ops"},
    )
    op.create_index(
        "ix_chunks_text",
        "chunks",
        ["text"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"text": "gin_trgm_ops"},
    )
    op.drop_table("candidate_words")
