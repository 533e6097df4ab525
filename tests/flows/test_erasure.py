"""A person is erased: nothing of them can be read, wherever it lay."""

import asyncio
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update

from app.bootstrap import Runtime
from app.candidates.distinct import tell_apart
from app.candidates.erasure import LIFT_GUARD
from app.candidates.repair import find_broken
from app.candidates.tables import (
    CandidateRow,
    DistinctPairRow,
    ErasedContactRow,
    FileRow,
    LookupRow,
    TombstoneRow,
)
from app.candidates.views import view_run
from app.demo.samples import SAMPLES
from app.errors import ErrorCode, PermanentError
from app.messages import Language
from app.pipeline import fencing, records
from app.pipeline.acceptance import NewRun, accept, new_run
from app.pipeline.tables import CheckpointRow, EffectRow, RunId, RunRow, RunStatus
from app.queue.envelope import Priority
from app.store.keys import DataKeyRow
from tests.flows.conftest import EndedRuns, held_runs, hold_checkpoint, working
from tests.flows.persons import (
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

PICTURED = next(sample for sample in SAMPLES if sample.file == "ko-one-column.pdf")


async def test_after_an_erasure_nothing_of_the_person_is_left_but_a_tombstone(
    here: Runtime, ended: EndedRuns
) -> None:
    pictured = PICTURED.path.read_bytes()
    text_of_same = resume(PICTURED.name or "", PICTURED.emails[0], PICTURED.phones[0], "Go, Redis")
    first = await here.intake.accept("윤가온.pdf", pictured, idempotency_key="yun@example.com")
    await ended([first.run_id])
    (second,) = await read(here, ended, text_of_same)
    (other,) = await read(here, ended, resume("한나라", "nara@example.com", "010-0000-1234"))
    person = next(each for each in await candidates(here) if each.run_id == second.id)
    async with here.database.begin() as session:
        values = (
            await session.scalars(
                select(LookupRow.value).where(LookupRow.candidate_id == person.id)
            )
        ).all()
        files = (
            await session.scalars(
                select(FileRow).where(FileRow.run_id.in_([first.run_id, second.id]))
            )
        ).all()
        prints = (
            await session.scalars(
                select(RunRow.fingerprint).where(RunRow.id.in_([first.run_id, second.id]))
            )
        ).all()
        keys = (
            await session.scalars(
                select(RunRow.data_key_id).where(RunRow.id.in_([first.run_id, second.id]))
            )
        ).all()
    sealed = [person.profile_sealed, *(file.name_sealed for file in files)]
    assert len(blobs(here)) == 4  # three originals and one picture
    assert person.version == 2

    erased = await erase(here, person.id)
    async with asyncio.timeout(40):
        while len(blobs(here)) > 1:
            await asyncio.sleep(0.05)
        while await owed(here):
            await asyncio.sleep(0.05)

    dump = await everything(here)
    for value in (*values, *(each for each in prints if each)):
        assert value.hex() not in dump
    for value in (*sealed, "yun@example.com", "Redis"):
        assert value not in dump
    for key_id in (person.data_key_id, *keys):
        assert str(key_id) not in dump
    (left,) = blobs(here)
    assert str(other.id) in left.name
    async with here.database.begin() as session:
        tombstone = await session.get_one(TombstoneRow, person.id)
        assert await session.scalar(select(func.count()).select_from(CheckpointRow)) == 0
        run = await records.find(session, here.tenant_id, second.id)
        assert run is not None
        view = await view_run(session, here.keyring, run, language=Language.ENGLISH, reveal=True)
        stages = await records.stages(session, second.id)
    assert (tombstone.created_at, tombstone.erased_at) == (erased.created_at, erased.erased_at)
    assert (view.status, view.file, view.profile) == ("succeeded", None, None)
    assert stages  # how it went is nobody's secret
    assert [each.run_id for each in await candidates(here)] == [other.id]


async def test_what_was_decided_about_the_person_goes_with_it(
    here: Runtime, ended: EndedRuns
) -> None:
    await read(here, ended, resume("윤가온"), resume("윤가람"))
    one, two = await candidates(here)
    async with here.database.begin() as session:
        await tell_apart(session, here.tenant_id, two.id)
    await erase(here, one.id)
    async with here.database.begin() as session:
        assert await session.scalar(select(func.count()).select_from(DistinctPairRow)) == 0


async def test_erasing_twice_is_one_erasure_and_an_unknown_one_is_not_found(
    here: Runtime, ended: EndedRuns
) -> None:
    await read(here, ended, resume())
    (person,) = await candidates(here)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(erase(here, person.id)) for _ in range(4)]
    assert len({task.result().erased_at for task in tasks}) == 1
    with pytest.raises(PermanentError) as caught:
        await erase(here, uuid4())
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_the_same_bytes_are_read_anew_after_an_erasure(
    here: Runtime, ended: EndedRuns
) -> None:
    await read(here, ended, resume())
    (person,) = await candidates(here)
    await erase(here, person.id)
    again = await here.intake.accept("cv.txt", resume())
    assert again.is_new
    (run,) = await ended([again.run_id])
    assert run.status == "succeeded"
    (anew,) = await candidates(here)
    assert anew.id != person.id


async def test_a_run_of_the_person_that_is_under_way_brings_nothing_back(
    runtime: Runtime, ended: EndedRuns
) -> None:
    async with working(runtime):
        await read(runtime, ended, resume())
    (person,) = await candidates(runtime)
    late = await runtime.intake.accept("cv.txt", resume(skills="Go"))
    stranger = await runtime.intake.accept(
        "cv.txt", resume("한나라", "nara@example.com", "010-0000-1234")
    )
    await erase(runtime, person.id)
    async with runtime.database.begin() as session:
        guarded = await session.scalar(select(func.count()).select_from(ErasedContactRow))
    assert guarded == 2  # mail and phone, while the two may still end

    async with working(runtime):
        refused, kept = await ended([late.run_id, stranger.run_id])
        async with asyncio.timeout(40):
            while len(blobs(runtime)) > 1 or "discard" in await owed(runtime):
                await asyncio.sleep(0.05)
        after = await runtime.intake.accept("cv.txt", resume(skills="Rust"))
        (welcome,) = await ended([after.run_id])
        assert (refused.status, refused.code) == ("failed", "ERASED")
        assert (kept.status, welcome.status) == ("succeeded", "succeeded")
        assert "erased" in (await sentence(runtime, late.run_id))
        async with runtime.database.begin() as session:
            scrubbed = await session.get_one(RunRow, late.run_id)
            assert (scrubbed.data_key_id, scrubbed.fingerprint) == (None, None)
            assert await session.get(FileRow, late.run_id) is None
            kinds = (await session.scalars(select(CheckpointRow.run_id))).all()
        assert kinds == []

        # Once no run can bring the person back, the contacts go too.
        async with runtime.database.begin() as session:
            guard = select(EffectRow).where(EffectRow.kind == LIFT_GUARD)
            (effect,) = (await session.scalars(guard)).all()
            assert effect.next_attempt_at > (await session.get_one(RunRow, late.run_id)).deadline_at  # pyright: ignore[reportOperatorIssue] - it has one
            await session.execute(update(EffectRow).values(next_attempt_at=func.now()))
        async with asyncio.timeout(40):
            while await owed(runtime):
                await asyncio.sleep(0.05)
        async with runtime.database.begin() as session:
            assert await session.scalar(select(func.count()).select_from(ErasedContactRow)) == 0


async def sentence(runtime: Runtime, run_id: UUID) -> str:
    async with runtime.database.begin() as session:
        run = await records.find(session, runtime.tenant_id, run_id)
        assert run is not None
        view = await view_run(session, runtime.keyring, run, language=Language.ENGLISH, reveal=True)
    return view.message or ""


async def test_an_erasure_waits_for_a_save_that_is_about_to_commit(
    runtime: Runtime, ended: EndedRuns
) -> None:
    async with working(runtime):
        await read(runtime, ended, resume())
    (person,) = await candidates(runtime)
    await hold_checkpoint(runtime, "save")
    late = await runtime.intake.accept("cv.txt", resume(skills="Go"))
    async with working(runtime), asyncio.TaskGroup() as group:
        async with asyncio.timeout(40):
            while not await held_runs(runtime):
                await asyncio.sleep(0.02)
        erasing = group.create_task(erase(runtime, person.id))
        async with asyncio.timeout(40):
            while not await waits_for_a_lock(runtime):
                await asyncio.sleep(0.02)
        assert not erasing.done()
        await let_go(runtime)
        await erasing
        await ended([late.run_id])
        assert await candidates(runtime) == []
        await until_no_file_is_left(runtime)


async def test_an_erasure_waits_for_a_repair_that_is_about_to_commit(
    runtime: Runtime, ended: EndedRuns
) -> None:
    async with working(runtime):
        (read_by,) = await read(runtime, ended, resume())
    (person,) = await candidates(runtime)
    asked = next(  # in the order of ids, it would be locked after the run that it repairs
        each for each in repairs_of(runtime, read_by) if each.run.id > read_by.id
    )
    repair = RunId(asked.run.id)
    async with runtime.database.begin() as session:
        await accept(session, asked, deadline_s=600)
    async with runtime.database.begin() as session:
        await session.execute(
            update(RunRow).where(RunRow.id == read_by.id).values(status=RunStatus.PARTIAL)
        )
        await fencing.begin(session, repair, attempt=1, worker="w", lease_s=60)

    async with asyncio.TaskGroup() as group:
        async with runtime.database.begin() as session:
            await fencing.hold(session, repair, 1)  # as every stage that commits
            erasing = group.create_task(erase(runtime, person.id))
            async with asyncio.timeout(40):
                while not await waits_for_a_lock(runtime):
                    await asyncio.sleep(0.02)
            await find_broken(session, runtime.tenant_id, read_by.id, lock=True)  # as `mend`
        await erasing

    assert await candidates(runtime) == []
    async with runtime.database.begin() as session:
        assert (await session.get_one(RunRow, repair)).status == "cancelled"


def repairs_of(runtime: Runtime, run: RunRow) -> Iterator[NewRun]:
    while True:
        yield new_run(
            runtime.keyring,
            runtime.tenant_id,
            "repair",
            priority=Priority.BULK,
            run_input={"run_id": str(run.id)},
        )


async def waits_for_a_lock(runtime: Runtime) -> bool:
    async with runtime.database.begin() as session:
        waiting = await session.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        )
    return bool(waiting)


async def let_go(runtime: Runtime) -> None:
    """End the sleep of the trigger: its transaction fails, and the run comes again."""
    async with runtime.database.begin() as session:
        await session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE wait_event = 'PgSleep' AND datname = current_database()"
            )
        )


async def test_files_are_deleted_once_the_store_answers_again(
    here: Runtime, ended: EndedRuns
) -> None:
    await read(here, ended, resume())
    (person,) = await candidates(here)
    (original,) = blobs(here)
    original.unlink()
    (original / "in the way").mkdir(parents=True)  # a folder is deleted by nobody
    await erase(here, person.id)
    async with asyncio.timeout(40):
        while not await tried(here):
            await asyncio.sleep(0.05)
    assert await candidates(here) == []
    assert "erase_files" in await owed(here)
    (original / "in the way").rmdir()
    original.rmdir()
    original.touch()
    async with here.database.begin() as session:
        await session.execute(update(EffectRow).values(next_attempt_at=func.now()))
    await until_no_file_is_left(here)
    async with here.database.begin() as session:
        assert (await session.scalars(select(FileRow))).all() == []
        assert (await session.scalars(select(CandidateRow))).all() == []
        left = await session.scalar(select(func.count()).select_from(DataKeyRow))
    assert left == 1  # the tenant's


async def test_what_repairs_hold_of_the_person_goes_and_a_repair_under_way_is_cancelled(
    runtime: Runtime, ended: EndedRuns
) -> None:
    async with working(runtime):
        (read_by,) = await read(runtime, ended, resume())
    (person,) = await candidates(runtime)
    repair, shared, other = (
        new_run(runtime.keyring, runtime.tenant_id, flow, priority=Priority.BULK, run_input=given)
        for flow, given in (
            ("repair", {"run_id": str(read_by.id)}),
            ("reembed", {"candidates": [str(uuid4()), str(person.id)]}),
            ("reembed", {"candidates": [str(uuid4())]}),
        )
    )
    async with runtime.database.begin() as session:
        for each in (repair, shared, other):
            await accept(session, each, deadline_s=600)
            session.add(
                CheckpointRow(
                    run_id=each.run.id,
                    stage="embed",
                    item="",
                    version=1,
                    tenant_id=runtime.tenant_id,
                    attempt=1,
                    value_sealed="sealed",
                )
            )

    await erase(runtime, person.id)

    async with runtime.database.begin() as session:
        left = (await session.scalars(select(CheckpointRow.run_id))).all()
        rows = {
            each.run.id: await session.get_one(RunRow, each.run.id)
            for each in (repair, shared, other)
        }
    assert left == [other.run.id]
    assert rows[repair.run.id].status == "cancelled"
    assert rows[repair.run.id].data_key_id is None
    assert rows[shared.run.id].status == "queued"
    assert rows[shared.run.id].data_key_id is not None
