"""A new code path beside an old one: who takes which, and what a shadow may never do."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextvars import ContextVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ErrorCode, PermanentError, RetryableError
from app.resilience.rollout import Comparable, Path, Rollout, bucket
from app.resilience.rollout_config import OFF, Extent
from app.resilience.rollout_guard import Result
from tests.conftest import ROOT
from tests.resilience.rollout_paths import (
    EVERYONE,
    Answer,
    Paths,
    Watched,
    as_it_is,
    lines,
    quietly,
    run,
    settled,
    watch,
)

KNOWN_BUCKETS = {
    ("reader", "k"): 6411,
    ("reader", "0b7f5f2e-0000-4000-8000-123456789abc"): 8847,
    ("analyst", "k"): 7085,
    ("reader", "가온"): 4921,
    ("reader", ""): 1592,
    ("reader", "\ud800"): 3725,
}
"""Written down once: a release that changes one of them moves people in and out."""


def test_buckets_are_the_same_in_every_release() -> None:
    assert {pair: bucket(*pair) for pair in KNOWN_BUCKETS} == KNOWN_BUCKETS


def test_another_process_decides_alike() -> None:
    program = (
        "from app.resilience.rollout import bucket\n"
        "print([bucket('reader', f'key-{n}') for n in range(500)])"
    )
    there = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == str([bucket("reader", f"key-{n}") for n in range(500)])


@pytest.mark.parametrize("percent", [1, 10, 50, 90])
def test_the_share_of_many_keys_is_the_share_asked_for(percent: int) -> None:
    inside = sum(bucket("reader", f"run-{n}") < percent * 100 for n in range(100_000))
    assert abs(inside / 1_000 - percent) < 0.5


@quietly
@given(
    key=st.text(),
    shares=st.lists(st.integers(0, 10_000), min_size=2, max_size=6),
    shadow=st.booleans(),
)
def test_a_key_that_is_in_stays_in_as_the_share_grows(
    key: str, shares: list[int], shadow: bool
) -> None:
    rollout = watch().rollout
    inside: list[bool] = []
    for share_bp in [0, *sorted(shares), 10_000]:
        rollout.switch(Extent(shadow=shadow, share_bp=share_bp))
        inside.append(rollout.choose(key) is Path.NEW)
        assert (rollout.choose(key) is Path.NEW) == inside[-1], "sticky"
    assert inside == sorted(inside)
    assert (inside[0], inside[-1]) == (False, True)


def test_two_rollouts_do_not_begin_with_the_same_keys() -> None:
    keys = [f"run-{n}" for n in range(20_000)]
    both = sum(bucket("reader", key) < 1_000 and bucket("analyst", key) < 1_000 for key in keys)
    assert 100 < both < 300  # 1 % of the keys, not 10 %


def test_outside_the_share_a_key_takes_the_old_path_or_both(rollout: Rollout) -> None:
    out = next(key for key in map(str, range(100)) if bucket("reader", key) >= 1_000)
    assert rollout.choose(out) is Path.BOTH
    rollout.switch(Extent(share_bp=1_000))
    assert rollout.choose(out) is Path.OLD
    rollout.switch(Extent(share_bp=1_000, shadow=True))
    assert rollout.choose(out) is Path.BOTH
    rollout.switch(OFF)
    assert rollout.choose(out) is Path.OLD


@pytest.fixture
async def watched() -> AsyncGenerator[Watched]:
    watched = watch()
    yield watched
    await watched.rollout.close()
    assert watched.rollout.shadows == 0


@pytest.fixture
def rollout(watched: Watched) -> Rollout:
    return watched.rollout


@pytest.fixture
def paths() -> Paths:
    return Paths()


async def test_off_runs_the_old_path_alone(rollout: Rollout, paths: Paths) -> None:
    rollout.switch(OFF)
    assert await run(rollout, paths) is paths.old_answer
    assert (paths.old_calls, paths.new_calls, rollout.counts) == (1, 0, {})


async def test_inside_the_share_the_new_path_runs_alone_and_its_errors_are_the_callers(
    rollout: Rollout, paths: Paths
) -> None:
    rollout.switch(EVERYONE)
    assert await run(rollout, paths) is paths.new_answer
    paths.new_error = RetryableError(ErrorCode.NETWORK_ERROR)
    with pytest.raises(RetryableError):
        await run(rollout, paths)
    assert paths.old_calls == 0
    assert rollout.counts == {Result.SERVED: 1, Result.ERROR_NEW: 1}


async def test_a_shadow_is_compared_and_the_old_answer_given(
    rollout: Rollout, paths: Paths
) -> None:
    assert await run(rollout, paths) is paths.old_answer
    await settled(rollout)
    paths.new_answer = {"name": "B", "phone": "010-0000-1111"}
    assert await run(rollout, paths) is paths.old_answer
    await settled(rollout)
    assert rollout.counts == {Result.MATCH: 1, Result.MISMATCH: 1}
    assert (paths.old_calls, paths.new_calls) == (2, 2)


async def test_a_hanging_shadow_delays_nothing_and_ends_at_its_own_limit(
    rollout: Rollout, paths: Paths
) -> None:
    paths.new_takes_s = 1e6
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    await run(rollout, paths)
    assert loop.time() - started_s == pytest.approx(0.01)
    assert rollout.shadows == 1
    await settled(rollout)
    assert loop.time() - started_s == pytest.approx(5, abs=0.1)
    assert rollout.counts == {Result.ERROR_NEW: 1}


async def test_the_answer_is_given_before_a_shadow_takes_its_first_step(
    rollout: Rollout, paths: Paths
) -> None:
    await run(rollout, paths)
    assert paths.new_calls == 0
    await settled(rollout)
    assert paths.new_calls == 1


@pytest.mark.parametrize(
    "error",
    [
        ValueError("private"),
        PermanentError(ErrorCode.INVALID_FILE),
        asyncio.CancelledError(),
        ExceptionGroup("g", [ValueError("private")]),
        GeneratorExit(),
        TimeoutError(),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_no_error_of_a_shadow_reaches_the_answer(
    rollout: Rollout, paths: Paths, error: BaseException
) -> None:
    paths.new_error = error
    assert await run(rollout, paths) is paths.old_answer
    await settled(rollout)
    assert rollout.counts == {Result.ERROR_NEW: 1}


async def test_shadows_are_bounded_and_those_beyond_are_dropped(
    rollout: Rollout, paths: Paths
) -> None:
    paths.new_takes_s = 1
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(run_once(rollout, paths))
    assert rollout.shadows == 3
    await settled(rollout)
    assert rollout.counts == {Result.DROPPED: 5, Result.MATCH: 3}
    assert paths.new_calls == 3


async def run_once(rollout: Rollout, paths: Paths) -> None:
    assert await run(rollout, paths) is paths.old_answer


async def test_where_the_old_path_fails_its_error_is_the_answer_and_nothing_is_compared(
    rollout: Rollout, paths: Paths
) -> None:
    async def failing() -> Answer:
        raise RetryableError(ErrorCode.LLM_TIMEOUT)

    with pytest.raises(RetryableError):
        await rollout.run("k", old=failing, new=paths.new, comparable=as_it_is)
    assert rollout.counts == {Result.ERROR_OLD: 1}
    assert (rollout.shadows, paths.new_calls) == (0, 0)


async def test_an_old_answer_that_cannot_be_compared_is_not_blamed_on_the_new_path(
    rollout: Rollout, paths: Paths
) -> None:
    def broken(answer: Answer) -> Comparable:
        return {"age": answer["age"]}

    await rollout.run("k", old=paths.old, new=paths.new, comparable=broken)
    await settled(rollout)
    assert rollout.counts == {Result.ERROR_OLD: 1}
    assert paths.new_calls == 0


_caller = ContextVar("_caller", default="nobody")


async def test_a_shadow_has_nothing_of_its_callers_context_nor_of_its_deadline(
    rollout: Rollout, paths: Paths
) -> None:
    seen: list[str] = []

    async def new() -> Answer:
        await asyncio.sleep(1)
        seen.append(_caller.get())
        return paths.new_answer

    _caller.set("run 7")
    async with asyncio.timeout(0.5):
        await rollout.run("k", old=paths.old, new=new, comparable=as_it_is)
        await asyncio.sleep(0.1)
    await settled(rollout)
    assert seen == ["nobody"]
    assert rollout.counts == {Result.MATCH: 1}


async def test_a_cancelled_caller_starts_no_shadow_and_counts_nothing(
    rollout: Rollout, paths: Paths
) -> None:
    task = asyncio.ensure_future(run(rollout, paths))
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    rollout.switch(EVERYONE)
    paths.new_takes_s = 1
    task = asyncio.ensure_future(run(rollout, paths))
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (rollout.counts, rollout.shadows) == ({}, 0)


async def test_switching_off_ends_the_shadows_at_once_and_blames_nobody(
    rollout: Rollout, paths: Paths
) -> None:
    paths.new_takes_s = 3
    await run(rollout, paths)
    rollout.switch(OFF)
    await asyncio.sleep(0.01)
    assert (rollout.shadows, rollout.counts) == (0, {})
    rollout.shadow(paths.old_answer, paths.new, as_it_is)
    assert rollout.shadows == 0


async def test_closing_cancels_and_awaits_every_shadow(rollout: Rollout, paths: Paths) -> None:
    cleaned: list[int] = []

    async def new() -> Answer:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(1)
            cleaned.append(1)
        return paths.new_answer

    for _ in range(2):
        await rollout.run("k", old=paths.old, new=new, comparable=as_it_is)
    await asyncio.sleep(0)
    await rollout.close()
    assert (rollout.shadows, cleaned, rollout.counts) == (0, [1, 1], {})
    assert await run(rollout, paths) is paths.old_answer
    assert rollout.shadows == 0
    assert [task for task in asyncio.all_tasks() if "shadow" in task.get_name()] == []


async def test_a_shadow_that_refuses_to_end_cannot_hold_the_close(
    rollout: Rollout, paths: Paths, caplog: pytest.LogCaptureFixture
) -> None:
    async def stubborn() -> Answer:
        try:
            await asyncio.sleep(3)
        except asyncio.CancelledError:
            await asyncio.sleep(60)
        return paths.new_answer

    await rollout.run("k", old=paths.old, new=stubborn, comparable=as_it_is)
    await asyncio.sleep(0)
    started_s = asyncio.get_running_loop().time()
    await rollout.close()
    assert asyncio.get_running_loop().time() - started_s == pytest.approx(5)
    assert "rollout_shadow_lingers" in [line["event"] for line in lines(caplog)]
    await settled(rollout)
