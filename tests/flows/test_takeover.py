"""Whoever takes a run over works on the attempt that it has begun, and renews what it holds alone."""

import pytest
from sqlalchemy import func, update

from app.bootstrap import Runtime
from app.jobs.execution import Execution
from app.pipeline import fencing
from app.pipeline.acceptance import accept, new_run
from app.pipeline.tables import RunId, RunRow
from app.queue.envelope import Priority

pytestmark = pytest.mark.flow


async def begun(runtime: Runtime, worker: str) -> RunRow:
    """A run that this worker has begun, and that ended its lease at once."""
    accepted = new_run(runtime.keyring, runtime.tenant_id, "none", priority=Priority.BULK)
    async with runtime.database.begin() as session:
        await accept(session, accepted, deadline_s=60)
    async with runtime.database.begin() as session:
        row = await fencing.begin(
            session, RunId(accepted.run.id), attempt=1, worker=worker, lease_s=60
        )
        assert row is not None
        await session.execute(
            update(RunRow)
            .where(RunRow.id == row.id)
            .values(lease_until=func.now())
            .execution_options(synchronize_session=False)
        )
    return row


async def test_who_takes_over_knows_its_attempt(runtime: Runtime) -> None:
    run = await begun(runtime, "victim")
    async with runtime.database.begin() as session:
        taken = await fencing.take_over(
            session, RunId(run.id), worker="heir", lease_s=60, max_tries=5
        )
    assert isinstance(taken, RunRow)
    assert (taken.attempt, taken.worker) == (2, "heir")


async def test_a_run_that_was_begun_and_is_not_held_is_not_renewed(runtime: Runtime) -> None:
    """Its begin was committed, and the answer lost or the task cancelled before it was held."""
    execution = Execution(runtime, {}, {}, worker="worker")
    run = await begun(runtime, "worker")
    await execution.renew_leases()
    async with runtime.database.begin() as session:
        assert await fencing.reclaim_abandoned(session, max_runs=10)
    async with runtime.database.begin() as session:
        assert (await session.get_one(RunRow, run.id)).status == "queued"
