import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ErrorCode, PermanentError, RetryableError
from app.pipeline import fencing, records, stage_records
from app.pipeline.ending import CANCELLED, cut_short, end_run, made_nothing
from app.pipeline.fencing import Effect, End
from app.pipeline.stage_records import StageEnd
from app.pipeline.tables import CheckpointRow, EffectRow, RunRow, RunStatus, StageStatus
from app.queue.events import Events, RunEvent
from app.store.database import Database
from app.telemetry.conventions import Metric
from tests.pipeline.conftest import BeginRun, NewRun

LIMIT_S = 30


def counted(measured: InMemoryMetricReader) -> list[dict[str, object]]:
    """The labels of the runs that were counted as ended."""
    found = measured.get_metrics_data()
    return [
        dict(point.attributes or {})
        for resource in (found.resource_metrics if found else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == Metric.RUNS
        for point in metric.data.data_points
    ]


async def test_an_end_is_written_counted_and_told(
    database: Database,
    events: Events,
    measured: InMemoryMetricReader,
    new_run: NewRun,
    begin_run: BeginRun,
) -> None:
    run = await begin_run(await new_run())
    how = End(
        status=RunStatus.FAILED,
        code=ErrorCode.INVALID_FILE,
        effects=(Effect(kind="webhook", key="once"),),
    )
    await end_run(database, events, run.row, how)
    async with database.begin() as session:
        row = await session.get_one(RunRow, run.id)
        (effect,) = (await session.scalars(select(EffectRow))).all()
    assert (row.status, row.code) == ("failed", "INVALID_FILE")
    assert (effect.run_id, effect.idempotency_key) == (run.id, "once")
    (event,) = await events.read(run.id, None, within_s=LIMIT_S)
    assert event.told == RunEvent(status="failed", attempt=1, ended=True, code="INVALID_FILE")
    (labels,) = counted(measured)
    assert sorted(map(str, labels.values())) == ["INVALID_FILE", "failed"]


async def test_what_is_refused_is_neither_counted_nor_told(
    database: Database,
    events: Events,
    measured: InMemoryMetricReader,
    new_run: NewRun,
    begin_run: BeginRun,
) -> None:
    run = await begin_run(await new_run())
    await end_run(database, events, run.row, CANCELLED)
    with pytest.raises(RetryableError) as refused:
        await end_run(database, events, run.row, End(status=RunStatus.SUCCEEDED))
    assert refused.value.code is ErrorCode.LEASE_LOST
    await events.all_told(within_s=LIMIT_S)
    assert len(await events.read(run.id, None, within_s=0)) == 1
    assert len(counted(measured)) == 1


async def test_what_a_stage_commits_while_its_run_is_cut_short_goes_with_the_rest(
    database: Database, events: Events, new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())
    async with asyncio.TaskGroup() as group:
        async with database.begin() as committing:
            await fencing.hold(committing, run.id, 1)
            saved = StageEnd(name="extract", status=StageStatus.SUCCEEDED, sealed="sealed")
            await stage_records.end_stage(committing, run.row, saved)
            await stage_records.start_stage(committing, run.row, "embed")
            cutting = group.create_task(
                cut_short(database, events, run.row, made=made_nothing, within_s=LIMIT_S)
            )
            await until_it_waits(database)
        await cutting
    async with database.begin() as session:
        assert (await session.get_one(RunRow, run.id)).status == "cancelled"
        assert (await session.scalars(select(CheckpointRow))).all() == []
        stages = {row.name: row.status for row in await records.stages(session, run.id)}
    assert stages == {"extract": "succeeded", "embed": "failed"}


async def until_it_waits(database: Database) -> None:
    """For a row that another transaction has locked."""
    waits = text(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database())"
    )
    async with asyncio.timeout(LIMIT_S):
        while True:
            async with database.begin() as session:
                if await session.scalar(waits):
                    return


async def test_a_run_is_not_cut_short_once_it_has_made_something(
    database: Database, events: Events, new_run: NewRun, begin_run: BeginRun
) -> None:
    async def made(session: AsyncSession, run_id: UUID) -> object | None:
        return await session.scalar(select(CheckpointRow).where(CheckpointRow.run_id == run_id))

    run = await begin_run(await new_run())
    async with asyncio.TaskGroup() as group:
        async with database.begin() as committing:
            await fencing.hold(committing, run.id, 1)
            saved = StageEnd(name="save", status=StageStatus.SUCCEEDED, sealed="sealed")
            await stage_records.end_stage(committing, run.row, saved)
            cutting = group.create_task(
                refused(cut_short(database, events, run.row, made=made, within_s=LIMIT_S))
            )
            await until_it_waits(database)
        assert await cutting is ErrorCode.RUN_ENDED
    await end_run(database, events, run.row, End(status=RunStatus.SUCCEEDED))
    told = [event.told for event in await events.read(run.id, None, within_s=LIMIT_S)]
    assert told == [RunEvent(status="succeeded", attempt=1, ended=True, code=None)]


async def refused(cutting: Coroutine[Any, Any, None]) -> ErrorCode:
    with pytest.raises(PermanentError) as caught:
        await cutting
    return caught.value.code


async def test_a_commit_of_a_stage_is_not_waited_for_longer_than_allowed(
    database: Database, events: Events, new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())
    async with database.begin() as committing:
        await fencing.hold(committing, run.id, 1)
        with pytest.raises(RetryableError) as refused:
            await cut_short(database, events, run.row, made=made_nothing, within_s=0.05)
    assert refused.value.code is ErrorCode.DB_CONNECTION
    async with database.begin() as session:
        assert (await session.get_one(RunRow, run.id)).status == "running"
