"""Candidates that somebody told apart: they are not taken for one person again."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates.erasure import existing
from app.candidates.tables import CandidateRow, DistinctPairRow
from app.store.keys import TenantId


async def tell_apart(
    session: AsyncSession, tenant_id: TenantId, candidate_id: UUID
) -> CandidateRow:
    """Take back what `possible_duplicate_of` says of a candidate, for good; the candidate as it is now.

    Nothing changes where it says nothing. Raises NOT_FOUND, or ERASED.
    """
    while True:
        candidate = await existing(session, tenant_id, candidate_id)
        other_id = candidate.possible_duplicate_of
        if other_id is None:
            return candidate
        # First the other one: an erasure of it locks it, and then clears what points at it.
        other = await session.scalar(
            select(CandidateRow.id)
            .where(CandidateRow.tenant_id == tenant_id, CandidateRow.id == other_id)
            .with_for_update(read=True, key_share=True)
        )
        await session.refresh(candidate, with_for_update=True)
        if candidate.possible_duplicate_of == other_id and other is not None:
            break
    await _decide(session, tenant_id, candidate_id, other_id)
    # They may point at each other.
    for one, two in ((candidate_id, other_id), (other_id, candidate_id)):
        await session.execute(
            update(CandidateRow)
            .where(
                CandidateRow.tenant_id == tenant_id,
                CandidateRow.id == one,
                CandidateRow.possible_duplicate_of == two,
            )
            .values(possible_duplicate_of=None)
        )
    await session.refresh(candidate)
    return candidate


async def undecided(
    session: AsyncSession, tenant_id: TenantId, candidate_id: UUID, others: Sequence[UUID]
) -> list[UUID]:
    """Those of the others, in their order, whom nobody has told apart from the candidate."""
    if not others:
        return []
    one, other = DistinctPairRow.one_id, DistinctPairRow.other_id
    rows = await session.execute(
        select(one, other).where(
            DistinctPairRow.tenant_id == tenant_id,
            or_(
                and_(one == candidate_id, other.in_(others)),
                and_(other == candidate_id, one.in_(others)),
            ),
        )
    )
    known = {each for pair in rows for each in pair}
    return [each for each in others if each not in known]


async def _decide(session: AsyncSession, tenant_id: TenantId, one: UUID, other: UUID) -> None:
    first, second = sorted((one, other))
    await session.execute(
        insert(DistinctPairRow)
        .values(tenant_id=tenant_id, one_id=first, other_id=second)
        .on_conflict_do_nothing()
    )
