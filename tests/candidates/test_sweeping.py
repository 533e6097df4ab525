"""What the sweep takes and what it must never take, in a folder and in a bucket."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.bootstrap import Runtime, open_runtime
from app.candidates.sweeping import SPARED, Sweeper
from app.errors import WorkerError
from app.jobs.scheduled import sweeper_of
from app.pipeline.tables import RunStatus
from app.settings import Settings
from app.settings.groups import StorageSettings


def folder_of(runtime: Runtime) -> Path:
    return runtime.settings.data.folder / "blobs"


def make_old(path: Path, *, hours: float) -> None:
    then = time.time() - hours * 3_600
    for each in path.rglob("*") if path.is_dir() else [path]:
        os.utime(each, (then, then))


async def lost(runtime: Runtime, *, inbox_days: int | None = None) -> set[str]:
    return {key async for keys in sweeper_of(runtime).lost(inbox_days=inbox_days) for key in keys}


async def put(runtime: Runtime, folder: str, name: object = None, *, hours: float = 2) -> str:
    key = f"{folder}/{runtime.tenant_id}/{name or uuid4()}"
    await runtime.blobs.put(key, b"sealed")
    make_old(folder_of(runtime) / key, hours=hours)
    return key


async def accepted(runtime: Runtime, *, status: RunStatus | None = None) -> UUID:
    run = await runtime.intake.accept("cv.txt", os.urandom(20))
    if status is not None:
        async with runtime.database.begin() as session:
            await session.execute(
                text("UPDATE runs SET status = :status, finished_at = now() WHERE id = :id"),
                {"status": status, "id": run.run_id},
            )
    return run.run_id


async def test_an_object_that_no_row_names_goes_after_an_hour_and_not_before(
    runtime: Runtime,
) -> None:
    rolled_back = await put(runtime, "originals", hours=1.01)
    await put(runtime, "originals", hours=0.99)  # its transaction may be about to commit
    await put(runtime, "originals", hours=-5)  # put by a machine whose clock is ahead
    run_id = await accepted(runtime)
    make_old(folder_of(runtime) / f"originals/{runtime.tenant_id}/{run_id}", hours=24 * 365)
    assert await lost(runtime) == {rolled_back}


async def test_a_discarded_original_goes_and_that_of_any_other_run_stays(runtime: Runtime) -> None:
    runs = {status: await accepted(runtime, status=status) for status in RunStatus}
    discarded = await accepted(runtime, status=RunStatus.FAILED)
    async with runtime.database.begin() as session:
        await session.execute(
            text("UPDATE files SET discarded_at = now() WHERE run_id = :id"), {"id": discarded}
        )
    make_old(folder_of(runtime), hours=48)
    assert await lost(runtime) == {f"originals/{runtime.tenant_id}/{discarded}"}
    assert len(runs) == 6


@pytest.mark.parametrize("folder", ["thumbnails", "portfolios"])
async def test_a_picture_that_a_run_may_yet_be_saved_with_stays(
    folder: str, runtime: Runtime
) -> None:
    """A run that waits for its embedder for hours has drawn its picture already."""
    waiting = await accepted(runtime)
    partial = await accepted(runtime, status=RunStatus.PARTIAL)  # to be repaired
    done = await accepted(runtime, status=RunStatus.SUCCEEDED)
    repaired = await accepted(runtime, status=RunStatus.SUCCEEDED)
    async with runtime.database.begin() as session:
        await session.execute(
            text(
                "INSERT INTO checkpoints (run_id, stage, item, version, tenant_id, attempt,"
                " value_sealed) VALUES (:id, 'thumbnail', '', 1, :tenant, 1, 'v1.sealed')"
            ),
            {"id": partial, "tenant": runtime.tenant_id},
        )
        await session.execute(
            text(
                "UPDATE runs SET input = jsonb_build_object('run_id', CAST(:id AS text)) WHERE id = :waiting"
            ),
            {"id": str(repaired), "waiting": waiting},
        )
    keys = {run: await put(runtime, folder, run) for run in (waiting, partial, done, repaired)}
    assert await lost(runtime) == {keys[done]}


async def test_a_picture_that_a_version_shows_stays(runtime: Runtime) -> None:
    shown, other = [await accepted(runtime, status=RunStatus.SUCCEEDED) for _ in range(2)]
    keys = {
        (folder, run): await put(runtime, folder, run)
        for folder in ("thumbnails", "portfolios")
        for run in (shown, other)
    }
    candidate_id = uuid4()
    values = {
        "id": candidate_id,
        "tenant": runtime.tenant_id,
        "run": shown,
        "thumbnail": keys["thumbnails", shown],
        "portfolio": keys["portfolios", shown],
    }
    async with runtime.database.begin() as session:
        candidate = (
            "INSERT INTO candidates (id, tenant_id, run_id, version, profile_sealed, analyst,"
            " skills, years, language) VALUES (:id, :tenant, :run, 2, '', '', '{}', 1, 'ko')"
        )
        version = (
            "INSERT INTO candidate_versions (candidate_id, version, tenant_id, run_id,"
            " profile_sealed, analyst, skills, years, language, thumbnail_key, portfolio_key)"
            " VALUES (:id, 1, :tenant, :run, '', '', '{}', 1, 'ko', :thumbnail, :portfolio)"
        )
        for statement in (candidate, version):
            await session.execute(text(statement), values)
    assert await lost(runtime) == {keys["thumbnails", other], keys["portfolios", other]}


async def test_what_somebody_else_keeps_in_the_same_store_is_not_looked_at(
    runtime: Runtime,
) -> None:
    await put(runtime, "originals", "README")
    await put(runtime, "backups")
    for key in (f"originals/{uuid4()}/{uuid4()}", "inbox/cv.pdf", "notes.txt"):
        await runtime.blobs.put(key, b"another installation's")
    make_old(folder_of(runtime), hours=24 * 365)
    assert await lost(runtime) == set()


async def test_the_inbox_is_emptied_only_if_asked_and_never_of_what_a_run_waits_for(
    runtime: Runtime,
) -> None:
    for name in ("old.pdf", "awaited.pdf", "taken.pdf"):
        await runtime.blobs.put(f"inbox/{name}", b"in the clear")
    await runtime.intake.accept_object("inbox/awaited.pdf")
    taken = await runtime.intake.accept_object("inbox/taken.pdf")
    async with runtime.database.begin() as session:
        await session.execute(
            text("UPDATE runs SET status = 'succeeded', finished_at = now() WHERE id = :id"),
            {"id": taken.run_id},
        )
    make_old(folder_of(runtime), hours=24 * 8)
    await runtime.blobs.put("inbox/new.pdf", b"in the clear")
    assert await lost(runtime) == set()
    assert await lost(runtime, inbox_days=7) == {"inbox/old.pdf", "inbox/taken.pdf"}
    assert await lost(runtime, inbox_days=9) == set()


async def test_what_a_killed_process_left_half_written_goes(runtime: Runtime) -> None:
    folder = folder_of(runtime) / "originals" / str(runtime.tenant_id)
    folder.mkdir(parents=True)
    for name in ("a#1", "b#2", "c"):
        (folder / name).write_bytes(b"half")
    make_old(folder / "a#1", hours=2)
    make_old(folder / "c", hours=2)
    assert await sweeper_of(runtime).drop_unfinished() == 1
    assert sorted(path.name for path in folder.iterdir()) == ["b#2", "c"]


async def test_one_that_cannot_be_deleted_holds_up_no_other(runtime: Runtime) -> None:
    keys = [await put(runtime, "originals") for _ in range(40)]
    stubborn = folder_of(runtime) / keys[3]
    stubborn.unlink()
    (stubborn / "inside").mkdir(parents=True)
    with pytest.raises(WorkerError):
        await sweeper_of(runtime).delete(keys)
    assert list(stubborn.parent.iterdir()) == [stubborn]


@pytest.fixture
async def in_bucket(settings: Settings, bucket: StorageSettings) -> AsyncGenerator[Runtime]:
    """A runtime whose originals lie in a bucket."""
    async with open_runtime(settings.model_copy(update={"storage": bucket})) as runtime:
        yield runtime


async def test_a_bucket_is_swept_by_its_own_clock_page_by_page(in_bucket: Runtime) -> None:
    kept = await in_bucket.intake.accept("cv.txt", b"some text")
    orphans = {f"originals/{in_bucket.tenant_id}/{uuid4()}" for _ in range(7)}
    async with asyncio.TaskGroup() as group:
        for key in orphans:
            group.create_task(in_bucket.blobs.put(key, b"sealed"))
    assert await lost(in_bucket) == set()  # all were put a moment ago

    pages = [
        page
        async for page in in_bucket.blobs.pages(f"originals/{in_bucket.tenant_id}", page_size=3)
    ]
    assert {one.key for page in pages for one in page} == orphans | {
        f"originals/{in_bucket.tenant_id}/{kept.run_id}"
    }
    assert len(pages) >= 3
    # Nobody can make an object of a bucket old: an hour passes on its clock instead.
    later = _LaterBlobs(in_bucket)
    sweeper = Sweeper(
        database=in_bucket.database,
        blobs=later,  # pyright: ignore[reportArgumentType] - the same but for the time
        storage=sweeper_of(in_bucket).storage,
        keyring=in_bucket.keyring,
    )
    found = {key async for keys in sweeper.lost(inbox_days=None) for key in keys}
    assert found == orphans
    await sweeper.delete(sorted(found))
    assert {
        one.key
        async for page in in_bucket.blobs.pages(f"originals/{in_bucket.tenant_id}")
        for one in page
    } == {f"originals/{in_bucket.tenant_id}/{kept.run_id}"}


class _LaterBlobs:
    """A store two hours from now."""

    def __init__(self, runtime: Runtime) -> None:
        self._blobs = runtime.blobs
        self.pages = runtime.blobs.pages
        self.delete = runtime.blobs.delete

    async def now(self) -> object:
        return await self._blobs.now() + SPARED + timedelta(hours=1)
