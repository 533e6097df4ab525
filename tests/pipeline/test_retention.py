"""Batches: each commits with its count, and none after another worker took over."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ErrorCode, RetryableError
from app.pipeline import stage_records
from app.pipeline.retention import BATCH, Rule, Tally, dropping
from app.pipeline.tables import RunRow
from app.store.database import Database
from tests.pipeline.conftest import BeginRun, NewRun

ROWS = BATCH * 2 + 7


async def mark(session: AsyncSession, run_ids: Sequence[UUID]) -> Sequence[str]:
    """What this rule does to a run; its files have the names of the runs."""
    marked = update(RunRow).where(RunRow.id.in_(run_ids)).values(worker="dropped")
    await session.execute(marked.execution_options(synchronize_session=False))
    return [str(run_id) for run_id in run_ids]


RULE = Rule(
    name="old",
    days=1,
    of=RunRow,
    due=(RunRow.flow == "old", RunRow.worker.is_(None)),
    drop=mark,
)


async def fill(database: Database) -> None:
    async with database.begin() as session:
        await session.execute(
            text(
                "INSERT INTO runs (id, tenant_id, flow, status, attempt, tries, input, details,"
                " partial_codes) SELECT gen_random_uuid(), gen_random_uuid(), 'old', 'failed', 1,"
                " 1, '{}', '{}', '{}' FROM generate_series(1, :rows)"
            ),
            {"rows": ROWS},
        )


async def dropped(database: Database) -> int:
    async with database.begin() as session:
        return await session.scalar(  # pyright: ignore[reportReturnType] - never null
            select(func.count()).where(RunRow.worker == "dropped")
        )


async def test_it_goes_on_batch_by_batch_and_deletes_each_file_after_its_row_has_changed(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    await fill(database)
    run = await begin_run(await new_run())
    deleted: list[str] = []

    async def delete(keys: Sequence[str]) -> None:
        deleted.extend(keys)
        assert await dropped(database) == len(deleted)

    async with database.begin() as session:
        assert await RULE.count(session) == ROWS
    assert await dropping(RULE, delete_files=delete, enough=lambda: False).call(run) == ROWS
    assert len(set(deleted)) == ROWS
    async with database.begin() as session:
        assert await RULE.count(session) == 0


async def test_no_batch_commits_after_another_worker_took_over(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    await fill(database)
    run = await begin_run(await new_run())

    async def be_overtaken(keys: Sequence[str]) -> None:
        del keys
        async with database.begin() as session:
            await session.execute(
                text("UPDATE runs SET attempt = 2 WHERE id = :id"), {"id": run.id}
            )

    with pytest.raises(RetryableError) as lost:
        await dropping(RULE, delete_files=be_overtaken, enough=lambda: False).call(run)
    assert lost.value.code is ErrorCode.LEASE_LOST
    assert await dropped(database) == BATCH


async def test_it_stops_when_it_is_enough_and_a_later_attempt_counts_on(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    await fill(database)
    run = await begin_run(await new_run())
    batches = iter([False, True])

    async def delete(keys: Sequence[str]) -> None:
        del keys

    first = dropping(RULE, delete_files=delete, enough=lambda: next(batches))
    assert await first.call(run) == BATCH
    async with database.begin() as session:
        run.saved = await stage_records.checkpoints(session, run.id)
    assert Tally(run, "drop_old").count == BATCH
    whole = dropping(RULE, delete_files=delete, enough=lambda: False)
    assert await whole.call(run) == ROWS
