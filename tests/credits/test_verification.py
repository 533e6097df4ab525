from uuid import uuid4

from sqlalchemy import text

from app.credits.settling import CREDITS
from app.credits.verification import Stray, Verification, settle_strays, verify
from app.pipeline import fencing
from app.pipeline.acceptance import accept, new_run
from app.pipeline.fencing import End
from app.pipeline.tables import RunRow, RunStatus
from app.queue.envelope import Priority
from app.store.crypto import Keyring
from app.store.database import Database
from app.store.keys import TenantId
from tests.credits.conftest import Account


async def verified(account: Account) -> Verification:
    async with account.database.begin() as session:
        return await verify(session, account.tenant_id)


async def ended_run(
    database: Database, tenant_id: TenantId, status: RunStatus, *, owes: bool
) -> RunRow:
    new = new_run(Keyring.of("5e" * 32), tenant_id, "test", priority=Priority.BULK)
    new.run.owes = [CREDITS] if owes else []
    async with database.begin() as session:
        await accept(session, new, deadline_s=60)
    async with database.begin() as session:
        await fencing.end(session, new.run, End(status=status))
    return new.run


async def test_a_ledger_that_was_only_written_by_us_holds(account: Account) -> None:
    assert (await verified(account)).holds
    await account.grant(5)
    run_id = uuid4()
    await account.reserve(run_id, credit_count=2)
    await account.settle(run_id, used=True)
    found = await verified(account)
    assert (found.holds, found.entry_count, found.available) == (True, 3, 3)


async def test_an_account_that_somebody_changed_by_hand_is_told_with_the_difference(
    account: Account, database: Database
) -> None:
    await account.grant(5)
    async with database.begin() as session:
        await session.execute(
            text("UPDATE credit_accounts SET available = available + 3, reserved = 2")
        )
    found = await verified(account)
    assert (found.holds, found.available_difference, found.reserved_difference) == (False, 3, 2)


async def test_credits_that_nobody_will_settle_are_found_and_settled_by_how_the_run_ended(
    account: Account, database: Database, tenant_id: TenantId
) -> None:
    await account.grant(10)
    gone = uuid4()
    done = await ended_run(database, tenant_id, RunStatus.SUCCEEDED, owes=False)
    failed = await ended_run(database, tenant_id, RunStatus.FAILED, owes=False)
    for run_id, count in ((gone, 1), (done.id, 2), (failed.id, 4)):
        await account.reserve(run_id, credit_count=count)

    found = await verified(account)
    assert found.strays == (
        Stray(run_id=gone, attempt=0, credit_count=1, status=None),
        Stray(run_id=done.id, attempt=0, credit_count=2, status=RunStatus.SUCCEEDED),
        Stray(run_id=failed.id, attempt=0, credit_count=4, status=RunStatus.FAILED),
    )
    assert not found.holds
    async with database.begin() as session:
        assert await settle_strays(session, found) == 7
    assert (await verified(account)).holds
    assert await account.left() == (8, 0)


async def test_credits_of_a_run_whose_end_still_owes_them_are_no_strays(
    account: Account, database: Database, tenant_id: TenantId
) -> None:
    await account.grant(1)
    run = await ended_run(database, tenant_id, RunStatus.FAILED, owes=True)
    await account.reserve(run.id)
    assert (await verified(account)).holds
