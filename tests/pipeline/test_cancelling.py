import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from app.errors import ErrorCode, PermanentError, RetryableError
from app.pipeline import fencing, records
from app.pipeline.cancelling import cancel_run
from app.pipeline.delivery import job_id_of, next_attempt
from app.pipeline.run import Run
from app.pipeline.tables import RunId, RunRow, RunStatus
from app.queue.envelope import NewJob
from app.queue.events import Events, RunEvent
from app.queue.producer import Producer
from app.settings.groups import RedisSettings
from app.settings.queue import QueueSettings
from app.store.database import Database
from app.store.keys import TenantId
from app.store.redis import RedisPool, open_redis
from tests.fakes.wire import wires_to
from tests.pipeline.conftest import BeginRun, NewRun
from tests.pipeline.test_run import abandon
from tests.queue.fleet import LIMIT_S, Workshop, job, working

Cancel = Callable[[RunId], Coroutine[Any, Any, RunRow]]


@pytest.fixture
def producer(pool: RedisPool) -> Producer:
    return Producer(pool, QueueSettings())


@pytest.fixture
def cancel(database: Database, producer: Producer, events: Events, tenant_id: TenantId) -> Cancel:
    async def call(run_id: RunId) -> RunRow:
        return await cancel_run(database, producer, events, tenant_id, run_id)

    return call


async def row(database: Database, tenant_id: TenantId, run_id: RunId) -> RunRow:
    async with database.begin() as session:
        found = await records.find(session, tenant_id, run_id)
    assert found is not None
    return found


async def test_a_queued_run_and_its_job_are_gone(
    database: Database, producer: Producer, tenant_id: TenantId, new_run: NewRun, cancel: Cancel
) -> None:
    run_id = await new_run()
    await producer.enqueue(next_attempt(await row(database, tenant_id, run_id)))

    cancelled = await cancel(run_id)
    assert (cancelled.status, cancelled.code) == (RunStatus.CANCELLED, ErrorCode.CANCELLED)
    assert cancelled.finished_at is not None
    assert await producer.payload(job_id_of(run_id, 1)) is None
    async with database.begin() as session:
        assert not await fencing.begin(session, run_id, attempt=1, worker="w", lease_s=9)


@pytest.mark.parametrize("taken_over", [0, 2])
async def test_a_running_run_ends_at_once_and_the_job_that_carries_it_is_cancelled(
    database: Database,
    producer: Producer,
    new_run: NewRun,
    begin_run: BeginRun,
    cancel: Cancel,
    taken_over: int,
) -> None:
    run_id = await new_run()
    await producer.enqueue(NewJob(function="run", job_id=job_id_of(run_id, 1)))
    shop = Workshop()

    async def carry(ctx: dict[Any, Any], **carried: object) -> str:
        del carried
        return await shop.carry(ctx)

    async with working(producer, job(carry, "run"), settings=QueueSettings()):
        await shop.started()
        run = await begin_run(run_id)
        for _ in range(taken_over):
            await abandon(database, run)
            run = await begin_run(run_id)
        cancelled = await cancel(run_id)
        assert (cancelled.status, cancelled.attempt) == (RunStatus.CANCELLED, 1 + taken_over)
        async with asyncio.timeout(LIMIT_S):
            while not shop.cancelled:
                await asyncio.sleep(0.005)
    assert shop.cancelled == [job_id_of(run_id, 1)]
    with pytest.raises(RetryableError) as refused:
        async with database.begin() as session:
            await fencing.hold(session, run.id, run.row.attempt)
    assert refused.value.code is ErrorCode.LEASE_LOST
    async with database.begin() as session:
        *_, attempt = await records.attempts(session, run_id)
    assert (attempt.outcome, attempt.code) == (RunStatus.CANCELLED, ErrorCode.CANCELLED)


async def test_followers_are_told(events: Events, new_run: NewRun, cancel: Cancel) -> None:
    run_id = await new_run()
    await cancel(run_id)
    told = [event.told for event in await events.read(run_id, None, within_s=LIMIT_S)]
    assert told == [
        RunEvent(status="cancelled", attempt=0, ended=True, code=ErrorCode.CANCELLED.value)
    ]


async def test_many_cancels_at_once_have_one_effect_and_one_answer(
    events: Events, new_run: NewRun, begin_run: BeginRun, cancel: Cancel
) -> None:
    run_id = await new_run()
    await begin_run(run_id)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(cancel(run_id)) for _ in range(8)]
    answers = [task.result() for task in asked]
    assert {(answer.status, answer.attempt) for answer in answers} == {(RunStatus.CANCELLED, 1)}
    assert len({answer.finished_at for answer in answers}) == 1
    await events.all_told(within_s=LIMIT_S)
    assert len(await events.read(run_id, None, within_s=0)) == 1


async def test_a_run_that_begins_meanwhile_is_cancelled_all_the_same(
    database: Database, tenant_id: TenantId, new_run: NewRun, begin_run: BeginRun, cancel: Cancel
) -> None:
    run_ids = [await new_run() for _ in range(10)]
    async with asyncio.TaskGroup() as group:
        for run_id in run_ids:
            group.create_task(begin_run_or_not(begin_run, run_id))
            group.create_task(cancel(run_id))
    for run_id in run_ids:
        assert (await row(database, tenant_id, run_id)).status == RunStatus.CANCELLED


async def begin_run_or_not(begin_run: BeginRun, run_id: RunId) -> None:
    with suppress(AssertionError):  # cancelled first
        await begin_run(run_id)


@pytest.mark.parametrize("status", [RunStatus.SUCCEEDED, RunStatus.PARTIAL, RunStatus.FAILED])
async def test_a_run_that_has_ended_stays_as_it_is(
    database: Database,
    tenant_id: TenantId,
    new_run: NewRun,
    begin_run: BeginRun,
    cancel: Cancel,
    status: RunStatus,
) -> None:
    run: Run = await begin_run(await new_run())
    async with database.begin() as session:
        await fencing.end(session, run.row, fencing.End(status=status))
    with pytest.raises(PermanentError) as refused:
        await cancel(run.id)
    assert refused.value.code is ErrorCode.RUN_ENDED
    assert refused.value.details == {"status": status}
    assert (await row(database, tenant_id, run.id)).status == status


async def test_an_unknown_run_or_one_of_another_tenant_is_not_there(
    database: Database, producer: Producer, events: Events, new_run: NewRun, cancel: Cancel
) -> None:
    run_id = await new_run()
    for asked in (
        cancel(RunId(uuid4())),
        cancel_run(database, producer, events, TenantId(uuid4()), run_id),
    ):
        with pytest.raises(PermanentError) as refused:
            await asked
        assert refused.value.code is ErrorCode.NOT_FOUND


async def test_without_redis_the_run_is_cancelled_and_its_worker_finds_out(
    database: Database,
    database_url: str,
    redis_url: str,
    tenant_id: TenantId,
    new_run: NewRun,
    begin_run: BeginRun,
) -> None:
    run = await begin_run(await new_run())
    async with wires_to(database_url, redis_url) as wires:
        far = RedisSettings(url=SecretStr(wires.redis_url), connect_timeout=1)
        async with open_redis(far) as pool:
            await wires.redis.cut()
            cancelled = await cancel_run(
                database, Producer(pool, QueueSettings()), Events(pool), tenant_id, run.id
            )
            await wires.redis.mend()
    assert cancelled.status == RunStatus.CANCELLED
    with pytest.raises(RetryableError):
        async with database.begin() as session:
            await fencing.hold(session, run.id, 1)
