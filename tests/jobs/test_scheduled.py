"""The nightly pass over all that is kept: what goes, what stays, and what a crash leaves to do.

Time is travelled by writing old times into rows and files.
"""

import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from app.bootstrap import Runtime
from app.candidates.chunking import ChunkKind
from app.candidates.tables import CandidateRow, ChunkRow, FileRow, VersionRow
from app.candidates.views import view_run
from app.errors import WorkerError
from app.jobs.scheduled import RETENTION_FLOW, due_now, retention_flow
from app.messages import Language
from app.pipeline import fencing, stage_records
from app.pipeline.acceptance import accept, new_run
from app.pipeline.fencing import Effect, End
from app.pipeline.run import Run
from app.pipeline.tables import CheckpointRow, RunId, RunRow, RunStatus
from app.queue.envelope import Priority
from app.settings.groups import RetentionSettings
from app.store.keys import DataKeyRow

BeginRun = Callable[[str], Awaitable[Run]]
NOTHING = {"checkpoints": 0, "run_details": 0, "failed_uploads": 0, "runs": 0, "swept": 0}


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


async def carry_out(runtime: Runtime, run: Run) -> dict[str, Any]:
    """One pass, as a worker does it."""
    async with runtime.database.begin() as session:
        run.saved = await stage_records.checkpoints(session, run.id)
    return await retention_flow(runtime).call(run)


async def end(runtime: Runtime, run: Run, *, days_ago: int, effect: Effect | None = None) -> None:
    """The run ended so long ago as `partial`, with a checkpoint."""
    effects = (effect,) if effect else ()
    how = End(status=RunStatus.PARTIAL, effects=effects, keep_checkpoints=True)
    async with runtime.database.begin() as session:
        await stage_records.save_answer(session, run.row, "s", "", "v1.sealed")
        await fencing.end(session, run.row, how)
    await ended_ago(runtime, run.id, RunStatus.PARTIAL, days_ago)


async def ended_ago(runtime: Runtime, run_id: UUID, status: RunStatus, days: float) -> None:
    async with runtime.database.begin() as session:
        await session.execute(
            text(
                "UPDATE runs SET status = :status, private_sealed = 'v1.sealed',"
                " finished_at = now() - make_interval(secs => :days * 86400) WHERE id = :id"
            ),
            {"status": status, "days": days, "id": run_id},
        )


async def uploaded(runtime: Runtime, status: RunStatus, *, days_ago: float) -> UUID:
    """A file came in, and its run ended so long ago."""
    accepted = await runtime.intake.accept("홍길동.txt", os.urandom(20))
    await ended_ago(runtime, accepted.run_id, status, days_ago)
    return accepted.run_id


async def candidate_of(runtime: Runtime, run_id: UUID) -> UUID:
    """The run had made a candidate with text and pictures."""
    candidate_id, tenant_id = uuid4(), runtime.tenant_id
    shared: dict[str, Any] = {
        "tenant_id": tenant_id, "run_id": run_id, "profile_sealed": "v1.sealed", "analyst": "rules",
        "skills": [], "years": 1.0, "language": "ko", "thumbnail_key": f"thumbnails/{tenant_id}/{run_id}",
    }  # fmt: skip
    async with runtime.database.begin() as session:
        session.add(CandidateRow(id=candidate_id, version=1, **shared))
        await session.flush()
        portfolio_key = f"portfolios/{tenant_id}/{run_id}"
        session.add(
            VersionRow(candidate_id=candidate_id, version=1, portfolio_key=portfolio_key, **shared)
        )
        session.add_all(
            ChunkRow(
                candidate_id=candidate_id, version=1, position=position, tenant_id=tenant_id,
                kind=kind, text=kind,
            )
            for position, kind in enumerate(ChunkKind)
        )  # fmt: skip
    for folder in ("thumbnails", "portfolios"):
        await runtime.blobs.put(f"{folder}/{tenant_id}/{run_id}", b"picture")
    return candidate_id


def kept_for(runtime: Runtime, **days: int) -> Runtime:
    """The same, with these settings of retention."""
    retention = RetentionSettings.model_validate(days)
    settings = runtime.settings.model_copy(update={"retention": retention})
    return replace(runtime, settings=settings)


def stored(runtime: Runtime) -> set[str]:
    """The files in the store, by folder and run."""
    folder = runtime.settings.data.folder / "blobs"
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {f"{file.parts[0]}/{file.name}" for file in files}


def make_old(runtime: Runtime, *, hours: float, name: str = "*") -> None:
    """Everything of this name was put so long ago."""
    then = time.time() - hours * 3_600
    for path in (runtime.settings.data.folder / "blobs").rglob(name):
        if path.is_file():
            os.utime(path, (then, then))


async def test_it_drops_what_was_kept_long_enough_and_nothing_else(
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
    expected = NOTHING | {"checkpoints": 2, "runs": 1}
    assert await due_now(runtime) == expected

    assert await carry_out(runtime, today) == expected

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


async def test_originals_go_by_how_their_run_ended(runtime: Runtime, begin_run: BeginRun) -> None:
    runtime = kept_for(runtime, originals_days=10, failed_uploads_days=3)
    gone = [
        await uploaded(runtime, RunStatus.SUCCEEDED, days_ago=10.1),
        await uploaded(runtime, RunStatus.PARTIAL, days_ago=11),
        await uploaded(runtime, RunStatus.FAILED, days_ago=3.1),
        await uploaded(runtime, RunStatus.CANCELLED, days_ago=9),
    ]
    kept = [
        await uploaded(runtime, RunStatus.SUCCEEDED, days_ago=9.9),
        await uploaded(runtime, RunStatus.FAILED, days_ago=2.9),
        (await runtime.intake.accept("waiting.txt", b"queued")).run_id,
    ]
    make_old(runtime, hours=24 * 30)
    expected = NOTHING | {"failed_uploads": 2, "originals": 2}
    assert await due_now(runtime) == expected
    assert len(stored(runtime)) == 7  # to look changes nothing

    assert await carry_out(runtime, await begin_run(RETENTION_FLOW)) == expected

    assert stored(runtime) == {f"originals/{run_id}" for run_id in kept}
    async with runtime.database.begin() as session:
        discarded = set(
            await session.scalars(select(FileRow.run_id).where(FileRow.discarded_at.is_not(None)))
        )
    assert discarded == set(gone)


async def test_the_original_of_a_candidate_stays_though_its_run_failed_after_the_save(
    runtime: Runtime, begin_run: BeginRun
) -> None:
    runtime = kept_for(runtime, originals_days=10, failed_uploads_days=3)
    long_ago = await uploaded(runtime, RunStatus.FAILED, days_ago=10.1)
    await candidate_of(runtime, long_ago)
    saved = await uploaded(runtime, RunStatus.FAILED, days_ago=9.9)
    await candidate_of(runtime, saved)
    make_old(runtime, hours=24 * 30)

    passed = await carry_out(runtime, await begin_run(RETENTION_FLOW))

    assert passed == NOTHING | {"originals": 1}
    assert {f"originals/{saved}"} == {name for name in stored(runtime) if "originals" in name}


async def test_without_a_setting_originals_texts_and_pictures_are_kept(
    runtime: Runtime, begin_run: BeginRun
) -> None:
    run_id = await uploaded(runtime, RunStatus.SUCCEEDED, days_ago=10_000)
    await candidate_of(runtime, run_id)
    make_old(runtime, hours=24 * 10_000)
    result = await carry_out(runtime, await begin_run(RETENTION_FLOW))
    assert result == NOTHING | {"run_details": 1}
    assert len(stored(runtime)) == 3


async def test_zero_days_keeps_nothing_past_the_next_pass(
    runtime: Runtime, begin_run: BeginRun
) -> None:
    runtime = kept_for(
        runtime, originals_days=0, pictures_days=0, raw_text_days=0, run_details_days=0
    )
    run_id = await uploaded(runtime, RunStatus.SUCCEEDED, days_ago=0)
    candidate_id = await candidate_of(runtime, run_id)
    result = await carry_out(runtime, await begin_run(RETENTION_FLOW))
    assert result == NOTHING | {"run_details": 1, "originals": 1, "raw_text": 1, "pictures": 1}
    assert stored(runtime) == set()
    async with runtime.database.begin() as session:
        kinds = (await session.scalars(select(ChunkRow.kind))).all()
        candidate = await session.get_one(CandidateRow, candidate_id)
        version = await session.scalar(select(VersionRow))
    assert kinds == [ChunkKind.STRUCTURED]
    assert version is not None
    assert (candidate.thumbnail_key, version.thumbnail_key, version.portfolio_key) == (None,) * 3


async def test_names_go_and_the_run_is_shown_without_them(
    runtime: Runtime, begin_run: BeginRun
) -> None:
    days = runtime.settings.retention.run_details_days
    run_id = await uploaded(runtime, RunStatus.SUCCEEDED, days_ago=days + 1)
    young = await uploaded(runtime, RunStatus.SUCCEEDED, days_ago=days - 1)
    assert (await carry_out(runtime, await begin_run(RETENTION_FLOW)))["run_details"] == 1
    async with runtime.database.begin() as session:
        run = await session.get_one(RunRow, run_id)
        file = await session.get_one(FileRow, run_id)
        assert (run.private_sealed, file.name_sealed) == (None, "")
        view = await view_run(session, runtime.keyring, run, language=Language.ENGLISH, reveal=True)
        assert view.file is None
        assert (await session.get_one(FileRow, young)).name_sealed


async def test_the_key_of_a_request_goes_with_the_names_and_is_free_again(
    runtime: Runtime, begin_run: BeginRun
) -> None:
    days = runtime.settings.retention.run_details_days
    old = await runtime.intake.accept("a.txt", b"a", idempotency_key="kim.minji@example.com")
    young = await runtime.intake.accept("b.txt", b"b", idempotency_key="young")
    await ended_ago(runtime, old.run_id, RunStatus.SUCCEEDED, days + 1)
    await ended_ago(runtime, young.run_id, RunStatus.SUCCEEDED, days - 1)
    async with runtime.database.begin() as session:  # an earlier version dropped the names alone
        run = await session.get_one(RunRow, old.run_id)
        file = await session.get_one(FileRow, old.run_id)
        run.private_sealed, file.name_sealed = None, ""

    assert (await carry_out(runtime, await begin_run(RETENTION_FLOW)))["run_details"] == 1

    async with runtime.database.begin() as session:
        assert (await session.get_one(RunRow, old.run_id)).idempotency_key is None
        assert (await session.get_one(RunRow, young.run_id)).idempotency_key == "young"
    again = await runtime.intake.accept("c.txt", b"c", idempotency_key="kim.minji@example.com")
    assert again.is_new


async def test_a_file_that_could_not_be_deleted_is_deleted_by_the_next_attempt(
    runtime: Runtime, begin_run: BeginRun
) -> None:
    runtime = kept_for(runtime, originals_days=1)
    run_ids = [await uploaded(runtime, RunStatus.SUCCEEDED, days_ago=2) for _ in range(3)]
    make_old(runtime, hours=48)
    originals = runtime.settings.data.folder / "blobs" / "originals" / str(runtime.tenant_id)
    _make_undeletable(originals / str(run_ids[0]))
    today = await begin_run(RETENTION_FLOW)
    with pytest.raises(WorkerError) as failed:
        await carry_out(runtime, today)
    assert failed.value.code.run_again_later
    assert stored(runtime) == {"originals/inside"}

    _make_deletable(originals / str(run_ids[0]))
    make_old(runtime, hours=48)
    result = await carry_out(runtime, today)
    assert (result["originals"], result["swept"]) == (3, 1)  # what the first attempt did counts too
    assert stored(runtime) == set()


async def test_a_pass_that_was_killed_goes_on_and_counts_everything_once(
    runtime: Runtime, begin_run: BeginRun
) -> None:
    runtime = kept_for(runtime, originals_days=1)
    before = [await uploaded(runtime, RunStatus.SUCCEEDED, days_ago=2) for _ in range(3)]
    today = await begin_run(RETENTION_FLOW)
    first = await carry_out(runtime, today)
    # Killed before its end was written: the stages' results are there, the run is not ended.
    async with runtime.database.begin() as session:
        await session.execute(
            text("DELETE FROM checkpoints WHERE run_id = :id AND item = ''"), {"id": today.id}
        )
    late = await uploaded(runtime, RunStatus.SUCCEEDED, days_ago=2)
    again = await carry_out(runtime, today)
    assert first["originals"] == 3
    # It goes on behind the last one; whatever stands before that waits for the next pass.
    assert again["originals"] == (4 if late > max(before) else 3)


async def test_an_attempt_that_was_overtaken_drops_nothing(
    runtime: Runtime, begin_run: BeginRun
) -> None:
    runtime = kept_for(runtime, originals_days=1)
    await uploaded(runtime, RunStatus.SUCCEEDED, days_ago=2)
    today = await begin_run(RETENTION_FLOW)
    async with runtime.database.begin() as session:
        await session.execute(text("UPDATE runs SET attempt = 2 WHERE id = :id"), {"id": today.id})
    with pytest.raises(WorkerError, match="Another worker"):
        await carry_out(runtime, today)
    assert len(stored(runtime)) == 1


async def test_a_run_that_still_owes_something_is_kept(
    runtime: Runtime, begin_run: BeginRun
) -> None:
    owing = await begin_run(RETENTION_FLOW)
    await end(runtime, owing, days_ago=100, effect=Effect(kind="tell", key="tell:1"))
    today = await begin_run(RETENTION_FLOW)
    assert (await carry_out(runtime, today))["runs"] == 0
    async with runtime.database.begin() as session:
        assert await session.get(RunRow, owing.id) is not None


async def test_a_second_attempt_does_not_drop_again(runtime: Runtime, begin_run: BeginRun) -> None:
    today = await begin_run(RETENTION_FLOW)
    assert await carry_out(runtime, today) == NOTHING
    await end(runtime, await begin_run(RETENTION_FLOW), days_ago=100)
    assert await carry_out(runtime, today) == NOTHING
    async with runtime.database.begin() as session:
        assert await session.scalar(select(func.count()).select_from(RunRow)) == 2


def _make_undeletable(path: Path) -> None:
    """A folder of its name with something in it: a file is deleted, a folder is not."""
    path.unlink()
    path.mkdir()
    (path / "inside").touch()


def _make_deletable(path: Path) -> None:
    (path / "inside").unlink()
    path.rmdir()
    path.write_bytes(b"sealed")
