import pytest
from sqlalchemy import update

from app.bootstrap import Runtime
from app.errors import ErrorCode
from app.jobs.dead_letters import bury
from app.pipeline.acceptance import accept, new_run
from app.pipeline.delivery import job_id_of
from app.pipeline.tables import RunRow, RunStatus
from app.queue.deadletters import DeadLetter, Retried
from app.queue.envelope import Priority

TRIES = 5


@pytest.fixture
async def run(runtime: Runtime) -> RunRow:
    """A run that ended since its worker had died at each try."""
    accepted = new_run(runtime.keyring, runtime.tenant_id, "test", priority=Priority.BULK)
    async with runtime.database.begin() as session:
        await accept(session, accepted, deadline_s=600)
        failed = {"status": RunStatus.FAILED, "attempt": TRIES, "tries": TRIES}
        await session.execute(update(RunRow).values(failed))
    return accepted.run


async def bury_job_of(run: RunRow, runtime: Runtime) -> None:
    await bury(runtime)({"run_id": str(run.id), "attempt": TRIES}, "key")


async def buried(runtime: Runtime) -> list[DeadLetter]:
    return list((await runtime.dead_letters.page()).letters)


async def test_the_letter_opens_the_run_again(runtime: Runtime, run: RunRow) -> None:
    for _ in range(2):
        await bury_job_of(run, runtime)
    (letter,) = await buried(runtime)
    assert (letter.id, letter.code) == (job_id_of(run.id, TRIES + 1), ErrorCode.WORKER_ERROR)
    assert (letter.tries, letter.tenant) == (TRIES, str(run.tenant_id))
    assert await runtime.dead_letters.retry(letter.id) is Retried.QUEUED
    async with runtime.database.begin() as session:
        assert (await session.get_one(RunRow, run.id)).status == RunStatus.QUEUED


async def test_a_run_that_was_opened_again_is_not_buried_late(
    runtime: Runtime, run: RunRow
) -> None:
    await bury_job_of(run, runtime)
    await runtime.dead_letters.retry(job_id_of(run.id, TRIES + 1))
    async with runtime.database.begin() as session:
        await session.execute(update(RunRow).values(status=RunStatus.FAILED))
    await bury_job_of(run, runtime)
    assert await buried(runtime) == []
