"""A worker keeps no more memory after ten thousand jobs than after the first thousand."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.queue.envelope import NewJob
from app.queue.producer import Producer
from app.settings.groups import RedisSettings
from app.settings.queue import QueueSettings
from app.store.redis import open_redis
from tests.conftest import ROOT
from tests.torture.memory import rss_kib

pytestmark = [pytest.mark.flow, pytest.mark.timeout(180)]

FIRST, ALL = 1_000, 10_000
MAY_GROW = 1.1


@asynccontextmanager
async def soaked(redis_url: str, folder: Path) -> AsyncGenerator[int]:
    """A worker process at work; its process id."""
    with (folder / "worker.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.torture.soak_worker", redis_url),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    yield process.pid
    process.stdin.close()
    assert await process.wait() == 0


async def test_ten_thousand_jobs_leave_no_memory_behind(redis_url: str, tmp_path: Path) -> None:
    settings = QueueSettings()
    redis = RedisSettings.model_validate({"url": redis_url})
    async with open_redis(redis) as pool, soaked(redis_url, tmp_path) as pid:
        producer = Producer(pool, settings)

        async def carry(numbers: range) -> int:
            """Put them in and wait for the last; the worker's memory then."""
            for start in range(numbers.start, numbers.stop, 500):
                await producer.enqueue_many(
                    [
                        NewJob(function="nothing", args=(number,), job_id=f"soak:{number}")
                        for number in range(start, start + 500)
                    ]
                )
            while await producer.zcard(settings.name):
                await asyncio.sleep(0.05)
            assert await producer.result(f"soak:{numbers[-1]}", within_s=60) == numbers[-1]
            return await asyncio.to_thread(rss_kib, pid)

        after_first = await carry(range(FIRST))
        after_all = await carry(range(FIRST, ALL))
    sys.stdout.write(f"{after_first} KiB after {FIRST} jobs, {after_all} KiB after {ALL}\n")
    assert after_all <= MAY_GROW * after_first
