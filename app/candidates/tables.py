"""The tables of candidates. Columns that stay plain are listed in docs/security.md."""

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import BigInteger, Float, ForeignKey, Index, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base

CandidateId = NewType("CandidateId", UUID)

EMBEDDING_DIMENSIONS = 512
"""One width for the local model and for any `/embeddings` asked for `dimensions=512`."""


class FileRow(Base):
    """The original of a run, sealed under the run's data key; its name too.

    `source_key_sealed` names an object that a client put into the store itself (`object_keys`); it is
    copied and sealed when the run starts. `source_key` is what earlier versions wrote, until the sweep
    seals it.
    """

    __tablename__ = "files"

    run_id: Mapped[UUID] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True
    )
    tenant_id: Mapped[UUID] = mapped_column(index=True)
    name_sealed: Mapped[str]
    blob_key: Mapped[str]
    source_key: Mapped[str | None]
    source_key_sealed: Mapped[str | None]
    size_bytes: Mapped[int | None]
    discarded_at: Mapped[datetime | None]


class CandidateRow(Base):
    """A person as the newest version shows them; `run_id` is the run that made it.

    `profile_sealed` is a Profile as JSON under the candidate's data key. `years` is the length of
    the working life that the profile shows, overlaps counted once. `possible_duplicate_of` shares
    a mail or a phone with this person, but the names do not agree, or cannot be compared.
    """

    __tablename__ = "candidates"
    __table_args__ = (
        Index("ix_candidates_tenant_id_created_at", "tenant_id", "created_at"),
        Index("ix_candidates_skills", "skills", postgresql_using="gin"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id"))
    data_key_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("data_keys.id", ondelete="SET NULL")
    )
    version: Mapped[int] = mapped_column(default=1)
    profile_sealed: Mapped[str]
    analyst: Mapped[str]
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text))
    years: Mapped[float] = mapped_column(Float)
    language: Mapped[str]
    thumbnail_key: Mapped[str | None]
    possible_duplicate_of: Mapped[UUID | None] = mapped_column(
        ForeignKey("candidates.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class VersionRow(Base):
    """What one run read of a candidate. The newest is copied into `candidates`.

    `names_sealed` are the spellings of the name that the résumé shows, as a JSON list under the
    candidate's data key; None for what was saved before they were kept.
    """

    __tablename__ = "candidate_versions"

    candidate_id: Mapped[UUID] = mapped_column(
        ForeignKey("candidates.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id"), unique=True)
    profile_sealed: Mapped[str]
    names_sealed: Mapped[str | None]
    analyst: Mapped[str]
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text))
    years: Mapped[float] = mapped_column(Float)
    language: Mapped[str]
    thumbnail_key: Mapped[str | None]
    portfolio_key: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DistinctPairRow(Base):
    """Two candidates that somebody told apart; `one_id` is the smaller of the two."""

    __tablename__ = "distinct_pairs"

    tenant_id: Mapped[UUID]
    one_id: Mapped[UUID] = mapped_column(
        ForeignKey("candidates.id", ondelete="CASCADE"), primary_key=True
    )
    other_id: Mapped[UUID] = mapped_column(
        ForeignKey("candidates.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TombstoneRow(Base):
    """All that is left of an erased candidate."""

    __tablename__ = "erased_candidates"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(index=True)
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ErasedContactRow(Base):
    """Keeps runs that were accepted before an erasure from bringing the person back.

    A blind index value; it goes once the deadlines of those runs have passed, and is not written
    when there are none.
    """

    __tablename__ = "erased_contacts"
    __table_args__ = (Index("ix_erased_contacts_value", "tenant_id", "kind", "value"),)

    candidate_id: Mapped[UUID] = mapped_column(
        ForeignKey("erased_candidates.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    tenant_id: Mapped[UUID]
    erased_at: Mapped[datetime] = mapped_column(server_default=func.now())


class LookupKind(StrEnum):
    """What a blind index value was made of."""

    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"


class LookupRow(Base):
    """A blind index value: finds a person by name, mail or phone without storing any of them."""

    __tablename__ = "candidate_lookups"
    __table_args__ = (Index("ix_candidate_lookups_value", "tenant_id", "kind", "value"),)

    candidate_id: Mapped[UUID] = mapped_column(
        ForeignKey("candidates.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    tenant_id: Mapped[UUID]


class ChunkRow(Base):
    """A piece of masked text for search. Vectors of different models are never compared."""

    __tablename__ = "chunks"
    __table_args__ = (
        Index(
            "ix_chunks_embedding",
            "embedding",
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "halfvec_cosine_ops"},
        ),
    )

    candidate_id: Mapped[UUID] = mapped_column(
        ForeignKey("candidates.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[str]
    text: Mapped[str]
    source_start: Mapped[int | None]
    source_end: Mapped[int | None]
    embedding: Mapped[list[float] | None] = mapped_column(HALFVEC(EMBEDDING_DIMENSIONS))
    embedding_model: Mapped[str | None]


class WordsRow(Base):
    """The words of a candidate's live version, as `terms.indexed` numbers them.

    `rules` names the rules that made them; those of others are made again.
    """

    __tablename__ = "candidate_words"
    __table_args__ = (Index("ix_candidate_words_numbers", "numbers", postgresql_using="gin"),)

    candidate_id: Mapped[UUID] = mapped_column(
        ForeignKey("candidates.id", ondelete="CASCADE"), primary_key=True
    )
    tenant_id: Mapped[UUID] = mapped_column(index=True)
    numbers: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    rules: Mapped[str]
