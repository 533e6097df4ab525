from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from app.bootstrap import Runtime
from app.jobs.scheduled import RETENTION_FLOW, retention_flow
from app.pipeline import fencing, records
from app.pipeline.acceptance import accept, new_run
from app.pipeline.fencing import Effect, End
from app.pipeline.run import Run
from app.pipeline.tables import CheckpointRow, RunId, RunRow, RunStatus
from app.queue.envelope import Priority
from app.store.keys import DataKeyRow

BeginRun = Callable[[str], Awaitable[Run]]


@pytest.fixture
def begin_run(runtime: Runtime) -> BeginRun:
    """A run of this flow at its first attempt, as a worker begins it."""

    async def begin(flow: str) -> Run:
        accepted = new_run(runtime.keyring, runtime.tenant_id, flow, priority=Priority.BULK)
        async with runtime.database.begin() as session:
            await accept(session, accepted, deadline_s=60)
            run_id = RunId(accepted.run.id)
            row = await fencing.begin(session, run_id, attempt=1, worker="w", lease_s=30)
        assert row is not None
        return Run(
            row=row,
            key=accepted.key,
            database=runtime.database,
            policies=runtime.policies,
            clock=runtime.clock,
            saved={},
        )

    return begin


async def end(runtime: Runtime, run: Run, *, days_ago: int, effect: Effect | None = None) -> None:
    """The run ended so long ago as `partial`, with a checkpoint."""
    effects = (effect,) if effect else ()
    how = End(status=RunStatus.PARTIAL, effects=effects, keep_checkpoints=True)
    async with runtime.database.begin() as session:
        await records.save_checkpoint(session, run.row, "s", "", 1, "v1.sealed")
        await fencing.end(session, run.row, how)
        await session.execute(
            text("UPDATE runs SET finished_at = now() - make_interval(days => :days) WHERE id=:id"),
            {"days": days_ago, "id": run.id},
        )


async def test_retention_drops_what_was_kept_long_enough_and_nothing_else(
    runtime: Runtime, begin_run: BeginRun
) -> None:
    days = runtime.settings.retention.checkpoints_days
    resumes = {ago: await begin_run("ingest") for ago in (days - 1, days + 1)}
    retentions = {ago: await begin_run(RETENTION_FLOW) for ago in (days - 1, days + 1)}
    for ago, run in (*resumes.items(), *retentions.items()):
        await end(runtime, run, days_ago=ago)
    async with runtime.database.begin() as session:
        keys_before = await session.scalar(select(func.count()).select_from(DataKeyRow))
    today = await begin_run(RETENTION_FLOW)

    result = await retention_flow(runtime).call(today)

    assert result == {"checkpoints": 2, "runs": 1}
    async with runtime.database.begin() as session:
        left: set[UUID] = set(await session.scalars(select(RunRow.id)))
        with_checkpoints: set[UUID] = set(
            await session.scalars(
                select(CheckpointRow.run_id).where(CheckpointRow.run_id != today.id)
            )
        )
        keys_after = await session.scalar(select(func.count()).select_from(DataKeyRow))
    assert left == {
        resumes[days - 1].id, resumes[days + 1].id, retentions[days - 1].id, today.id,
    }  # fmt: skip
    assert with_checkpoints == {resumes[days - 1].id, retentions[days - 1].id}
    assert keys_after == keys_before  # one new, one dropped with its run


async def test_a_run_that_still_owes_something_is_kept(
    runtime: Runtime, begin_run: BeginRun
) -> None:
    owing = await begin_run(RETENTION_FLOW)
    await end(runtime, owing, days_ago=100, effect=Effect(kind="tell", key="tell:1"))
    today = await begin_run(RETENTION_FLOW)
    assert (await retention_flow(runtime).call(today))["runs"] == 0
    async with runtime.database.begin() as session:
        assert await session.get(RunRow, owing.id) is not None


async def test_a_second_attempt_does_not_drop_again(runtime: Runtime, begin_run: BeginRun) -> None:
    today = await begin_run(RETENTION_FLOW)
    flow = retention_flow(runtime)
    assert await flow.call(today) == {"checkpoints": 0, "runs": 0}
    await end(runtime, await begin_run(RETENTION_FLOW), days_ago=100)
    async with runtime.database.begin() as session:
        today.saved = await records.checkpoints(session, today.id)
    assert await flow.call(today) == {"checkpoints": 0, "runs": 0}
    async with runtime.database.begin() as session:
        assert await session.scalar(select(func.count()).select_from(RunRow)) == 2
