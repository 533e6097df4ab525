import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.credits import ledger
from app.credits.ledger import UNLIMITED, Balance
from app.credits.tables import EntryKind
from app.errors import ErrorCode, PermanentError
from app.messages import Language
from app.store.database import Database
from app.store.keys import TenantId
from tests.credits.conftest import Account


async def test_a_tenant_without_an_account_is_unlimited_and_nothing_is_written(
    account: Account, database: Database, tenant_id: TenantId
) -> None:
    assert not await account.reserve(uuid4())
    async with database.begin() as session:
        assert await ledger.balance(session, tenant_id) == UNLIMITED
        await ledger.check(session, tenant_id, 1_000_000)
        assert await ledger.entries(session, tenant_id, top_k=10) == []


async def test_credits_move_from_available_to_reserved_to_used_or_back(account: Account) -> None:
    await account.grant(10)
    used, failed = uuid4(), uuid4()
    assert await account.reserve(used, credit_count=3)
    assert await account.reserve(failed, credit_count=4)
    assert await account.left() == (3, 7)

    assert await account.settle(used, used=True) == 3
    assert await account.left() == (3, 4)
    assert await account.settle(failed, used=False) == 4
    assert await account.left() == (7, 0)


async def test_every_step_repeated_does_nothing(account: Account) -> None:
    await account.grant(5, key="payment-1")
    await account.grant(5, key="payment-1")
    run_id = uuid4()
    for _ in range(3):
        assert await account.reserve(run_id, credit_count=2)
    assert await account.left() == (3, 2)
    assert [await account.settle(run_id, used=True) for _ in range(2)] == [2, 0]
    # What was used is not given back, whoever says so later.
    assert await account.settle(run_id, used=False) == 0
    assert await account.left() == (3, 0)


async def test_a_key_that_came_with_another_number_is_a_conflict(account: Account) -> None:
    await account.grant(5, key="payment-1")
    with pytest.raises(PermanentError) as raised:
        await account.grant(6, key="payment-1")
    assert raised.value.code is ErrorCode.IDEMPOTENCY_CONFLICT
    assert await account.left() == (5, 0)


async def test_too_few_credits_reserve_nothing_and_say_how_many_there_are(
    account: Account, database: Database, tenant_id: TenantId
) -> None:
    await account.grant(2)
    with pytest.raises(PermanentError) as raised:
        await account.reserve(uuid4(), credit_count=3)
    assert raised.value.code is ErrorCode.INSUFFICIENT_CREDITS
    assert "costs 3 credits and 2 are available" in str(raised.value)
    assert "2개만" in raised.value.text(Language.KOREAN)
    async with database.begin() as session:
        with pytest.raises(PermanentError):
            await ledger.check(session, tenant_id, 3)
    assert await account.left() == (2, 0)


async def test_of_many_who_want_the_last_credits_as_many_get_one_as_there_are(
    account: Account,
) -> None:
    await account.grant(7)

    async def reserve() -> bool:
        try:
            return await account.reserve(uuid4())
        except PermanentError as error:
            if error.code is not ErrorCode.INSUFFICIENT_CREDITS:
                raise
            return False

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(reserve()) for _ in range(50)]
    assert sum(task.result() for task in tasks) == 7
    assert await account.left() == (0, 7)


async def test_of_many_who_settle_the_same_run_one_does(account: Account) -> None:
    await account.grant(3)
    run_id = uuid4()
    await account.reserve(run_id, credit_count=2)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(account.settle(run_id, used=number % 2 == 0)) for number in range(12)
        ]
    assert sorted(task.result() for task in tasks) == [*[0] * 11, 2]
    assert (await account.left())[1] == 0


async def test_an_end_settles_what_was_reserved_up_to_its_attempt_alone(account: Account) -> None:
    await account.grant(5)
    run_id = uuid4()
    await account.reserve(run_id, attempt=0)
    await account.reserve(run_id, attempt=4)
    assert await account.settle(run_id, attempt=3, used=False) == 1
    assert await account.left() == (4, 1)
    assert await account.settle(run_id, attempt=5, used=True) == 1
    assert await account.left() == (4, 0)


async def test_an_adjustment_goes_either_way_but_not_below_nothing(account: Account) -> None:
    await account.grant(5)
    await account.reserve(uuid4(), credit_count=2)
    assert (await account.adjust(-3)).available == 0
    with pytest.raises(PermanentError) as raised:
        await account.adjust(-1)
    assert raised.value.code is ErrorCode.VALIDATION_ERROR
    assert "Credits available: 0" in str(raised.value)
    assert (await account.adjust(4)).available == 4
    assert await account.left() == (4, 2)


@pytest.mark.parametrize("wrong", [0, -1, ledger.MAX_CREDITS_AT_ONCE + 1])
async def test_a_grant_of_a_number_that_makes_no_sense_is_refused(
    account: Account, wrong: int
) -> None:
    with pytest.raises(PermanentError) as raised:
        await account.grant(wrong)
    assert raised.value.code is ErrorCode.VALIDATION_ERROR


async def test_unlimited_again_reserves_nothing_more_and_settles_what_was_reserved(
    account: Account, database: Database, tenant_id: TenantId
) -> None:
    await account.grant(3)
    before = uuid4()
    await account.reserve(before, credit_count=2)
    async with database.begin() as session:
        lifted = await ledger.lift(session, tenant_id, note="trial", made_by="test")
    assert lifted == Balance(unlimited=True, available=1, reserved=2)
    assert not await account.reserve(uuid4(), credit_count=100)

    assert await account.settle(before, used=False) == 2
    assert await account.left() == (3, 0)
    assert await account.grant(1) == Balance(unlimited=False, available=4)
    async with database.begin() as session:
        notes = [entry.note for entry in await ledger.entries(session, tenant_id, top_k=10)]
    assert "unlimited: trial" in notes


async def test_entries_are_listed_newest_first_a_page_at_a_time(
    account: Account, database: Database, tenant_id: TenantId
) -> None:
    for number in range(1, 6):
        await account.grant(number)
    async with database.begin() as session:
        first = await ledger.entries(session, tenant_id, top_k=2)
        rest = await ledger.entries(session, tenant_id, top_k=9, before=first[-1].id)
        others = await ledger.entries(session, TenantId(uuid4()), top_k=9)
    assert [entry.available_delta for entry in (*first, *rest)] == [5, 4, 3, 2, 1]
    assert others == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE credit_entries SET available_delta = 100",
        "DELETE FROM credit_entries",
    ],
)
async def test_the_database_keeps_every_entry_as_it_is(
    account: Account, database: Database, statement: str
) -> None:
    await account.grant(1)
    with pytest.raises(DBAPIError, match="never changed or deleted"):
        async with database.begin() as session:
            await session.execute(text(statement))
    assert await account.left() == (1, 0)


@pytest.mark.parametrize(
    ("kind", "available", "reserved"),
    [
        (EntryKind.GRANT, -1, 0),
        (EntryKind.GRANT, 1, 1),
        (EntryKind.RESERVE, -1, 2),
        (EntryKind.COMMIT, 1, -1),
        (EntryKind.RELEASE, 0, -1),
        (EntryKind.ADJUST, 0, 1),
        ("gift", 1, 0),
    ],
)
async def test_the_database_refuses_an_entry_whose_signs_do_not_fit(
    account: Account,
    database: Database,
    tenant_id: TenantId,
    kind: str,
    available: int,
    reserved: int,
) -> None:
    await account.grant(1)
    run_id = uuid4() if kind in {"reserve", "commit", "release"} else None
    with pytest.raises(IntegrityError):
        async with database.begin() as session:
            await session.execute(
                text(
                    "INSERT INTO credit_entries (tenant_id, kind, available_delta, reserved_delta,"
                    " run_id, attempt, note, made_by) VALUES (:tenant, :kind, :available,"
                    " :reserved, :run, :attempt, '', '')"
                ),
                {
                    "tenant": tenant_id,
                    "kind": kind,
                    "available": available,
                    "reserved": reserved,
                    "run": run_id,
                    "attempt": 0 if run_id else None,
                },
            )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE credit_accounts SET available = -1",
        "UPDATE credit_accounts SET reserved = -1",
    ],
)
async def test_the_database_lets_no_sum_go_below_zero(
    account: Account, database: Database, statement: str
) -> None:
    await account.grant(1)
    with pytest.raises(IntegrityError):
        async with database.begin() as session:
            await session.execute(text(statement))
