"""Whoever asks, gives back, is cancelled or paused, in whatever order: the bound holds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import ErrorCode, RetryableError
from app.resilience.limits import Rate, RateLimiter
from tests.resilience.virtual_time import VirtualTimeLoop

T = TypeVar("T")

LONG_S = 10_000.0


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(frozen=True)
class Ask:
    """One call: whole tenths of a second, so that many things happen in the same moment."""

    arrives: int
    cost: tuple[int, int]
    max_wait: int
    cancelled: int | None
    takes: int
    needs: tuple[int, int] | None


@dataclass(frozen=True)
class Word:
    """What a provider says meanwhile."""

    at: int
    remaining: int
    reset: int
    pause: bool


costs = st.tuples(st.integers(0, 4), st.integers(0, 8))
asks = st.builds(
    Ask,
    arrives=st.integers(0, 30),
    cost=costs,
    max_wait=st.integers(0, 60),
    cancelled=st.none() | st.integers(0, 60),
    takes=st.integers(0, 40),
    needs=st.none() | costs,
)
words = st.builds(
    Word,
    at=st.integers(0, 30),
    remaining=st.integers(0, 3),
    reset=st.integers(0, 20),
    pause=st.booleans(),
)
RATES = {
    "requests": Rate(amount=5, period_s=1, burst=4),
    "tokens": Rate(amount=10, period_s=1, burst=8),
}


@dataclass(frozen=True)
class Admitted:
    """`number` counts the callers as they arrived; `cost` is what was needed in the end."""

    number: int
    at_s: float
    cost: dict[str, float]


@dataclass(frozen=True)
class Story:
    limiter: RateLimiter
    arrived: list[Ask] = field(default_factory=list[Ask])
    admitted: list[Admitted] = field(default_factory=list[Admitted])


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.lists(asks, min_size=2, max_size=14), st.lists(words, max_size=3))
def test_no_window_ever_holds_more_than_its_burst_and_rate(
    plan: list[Ask], said: list[Word]
) -> None:
    admitted = run(lambda: play(plan, said))
    for dimension, rate in RATES.items():
        for first in range(len(admitted)):
            total = 0.0
            for last in admitted[first:]:
                total += last.cost.get(dimension, 0)
                window_s = last.at_s - admitted[first].at_s
                assert total <= rate.burst + window_s / rate.unit_s + 1e-6


async def play(plan: list[Ask], said: list[Word]) -> list[Admitted]:
    story = Story(RateLimiter(RATES, clock=now))
    tasks = [asyncio.create_task(say(story, word)) for word in said]
    for what in plan:
        task = asyncio.create_task(ask(story, what))
        if what.cancelled is not None:
            asyncio.get_running_loop().call_later(what.cancelled / 10, task.cancel)
        tasks.append(task)
    async with asyncio.timeout(LONG_S):
        await asyncio.wait(tasks)
    for task in tasks:
        assert task.cancelled() or task.exception() is None
    times = [one.at_s for one in sorted(story.admitted, key=lambda one: one.number)]
    assert times == sorted(times)
    assert story.limiter.waiting == 0
    return story.admitted


async def ask(story: Story, what: Ask) -> None:
    await asyncio.sleep(what.arrives / 10)
    began_s, number = now(), len(story.arrived)
    story.arrived.append(what)
    cost = {"requests": float(what.cost[0]), "tokens": float(what.cost[1])}
    try:
        reserved = await story.limiter.acquire(cost, max_wait_s=what.max_wait / 10)
    except RetryableError as error:
        assert error.code is ErrorCode.RATE_LIMITED  # noqa: PT017 - one of two good ends
        return
    assert now() - began_s <= what.max_wait / 10 + 1e-6
    # What counts is what was needed in the end: the rest is given back, however late.
    counted = dict(cost)
    story.admitted.append(Admitted(number, now(), counted))
    if what.needs is not None:
        needs = {"requests": float(what.needs[0]), "tokens": float(what.needs[1])}
        await asyncio.sleep(what.takes / 10)
        await story.limiter.settle(reserved, needs)
        counted.update({name: min(cost[name], needs[name]) for name in cost})


async def say(story: Story, word: Word) -> None:
    await asyncio.sleep(word.at / 10)
    if not word.pause:
        await story.limiter.observe("tokens", remaining=word.remaining, reset_s=word.reset / 10)
        return
    said_s, over_s = now(), now() + word.reset / 10
    await story.limiter.pause(word.reset / 10)
    await asyncio.sleep(word.reset / 10)
    assert [one for one in story.admitted if said_s < one.at_s < over_s - 1e-6] == []


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), min_size=1, max_size=20))
def test_alone_it_admits_exactly_when_a_bucket_that_ticks_would(
    plan: list[tuple[int, int]],
) -> None:
    """The reference: a bucket counted up tick by tick, 100 ticks a second."""
    rate = Rate(amount=10, period_s=1, burst=8)

    async def measured() -> list[float]:
        limiter = RateLimiter({"tokens": rate}, clock=now)
        times: list[float] = []
        for pause_tenths, units in plan:
            await asyncio.sleep(pause_tenths / 10)
            await limiter.acquire({"tokens": units}, max_wait_s=LONG_S)
            times.append(now())
        return times

    held_tenths, tick, expected = 80, 0, list[float]()
    for pause_tenths, units in plan:
        tick += pause_tenths * 10
        held_tenths = min(80, held_tenths + pause_tenths * 10)
        while held_tenths < units * 10:
            tick += 1
            held_tenths = min(80, held_tenths + 1)
        held_tenths -= units * 10
        expected.append(tick / 100)
    assert run(measured) == pytest.approx(expected, abs=1e-6)


def run(play: Callable[[], Awaitable[T]]) -> T:
    """Play in a virtual loop of its own."""

    async def whole() -> T:
        return await play()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(whole())
