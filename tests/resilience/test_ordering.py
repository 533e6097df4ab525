import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import ErrorCode, RetryableError
from app.resilience.ordering import KeyedLock
from tests.resilience.virtual_time import VirtualTimeLoop

LONG_S = 10_000


async def hold(lock: KeyedLock, key: str, *, seconds: float, entered: list[str], name: str) -> None:
    async with lock.hold(key):
        entered.append(name)
        await asyncio.sleep(seconds)


async def test_a_hundred_waiters_enter_in_arrival_order() -> None:
    lock = KeyedLock()
    entered: list[str] = []
    async with asyncio.TaskGroup() as group:
        for number in range(100):
            group.create_task(hold(lock, "k", seconds=1, entered=entered, name=str(number)))
    assert entered == [str(number) for number in range(100)]
    assert asyncio.get_running_loop().time() == pytest.approx(100)
    assert (lock.held, lock.waiting) == (0, 0)


async def test_a_hundred_keys_do_not_wait_for_each_other() -> None:
    lock = KeyedLock()
    entered: list[str] = []
    async with asyncio.TaskGroup() as group:
        for number in range(100):
            group.create_task(hold(lock, str(number), seconds=1, entered=entered, name="x"))
    assert asyncio.get_running_loop().time() == pytest.approx(1)


async def test_nobody_slips_in_between_a_release_and_the_next_in_line() -> None:
    lock = KeyedLock()
    entered: list[str] = []
    async with asyncio.TaskGroup() as group, lock.hold("k"):
        group.create_task(hold(lock, "k", seconds=0, entered=entered, name="waited"))
        await asyncio.sleep(1)
    # The key was released in this very tick, and the waiter has not run yet.
    async with lock.hold("k"):
        entered.append("late")
    assert entered == ["waited", "late"]


async def test_a_waiter_past_its_limit_leaves_and_the_next_is_served() -> None:
    lock = KeyedLock()
    entered: list[str] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(hold(lock, "k", seconds=10, entered=entered, name="first"))
        await asyncio.sleep(0)
        impatient = group.create_task(refused(lock, timeout_s=3))
        await asyncio.sleep(1)
        group.create_task(hold(lock, "k", seconds=1, entered=entered, name="third"))
        error = await impatient
        assert (lock.held, lock.waiting) == (1, 1)
    assert error.code is ErrorCode.SESSION_BUSY
    assert error.details == {"waited_s": 3}
    assert entered == ["first", "third"]
    assert asyncio.get_running_loop().time() == pytest.approx(11)
    assert (lock.held, lock.waiting) == (0, 0)


async def refused(lock: KeyedLock, *, timeout_s: float) -> RetryableError:
    with pytest.raises(RetryableError) as raised:
        async with lock.hold("k", timeout_s=timeout_s):
            raise AssertionError
    return raised.value


async def test_a_limit_of_zero_asks_only_whether_the_key_is_free() -> None:
    lock = KeyedLock()
    async with lock.hold("k", timeout_s=0):
        error = await refused(lock, timeout_s=0)
    assert error.details == {"waited_s": 0}
    async with lock.hold("k", timeout_s=0):
        assert lock.held == 1


async def test_a_waiter_cancelled_in_the_queue_changes_nothing_for_the_rest() -> None:
    lock = KeyedLock()
    entered: list[str] = []
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(hold(lock, "k", seconds=1, entered=entered, name=str(number)))
            for number in range(6)
        ]
        await asyncio.sleep(0.5)
        for number in (1, 3, 5):
            tasks[number].cancel()
    assert entered == ["0", "2", "4"]
    assert (lock.held, lock.waiting) == (0, 0)


async def test_a_waiter_cancelled_as_it_is_handed_the_key_passes_it_on() -> None:
    lock = KeyedLock()
    entered: list[str] = []
    async with asyncio.TaskGroup() as group:
        async with lock.hold("k"):
            handed = group.create_task(
                hold(lock, "k", seconds=0, entered=entered, name="cancelled")
            )
            group.create_task(hold(lock, "k", seconds=0, entered=entered, name="next"))
            await asyncio.sleep(1)
        handed.cancel()
    assert entered == ["next"]
    assert (lock.held, lock.waiting) == (0, 0)


async def test_a_cancellation_is_never_told_as_a_limit() -> None:
    lock = KeyedLock()
    async with lock.hold("k"):
        waiting = asyncio.create_task(refused(lock, timeout_s=5))
        await asyncio.sleep(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert (lock.held, lock.waiting) == (0, 0)


async def test_an_error_inside_lets_go_of_the_key() -> None:
    lock = KeyedLock()
    with pytest.raises(ZeroDivisionError):
        async with lock.hold("k"):
            raise ZeroDivisionError
    assert lock.held == 0


async def test_after_ten_thousand_keys_the_table_is_empty() -> None:
    lock = KeyedLock()
    loop = asyncio.get_running_loop()

    async def use(number: int) -> None:
        async with lock.hold(number % 3_000, timeout_s=1):
            await asyncio.sleep(number % 7)

    tasks = [loop.create_task(use(number)) for number in range(10_000)]
    await asyncio.sleep(0)
    assert (lock.held, lock.waiting) == (3_000, 7_000)
    for task in tasks[::5]:
        task.cancel()
    await asyncio.wait(tasks)
    ends = {type(task.exception()) for task in tasks if not task.cancelled()}
    assert ends == {type(None), RetryableError}
    assert (lock.held, lock.waiting) == (0, 0)


@pytest.mark.parametrize("timeout_s", [-1, float("nan"), float("inf")])
def test_a_limit_that_is_no_time_is_refused(timeout_s: float) -> None:
    with pytest.raises(ValueError, match="zero or a positive number"):
        KeyedLock().hold("k", timeout_s=timeout_s)


def test_a_lock_that_outlives_a_loop_serves_the_next_one() -> None:
    lock = KeyedLock()
    for _ in range(2):
        entered: list[str] = []

        async def contend(entered: list[str] = entered) -> None:
            async with asyncio.TaskGroup() as group:
                for name in "abc":
                    group.create_task(hold(lock, "k", seconds=1, entered=entered, name=name))

        run(contend)
        assert entered == ["a", "b", "c"]


@dataclass(frozen=True)
class Visit:
    """One task's life: whole ticks, so that many things happen in the same one."""

    key: str
    arrives: int
    stays: int
    limit: int | None
    cancelled: int | None


visits = st.builds(
    Visit,
    key=st.sampled_from("ab"),
    arrives=st.integers(0, 6),
    stays=st.integers(0, 3),
    limit=st.none() | st.integers(0, 5),
    cancelled=st.none() | st.integers(0, 12),
)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.lists(visits, min_size=2, max_size=14))
def test_whoever_comes_and_goes_the_order_holds_and_nothing_is_left(plan: list[Visit]) -> None:
    run(lambda: play(plan))


async def play(plan: list[Visit]) -> None:
    lock = KeyedLock()
    loop = asyncio.get_running_loop()
    arrived: dict[str, list[int]] = {"a": [], "b": []}
    entered: dict[str, list[int]] = {"a": [], "b": []}
    inside: dict[str, int] = {"a": 0, "b": 0}
    busy: list[tuple[ErrorCode, bool]] = []

    async def visit(number: int, what: Visit) -> None:
        await asyncio.sleep(what.arrives)
        began_s = loop.time()
        arrived[what.key].append(number)
        try:
            async with lock.hold(what.key, timeout_s=what.limit):
                entered[what.key].append(number)
                inside[what.key] += 1
                assert inside[what.key] == 1
                assert what.limit is None or loop.time() - began_s <= what.limit
                try:
                    await asyncio.sleep(what.stays)
                finally:
                    inside[what.key] -= 1
        except RetryableError as error:
            busy.append((error.code, error.details["waited_s"] == what.limit))

    tasks: list[asyncio.Task[None]] = []
    for number, what in enumerate(plan):
        task = loop.create_task(visit(number, what))
        if what.cancelled is not None:
            loop.call_later(what.cancelled, task.cancel)
        tasks.append(task)
    async with asyncio.timeout(LONG_S):  # nobody sleeps for ever
        await asyncio.wait(tasks)
    for number, task in enumerate(tasks):
        assert task.cancelled() or task.exception() is None
        assert plan[number].cancelled is not None or not task.cancelled()
    assert set(busy) <= {(ErrorCode.SESSION_BUSY, True)}
    for key, order in entered.items():
        assert order == [number for number in arrived[key] if number in order]
    assert (lock.held, lock.waiting) == (0, 0)


def run(play: Callable[[], Coroutine[Any, Any, None]] | Callable[[], Awaitable[None]]) -> None:
    """Play in a virtual loop of its own."""

    async def whole() -> None:
        await play()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(whole())
