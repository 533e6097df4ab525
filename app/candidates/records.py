"""The SQL of candidates. The caller's transaction commits."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert as insert_rows
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import func

from app.candidates.chunking import Chunk
from app.candidates.tables import CandidateRow, ChunkRow, FileRow, LookupRow
from app.store.keys import TenantId


async def insert(
    session: AsyncSession,
    candidate: CandidateRow,
    *,
    lookups: Sequence[tuple[str, bytes]],
    chunks: Sequence[Chunk],
    vectors: Sequence[Sequence[float]] | None,
    embedding_model: str,
) -> None:
    """Write a candidate whole. Without `vectors` its chunks are found by words alone."""
    session.add(candidate)
    await session.flush()
    if lookups:
        rows = [
            {
                "candidate_id": candidate.id,
                "tenant_id": candidate.tenant_id,
                "kind": kind,
                "value": value,
            }
            for kind, value in dict.fromkeys(lookups)
        ]
        await session.execute(insert_rows(LookupRow), rows)
    if chunks:
        rows = [
            {
                "candidate_id": candidate.id,
                "version": candidate.version,
                "position": position,
                "tenant_id": candidate.tenant_id,
                "kind": piece.kind,
                "text": piece.text,
                "source_start": piece.start,
                "source_end": piece.end,
                "embedding": vectors[position] if vectors is not None else None,
                "embedding_model": embedding_model if vectors is not None else None,
            }
            for position, piece in enumerate(chunks)
        ]
        await session.execute(insert_rows(ChunkRow), rows)


async def find(
    session: AsyncSession, tenant_id: TenantId, candidate_id: UUID
) -> CandidateRow | None:
    return await session.scalar(
        select(CandidateRow).where(
            CandidateRow.tenant_id == tenant_id, CandidateRow.id == candidate_id
        )
    )


async def latest(
    session: AsyncSession, tenant_id: TenantId, *, top_k: int
) -> Sequence[CandidateRow]:
    """Newest first."""
    rows = await session.scalars(
        select(CandidateRow)
        .where(CandidateRow.tenant_id == tenant_id)
        .order_by(CandidateRow.created_at.desc(), CandidateRow.id)
        .limit(top_k)
    )
    return rows.all()


async def by_ids(
    session: AsyncSession, tenant_id: TenantId, candidate_ids: Sequence[UUID]
) -> dict[UUID, CandidateRow]:
    rows = await session.scalars(
        select(CandidateRow).where(
            CandidateRow.tenant_id == tenant_id, CandidateRow.id.in_(candidate_ids)
        )
    )
    return {row.id: row for row in rows}


async def file_of(session: AsyncSession, run_id: UUID) -> FileRow | None:
    return await session.get(FileRow, run_id)


async def mark_discarded(session: AsyncSession, run_id: UUID) -> None:
    """Note that the original is no longer in the store."""
    await session.execute(
        update(FileRow)
        .where(FileRow.run_id == run_id, FileRow.discarded_at.is_(None))
        .values(discarded_at=func.now())
    )
