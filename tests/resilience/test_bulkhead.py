import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import ErrorCode, RetryableError
from app.resilience.bulkhead import Bulkhead
from app.resilience.deadline import Within
from tests.resilience.virtual_time import VirtualTimeLoop


async def occupy(bulkhead: Bulkhead, seconds: float) -> None:
    await bulkhead.enter()
    try:
        await asyncio.sleep(seconds)
    finally:
        bulkhead.leave()


async def test_beyond_slots_and_queue_a_caller_is_turned_away_at_once() -> None:
    bulkhead = Bulkhead("test", slots=3, queue=2)
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(occupy(bulkhead, 1))
        await asyncio.sleep(0.5)
        assert (bulkhead.in_use, bulkhead.waiting) == (3, 2)
        with pytest.raises(RetryableError) as raised:
            await bulkhead.enter()
        assert raised.value.code is ErrorCode.BULKHEAD_FULL
        assert raised.value.details == {"dependency": "test", "slots": 3}
    assert (bulkhead.in_use, bulkhead.waiting) == (0, 0)


async def test_a_caller_that_is_cancelled_frees_its_place_in_the_queue_or_its_slot() -> None:
    bulkhead = Bulkhead("test", slots=1, queue=1)
    running = asyncio.create_task(occupy(bulkhead, 100))
    queued = asyncio.create_task(occupy(bulkhead, 1))
    await asyncio.sleep(1)
    queued.cancel()
    await asyncio.wait((queued,))
    assert (bulkhead.in_use, bulkhead.waiting) == (1, 0)
    next_one = asyncio.create_task(occupy(bulkhead, 1))
    await asyncio.sleep(1)
    running.cancel()
    await next_one
    assert bulkhead.in_use == 0


async def test_whoever_waits_longest_is_next_and_nobody_overtakes() -> None:
    bulkhead = Bulkhead("test", slots=1, queue=10)
    entered: list[int] = []

    async def one(number: int) -> None:
        await bulkhead.enter()
        entered.append(number)
        await asyncio.sleep(0)
        bulkhead.leave()

    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(one(number))
    assert entered == list(range(10))


async def test_waiting_ends_at_the_deadline_as_a_rejection_of_our_own() -> None:
    bulkhead = Bulkhead("test", slots=1, queue=1)
    held = asyncio.create_task(occupy(bulkhead, 100))
    await asyncio.sleep(0)
    with pytest.raises(RetryableError) as raised:
        async with Within(3):
            await bulkhead.enter()
    assert raised.value.code is ErrorCode.BULKHEAD_FULL
    assert bulkhead.waiting == 0
    held.cancel()


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5), st.none() | st.floats(0, 5)), max_size=20),
)
def test_whatever_comes_and_goes_slots_are_neither_lost_nor_made(
    slots: int, callers: list[tuple[float, float, float | None]]
) -> None:
    async def scene() -> None:
        bulkhead = Bulkhead("test", slots=slots, queue=100)

        async def caller(comes_s: float, stays_s: float) -> None:
            await asyncio.sleep(comes_s)
            await bulkhead.enter()
            try:
                assert bulkhead.in_use <= slots
                await asyncio.sleep(stays_s)
            finally:
                bulkhead.leave()

        loop = asyncio.get_running_loop()
        tasks: list[asyncio.Task[None]] = []
        for comes_s, stays_s, leaves_s in callers:
            tasks.append(asyncio.create_task(caller(comes_s, stays_s)))
            if leaves_s is not None:
                loop.call_later(leaves_s, tasks[-1].cancel)
        if tasks:
            await asyncio.wait(tasks)
        assert (bulkhead.in_use, bulkhead.waiting) == (0, 0)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(scene())
