"""Keys of clients' objects, sealed, and those that an earlier version wrote in plain."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.bootstrap import Runtime
from app.candidates import object_keys
from app.candidates.tables import FileRow
from app.errors import ErrorCode, PermanentError
from app.jobs.scheduled import sweeper_of
from app.pipeline.tables import RunRow, RunStatus
from app.store.crypto import DataKey
from app.store.keys import load_data_key
from tests.flows.conftest import working
from tests.flows.persons import everything, resume

KEY = "inbox/윤가온.txt"


async def made_plain(runtime: Runtime) -> FileRow:
    """A file as an earlier version accepted it."""
    accepted = await runtime.intake.accept_object(KEY)
    async with runtime.database.begin() as session:
        await session.execute(
            text("UPDATE files SET source_key_sealed = NULL, source_key = :key"), {"key": KEY}
        )
        return await session.get_one(FileRow, accepted.run_id)


async def key_of(session: AsyncSession, runtime: Runtime, run_id: UUID) -> DataKey:
    run = await session.get_one(RunRow, run_id)
    assert run.data_key_id is not None
    return await load_data_key(session, runtime.keyring, run.data_key_id)


async def ended(runtime: Runtime, run_id: UUID) -> str:
    async with working(runtime), asyncio.timeout(60):
        while True:
            async with runtime.database.begin() as session:
                status = (await session.get_one(RunRow, run_id)).status
            if RunStatus(status).final:
                return status
            await asyncio.sleep(0.02)


async def test_a_key_opens_with_its_runs_key_alone(runtime: Runtime) -> None:
    one = await runtime.intake.accept_object(KEY)
    other = await runtime.intake.accept_object("inbox/other.txt")
    async with runtime.database.begin() as session:
        file = await session.get_one(FileRow, one.run_id)
        keys = [await key_of(session, runtime, run.run_id) for run in (one, other)]
        found = await object_keys.of_files(session, runtime.keyring, [one.run_id, other.run_id])
    assert object_keys.open_with(keys[0], file) == KEY
    with pytest.raises(PermanentError) as caught:
        object_keys.open_with(keys[1], file)
    assert caught.value.code is ErrorCode.ENCRYPTION_ERROR
    assert found == {one.run_id: KEY, other.run_id: "inbox/other.txt"}


async def test_a_key_whose_data_key_is_gone_stops_no_other(runtime: Runtime) -> None:
    lost = await runtime.intake.accept_object(KEY)
    kept = await runtime.intake.accept_object("inbox/other.txt")
    async with runtime.database.begin() as session:
        await session.execute(
            text("DELETE FROM data_keys WHERE id = (SELECT data_key_id FROM runs WHERE id = :id)"),
            {"id": lost.run_id},
        )
        found = await object_keys.of_files(session, runtime.keyring, [lost.run_id, kept.run_id])
    assert found == {kept.run_id: "inbox/other.txt"}


async def test_a_run_that_an_earlier_version_accepted_is_read(runtime: Runtime) -> None:
    await runtime.blobs.put(KEY, resume())
    file = await made_plain(runtime)
    assert await ended(runtime, file.run_id) == "succeeded"


async def test_the_sweep_seals_what_an_earlier_version_left_in_plain(runtime: Runtime) -> None:
    await runtime.blobs.put(KEY, resume())
    file = await made_plain(runtime)

    await sweeper_of(runtime).seal_object_keys()

    assert "윤가온" not in await everything(runtime)
    async with runtime.database.begin() as session:
        found = await object_keys.of_files(session, runtime.keyring, [file.run_id])
    assert found == {file.run_id: KEY}
    assert await ended(runtime, file.run_id) == "succeeded"
