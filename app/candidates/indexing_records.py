"""The SQL of the word index: writing what a candidate has, and finding who is behind."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates import terms
from app.candidates.chunking import Chunk, ChunkKind
from app.candidates.computing import computed
from app.candidates.morphemes import installed_morphemes, rules_name
from app.candidates.tables import CandidateRow, ChunkRow, WordsRow
from app.store.keys import TenantId


class Words(NamedTuple):
    """What the word index has of a candidate, and the rules that made it."""

    numbers: Sequence[int]
    rules: str


async def words_of(tenant_id: TenantId, chunks: Sequence[Chunk], skills: Iterable[str]) -> Words:
    """By the rules and the dictionary that are installed here."""
    morphemes = installed_morphemes()
    numbers = await computed(terms.indexed, tenant_id, chunks, tuple(skills), morphemes)
    return Words(numbers, rules_name())


async def put_words(
    session: AsyncSession, tenant_id: TenantId, candidate_id: UUID, words: Words
) -> None:
    """Replace what the word index has of a candidate: a reader sees the old or the new (R20)."""
    row = words._asdict()
    await session.execute(
        upsert(WordsRow)
        .values(candidate_id=candidate_id, tenant_id=tenant_id, **row)
        .on_conflict_do_update(index_elements=[WordsRow.candidate_id], set_=row)
    )


class Behind(NamedTuple):
    """A candidate whose words other rules have indexed, or none."""

    id: UUID
    tenant_id: TenantId
    version: int
    skills: Sequence[str]


async def lock_behind(session: AsyncSession, rules: str, *, at_most: int) -> list[Behind]:
    """Some of all tenants, locked: a version that is saved meanwhile waits, and is indexed last."""
    indexed = select(WordsRow.candidate_id).where(
        WordsRow.candidate_id == CandidateRow.id, WordsRow.rules == rules
    )
    rows = await session.execute(
        select(CandidateRow.id, CandidateRow.tenant_id, CandidateRow.version, CandidateRow.skills)
        .where(~indexed.exists())
        .order_by(CandidateRow.id)
        .limit(at_most)
        .with_for_update(skip_locked=True, of=CandidateRow)
    )
    return [Behind(row[0], TenantId(row[1]), row[2], row[3]) for row in rows]


async def live_chunks(session: AsyncSession, candidate: Behind) -> list[Chunk]:
    """As they were cut."""
    rows = await session.scalars(
        select(ChunkRow)
        .where(
            ChunkRow.tenant_id == candidate.tenant_id,
            ChunkRow.candidate_id == candidate.id,
            ChunkRow.version == candidate.version,
        )
        .order_by(ChunkRow.position)
    )
    return [
        Chunk(
            kind=ChunkKind(row.kind),
            position=row.position,
            text=row.text,
            start=row.source_start,
            end=row.source_end,
        )
        for row in rows
    ]
