"""A worker is really killed at every stage; the run resumes and commits once."""

import asyncio
import signal

import pytest
from sqlalchemy import func, select

from app.bootstrap import Runtime
from app.candidates.tables import CandidateRow, ChunkRow
from app.demo.samples import SAMPLES
from app.pipeline import records
from app.pipeline.tables import CheckpointRow
from app.settings import Settings
from tests.flows.conftest import EndedRuns, WorkerProcess, held_runs, hold_checkpoint, working

pytestmark = [pytest.mark.flow, pytest.mark.timeout(90)]

STAGES = (
    "fetch", "extract", "identity", "analyze", "protect", "chunk", "embed", "thumbnail", "save",
)  # fmt: skip
BEFORE = {name: STAGES[:index] for index, name in enumerate(STAGES)} | {
    # Beside the others: what is finished when it is held is not fixed, except for its input.
    "thumbnail": ("fetch", "extract", "identity"),
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A lease that a living worker keeps on a machine which stands still for seconds.

    Which try ends the run is what is looked at, so no other try may be lost.
    """
    queue = settings.queue.model_copy(update={"lease": 5.0})
    return settings.model_copy(update={"queue": queue})


@pytest.mark.parametrize("stage", STAGES)
async def test_a_worker_killed_in_a_stage_loses_nothing_and_nothing_is_done_twice(
    stage: str, runtime: Runtime, worker_process: WorkerProcess, ended: EndedRuns
) -> None:
    await hold_checkpoint(runtime, stage)
    sample = next(sample for sample in SAMPLES if sample.file == "ko-one-column.pdf")
    accepted = await runtime.intake.accept(sample.file, sample.path.read_bytes())

    async with worker_process() as victim:
        async with asyncio.timeout(30):
            while not await held_runs(runtime):
                assert victim.returncode is None
                await asyncio.sleep(0.02)
        victim.send_signal(signal.SIGKILL)
        await victim.wait()
    async with working(runtime):
        (run,) = await ended([accepted.run_id])

    assert (run.status, run.attempt, run.tries) == ("succeeded", 2, 2)
    async with runtime.database.begin() as session:
        rows = await records.stages(session, run.id)
        candidates = await session.scalar(select(func.count()).select_from(CandidateRow))
        positions = (await session.scalars(select(ChunkRow.position))).all()
        kept = await session.scalar(select(func.count()).select_from(CheckpointRow))
    again = {row.name for row in rows if row.attempt == 2}
    assert stage in again
    assert not again & set(BEFORE[stage] if stage != "save" else STAGES[:-1])
    assert candidates == 1
    assert sorted(positions) == list(range(len(positions)))
    assert kept == 0
