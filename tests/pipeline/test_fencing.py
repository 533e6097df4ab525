import asyncio

import pytest
from sqlalchemy import func, select, text

from app.errors import ErrorCode, RetryableError
from app.pipeline import fencing, stage_records
from app.pipeline.fencing import End
from app.pipeline.run import Run
from app.pipeline.tables import CheckpointRow, RunRow, RunStatus
from app.store.database import Database
from tests.pipeline.conftest import BeginRun, NewRun


async def state_of(database: Database, run: Run) -> RunRow:
    async with database.begin() as session:
        return await session.get_one(RunRow, run.id)


async def test_one_slow_commit_does_not_keep_the_leases_of_other_runs_from_being_renewed(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    busy, other = await begin_run(await new_run()), await begin_run(await new_run())
    async with database.begin() as committing:
        await fencing.hold(committing, busy.id, 1)
        async with asyncio.timeout(5), database.begin() as session:
            held = [busy.id, other.id]
            assert await fencing.renew_leases(session, "w", held, lease_s=30) == {other.id: 1}
            assert await fencing.overtaken(session, {busy.id: 1, other.id: 1}) == []


async def test_an_attempt_is_overtaken_when_its_run_was_put_back_or_begun_anew(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    runs = [await begin_run(await new_run()) for _ in range(3)]
    held = {run.id: 1 for run in runs}
    async with database.begin() as session:
        await session.execute(
            text("UPDATE runs SET status = 'queued' WHERE id = :id"), {"id": runs[0].id}
        )
        await session.execute(
            text("UPDATE runs SET attempt = 2 WHERE id = :id"), {"id": runs[1].id}
        )
        await fencing.end(session, runs[2].row, End(status=RunStatus.SUCCEEDED))
    async with database.begin() as session:
        assert set(await fencing.overtaken(session, held)) == {runs[0].id, runs[1].id}


@pytest.mark.parametrize(("spends_try", "tries"), [(True, 1), (False, 0)])
async def test_a_postponed_run_is_due_later_and_may_keep_its_try(
    spends_try: bool, tries: int, database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())
    async with database.begin() as session:
        await fencing.postpone(
            session,
            run.row,
            wait_s=60,
            code=ErrorCode.LLM_RATE_LIMIT,
            details={"retry_after": 60},
            spends_try=spends_try,
        )
        assert await fencing.due(session, max_runs=10) == []
    state = await state_of(database, run)
    assert (state.status, state.tries, state.code) == ("queued", tries, "LLM_RATE_LIMIT")
    with pytest.raises(RetryableError):
        async with database.begin() as session:
            await fencing.hold(session, run.id, 1)


async def test_checkpoints_are_dropped_with_the_end_unless_they_are_kept(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    async def kept() -> int | None:
        async with database.begin() as session:
            return await session.scalar(select(func.count()).select_from(CheckpointRow))

    for keep in (False, True):
        run = await begin_run(await new_run())
        async with database.begin() as session:
            await stage_records.save_answer(session, run.row, "s", "", "v1.sealed")
            how = End(status=RunStatus.FAILED, keep_checkpoints=keep)
            await fencing.end(session, run.row, how)
        assert await kept() == int(keep)
