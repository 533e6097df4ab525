"""PostgreSQL is the truth, Redis only delivers."""

import asyncio
import signal
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, text

from app.bootstrap import Runtime, open_runtime
from app.candidates.tables import VersionRow
from app.pipeline.tables import AttemptRow, RunRow
from app.settings import Settings
from app.settings.groups import RedisSettings
from tests.flows.conftest import (
    EndedRuns,
    WorkerProcess,
    held_runs,
    hold_checkpoint,
    redis_keys,
    working,
)

pytestmark = [pytest.mark.flow, pytest.mark.timeout(90)]

RESUME = """윤가온
gaon.yun@example.kr | 010-0000-2101

경력사항
해오름모빌리티 백엔드 엔지니어 2021.03 ~ 현재

기술
Python, PostgreSQL
""".encode()


async def test_losing_all_of_redis_in_the_middle_of_fifty_queued_runs_loses_none(
    runtime: Runtime, ended: EndedRuns
) -> None:
    accepted = [
        await runtime.intake.accept(f"{number}.txt", RESUME, force=True) for number in range(50)
    ]
    async with working(runtime):
        async with asyncio.timeout(30):
            while not await _finished(runtime):
                await asyncio.sleep(0.01)
        await runtime.producer.flushdb()  # pyright: ignore[reportUnknownMemberType] - typed loosely
        runs = await ended([run.run_id for run in accepted])

    assert {run.status for run in runs} == {"succeeded"}
    async with runtime.database.begin() as session:
        assert await session.scalar(select(func.count()).select_from(VersionRow)) == 50


async def test_a_run_accepted_while_redis_is_away_is_delivered_later(
    runtime: Runtime, settings: Settings, tmp_path: Path, ended: EndedRuns
) -> None:
    away = settings.model_copy(
        update={"redis": RedisSettings(url=SecretStr(f"unix://{tmp_path}/no-such.sock"))}
    )
    async with open_runtime(away) as cut_off:
        accepted = await cut_off.intake.accept("cv.txt", RESUME)
    queue = runtime.producer
    assert await queue.zcard(runtime.producer.queue_name) == 0
    async with working(runtime):
        (run,) = await ended([accepted.run_id])
    assert run.status == "succeeded"


async def test_a_stopping_worker_hands_its_run_back_without_spending_a_try(
    runtime: Runtime, worker_process: WorkerProcess, ended: EndedRuns
) -> None:
    await hold_checkpoint(runtime, "identity")
    accepted = await runtime.intake.accept("cv.txt", RESUME)
    async with worker_process() as stopped:
        async with asyncio.timeout(30):
            while not await held_runs(runtime):
                await asyncio.sleep(0.02)
        stopped.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await stopped.wait() == 0
    async with runtime.database.begin() as session:
        handed_back = await session.get_one(RunRow, accepted.run_id)
    assert (handed_back.status, handed_back.attempt, handed_back.tries) == ("queued", 1, 0)

    async with working(runtime):
        (run,) = await ended([accepted.run_id])
    assert (run.status, run.attempt, run.tries) == ("succeeded", 2, 1)


async def test_a_document_that_kills_its_worker_each_time_ends_as_failed(
    runtime: Runtime, ended: EndedRuns
) -> None:
    accepted = await runtime.intake.accept("cv.txt", RESUME)
    async with runtime.database.begin() as session:
        await session.execute(
            text("UPDATE runs SET tries = 5, attempt = 5 WHERE id = :id"), {"id": accepted.run_id}
        )
    async with working(runtime):
        (run,) = await ended([accepted.run_id])
    assert (run.status, run.code) == ("failed", "WORKER_ERROR")


async def test_a_claim_whose_worker_died_before_it_began_the_run_is_dropped(
    runtime: Runtime, ended: EndedRuns
) -> None:
    accepted = await runtime.intake.accept("cv.txt", RESUME)
    await runtime.producer.set(f"arq:in-progress:{accepted.run_id}:1", b"1", px=600_000)
    async with working(runtime):
        (run,) = await ended([accepted.run_id])
    assert (run.status, run.attempt) == ("succeeded", 1)


async def test_nothing_of_a_finished_run_stays_in_redis(here: Runtime, ended: EndedRuns) -> None:
    accepted = [await here.intake.accept("cv.txt", RESUME, force=True) for _ in range(3)]
    await ended([run.run_id for run in accepted])
    async with asyncio.timeout(5):
        while await here.producer.zcard(here.producer.queue_name):
            await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        while await redis_keys(here, "arq:job:*"):
            await asyncio.sleep(0.05)
    assert await redis_keys(here, "arq:retry:*") == []


async def test_attempts_are_numbered_and_their_waits_are_known(
    here: Runtime, ended: EndedRuns
) -> None:
    accepted = await here.intake.accept("cv.txt", RESUME)
    (run,) = await ended([accepted.run_id])
    async with here.database.begin() as session:
        (attempt,) = (
            await session.scalars(select(AttemptRow).where(AttemptRow.run_id == run.id))
        ).all()
    assert attempt.attempt == 1
    assert attempt.due_at <= attempt.started_at
    assert attempt.ended_at is not None
    assert attempt.outcome == "succeeded"


async def _finished(runtime: Runtime) -> bool:
    async with runtime.database.begin() as session:
        count = await session.scalar(
            select(func.count()).select_from(RunRow).where(RunRow.status == "succeeded")
        )
    return bool(count and count >= 5)
