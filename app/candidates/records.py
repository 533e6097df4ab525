"""The SQL of candidates. The caller's transaction commits."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import Table, Text, column, exists, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import func

from app.candidates.tables import (
    CandidateRow,
    FileRow,
    LookupRow,
    VersionRow,
)
from app.pipeline.tables import RunRow, RunStatus
from app.store.keys import TenantId

_MOST_SHARING = 100

_LOCK: Final = text(
    "SELECT pg_advisory_xact_lock(lock) FROM unnest(CAST(:locks AS bigint[])) AS lock"
)

_SHARING: Final = text(
    """
    SELECT candidates.*, found.shared
    FROM candidates JOIN (
        SELECT candidate_id, array_agg(DISTINCT kind) AS shared
        FROM candidate_lookups
        WHERE tenant_id = :tenant_id AND (kind, value) IN (
            SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:values AS bytea[]))
        )
        GROUP BY candidate_id
    ) AS found ON found.candidate_id = candidates.id
    WHERE candidates.tenant_id = :tenant_id
    ORDER BY EXISTS (
        SELECT FROM candidate_lookups AS name
        WHERE name.candidate_id = candidates.id AND name.kind = 'name'
            AND name.value = ANY(CAST(:names AS bytea[]))
    ) DESC, candidates.created_at, candidates.id
    LIMIT :most
    FOR NO KEY UPDATE OF candidates
    """
).columns(*cast("Table", CandidateRow.__table__).columns, column("shared", ARRAY(Text)))

_THERE = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.SUCCEEDED, RunStatus.PARTIAL)


async def lock(session: AsyncSession, values: Iterable[bytes]) -> None:
    """Let nobody else lock these values of the blind index until the transaction ends.

    In one order for all, so that no two wait for each other. The values are keyed hashes: 64 bits of
    one name its lock.
    """
    locks = {int.from_bytes(value[:8], "big", signed=True) for value in values}
    if locks:
        await session.execute(_LOCK, {"locks": sorted(locks)})


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
    asked = {
        "tenant_id": tenant_id,
        "kinds": [kind for kind, _ in contacts],
        "values": [value for _, value in contacts],
        "names": list(names),
        "most": _MOST_SHARING,
    }
    rows = await session.execute(_SHARING, asked)
    return [_shared(**row) for row in rows.mappings()]


def _shared(*, shared: Sequence[str], **columns: Any) -> tuple[CandidateRow, frozenset[str]]:
    return CandidateRow(**columns), frozenset(shared)


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
            FileRow.source_key_sealed.is_(None),
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
