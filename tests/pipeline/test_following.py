import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import text

from app.errors import ErrorCode, PermanentError
from app.pipeline import fencing
from app.pipeline.following import END_ID, follow
from app.pipeline.run import Run
from app.pipeline.tables import RunId, RunStatus
from app.queue.events import Event, Events, GapEvent, RunEvent, StageEvent
from app.settings.groups import DatabaseSettings, RedisSettings
from app.store.database import Database, open_database
from app.store.keys import TenantId
from app.store.redis import RedisPool, open_redis
from tests.fakes.wire import Wires, wires_to
from tests.pipeline.conftest import BeginRun, NewRun

LIMIT_S = 30


@pytest.fixture
async def wires(database_url: str, redis_url: str) -> AsyncGenerator[Wires]:
    async with wires_to(database_url, redis_url) as opened:
        yield opened


def stage(name: str) -> StageEvent:
    return StageEvent(stage=name, status="succeeded", attempt=1)


def final(status: RunStatus, attempt: int = 1, code: ErrorCode | None = None) -> RunEvent:
    return RunEvent(status=status, attempt=attempt, ended=True, code=code)


async def end(database: Database, run: Run, status: RunStatus, code: ErrorCode | None) -> None:
    async with database.begin() as session:
        await fencing.end(session, run.row, fencing.End(status=status, code=code))


async def to_the_end(following: AsyncGenerator[Event]) -> list[Event]:
    async with asyncio.timeout(LIMIT_S), aclosing(following):
        return [event async for event in following]


async def test_a_run_is_followed_to_its_end(
    database: Database, events: Events, tenant_id: TenantId, new_run: NewRun, begin_run: BeginRun
) -> None:
    run_id = await new_run()
    async with aclosing(follow(database, events, tenant_id, run_id)) as following:
        run = await begin_run(run_id)
        events.tell(run_id, stage("first"))
        async with asyncio.timeout(LIMIT_S):
            first = await anext(following)
            assert first.told == stage("first")
            events.tell(run_id, stage("second"))
            assert (await anext(following)).told == stage("second")
            await end(database, run, RunStatus.SUCCEEDED, None)
            events.tell(run_id, final(RunStatus.SUCCEEDED))
            assert await anext(following) == Event(END_ID, final(RunStatus.SUCCEEDED))
            with pytest.raises(StopAsyncIteration):
                await anext(following)

    again = await to_the_end(follow(database, events, tenant_id, run_id, after=first.id))
    assert [event.told for event in again] == [stage("second"), final(RunStatus.SUCCEEDED)]


async def test_an_end_whose_event_was_lost_is_seen_in_postgresql(
    database: Database, events: Events, tenant_id: TenantId, new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())
    async with aclosing(follow(database, events, tenant_id, run.id)) as following:
        events.tell(run.id, stage("first"))
        async with asyncio.timeout(LIMIT_S):
            assert (await anext(following)).told == stage("first")
            await end(database, run, RunStatus.FAILED, ErrorCode.WORKER_ERROR)
            told = (await anext(following)).told
    assert told == final(RunStatus.FAILED, code=ErrorCode.WORKER_ERROR)


@pytest.mark.parametrize("after", [None, "1-1"])
async def test_of_a_run_that_ended_long_ago_the_end_is_told(
    database: Database,
    events: Events,
    tenant_id: TenantId,
    new_run: NewRun,
    begin_run: BeginRun,
    after: str | None,
) -> None:
    run = await begin_run(await new_run())
    await end(database, run, RunStatus.CANCELLED, ErrorCode.CANCELLED)
    told = await to_the_end(follow(database, events, tenant_id, run.id, after=after))
    assert told == [Event(END_ID, final(RunStatus.CANCELLED, code=ErrorCode.CANCELLED))]


async def test_a_redis_that_loses_everything_amid_is_a_gap(
    database: Database,
    events: Events,
    pool: RedisPool,
    tenant_id: TenantId,
    new_run: NewRun,
    begin_run: BeginRun,
) -> None:
    run = await begin_run(await new_run())
    async with aclosing(follow(database, events, tenant_id, run.id)) as following:
        events.tell(run.id, stage("first"))
        async with asyncio.timeout(LIMIT_S):
            first = await anext(following)
            await Redis(connection_pool=pool).flushdb()  # pyright: ignore[reportUnknownMemberType] - typed loosely
            events.tell(run.id, stage("second"))
            assert await anext(following) == Event(first.id, GapEvent())
            assert (await anext(following)).told == stage("second")


async def test_a_failed_run_that_was_taken_up_again_is_followed_past_its_old_end(
    database: Database, events: Events, tenant_id: TenantId, new_run: NewRun, begin_run: BeginRun
) -> None:
    run_id = await new_run()
    run = await begin_run(run_id)
    await end(database, run, RunStatus.FAILED, ErrorCode.WORKER_ERROR)
    events.tell(run_id, final(RunStatus.FAILED, code=ErrorCode.WORKER_ERROR))
    async with database.begin() as session:
        assert await fencing.reopen(session, run_id, deadline_s=60)
    again = await begin_run(run_id)
    events.tell(run_id, StageEvent(stage="second", status="running", attempt=3))
    async with aclosing(follow(database, events, tenant_id, run_id)) as following:
        async with asyncio.timeout(LIMIT_S):
            told = (await anext(following)).told
            assert isinstance(told, StageEvent)
            await end(database, again, RunStatus.SUCCEEDED, None)
            events.tell(run_id, final(RunStatus.SUCCEEDED, 3))
            assert (await anext(following)).told == final(RunStatus.SUCCEEDED, 3)


async def test_a_run_is_followed_while_the_servers_come_and_go(
    events: Events,
    wires: Wires,
    tenant_id: TenantId,
    new_run: NewRun,
    begin_run: BeginRun,
) -> None:
    """What is told goes straight to Redis; the follower's ways are cut."""
    run = await begin_run(await new_run())
    far = DatabaseSettings(url=SecretStr(wires.database_url), connect_timeout=1)
    async with (
        open_database(far) as cut_database,
        open_redis(RedisSettings(url=SecretStr(wires.redis_url))) as cut_pool,
        aclosing(follow(cut_database, Events(cut_pool), tenant_id, run.id)) as following,
    ):
        events.tell(run.id, stage("first"))
        async with asyncio.timeout(LIMIT_S):
            assert (await anext(following)).told == stage("first")
            coming = asyncio.create_task(anext(following))
            await wires.redis.cut()
            await wires.database.cut()
            events.tell(run.id, stage("second"))
            await events.all_told(within_s=LIMIT_S)
            await wires.redis.mend()
            assert (await coming).told == stage("second")
            # Without PostgreSQL, what the event says of the end must do.
            events.tell(run.id, final(RunStatus.SUCCEEDED))
            assert await anext(following) == Event(END_ID, final(RunStatus.SUCCEEDED))
        await wires.database.mend()


async def test_what_is_not_the_tenants_is_not_there(
    database: Database, events: Events, tenant_id: TenantId, new_run: NewRun
) -> None:
    run_id = await new_run()
    for tenant, asked in ((TenantId(uuid4()), run_id), (tenant_id, RunId(uuid4()))):
        with pytest.raises(PermanentError) as refused:
            await to_the_end(follow(database, events, tenant, asked))
        assert refused.value.code is ErrorCode.NOT_FOUND


async def test_who_waits_for_an_event_holds_no_transaction(
    database: Database, events: Events, tenant_id: TenantId, new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())
    async with aclosing(follow(database, events, tenant_id, run.id)) as following:
        events.tell(run.id, stage("first"))
        await anext(following)
        waiting = asyncio.create_task(anext(following))
        async with database.begin() as session:
            idle = await session.scalar(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()"
                )
            )
        assert idle == 0
        events.tell(run.id, stage("second"))
        assert (await waiting).told == stage("second")
