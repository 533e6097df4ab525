"""The same bytes have one run."""

import asyncio

import pytest
from sqlalchemy import func, select, update

from app.bootstrap import Runtime
from app.pipeline.cancelling import cancel_run
from app.pipeline.tables import RunRow, RunStatus
from tests.flows.conftest import EndedRuns
from tests.flows.persons import candidates, read, resume, versions

pytestmark = [pytest.mark.flow, pytest.mark.timeout(90)]


async def stored(runtime: Runtime) -> tuple[int, int]:
    """How many runs, and how many originals."""
    async with runtime.database.begin() as session:
        runs = await session.scalar(select(func.count()).select_from(RunRow))
    folder = runtime.settings.data.folder / "blobs" / "originals"
    return runs or 0, sum(path.is_file() for path in folder.rglob("*"))


@pytest.mark.parametrize("status", list(RunStatus))
async def test_a_file_that_is_there_gives_its_run_unless_that_failed_or_was_cancelled(
    status: RunStatus, runtime: Runtime
) -> None:
    first = await runtime.intake.accept("cv.txt", resume())
    async with runtime.database.begin() as session:
        await session.execute(update(RunRow).values(status=status))

    again = await runtime.intake.accept("renamed.txt", resume())

    anew = status in {RunStatus.FAILED, RunStatus.CANCELLED}
    assert again.is_new is anew
    assert again.already_there is not anew
    assert again.status == (RunStatus.QUEUED if anew else status)
    assert (again.run_id == first.run_id) is not anew
    assert await stored(runtime) == ((2, 2) if anew else (1, 1))


async def test_what_was_cancelled_and_sent_again_is_found_the_third_time(runtime: Runtime) -> None:
    first = await runtime.intake.accept("cv.txt", resume())
    await cancel_run(
        runtime.database, runtime.producer, runtime.events, runtime.tenant_id, first.run_id
    )
    second = await runtime.intake.accept("cv.txt", resume())
    third = await runtime.intake.accept("cv.txt", resume())
    assert (second.is_new, third.is_new, third.run_id) == (True, False, second.run_id)


async def test_force_reads_the_same_bytes_anew_as_a_new_version(
    here: Runtime, ended: EndedRuns
) -> None:
    (first,) = await read(here, ended, resume())
    forced = await here.intake.accept("cv.txt", resume(), force=True)
    assert forced.is_new
    await ended([forced.run_id])
    (candidate,) = await candidates(here)
    assert await versions(here, candidate.id) == [(1, first.id), (2, forced.run_id)]
    assert (await here.intake.accept("cv.txt", resume())).run_id == forced.run_id


async def test_equal_uploads_at_the_same_moment_are_one_run_and_leave_one_blob(
    runtime: Runtime,
) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(runtime.intake.accept("cv.txt", resume())) for _ in range(12)]
    answers = [task.result() for task in tasks]
    assert len({each.run_id for each in answers}) == 1
    assert [each.is_new for each in answers].count(True) == 1
    assert await stored(runtime) == (1, 1)


async def test_equal_uploads_with_one_key_at_the_same_moment_are_answered_alike(
    runtime: Runtime,
) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(runtime.intake.accept("cv.txt", resume(), idempotency_key="k"))
            for _ in range(12)
        ]
    answers = [task.result() for task in tasks]
    assert len({each.run_id for each in answers}) == 1
    assert {each.already_there for each in answers} == {False}
    assert await stored(runtime) == (1, 1)


async def test_an_idempotency_key_says_the_same_as_ever(runtime: Runtime) -> None:
    first = await runtime.intake.accept("a.txt", b"one", idempotency_key="k", force=True)
    again = await runtime.intake.accept("a.txt", b"one", idempotency_key="k", force=True)
    assert (again.run_id, again.is_new, again.already_there) == (first.run_id, False, False)
    with pytest.raises(Exception, match="used for another request"):
        await runtime.intake.accept("a.txt", b"two", idempotency_key="k")
    other = await runtime.intake.accept("a.txt", b"one", idempotency_key="k2")
    assert (other.run_id, other.already_there, other.status) == (first.run_id, True, "queued")


async def test_the_name_of_an_object_is_not_taken_for_the_bytes_of_a_file(
    runtime: Runtime,
) -> None:
    named = await runtime.intake.accept_object("inbox/cv.txt")
    sent = await runtime.intake.accept("cv.txt", b"inbox/cv.txt")
    assert sent.run_id != named.run_id
