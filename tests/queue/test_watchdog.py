"""A loop that does not come round is told of from beside it."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from app.queue.watchdog import Watchdog
from tests.queue.fleet import until

BLOCKED_AFTER_S = 0.2


@asynccontextmanager
async def watching() -> AsyncGenerator[Watchdog]:
    with Watchdog(BLOCKED_AFTER_S) as watchdog:
        ticking = asyncio.create_task(watchdog.tick())
        yield watchdog
        ticking.cancel()
        await asyncio.wait([ticking])


def told(caplog: pytest.LogCaptureFixture, where: str = "") -> list[str]:
    lines = [each.getMessage() for each in caplog.records]
    return [line for line in lines if "loop_blocked" in line and where in line]


def block_until(condition: threading.Event) -> None:
    """What a job must not do; and on for long enough to be told of again."""
    condition.wait(20)
    time.sleep(3 * BLOCKED_AFTER_S)


async def test_a_blocked_loop_is_told_of_once_with_the_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with watching() as watchdog:
        was_told = threading.Event()

        def watch_the_log() -> None:
            while not told(caplog, "block_until"):
                time.sleep(0.01)
            was_told.set()

        watcher = threading.Thread(target=watch_the_log, daemon=True)
        watcher.start()
        block_until(was_told)
        assert was_told.is_set()
        watcher.join()
        await until(lambda: watchdog.worst_lag_s() >= BLOCKED_AFTER_S)
    (line,) = told(caplog, "block_until")
    assert "test_watchdog.py" in line


async def test_a_loop_that_comes_round_is_not_told_of(caplog: pytest.LogCaptureFixture) -> None:
    with Watchdog(60) as watchdog:
        ticking = asyncio.create_task(watchdog.tick())
        await until(lambda: watchdog.worst_lag_s() > 0)
        ticking.cancel()
        await asyncio.wait([ticking])
    assert told(caplog) == []


async def test_the_worst_lag_is_of_the_time_since_it_was_asked_for() -> None:
    async with watching() as watchdog:
        time.sleep(BLOCKED_AFTER_S)  # noqa: ASYNC251 - this is the lag
        await until(lambda: watchdog.worst_lag_s() >= BLOCKED_AFTER_S / 2)
        assert watchdog.worst_lag_s() == 0


async def test_the_thread_ends_with_the_watch() -> None:
    before = _watching()
    async with watching():
        assert len(_watching() - before) == 1
    await until(lambda: _watching() <= before)


def _watching() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each.name == "loop-watchdog"}
