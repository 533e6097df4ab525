import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.errors import ErrorCode, PermanentError, RetryableError
from app.resilience.limits import Limiter, Rate, RateLimiter

LONG_S = 10_000.0
TEN_A_SECOND = Rate(amount=10, period_s=1, burst=5)


def now() -> float:
    return asyncio.get_running_loop().time()


def limiter_of(**rates: Rate) -> RateLimiter:
    return RateLimiter(rates, clock=now)


async def refused(limiter: Limiter, cost: dict[str, float], *, max_wait_s: float = 0) -> float:
    """Seconds after which to come back."""
    began_s = now()
    with pytest.raises(RetryableError) as raised:
        await limiter.acquire(cost, max_wait_s=max_wait_s)
    assert raised.value.code is ErrorCode.RATE_LIMITED
    assert now() == began_s  # at once
    retry_after = raised.value.details["retry_after"]
    assert isinstance(retry_after, float)
    return retry_after


async def admitted_at(limiter: Limiter, cost: dict[str, float]) -> float:
    await limiter.acquire(cost, max_wait_s=LONG_S)
    return now()


async def test_a_burst_goes_at_once_and_then_one_every_tenth_of_a_second() -> None:
    limiter = limiter_of(requests=TEN_A_SECOND)
    times = [await admitted_at(limiter, {"requests": 1}) for _ in range(8)]
    assert times == pytest.approx([0, 0, 0, 0, 0, 0.1, 0.2, 0.3])


async def test_a_wait_above_the_longest_is_refused_at_once_and_takes_nothing() -> None:
    limiter = limiter_of(requests=TEN_A_SECOND)
    await limiter.acquire({"requests": 5}, max_wait_s=0)
    for _ in range(20):
        assert await refused(limiter, {"requests": 5}, max_wait_s=0.4) == pytest.approx(0.5)
    await asyncio.sleep(0.5)
    await limiter.acquire({"requests": 5}, max_wait_s=0)
    assert now() == pytest.approx(0.5)


async def test_all_dimensions_are_taken_or_none() -> None:
    limiter = limiter_of(
        requests=Rate(amount=1, period_s=1, burst=2),
        tokens=Rate(amount=100, period_s=1, burst=1_000),
    )
    await limiter.acquire({"requests": 1, "tokens": 1_000}, max_wait_s=0)
    assert await refused(limiter, {"requests": 1, "tokens": 200}) == pytest.approx(2)
    # The request that the refused call would have needed is still there.
    await limiter.acquire({"requests": 1}, max_wait_s=0)
    assert await refused(limiter, {"requests": 1}) == pytest.approx(1)


async def test_waiters_are_admitted_in_order_of_arrival_however_small_they_are() -> None:
    limiter = limiter_of(requests=TEN_A_SECOND, tokens=Rate(amount=10, period_s=1, burst=10))
    await limiter.acquire({"tokens": 10}, max_wait_s=0)
    order: list[str] = []

    async def ask(name: str, cost: dict[str, float]) -> None:
        await limiter.acquire(cost, max_wait_s=LONG_S)
        order.append(f"{name} {now():.1f}")

    async with asyncio.TaskGroup() as group:
        group.create_task(ask("large", {"requests": 1, "tokens": 10}))
        group.create_task(ask("small", {"requests": 1}))
        group.create_task(ask("free", {}))
        await asyncio.sleep(0)
        assert limiter.waiting == 3
    assert order == ["large 1.0", "small 1.0", "free 1.0"]
    assert limiter.waiting == 0


async def test_the_wait_behind_others_is_known_before_it_begins() -> None:
    limiter = limiter_of(
        requests=Rate(amount=1, period_s=1, burst=1), tokens=Rate(amount=1, period_s=1, burst=10)
    )
    await limiter.acquire({"requests": 1}, max_wait_s=0)
    async with asyncio.TaskGroup() as group:
        group.create_task(limiter.acquire({"requests": 1, "tokens": 10}, max_wait_s=1))
        await asyncio.sleep(0)
        # The tokens of the first come back only from its turn on: 1 s + 10 s, and not 10 s.
        assert await refused(limiter, {"tokens": 10}, max_wait_s=10.5) == pytest.approx(11)


async def test_a_waiter_that_is_cancelled_leaves_nothing_taken() -> None:
    limiter = limiter_of(requests=Rate(amount=1, period_s=1, burst=1))
    await limiter.acquire({"requests": 1}, max_wait_s=0)
    async with asyncio.TaskGroup() as group:
        gone = [
            group.create_task(limiter.acquire({"requests": 1}, max_wait_s=LONG_S))
            for _ in range(10)
        ]
        last = group.create_task(admitted_at(limiter, {"requests": 1}))
        await asyncio.sleep(0.5)
        for task in gone:
            task.cancel()
    assert last.result() == pytest.approx(1)
    assert limiter.waiting == 0


async def test_one_that_is_cancelled_as_it_is_admitted_gives_back_what_it_took() -> None:
    limiter = limiter_of(requests=Rate(amount=1, period_s=10, burst=1))
    await limiter.acquire({"requests": 1}, max_wait_s=0)
    waiting = asyncio.create_task(limiter.acquire({"requests": 1}, max_wait_s=LONG_S))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_at(10, waiting.cancel)  # after the limiter's timer
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert now() == pytest.approx(10)
    await limiter.acquire({"requests": 1}, max_wait_s=0)


async def test_what_a_call_did_not_need_comes_back_and_what_it_overran_is_owed() -> None:
    limiter = limiter_of(tokens=Rate(amount=10, period_s=1, burst=100))
    first = await limiter.acquire({"tokens": 100}, max_wait_s=0)
    await limiter.settle(first, {"tokens": 40})
    await limiter.settle(first, {"tokens": 0})  # the second time changes nothing
    second = await limiter.acquire({"tokens": 60}, max_wait_s=0)
    await limiter.settle(second, {"tokens": 160})
    assert await refused(limiter, {"tokens": 1}) == pytest.approx(10.1)


async def test_a_refund_lets_the_next_waiter_go_at_once() -> None:
    limiter = limiter_of(tokens=Rate(amount=1, period_s=1, burst=100))
    held = await limiter.acquire({"tokens": 100}, max_wait_s=0)
    async with asyncio.TaskGroup() as group:
        waiter = group.create_task(admitted_at(limiter, {"tokens": 50}))
        await asyncio.sleep(10)
        await limiter.settle(held, {"tokens": 20})
    assert waiter.result() == pytest.approx(10)


async def test_what_came_back_by_itself_is_not_given_back_again() -> None:
    limiter = limiter_of(tokens=Rate(amount=1, period_s=1, burst=10))
    slow = await limiter.acquire({"tokens": 10}, max_wait_s=0)
    await asyncio.sleep(100)
    await limiter.acquire({"tokens": 10}, max_wait_s=0)
    await limiter.settle(slow, {"tokens": 0})
    assert await refused(limiter, {"tokens": 10}) == pytest.approx(10)


async def test_a_refund_knows_of_the_refunds_before_it() -> None:
    limiter = limiter_of(tokens=Rate(amount=1, period_s=1, burst=20))
    first = await limiter.acquire({"tokens": 10}, max_wait_s=0)
    second = await limiter.acquire({"tokens": 10}, max_wait_s=0)
    await asyncio.sleep(1)
    await limiter.settle(first, {"tokens": 1})
    await asyncio.sleep(8)
    await limiter.acquire({"tokens": 18}, max_wait_s=0)
    await limiter.settle(second, {"tokens": 0})
    # Had the two cost 1 and 0 from the start, the bucket had been full before the third: 2 are left.
    assert await refused(limiter, {"tokens": 3}) == pytest.approx(1)
    await limiter.acquire({"tokens": 2}, max_wait_s=0)


async def test_the_providers_word_makes_it_tighter_until_its_reset_and_never_looser() -> None:
    limiter = limiter_of(requests=TEN_A_SECOND)
    await limiter.observe("requests", remaining=2, reset_s=30)
    times = [await admitted_at(limiter, {"requests": 1}) for _ in range(4)]
    assert times == pytest.approx([0, 0, 30, 30])
    await limiter.observe("requests", remaining=1_000, reset_s=30)
    await limiter.acquire({"requests": 3}, max_wait_s=0)
    assert await refused(limiter, {"requests": 5}) == pytest.approx(0.5)
    await limiter.observe("requests", remaining=-1, reset_s=5)
    assert await refused(limiter, {"requests": 1}) == pytest.approx(5)
    await limiter.observe("requests", remaining=5, reset_s=5)
    assert await admitted_at(limiter, {"requests": 1}) == pytest.approx(30.1)


async def test_a_pause_stops_everyone_and_turns_away_who_cannot_wait_so_long() -> None:
    limiter = limiter_of(requests=Rate(amount=1, period_s=1, burst=1))
    await limiter.acquire({"requests": 1}, max_wait_s=0)
    async with asyncio.TaskGroup() as group:
        patient = group.create_task(admitted_at(limiter, {"requests": 1}))
        hasty = group.create_task(refused_later(limiter, max_wait_s=3))
        behind = group.create_task(admitted_at(limiter, {"requests": 1}))
        await asyncio.sleep(0.5)
        await limiter.pause(20)
        await limiter.pause(1)  # a shorter one does not end the longer
        retry_after, told_at = await hasty
    assert told_at == pytest.approx(0.5)
    assert retry_after == pytest.approx(21)
    assert (patient.result(), behind.result()) == (pytest.approx(20.5), pytest.approx(21.5))


async def refused_later(limiter: Limiter, *, max_wait_s: float) -> tuple[object, float]:
    with pytest.raises(RetryableError) as raised:
        await limiter.acquire({"requests": 1}, max_wait_s=max_wait_s)
    return raised.value.details["retry_after"], now()


async def test_what_was_admitted_elsewhere_counts() -> None:
    limiter = limiter_of(requests=Rate(amount=1, period_s=1, burst=2))
    limiter.count({"requests": 2})
    assert await refused(limiter, {"requests": 1}) == pytest.approx(1)


async def test_a_cost_that_no_waiting_makes_possible_is_an_error_and_not_a_wait() -> None:
    limiter = limiter_of(requests=TEN_A_SECOND)
    with pytest.raises(PermanentError) as raised:
        await limiter.acquire({"requests": 6}, max_wait_s=LONG_S)
    assert raised.value.code is ErrorCode.VALIDATION_ERROR
    assert raised.value.details == {"dimension": "requests", "cost": 6, "burst": 5}
    assert "6 requests at once; the rate limit admits 5" in str(raised.value)


@pytest.mark.parametrize("name", ["amount", "period_s", "burst"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_rate_of_wrong_numbers_is_refused(name: str, value: float) -> None:
    numbers = {"amount": 1.0, "period_s": 1.0, "burst": 1.0, name: value}
    with pytest.raises(ValueError, match=f"{name} of a rate must be a positive number"):
        Rate(**numbers)


async def test_wrong_numbers_and_names_are_refused_with_a_sentence() -> None:
    limiter = limiter_of(requests=TEN_A_SECOND)
    held = await limiter.acquire({"requests": 1}, max_wait_s=0)
    nan, inf = float("nan"), float("inf")
    wrong: list[Callable[[], Awaitable[object]]] = [
        lambda: limiter.acquire({"requests": nan}, max_wait_s=1),
        lambda: limiter.acquire({"requests": -1}, max_wait_s=1),
        lambda: limiter.acquire({"coins": 1}, max_wait_s=1),
        lambda: limiter.settle(held, {"requests": inf}),
        lambda: limiter.settle(held, {"requests": -1}),
        lambda: limiter.observe("coins", remaining=1, reset_s=1),
        lambda: limiter.observe("requests", remaining=nan, reset_s=1),
        lambda: limiter.observe("requests", remaining=1, reset_s=-1),
        lambda: limiter.pause(-1),
        lambda: limiter.pause(inf),
    ]
    for ask in wrong:
        with pytest.raises(ValueError, match=r".+ .+"):
            await ask()
    with pytest.raises(ValueError, match="at least one dimension"):
        RateLimiter({})
    # A wait of no number is no wait.
    await limiter.acquire({"requests": 4}, max_wait_s=0)
    await refused(limiter, {"requests": 1}, max_wait_s=nan)
