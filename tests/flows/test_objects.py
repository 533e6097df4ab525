"""Objects that clients put into the store go with the person, whose name they may be named after."""

import asyncio

import pytest
from sqlalchemy import func, update

from app.bootstrap import Runtime
from app.candidates.tables import FileRow
from app.pipeline.tables import EffectRow, RunRow
from tests.flows.conftest import EndedRuns, working
from tests.flows.persons import (
    MAIL,
    PHONE,
    blobs,
    candidates,
    erase,
    everything,
    owed,
    read,
    resume,
    tried,
    until_no_file_is_left,
)

pytestmark = [pytest.mark.flow, pytest.mark.timeout(120)]


async def test_an_object_that_the_client_put_into_the_store_goes_too(
    here: Runtime, ended: EndedRuns
) -> None:
    await here.blobs.put("inbox/윤가온.txt", resume())
    accepted = await here.intake.accept_object("inbox/윤가온.txt")
    await ended([accepted.run_id])
    assert "윤가온" not in await everything(here)
    (person,) = await candidates(here)
    await erase(here, person.id)
    await until_no_file_is_left(here)
    dump = await everything(here)
    for value in ("윤가온", MAIL, PHONE):
        assert value not in dump


async def test_an_object_goes_once_the_store_answers_though_its_runs_key_is_gone(
    here: Runtime, ended: EndedRuns
) -> None:
    await here.blobs.put("inbox/윤가온.txt", resume())
    accepted = await here.intake.accept_object("inbox/윤가온.txt")
    await ended([accepted.run_id])
    (person,) = await candidates(here)
    (object_,) = [path for path in blobs(here) if "inbox" in path.parts]
    object_.unlink()
    (object_ / "in the way").mkdir(parents=True)
    await erase(here, person.id)
    async with asyncio.timeout(40):
        while not await tried(here):
            await asyncio.sleep(0.05)
    async with here.database.begin() as session:
        file = await session.get_one(FileRow, accepted.run_id)
        run = await session.get_one(RunRow, accepted.run_id)
    assert (file.source_key_sealed is None, run.data_key_id) == (False, None)
    assert "윤가온" not in await everything(here)
    (object_ / "in the way").rmdir()
    object_.rmdir()
    object_.write_bytes(resume())
    async with here.database.begin() as session:
        await session.execute(update(EffectRow).values(next_attempt_at=func.now()))
    await until_no_file_is_left(here)


async def test_the_object_of_a_run_that_came_too_late_goes_too(
    runtime: Runtime, ended: EndedRuns
) -> None:
    async with working(runtime):
        await read(runtime, ended, resume())
    (person,) = await candidates(runtime)
    await runtime.blobs.put("inbox/윤가온.txt", resume(skills="Go"))
    late = await runtime.intake.accept_object("inbox/윤가온.txt")
    await erase(runtime, person.id)
    async with working(runtime):
        (refused,) = await ended([late.run_id])
        assert refused.code == "ERASED"
        async with asyncio.timeout(40):
            while blobs(runtime) or "discard" in await owed(runtime):
                await asyncio.sleep(0.05)
    assert "윤가온" not in await everything(runtime)
