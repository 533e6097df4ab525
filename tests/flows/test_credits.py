"""Credits of a limited tenant, through the doors that files and orders come in by."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from app.api.app import create_app
from app.bootstrap import Runtime, api_keys
from app.cli.ingest import Found, ingest
from app.cli.render import Progress
from app.credits import ledger
from app.credits.settling import CREDITS
from app.credits.tables import EntryRow
from app.credits.verification import verify
from app.demo.samples import SAMPLES
from app.errors import ErrorCode, PermanentError
from app.pipeline import fencing, records
from app.pipeline.cancelling import cancel_run
from app.pipeline.delivery import next_attempt
from app.pipeline.fencing import End
from app.pipeline.tables import EffectRow, RunId, RunRow, RunStatus
from app.queue.deadletters import Letter, Retried
from tests.flows.conftest import EndedRuns, working

pytestmark = [pytest.mark.flow, pytest.mark.timeout(120)]

KOREAN = next(sample for sample in SAMPLES if sample.file == "ko-one-column.pdf")
Grant = Callable[[int], Awaitable[None]]


@pytest.fixture
def grant(runtime: Runtime) -> Grant:
    """Give or take credits; from the first time on they are limited."""

    async def give(credit_count: int) -> None:
        async with runtime.database.begin() as session:
            change = ledger.grant if credit_count > 0 else ledger.adjust
            await change(session, runtime.tenant_id, credit_count, note="", made_by="test")

    return give


async def left(runtime: Runtime) -> tuple[int, int]:
    """Available and reserved, once no end owes anything any more. The ledger adds up."""
    async with asyncio.timeout(30):
        while await open_effects(runtime):
            await asyncio.sleep(0.03)
    async with runtime.database.begin() as session:
        now = await ledger.balance(session, runtime.tenant_id)
        assert (await verify(session, runtime.tenant_id)).holds
    return now.available, now.reserved


async def open_effects(runtime: Runtime) -> int | None:
    async with runtime.database.begin() as session:
        return await session.scalar(
            select(func.count())
            .select_from(EffectRow)
            .where(EffectRow.kind == CREDITS, EffectRow.done_at.is_(None))
        )


async def stored(runtime: Runtime) -> tuple[int | None, int]:
    """Runs, and originals."""
    folder = runtime.settings.data.folder / "blobs"
    async with runtime.database.begin() as session:
        runs = await session.scalar(select(func.count()).select_from(RunRow))
    return runs, len([path for path in folder.rglob("*") if path.is_file()])


async def refusal(submitted: Awaitable[object]) -> PermanentError:
    with pytest.raises(PermanentError) as raised:
        await submitted
    return raised.value


async def test_of_fifty_at_once_as_many_are_accepted_as_there_are_credits(
    runtime: Runtime, grant: Grant
) -> None:
    await grant(20)

    async def submit(number: int) -> bool:
        try:
            await runtime.intake.accept("cv.txt", f"résumé {number}".encode())
        except PermanentError as error:
            if error.code is not ErrorCode.INSUFFICIENT_CREDITS:
                raise
            return False
        return True

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(submit(number)) for number in range(50)]
    assert sum(task.result() for task in tasks) == 20
    assert await stored(runtime) == (20, 20)
    assert await left(runtime) == (0, 20)


async def test_without_credits_nothing_is_stored_and_what_was_accepted_is_still_known(
    runtime: Runtime, grant: Grant
) -> None:
    await grant(1)
    accepted = await runtime.intake.accept("cv.txt", b"one", idempotency_key="k")
    before = await stored(runtime)
    error = await refusal(runtime.intake.accept("cv.txt", b"two"))
    assert error.code is ErrorCode.INSUFFICIENT_CREDITS
    assert error.details == {"needed": 1, "available": 0}
    error = await refusal(runtime.intake.accept_object("inbox/cv.txt"))
    assert error.code is ErrorCode.INSUFFICIENT_CREDITS
    assert await stored(runtime) == before
    again = await runtime.intake.accept("cv.txt", b"one", idempotency_key="k")
    assert again.run_id == accepted.run_id


async def test_an_original_that_was_stored_before_the_last_credit_went_is_deleted(
    runtime: Runtime, grant: Grant
) -> None:
    await grant(1)
    async with asyncio.TaskGroup() as group, runtime.database.begin() as session:
        # Not committed yet: whoever looks still sees a credit, whoever reserves must wait.
        await ledger.adjust(session, runtime.tenant_id, -1, note="", made_by="test")
        submitted = runtime.intake.accept("cv.txt", b"too late")
        refused = group.create_task(refusal(submitted))
        async with asyncio.timeout(30):
            while (await stored(runtime))[1] == 0:
                await asyncio.sleep(0.01)
    assert refused.result().code is ErrorCode.INSUFFICIENT_CREDITS
    assert await stored(runtime) == (0, 0)


async def test_a_run_with_a_result_uses_its_credit_and_one_without_gives_it_back(
    here: Runtime, grant: Grant, ended: EndedRuns
) -> None:
    await grant(5)
    good = await here.intake.accept(KOREAN.file, KOREAN.path.read_bytes())
    bad = await here.intake.accept("cv.pdf", b"%PDF-1.7 canary")
    runs = await ended([good.run_id, bad.run_id])
    assert [run.status for run in runs] == ["succeeded", "failed"]
    assert await left(here) == (4, 0)


async def test_a_run_that_is_cancelled_gives_its_credit_back(
    runtime: Runtime, grant: Grant
) -> None:
    await grant(2)
    accepted = await runtime.intake.accept("cv.txt", b"one")
    await cancel(runtime, accepted.run_id)
    async with working(runtime):
        assert await left(runtime) == (2, 0)


@pytest.mark.parametrize("carried_out", [False, True])
async def test_a_failed_run_that_is_opened_again_reserves_again(
    runtime: Runtime, grant: Grant, *, carried_out: bool
) -> None:
    await grant(1)
    run = await dead_run(runtime)
    if carried_out:
        async with working(runtime):
            assert await left(runtime) == (1, 0)
    # Else its failure has given nothing back yet: what it will counts all the same.
    assert await runtime.dead_letters.retry(f"{run.id}:2") is Retried.QUEUED
    async with runtime.database.begin() as session:
        now = await ledger.balance(session, runtime.tenant_id)
    assert (now.available, now.reserved) == (0, 1)

    # Before it begins anew, somebody cancels it: this end is another than the first.
    await cancel(runtime, run.id)
    async with working(runtime):
        assert await left(runtime) == (1, 0)
    async with runtime.database.begin() as session:
        kinds = await session.scalars(
            select(EntryRow.kind).where(EntryRow.run_id == run.id).order_by(EntryRow.id)
        )
        assert list(kinds) == ["reserve", "release", "reserve", "release"]


async def test_a_failed_run_is_not_opened_again_without_credits(
    runtime: Runtime, grant: Grant
) -> None:
    await grant(1)
    run = await dead_run(runtime)
    async with working(runtime):
        assert await left(runtime) == (1, 0)
    await grant(-1)

    error = await refusal(runtime.dead_letters.retry(f"{run.id}:2"))

    assert error.code is ErrorCode.INSUFFICIENT_CREDITS
    async with runtime.database.begin() as session:
        found = await records.find(session, runtime.tenant_id, run.id)
    assert found is not None
    assert (found.status, found.attempt) == ("failed", run.attempt)
    assert (await runtime.dead_letters.get(f"{run.id}:2")).code == "WORKER_ERROR"
    await grant(1)
    assert await runtime.dead_letters.retry(f"{run.id}:2") is Retried.QUEUED


async def test_a_run_that_was_accepted_without_limit_costs_nothing_and_owes_nothing(
    runtime: Runtime, grant: Grant
) -> None:
    accepted = await runtime.intake.accept("cv.txt", b"one")
    await grant(1)
    await cancel(runtime, accepted.run_id)
    assert await left(runtime) == (1, 0)
    async with runtime.database.begin() as session:
        run = await records.find(session, runtime.tenant_id, accepted.run_id)
    assert run is not None
    assert CREDITS not in run.owes


async def test_a_client_without_credits_is_told_so(runtime: Runtime, grant: Grant) -> None:
    await grant(1)
    await grant(-1)
    (key,) = api_keys(runtime.settings)
    transport = httpx.ASGITransport(create_app(runtime))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://naru", headers={"Authorization": f"Bearer {key}"}
    ) as client:
        reply = await client.post(
            "/v1/resumes", files={"file": ("cv.txt", b"one")}, headers={"Accept-Language": "ko"}
        )
    assert (reply.status_code, reply.json()["code"]) == (402, "INSUFFICIENT_CREDITS")
    assert "충전" in reply.json()["detail"]


async def test_of_a_folder_what_the_credits_reach_for_is_ingested_and_the_rest_is_named(
    here: Runtime, grant: Grant, tmp_path: Path
) -> None:
    await grant(1)
    files = [tmp_path / f"{number}.pdf" for number in range(3)]
    for path in files:
        path.write_bytes(KOREAN.path.read_bytes() + path.name.encode())
    report = await ingest(
        here, Found(files, [], []), reveal=False, once=False, progress=Progress(visible=False)
    )
    assert (report.succeeded, len(report.runs), report.exit_code) == (1, 1, 1)
    read = {run.file for run in report.runs}
    assert read | set(report.not_accepted) == {str(path) for path in files}
    assert len(report.not_accepted) == 2


async def cancel(runtime: Runtime, run_id: UUID) -> None:
    await cancel_run(runtime.database, runtime.producer, runtime.events, runtime.tenant_id, run_id)


async def dead_run(runtime: Runtime) -> RunRow:
    """A run that failed at its first attempt, with its dead letter."""
    accepted = await runtime.intake.accept("cv.txt", b"one")
    async with runtime.database.begin() as session:
        run = await fencing.begin(
            session, RunId(accepted.run_id), attempt=1, worker="w", lease_s=60
        )
    assert run is not None
    async with runtime.database.begin() as session:
        how = End(status=RunStatus.FAILED, code=ErrorCode.WORKER_ERROR)
        await fencing.end(session, run, how)
    letter = Letter(function="run", code=ErrorCode.WORKER_ERROR, error_type="", text="", tries=1)
    await runtime.dead_letters.add(next_attempt(run), letter)
    return run
