"""Telling two candidates apart, for good."""

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from app.bootstrap import Runtime
from app.candidates.distinct import tell_apart, undecided
from app.candidates.tables import CandidateRow, DistinctPairRow
from app.errors import ErrorCode, PermanentError
from app.store.keys import TenantId
from tests.candidates.known import add_person
from tests.flows.persons import candidates


async def flagged(runtime: Runtime, *, both: bool = False) -> tuple[UUID, UUID]:
    """Somebody who may be somebody else; `both`: and the other way round."""
    one, other = [await add_person(runtime, name, []) for name in ("윤가온", "윤가람")]
    await flag(runtime, one, other)
    if both:
        await flag(runtime, other, one)
    return one, other


async def flag(runtime: Runtime, one: UUID, other: UUID | None) -> None:
    async with runtime.database.begin() as session:
        await session.execute(
            update(CandidateRow).where(CandidateRow.id == one).values(possible_duplicate_of=other)
        )


async def dismiss(runtime: Runtime, candidate_id: UUID) -> UUID | None:
    async with runtime.database.begin() as session:
        return (await tell_apart(session, runtime.tenant_id, candidate_id)).possible_duplicate_of


async def ask(
    runtime: Runtime, one: UUID, *others: UUID, tenant_id: TenantId | None = None
) -> list[UUID]:
    async with runtime.database.begin() as session:
        return await undecided(session, tenant_id or runtime.tenant_id, one, others)


async def pairs(runtime: Runtime) -> int:
    async with runtime.database.begin() as session:
        return await session.scalar(select(func.count()).select_from(DistinctPairRow)) or 0


@pytest.mark.parametrize("both", [False, True])
async def test_what_was_decided_holds_from_both_sides_and_for_nobody_else(
    runtime: Runtime, *, both: bool
) -> None:
    one, other = await flagged(runtime, both=both)
    third = await add_person(runtime, "한나라", [])
    assert await ask(runtime, one, other, third) == [other, third]

    assert await dismiss(runtime, one) is None

    assert [each.possible_duplicate_of for each in await candidates(runtime)] == [None] * 3
    assert await ask(runtime, one, third, other) == [third]
    assert await ask(runtime, other, third, one) == [third]
    assert await ask(runtime, third, one, other) == [one, other]
    assert await ask(runtime, one) == []
    assert await ask(runtime, one, other, tenant_id=TenantId(uuid4())) == [other]


async def test_deciding_again_or_where_nothing_is_flagged_changes_nothing(runtime: Runtime) -> None:
    one, other = await flagged(runtime)
    assert await dismiss(runtime, other) is None  # it is the other one that is flagged
    assert await pairs(runtime) == 0
    for _ in range(2):
        assert await dismiss(runtime, one) is None
    await flag(runtime, one, other)  # by a process of an earlier version
    assert await dismiss(runtime, one) is None
    assert await pairs(runtime) == 1


async def test_many_decisions_at_the_same_moment_are_one(runtime: Runtime) -> None:
    one, other = await flagged(runtime, both=True)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(dismiss(runtime, one)) for _ in range(4)]
    assert [task.result() for task in tasks] == [None] * 4
    assert await ask(runtime, one, other) == []
    assert await pairs(runtime) == 1


async def test_the_candidate_of_another_tenant_is_not_found(runtime: Runtime) -> None:
    one, _ = await flagged(runtime)
    async with runtime.database.begin() as session:
        with pytest.raises(PermanentError) as caught:
            await tell_apart(session, TenantId(uuid4()), one)
    assert caught.value.code is ErrorCode.NOT_FOUND
