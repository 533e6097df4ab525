"""A worker's life beside its runs."""

import asyncio
from datetime import timedelta

import pytest

from app.bootstrap import Runtime
from app.cli.ingest import some_worker
from app.jobs import worker
from app.messages import Message
from app.pipeline.tables import RunRow
from app.queue.producer import WORKER_KEY
from app.queue.worker import Stop
from tests.flows.conftest import EndedRuns

pytestmark = [pytest.mark.flow, pytest.mark.timeout(60)]

TEXT = "윤가온\ngaon.yun@example.kr\n010-0000-2101\n\n기술\nPython\n".encode()


async def test_a_worker_is_known_while_it_works_and_not_after_it_stopped(runtime: Runtime) -> None:
    stop, ready = Stop(), asyncio.Event()
    serving = asyncio.create_task(worker.serve(runtime, stop, ready=ready))
    await ready.wait()
    async with asyncio.timeout(5):
        while not await runtime.producer.has_worker():
            await asyncio.sleep(0.02)
    stop.asked.set()
    await serving
    assert not await runtime.producer.has_worker()


async def test_a_command_stands_in_for_a_worker_that_was_killed(
    runtime: Runtime, ended: EndedRuns
) -> None:
    producer = runtime.producer
    await producer.set(f"{WORKER_KEY}{producer.queue_name}:killed a moment ago", b"{}", px=1_500)
    async with some_worker(runtime):
        accepted = await runtime.intake.accept("cv.txt", TEXT)
        (run,) = await ended([accepted.run_id])
    assert run.status == "succeeded"


async def test_a_run_whose_time_was_over_before_it_began_says_so(
    runtime: Runtime, ended: EndedRuns
) -> None:
    accepted = await runtime.intake.accept("cv.txt", TEXT)
    async with runtime.database.begin() as session:
        run = await session.get_one(RunRow, accepted.run_id)
        run.deadline_at = run.created_at - timedelta(minutes=1)
    async with some_worker(runtime):
        (run,) = await ended([accepted.run_id])
    assert (run.status, run.code) == ("failed", "DEADLINE_EXCEEDED")
    assert run.message == Message.RUN_WAITED_TOO_LONG.name
    assert run.details["overdue_s"] >= 60
