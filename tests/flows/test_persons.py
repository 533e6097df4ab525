"""One person, one candidate: what a second résumé of somebody becomes."""

import asyncio
import signal

import pytest
from sqlalchemy import func, select, text

from app.bootstrap import Runtime
from app.candidates.tables import ChunkRow, LookupRow
from app.candidates.views import view_candidate, view_run
from app.messages import Language
from app.store.keys import DataKeyRow
from tests.flows.conftest import EndedRuns, WorkerProcess, held_runs, hold_checkpoint, working
from tests.flows.persons import MAIL, PHONE, candidates, read, resume, versions

pytestmark = [pytest.mark.flow, pytest.mark.timeout(120)]


async def test_a_later_resume_of_a_person_is_a_new_version_and_the_older_stays_reachable(
    here: Runtime, ended: EndedRuns
) -> None:
    first, second = await read(
        here,
        ended,
        resume(skills="Python, Kafka"),
        resume(name="윤 가온", mail=MAIL.upper(), phone="+82 10 0000 9999", skills="Go, Redis"),
    )

    (candidate,) = await candidates(here)
    assert (candidate.version, candidate.run_id) == (2, second.id)
    assert candidate.skills == ["Go", "Redis"]
    assert candidate.possible_duplicate_of is None
    assert await versions(here, candidate.id) == [(1, first.id), (2, second.id)]
    async with here.database.begin() as session:
        chunks = (await session.execute(select(ChunkRow.version, ChunkRow.text))).all()
        phones = await session.scalar(
            select(func.count()).select_from(LookupRow).where(LookupRow.kind == "phone")
        )
        keys = await session.scalar(
            select(func.count())
            .select_from(DataKeyRow)
            .where(DataKeyRow.id == candidate.data_key_id)
        )
        view = await view_candidate(session, here.keyring, candidate, reveal=True, versions=True)
        old, new = [
            await view_run(session, here.keyring, run, language=Language.ENGLISH, reveal=True)
            for run in (first, second)
        ]
    assert {version for version, _ in chunks} == {2}
    assert not any("Kafka" in piece for _, piece in chunks)
    assert phones == 2  # the older number still finds the person
    assert keys == 1
    assert view.versions is not None
    assert [(each.version, each.skills) for each in view.versions] == [
        (2, ["Go", "Redis"]),
        (1, ["Python", "Kafka"]),
    ]
    assert [run.candidate_version for run in (old, new)] == [1, 2]
    assert (old.candidate_id, new.candidate_id) == (candidate.id, candidate.id)
    assert old.profile is not None
    assert old.profile.phones == (PHONE,)


async def test_a_shared_contact_with_another_name_is_another_person_and_flagged(
    here: Runtime, ended: EndedRuns
) -> None:
    await read(here, ended, resume("윤가온"), resume("윤가람"))
    first, second = await candidates(here)
    assert (first.version, second.version) == (1, 1)
    assert first.possible_duplicate_of is None
    assert second.possible_duplicate_of == first.id


async def test_nobody_is_the_same_by_name_alone(here: Runtime, ended: EndedRuns) -> None:
    await read(here, ended, resume(), resume(mail="other@example.com", phone="010-0000-7777"))
    found = await candidates(here)
    assert [each.possible_duplicate_of for each in found] == [None, None]


async def test_names_of_two_scripts_need_mail_and_phone_or_a_resume_that_shows_both(
    here: Runtime, ended: EndedRuns
) -> None:
    await read(here, ended, resume("윤가온"), resume("Gaon Yun", phone="010-0000-5555"))
    korean, english = await candidates(here)
    assert english.possible_duplicate_of == korean.id

    await read(here, ended, resume("Gaon Yun", skills="Rust"))
    found = {each.id: each for each in await candidates(here)}
    assert len(found) == 2
    # Mail and name are those of the second, mail and phone those of the first: the name decides.
    assert found[english.id].version == 2

    await read(here, ended, resume("윤가온 (Gaon Yun)", mail="new@example.com", skills="C"))
    found = {each.id: each.version for each in await candidates(here)}
    assert found == {korean.id: 2, english.id: 2}


async def test_mail_and_phone_together_bridge_two_scripts(here: Runtime, ended: EndedRuns) -> None:
    await read(here, ended, resume("윤가온"), resume("Gaon Yun"))
    (candidate,) = await candidates(here)
    assert candidate.version == 2
    # From now on both names are known, and one contact is enough.
    await read(here, ended, resume("YUN Gaon", phone="010-0000-5555", skills="Rust"))
    await read(here, ended, resume("윤가온", mail="x@example.com", skills="C"))
    (candidate,) = await candidates(here)
    assert candidate.version == 4


async def test_many_files_of_one_person_at_the_same_moment_are_one_candidate(
    runtime: Runtime, ended: EndedRuns
) -> None:
    accepted = [
        await runtime.intake.accept("cv.txt", resume(skills=f"Python, Kafka, Skill{number}"))
        for number in range(8)
    ]
    async with working(runtime):
        runs = await ended([each.run_id for each in accepted])

    assert {run.status for run in runs} == {"succeeded"}
    (candidate,) = await candidates(runtime)
    made = await versions(runtime, candidate.id)
    assert [version for version, _ in made] == list(range(1, 9))
    assert {run_id for _, run_id in made} == {run.id for run in runs}
    async with runtime.database.begin() as session:
        live = (await session.scalars(select(ChunkRow.version).distinct())).all()
        keys = await session.scalar(select(func.count()).select_from(DataKeyRow))
    assert live == [8]
    assert keys == 8 + 1 + 1  # of the runs, of the candidate, of the tenant: none is left over


async def test_a_worker_killed_while_it_saves_a_version_makes_one_and_not_two(
    runtime: Runtime, worker_process: WorkerProcess, ended: EndedRuns
) -> None:
    async with working(runtime):
        await read(runtime, ended, resume())
    await hold_checkpoint(runtime, "save")
    accepted = await runtime.intake.accept("cv.txt", resume(skills="Go"))
    async with worker_process() as victim:
        async with asyncio.timeout(60):
            while not await held_runs(runtime):
                assert victim.returncode is None
                await asyncio.sleep(0.02)
        victim.send_signal(signal.SIGKILL)
        await victim.wait()
    async with working(runtime):
        (run,) = await ended([accepted.run_id])

    assert (run.status, run.attempt) == ("succeeded", 2)
    (candidate,) = await candidates(runtime)
    assert [version for version, _ in await versions(runtime, candidate.id)] == [1, 2]


async def test_a_person_whose_key_is_gone_is_not_read_and_does_not_stop_others(
    here: Runtime, ended: EndedRuns
) -> None:
    await read(here, ended, resume())
    async with here.database.begin() as session:
        await session.execute(
            text("DELETE FROM data_keys WHERE id IN (SELECT data_key_id FROM candidates)")
        )
    await read(here, ended, resume(skills="Go"))
    assert [each.version for each in await candidates(here)] == [1, 1]
