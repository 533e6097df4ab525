"""The SQL of candidates. The caller's transaction commits."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import delete, exists, select, tuple_, update
from sqlalchemy import insert as insert_rows
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import func

from app.candidates.chunking import Chunk
from app.candidates.indexing_records import put_words
from app.candidates.tables import (
    CandidateRow,
    ChunkRow,
    FileRow,
    LookupKind,
    LookupRow,
    VersionRow,
)
from app.pipeline.tables import RunRow, RunStatus
from app.store.keys import TenantId

_MOST_SHARING = 100
_THERE = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.SUCCEEDED, RunStatus.PARTIAL)


async def lock(session: AsyncSession, values: Iterable[bytes]) -> None:
    """Let nobody else lock these values of the blind index until the transaction ends.

    In one order for all, so that no two wait for each other. The values are keyed hashes: 64 bits of
    one name its lock.
    """
    locks = {int.from_bytes(value[:8], "big", signed=True) for value in values}
    for number in sorted(locks):
        await session.execute(select(func.pg_advisory_xact_lock(number)))


async def sharing(
    session: AsyncSession,
    tenant_id: TenantId,
    contacts: Sequence[tuple[str, bytes]],
    *,
    names: Sequence[bytes],
) -> list[tuple[CandidateRow, frozenset[str]]]:
    """Who has one of these contacts, and of which kinds; locked, oldest first.

    An agency's mail may be that of thousands: those with one of the names come before all others,
    and the rest is cut off.
    """
    if not contacts:
        return []
    named = exists().where(
        LookupRow.candidate_id == CandidateRow.id,
        LookupRow.kind == LookupKind.NAME,
        LookupRow.value.in_(names),
    )
    kinds = (
        select(LookupRow.candidate_id, func.array_agg(LookupRow.kind.distinct()).label("kinds"))
        .where(
            LookupRow.tenant_id == tenant_id,
            tuple_(LookupRow.kind, LookupRow.value).in_(contacts),
        )
        .group_by(LookupRow.candidate_id)
        .subquery()
    )
    rows = await session.execute(
        select(CandidateRow, kinds.c.kinds)
        .join(kinds, kinds.c.candidate_id == CandidateRow.id)
        .where(CandidateRow.tenant_id == tenant_id)
        .order_by(named.desc(), CandidateRow.created_at, CandidateRow.id)
        .limit(_MOST_SHARING)
        .with_for_update(of=CandidateRow, key_share=True)
    )
    return [(candidate, frozenset(shared)) for candidate, shared in rows]


async def add(
    session: AsyncSession,
    version: VersionRow,
    *,
    data_key_id: UUID,
    possible_duplicate_of: UUID | None,
) -> None:
    """A person who was not known; the first version follows."""
    session.add(
        CandidateRow(
            id=version.candidate_id,
            tenant_id=version.tenant_id,
            run_id=version.run_id,
            data_key_id=data_key_id,
            version=version.version,
            profile_sealed=version.profile_sealed,
            analyst=version.analyst,
            skills=version.skills,
            years=version.years,
            language=version.language,
            thumbnail_key=version.thumbnail_key,
            possible_duplicate_of=possible_duplicate_of,
        )
    )
    await session.flush()


async def flag(
    session: AsyncSession, candidate_ids: Sequence[UUID], *, possible_duplicate_of: UUID
) -> None:
    """Say of these that they may be that one; what was said before stays."""
    if candidate_ids:
        await session.execute(
            update(CandidateRow)
            .where(CandidateRow.id.in_(candidate_ids), CandidateRow.possible_duplicate_of.is_(None))
            .values(possible_duplicate_of=possible_duplicate_of)
        )


async def add_version(
    session: AsyncSession,
    version: VersionRow,
    *,
    lookups: Sequence[tuple[str, bytes]],
    chunks: Sequence[Chunk],
    vectors: Sequence[Sequence[float]] | None,
    embedding_model: str,
) -> None:
    """Write a version whole, and make it the one that is shown and found.

    The chunks of the version before go in the same transaction: a reader sees one or the other
    (R20). What the person was found by before still finds it.
    """
    session.add(version)
    await session.flush()
    await session.execute(
        update(CandidateRow)
        .where(CandidateRow.id == version.candidate_id)
        .values(
            version=version.version,
            run_id=version.run_id,
            profile_sealed=version.profile_sealed,
            analyst=version.analyst,
            skills=version.skills,
            years=version.years,
            language=version.language,
            thumbnail_key=version.thumbnail_key,
            updated_at=func.now(),
        )
    )
    if lookups:
        await session.execute(
            upsert(LookupRow).on_conflict_do_nothing(),
            [
                {
                    "candidate_id": version.candidate_id,
                    "tenant_id": version.tenant_id,
                    "kind": kind,
                    "value": value,
                }
                for kind, value in dict.fromkeys(lookups)
            ],
        )
    await session.execute(delete(ChunkRow).where(ChunkRow.candidate_id == version.candidate_id))
    if chunks:
        rows = [
            {
                "candidate_id": version.candidate_id,
                "version": version.version,
                "position": position,
                "tenant_id": version.tenant_id,
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
    await put_words(
        session,
        TenantId(version.tenant_id),
        version.candidate_id,
        chunks,
        skills=version.skills,
    )


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


async def run_of_content(
    session: AsyncSession, tenant_id: TenantId, fingerprint: bytes
) -> RunRow | None:
    """The latest run that has, or will have, read these bytes; not one that failed.

    The fingerprint of an object that a client put into the store is that of its key.
    """
    return await session.scalar(
        select(RunRow)
        .join(FileRow, FileRow.run_id == RunRow.id)
        .where(
            RunRow.tenant_id == tenant_id,
            RunRow.fingerprint == fingerprint,
            RunRow.status.in_(_THERE),
            FileRow.source_key.is_(None),
        )
        .order_by(RunRow.created_at.desc())
        .limit(1)
    )


async def versions(session: AsyncSession, candidate_id: UUID) -> Sequence[VersionRow]:
    """Newest first."""
    rows = await session.scalars(
        select(VersionRow)
        .where(VersionRow.candidate_id == candidate_id)
        .order_by(VersionRow.version.desc())
    )
    return rows.all()


async def version_of(session: AsyncSession, run_id: UUID) -> VersionRow | None:
    """What a run made of a candidate; None when it made nothing, or the person was erased."""
    return await session.scalar(select(VersionRow).where(VersionRow.run_id == run_id))


async def known_by(
    session: AsyncSession, tenant_id: TenantId, lookups: Sequence[Sequence[tuple[str, bytes]]]
) -> Sequence[CandidateRow]:
    """Who is known by one value of each of these groups, newest first."""
    has = [
        exists().where(
            LookupRow.candidate_id == CandidateRow.id,
            LookupRow.tenant_id == tenant_id,
            tuple_(LookupRow.kind, LookupRow.value).in_(group),
        )
        for group in lookups
    ]
    rows = await session.scalars(
        select(CandidateRow)
        .where(CandidateRow.tenant_id == tenant_id, *has)
        .order_by(CandidateRow.updated_at.desc(), CandidateRow.id)
        .limit(_MOST_SHARING)
    )
    return rows.all()


async def file_of(session: AsyncSession, run_id: UUID) -> FileRow | None:
    return await session.get(FileRow, run_id)


async def mark_discarded(session: AsyncSession, run_id: UUID) -> None:
    """Note that the original is no longer in the store."""
    await session.execute(
        update(FileRow)
        .where(FileRow.run_id == run_id, FileRow.discarded_at.is_(None))
        .values(discarded_at=func.now())
    )
