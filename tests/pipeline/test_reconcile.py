"""What nobody carries is brought back, and what somebody carries is left alone."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from app.errors import ErrorCode, RetryableError
from app.pipeline.delivery import effects_of, job_id_of, next_attempt
from app.pipeline.reconcile import DEAD_LETTER, Reconciler
from app.pipeline.tables import EffectRow, RunId, RunRow
from app.queue.envelope import Priority, unseal
from app.queue.events import Events, RunEvent
from app.queue.producer import Producer
from app.settings.groups import DatabaseSettings
from app.settings.queue import QueueSettings
from app.store.database import Database, open_database
from app.store.keys import TenantId
from app.store.redis import RedisPool
from tests.fakes.wire import wires_to
from tests.pipeline.conftest import BeginRun, NewRun
from tests.pipeline.test_run import abandon
from tests.queue.fleet import commands

LIMIT_S = 30
EVERY_S, LEASE_S, STOCK_CLAIM_S, TRIES = 60, 120, 600, 3


@pytest.fixture
def producer(pool: RedisPool) -> Producer:
    return Producer(pool, QueueSettings())


@pytest.fixture
def reconciler(database: Database, producer: Producer, events: Events) -> Reconciler:
    return Reconciler(
        database=database,
        producer=producer,
        events=events,
        every_s=EVERY_S,
        lease_s=LEASE_S,
        stock_claim_s=STOCK_CLAIM_S,
        max_tries=TRIES,
    )


async def change(database: Database, run_id: RunId, values: str) -> RunRow:
    async with database.begin() as session:
        await session.execute(text(f"UPDATE runs SET {values} WHERE id = :id"), {"id": run_id})  # noqa: S608 - ours
    async with database.begin() as session:
        return await session.get_one(RunRow, run_id)


async def owe(database: Database, tenant_id: TenantId, run_id: UUID) -> None:
    async with database.begin() as session:
        session.add(
            EffectRow(
                id=uuid4(),
                run_id=run_id,
                tenant_id=tenant_id,
                kind="webhook",
                idempotency_key=str(run_id),
                payload={},
            )
        )


async def due_for(database: Database, run_id: RunId, seconds: float) -> RunRow:
    return await change(database, run_id, f"next_attempt_at = now() - interval '{seconds} s'")


async def queued(producer: Producer) -> set[str]:
    ids = await commands(producer).zrange(producer.queue_name, 0, -1)
    return {job_id.decode() for job_id in ids}


async def test_a_run_whose_job_was_lost_is_queued_as_it_was(
    database: Database, producer: Producer, reconciler: Reconciler, new_run: NewRun
) -> None:
    run_id = await new_run()
    await change(database, run_id, "priority = 'bulk', limit_key = 'model:m', attempt = 4")
    run = await due_for(database, run_id, EVERY_S + 1)
    assert await reconciler.look() == 1
    read = unseal(await producer.payload(job_id_of(run_id, 5)) or b"")
    assert (read.function, read.kwargs) == ("run", next_attempt(run).kwargs)
    assert (read.priority, read.limit_key) == (Priority.BULK, "model:m")
    assert await reconciler.look() == 0


async def test_one_that_has_just_come_due_is_left_to_the_next_look(
    database: Database, producer: Producer, reconciler: Reconciler, new_run: NewRun
) -> None:
    fresh, later = await new_run(), await new_run()
    await due_for(database, later, -EVERY_S)
    assert await reconciler.look() == 0
    await due_for(database, fresh, EVERY_S + 1)
    assert await reconciler.look() == 1
    assert await queued(producer) == {job_id_of(fresh, 1)}


async def test_a_job_that_is_there_or_has_just_ended_is_not_offered_again(
    database: Database, producer: Producer, reconciler: Reconciler, new_run: NewRun
) -> None:
    waits, ended = await new_run(), await new_run()
    await producer.enqueue(next_attempt(await due_for(database, waits, EVERY_S + 1)))
    await due_for(database, ended, EVERY_S + 1)
    await producer.set(f"arq:result:{job_id_of(ended, 1)}", b"{}", px=60_000)
    assert await reconciler.look() == 0
    assert await queued(producer) == {job_id_of(waits, 1)}


async def test_a_connection_that_went_silent_holds_no_look_for_long(
    database_url: str, redis_url: str, reconciler: Reconciler
) -> None:
    async with (
        wires_to(database_url, redis_url) as wires,
        open_database(DatabaseSettings(url=SecretStr(wires.database_url))) as database,
    ):
        looking = replace(reconciler, database=database, transaction_s=0.2)
        await database.ping()
        wires.database.stall()
        with pytest.raises(RetryableError) as raised:
            await looking.look()
    assert raised.value.code is ErrorCode.DB_CONNECTION


async def test_a_long_queue_costs_a_few_commands(
    database: Database, producer: Producer, reconciler: Reconciler, new_run: NewRun
) -> None:
    runs = [await due_for(database, await new_run(), LEASE_S + 1) for _ in range(60)]
    await producer.enqueue_many([next_attempt(run) for run in runs[1:]])
    redis = commands(producer)
    own = str((await redis.client_info())["db"])
    seen: list[str] = []
    async with redis.monitor() as monitor:
        assert await reconciler.look() == 1
        await redis.echo("over")
        async for each in monitor.listen():
            if str(each["db"]) != own or each["client_type"] == "lua":
                continue  # of a test that runs beside this one, or of a script
            seen.append(each["command"])
            if "ECHO" in each["command"]:
                break
    # What waits, what left a result, the one job, claims of arq's own workers; and this.
    assert len([command for command in seen if not command.startswith("XADD")]) <= 8, seen


async def test_what_was_lost_behind_a_long_queue_is_found_page_by_page(
    database: Database,
    producer: Producer,
    reconciler: Reconciler,
    tenant_id: TenantId,
    new_run: NewRun,
) -> None:
    reconciler.max_runs = 3
    runs = [await due_for(database, await new_run(), LEASE_S + 9 - number) for number in range(7)]
    owing = sorted(run.id for run in runs)
    for run_id in owing:
        await owe(database, tenant_id, run_id)
    *waiting, lost = [next_attempt(run) for run in runs]
    *settling, forgotten = [effects_of(run_id, tenant_id) for run_id in owing]
    await producer.enqueue_many([*waiting, *settling])
    assert [await reconciler.look() for _ in range(3)] == [0, 0, 2]
    assert {lost.job_id, forgotten.job_id} <= await queued(producer)
    await commands(producer).flushdb()
    assert sum([await reconciler.look() for _ in range(3)]) == 14


async def test_a_run_whose_worker_died_is_queued_at_once(
    database: Database,
    producer: Producer,
    reconciler: Reconciler,
    new_run: NewRun,
    begin_run: BeginRun,
) -> None:
    run, alive = await begin_run(await new_run()), await begin_run(await new_run())
    await change(database, run.id, "lease_until = now() - interval '1 s'")
    assert await reconciler.look() == 1
    assert await queued(producer) == {job_id_of(run.id, 2)}
    async with database.begin() as session:
        assert (await session.get_one(RunRow, run.id)).status == "queued"
        assert (await session.get_one(RunRow, alive.id)).status == "running"


async def test_a_run_whose_worker_died_at_every_try_ends_once_and_owes_a_dead_letter(
    database: Database,
    events: Events,
    reconciler: Reconciler,
    tenant_id: TenantId,
    new_run: NewRun,
    begin_run: BeginRun,
) -> None:
    run_id = await new_run()
    for attempt in range(1, TRIES + 1):
        run = await begin_run(run_id)
        if attempt < TRIES:
            await abandon(database, run)
    await change(database, run_id, "lease_until = now() - interval '1 s'")
    async with asyncio.TaskGroup() as group:
        looks = [group.create_task(reconciler.look()) for _ in range(4)]
    assert sum(look.result() for look in looks) == 1
    assert await queued(reconciler.producer) == {effects_of(run_id, tenant_id).job_id}
    async with database.begin() as session:
        row = await session.get_one(RunRow, run_id)
        (effect,) = (await session.scalars(select(EffectRow))).all()
    assert (row.status, row.code, row.tries) == ("failed", "WORKER_ERROR", TRIES)
    assert (effect.kind, effect.run_id, effect.payload["attempt"]) == (DEAD_LETTER, run_id, TRIES)
    (event,) = await events.read(run_id, None, within_s=LIMIT_S)
    assert event.told == RunEvent(
        status="failed", attempt=TRIES, ended=True, code=ErrorCode.WORKER_ERROR.value
    )


async def test_what_an_end_owes_is_offered_as_soon_as_it_is_due(
    database: Database,
    producer: Producer,
    reconciler: Reconciler,
    tenant_id: TenantId,
    new_run: NewRun,
) -> None:
    run_id = await new_run()
    await owe(database, tenant_id, run_id)
    assert await reconciler.look() == 1
    assert await queued(producer) == {effects_of(run_id, tenant_id).job_id}
    assert await reconciler.look() == 0


@pytest.mark.parametrize(
    ("holder", "claimed_s_ago", "overdue_s", "stays"),
    [
        (b"1", LEASE_S + 1, LEASE_S + 1, False),
        (b"1", LEASE_S - 30, LEASE_S + 1, True),
        (b"1", LEASE_S + 1, LEASE_S - 30, True),
        (b"worker:1", LEASE_S + 1, LEASE_S + 1, True),
    ],
    ids=["dead", "recent", "not overdue", "ours"],
)
async def test_a_claim_of_arqs_own_worker_that_begins_nothing_is_dropped(
    reconciler: Reconciler,
    new_run: NewRun,
    holder: bytes,
    claimed_s_ago: int,
    overdue_s: int,
    stays: bool,
) -> None:
    producer = reconciler.producer
    run = await due_for(reconciler.database, await new_run(), overdue_s)
    await producer.enqueue(next_attempt(run))
    lock = f"arq:in-progress:{job_id_of(run.id, 1)}"
    await producer.set(lock, holder, px=(STOCK_CLAIM_S - claimed_s_ago) * 1_000)
    assert await reconciler.look() == 0
    assert bool(await producer.exists(lock)) is stays
