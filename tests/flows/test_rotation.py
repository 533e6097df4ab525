"""A new ENCRYPTION_KEY while the service works, and what was under way meanwhile."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from app.bootstrap import Runtime, open_runtime
from app.candidates.tables import CandidateRow, VersionRow
from app.candidates.views import open_profile, view_run
from app.demo.samples import SAMPLES
from app.messages import Language
from app.pipeline.tables import RunRow
from app.settings import InvalidSettings, Settings
from app.store.keys import keys_in_use
from app.store.rotation import rotate
from tests.flows.conftest import WorkerProcess, held_runs, hold_checkpoint, working

pytestmark = [pytest.mark.flow, pytest.mark.timeout(120)]

SAMPLE = next(sample for sample in SAMPLES if sample.file == "ko-plain.txt")
OLD, NEW = SecretStr("5e" * 32), SecretStr("6f" * 32)


def keyed(settings: Settings, newest: SecretStr, *older: SecretStr) -> Settings:
    return settings.model_copy(
        update={"encryption_key": newest, "encryption_previous_keys": tuple(older)}
    )


async def test_the_key_is_changed_step_by_step_while_files_come_in(
    settings: Settings,
) -> None:
    # Step 1 of docs/security.md: every process reads the new key, and still writes the old one.
    step_1, step_2 = keyed(settings, OLD, NEW), keyed(settings, NEW, OLD)
    # Step 2, half-way: processes with the old and with the new key in front, at work.
    async with (
        open_runtime(step_1) as early,
        open_runtime(step_2) as late,
        working(early),
        working(late),
    ):
        async with asyncio.TaskGroup() as group:
            sending = [group.create_task(_send(runtime)) for runtime in (early, late)]
            rewrapped = 0
            while not all(task.done() for task in sending):
                rewrapped += (await rotate(late.database, late.keyring)).rewrapped
        run_ids = [run_id for task in sending for run_id in task.result()]
        runs = await _ended(late, run_ids)
    assert rewrapped > 0
    assert {run.status for run in runs} == {"succeeded"}

    # Step 3: nobody writes the old key any more.
    async with open_runtime(step_2) as runtime:
        assert (await rotate(runtime.database, runtime.keyring)).complete

    # Step 4: the old key is dropped, and everything opens.
    async with open_runtime(keyed(settings, NEW)) as runtime:
        assert await _readable(runtime) == len(run_ids)


async def test_a_run_that_was_killed_before_the_rotation_saves_a_readable_candidate_after_it(
    settings: Settings, worker_process: WorkerProcess
) -> None:
    """Its checkpoints hold the candidate's data key, where no rotation finds it."""
    async with open_runtime(settings) as runtime:
        await hold_checkpoint(runtime, "chunk")  # `protect` is saved, the candidate is not
        accepted = await runtime.intake.accept(SAMPLE.file, SAMPLE.path.read_bytes())
        async with worker_process() as process, asyncio.timeout(60):
            while not await held_runs(runtime):
                await asyncio.sleep(0.02)
            process.kill()
            await process.wait()
    async with open_runtime(keyed(settings, NEW, OLD)) as runtime:
        assert (await rotate(runtime.database, runtime.keyring)).complete
    async with open_runtime(keyed(settings, NEW)) as runtime, working(runtime):
        (run,) = await _ended(runtime, [accepted.run_id])
        assert (run.status, run.attempt) == ("succeeded", 2)
        assert await _readable(runtime) == 1


async def test_an_old_key_that_is_still_needed_cannot_be_dropped(settings: Settings) -> None:
    async with open_runtime(settings) as runtime:
        old_id = runtime.keyring.newest
    async with open_runtime(keyed(settings, NEW, OLD)) as runtime:
        await runtime.intake.accept("cv.txt", b"some text")  # the new key is in use as well
    with pytest.raises(InvalidSettings, match=f"PREVIOUS_KEYS lacks {old_id}"):
        async with open_runtime(keyed(settings, NEW)):
            pytest.fail("opened without a key that is needed")
    async with open_runtime(keyed(settings, NEW, OLD)) as runtime:
        await rotate(runtime.database, runtime.keyring)
        async with runtime.database.begin() as session:
            assert old_id not in await keys_in_use(session)
    async with open_runtime(keyed(settings, NEW)) as runtime:
        assert runtime.keyring.ids != (old_id,)


async def _send(runtime: Runtime) -> list[UUID]:
    sent: list[UUID] = []
    for number in range(5):
        text = f"{SAMPLE.path.read_text()}\n{id(runtime)} {number}"  # no two files are the same
        sent.append((await runtime.intake.accept(SAMPLE.file, text.encode())).run_id)
    return sent


async def _ended(runtime: Runtime, run_ids: Sequence[UUID]) -> Sequence[RunRow]:
    async with asyncio.timeout(90):
        while True:
            async with runtime.database.begin() as session:
                found = await session.scalars(select(RunRow).where(RunRow.id.in_(run_ids)))
                runs = found.all()
            if all(run.finished_at for run in runs):
                return runs
            await asyncio.sleep(0.05)


async def _readable(runtime: Runtime) -> int:
    """How many profiles open, with the file names of all runs."""
    async with runtime.database.begin() as session:
        for run in (await session.scalars(select(RunRow).where(RunRow.flow == "ingest"))).all():
            view = await view_run(
                session, runtime.keyring, run, language=Language.ENGLISH, reveal=True
            )
            assert view.file == SAMPLE.file
        candidate = await session.scalar(select(CandidateRow))
        assert candidate is not None  # one person, and a version of every file
        versions = (await session.scalars(select(VersionRow))).all()
        for version in versions:
            profile = await open_profile(session, runtime.keyring, candidate, version)
            assert profile.name == SAMPLE.name
    return len(versions)
