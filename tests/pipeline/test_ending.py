import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from sqlalchemy import select

from app.errors import ErrorCode, RetryableError
from app.pipeline import fencing
from app.pipeline.ending import CANCELLED, end_run
from app.pipeline.fencing import Effect, End
from app.pipeline.tables import EffectRow, RunRow, RunStatus
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


async def test_a_commit_of_a_stage_is_not_waited_for_longer_than_allowed(
    database: Database, events: Events, new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())
    async with database.begin() as committing:
        await fencing.hold(committing, run.id, 1)
        with pytest.raises(RetryableError) as refused:
            await end_run(database, events, run.row, CANCELLED, within_s=0.05)
    assert refused.value.code is ErrorCode.DB_CONNECTION
    async with database.begin() as session:
        assert (await session.get_one(RunRow, run.id)).status == "running"
