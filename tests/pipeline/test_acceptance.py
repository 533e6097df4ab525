from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.pipeline.acceptance import accept, new_run
from app.pipeline.tables import RunRow
from app.queue.envelope import Priority
from app.store.crypto import Keyring, Place
from app.store.database import Database
from app.store.keys import DataKeyRow, TenantId, load_data_key

HERE = Place(table="files", column="name", row="1")


async def test_an_accepted_run_is_queued_with_its_deadline_and_its_own_key(
    database: Database, keyring: Keyring, tenant_id: TenantId
) -> None:
    accepted = new_run(
        keyring,
        tenant_id,
        "test",
        priority=Priority.CHAT,
        limit_key="model:m",
        run_input={"session": "1"},
    )
    sealed = accepted.key.seal("a name", HERE)
    async with database.begin() as session:
        await accept(session, accepted, deadline_s=60)
    async with database.begin() as session:
        run = await session.get_one(RunRow, accepted.run.id)
        assert run.data_key_id is not None
        key = await load_data_key(session, keyring, run.data_key_id)
    assert key.open(sealed, HERE) == "a name"
    assert (run.tenant_id, run.flow, run.status) == (tenant_id, "test", "queued")
    assert (run.priority, run.limit_key, run.input) == ("chat", "model:m", {"session": "1"})
    assert (run.attempt, run.tries) == (0, 0)
    assert run.deadline_at == run.created_at + timedelta(seconds=60)
    assert run.next_attempt_at == run.created_at


async def test_a_run_that_is_not_accepted_leaves_no_key_behind(
    database: Database, keyring: Keyring, tenant_id: TenantId
) -> None:
    first, second = (
        new_run(keyring, tenant_id, "test", priority=Priority.INGESTION) for _ in range(2)
    )
    for each in (first, second):
        each.run.idempotency_key = "the same"
    async with database.begin() as session:
        await accept(session, first, deadline_s=60)
    with pytest.raises(IntegrityError):
        async with database.begin() as session:
            await accept(session, second, deadline_s=60)
    async with database.begin() as session:
        assert await session.scalar(select(func.count()).select_from(DataKeyRow)) == 1
