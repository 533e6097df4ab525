import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from app.coordination.limits import SharedLimiter
from app.errors import ErrorCode, PermanentError, RetryableError
from app.resilience.limits import Cost, Limiter, Rate, RateLimiter, Reservation
from app.settings.groups import RedisSettings
from app.store.redis import RedisPool, open_redis
from tests.store.redis_servers import valkey_server

FIFTY_A_SECOND = Rate(amount=50, period_s=1, burst=5)
SLOW = Rate(amount=1, period_s=60, burst=10)
ANY_S = 3_600.0
UNHURRIED_S = 2.0  # a busy machine is not a Redis that is away


@pytest.fixture
async def pools(redis_url: str) -> AsyncGenerator[list[RedisPool]]:
    """Those of three processes."""
    async with AsyncExitStack() as stack:
        settings = RedisSettings.model_validate({"url": redis_url})
        yield [await stack.enter_async_context(open_redis(settings)) for _ in range(3)]


def limiter_on(pool: RedisPool, **rates: Rate) -> SharedLimiter:
    return SharedLimiter(pool, "llm", rates, answer_within_s=UNHURRIED_S)


async def refused(limiter: Limiter, cost: Cost, *, max_wait_s: float = 0) -> float:
    with pytest.raises(RetryableError) as raised:
        await limiter.acquire(cost, max_wait_s=max_wait_s)
    assert raised.value.code is ErrorCode.RATE_LIMITED
    retry_after = raised.value.details["retry_after"]
    assert isinstance(retry_after, float)
    return retry_after


async def admitted_at(limiter: Limiter, cost: Cost) -> float:
    await limiter.acquire(cost, max_wait_s=ANY_S)
    return time.monotonic()


async def test_three_processes_together_get_no_more_than_the_one_limit_and_all_of_it(
    pools: list[RedisPool],
) -> None:
    times: list[float] = []
    began_s = time.monotonic()

    async def press(pool: RedisPool) -> None:
        limiter = limiter_on(pool, requests=FIFTY_A_SECOND)
        while time.monotonic() - began_s < 0.6:
            with suppress(RetryableError):
                await limiter.acquire({"requests": 1}, max_wait_s=0.1)
                times.append(time.monotonic())

    async with asyncio.TaskGroup() as group:
        for pool in pools:
            group.create_task(press(pool))
            group.create_task(press(pool))
    took_s = times[-1] - began_s
    # Exact at the server; here a late loop may see two turns closer to each other than they were.
    assert 0.3 * (5 + took_s * 50) <= len(times) <= 5 + took_s * 50 + 2


async def test_the_limit_and_the_reference_agree_whatever_is_taken_and_given_back(
    pools: list[RedisPool],
) -> None:
    """Nothing refills meanwhile, so only the arithmetic counts."""
    rates = {
        "requests": Rate(amount=1, period_s=10_000, burst=30),
        "tokens": Rate(amount=1, period_s=1_000, burst=60),
    }
    shared = [limiter_on(pool, **rates) for pool in pools]
    reference = RateLimiter(rates)
    draw = random.Random(33)  # noqa: S311 - not a secret
    held: list[tuple[Reservation, Reservation]] = []
    verdicts: list[bool] = []
    for _ in range(150):
        cost = {"requests": draw.randint(0, 3), "tokens": draw.randint(0, 12)}
        if held and draw.random() < 0.4:
            theirs, ours = held.pop(draw.randrange(len(held)))
            await draw.choice(shared).settle(theirs, cost)
            await reference.settle(ours, cost)
            continue
        limiter = draw.choice(shared)
        try:
            ours = await reference.acquire(cost, max_wait_s=0)
        except RetryableError as error:
            verdicts.append(False)
            expected = float(str(error.details["retry_after"]))
            assert await refused(limiter, cost) == pytest.approx(expected, abs=5)
        else:
            verdicts.append(True)
            held.append((await limiter.acquire(cost, max_wait_s=1), ours))
    assert {True, False} == set(verdicts)


async def test_waiters_of_all_processes_go_in_order_of_arrival(pools: list[RedisPool]) -> None:
    order: list[int] = []
    rate = Rate(amount=10, period_s=1, burst=5)

    async def ask(limiter: Limiter, number: int) -> None:
        await limiter.acquire({"requests": 1}, max_wait_s=ANY_S)
        order.append(number)

    limiters = [limiter_on(pool, requests=rate) for pool in pools]
    client: Redis = Redis(connection_pool=pools[0])
    await limiters[0].acquire({"requests": 5}, max_wait_s=0)
    began_s = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(6):
            before = await latest_turn(client)
            group.create_task(ask(limiters[number % 3], number))
            while before == await latest_turn(client):
                await asyncio.sleep(0)
    assert order == list(range(6))
    assert time.monotonic() - began_s >= 0.55


async def latest_turn(client: Redis) -> object:
    answer = client.execute_command("HGET", "naru:limits:{llm}", "last")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - typed loosely
    return await cast("Awaitable[object]", answer)


async def test_all_dimensions_are_taken_or_none_and_a_refusal_takes_nothing(
    pools: list[RedisPool],
) -> None:
    one, two = (limiter_on(pool, requests=SLOW, tokens=SLOW) for pool in pools[:2])
    await one.acquire({"requests": 1, "tokens": 10}, max_wait_s=0)
    for _ in range(5):
        assert await refused(two, {"requests": 2, "tokens": 1}) == pytest.approx(60, abs=2)
    await two.acquire({"requests": 9}, max_wait_s=0)
    assert await refused(one, {"requests": 1}, max_wait_s=30) == pytest.approx(60, abs=2)
    with pytest.raises(PermanentError) as raised:
        await one.acquire({"tokens": 11}, max_wait_s=ANY_S)
    assert raised.value.code is ErrorCode.VALIDATION_ERROR
    assert await refused(one, {"requests": 1}, max_wait_s=float("nan")) > 0
    waits_for_ever = asyncio.create_task(one.acquire({"requests": 1}, max_wait_s=float("inf")))
    await asyncio.sleep(0.05)
    assert not waits_for_ever.done()
    waits_for_ever.cancel()


async def test_an_acquire_is_one_round_trip_and_its_key_goes_by_itself(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:  # of its own: the counts are those of a whole server
        server = await stack.enter_async_context(valkey_server(tmp_path))
        settings = RedisSettings.model_validate({"url": f"redis://127.0.0.1:{server.port}"})
        limiter = limiter_on(
            await stack.enter_async_context(open_redis(settings)), requests=SLOW, tokens=SLOW
        )
        await limiter.acquire({"requests": 1, "tokens": 1}, max_wait_s=0)
        await server.ask("CONFIG", "RESETSTAT")
        for _ in range(9):
            await limiter.acquire({"requests": 1, "tokens": 1}, max_wait_s=0)
        stats = await server.client.info("commandstats")  # pyright: ignore[reportUnknownMemberType] - typed loosely
        calls = {name: values["calls"] for name, values in stats.items()}
        assert calls["cmdstat_evalsha"] == 9
        assert not {"cmdstat_eval", "cmdstat_script|load"} & set(calls)
        assert await server.ask("KEYS", "*") == [b"naru:limits:{llm}"]
        # 10 of 10 taken at one a minute: full again in 600 s.
        assert 600 <= await server.ask("TTL", "naru:limits:{llm}") <= 661


async def test_what_was_not_needed_comes_back_and_what_was_overrun_is_owed_by_all(
    pools: list[RedisPool],
) -> None:
    one, two = (limiter_on(pool, tokens=SLOW) for pool in pools[:2])
    first = await one.acquire({"tokens": 10}, max_wait_s=0)
    await one.settle(first, {"tokens": 4})
    await one.settle(first, {"tokens": 0})  # the second time changes nothing
    second = await two.acquire({"tokens": 6}, max_wait_s=0)
    await two.settle(second, {"tokens": 7})
    assert await refused(one, {"tokens": 1}) == pytest.approx(120, abs=2)


async def test_the_providers_word_holds_for_all_and_never_loosens(pools: list[RedisPool]) -> None:
    one, two = (limiter_on(pool, requests=SLOW) for pool in pools[:2])
    await one.observe("requests", remaining=2, reset_s=300)
    await two.acquire({"requests": 2}, max_wait_s=0)
    assert await refused(two, {"requests": 1}) == pytest.approx(300, abs=2)
    await one.observe("requests", remaining=1_000, reset_s=300)
    await two.acquire({"requests": 8}, max_wait_s=0)
    assert await refused(one, {"requests": 1}) == pytest.approx(60, abs=2)


async def test_a_pause_moves_the_waiters_of_all_processes_and_keeps_their_order(
    pools: list[RedisPool],
) -> None:
    one, two, three = (limiter_on(pool, requests=FIFTY_A_SECOND) for pool in pools)
    await one.acquire({"requests": 5}, max_wait_s=0)
    began_s = time.monotonic()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(admitted_at(one, {"requests": 3}))
        await asyncio.sleep(0.01)
        second = group.create_task(admitted_at(two, {"requests": 3}))
        hasty = group.create_task(refused(two, {"requests": 1}, max_wait_s=0.2))
        await asyncio.sleep(0.01)
        await three.pause(0.5)
        await three.pause(0.1)  # a shorter one does not end the longer
        third = group.create_task(admitted_at(three, {"requests": 1}))
        retry_after = await hasty
    times = [task.result() - began_s for task in (first, second, third)]
    assert times == sorted(times)
    assert times[0] >= 0.51
    assert times[1] >= 0.55  # by the server's clock; a late loop may see the first one late
    assert retry_after > 0.2


async def test_word_that_nothing_is_left_stops_those_who_have_their_turn_already(
    pools: list[RedisPool],
) -> None:
    one, two = (limiter_on(pool, requests=FIFTY_A_SECOND) for pool in pools[:2])
    await one.acquire({"requests": 5}, max_wait_s=0)
    began_s = time.monotonic()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(admitted_at(one, {"requests": 5}))
        await asyncio.sleep(0.02)
        await two.observe("requests", remaining=0, reset_s=0.4)
    assert waiting.result() - began_s >= 0.4


async def test_waiters_that_are_cancelled_together_leave_nothing_taken(
    pools: list[RedisPool],
) -> None:
    one, two = (limiter_on(pool, requests=SLOW, tokens=SLOW) for pool in pools[:2])
    await one.acquire({"requests": 10, "tokens": 1}, max_wait_s=0)
    waiting = [
        asyncio.create_task(one.acquire({"requests": 1, "tokens": 0.5}, max_wait_s=ANY_S))
        for _ in range(12)
    ]
    await asyncio.sleep(0.1)
    assert await refused(two, {"requests": 1}) == pytest.approx(13 * 60, abs=2)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert await refused(two, {"requests": 1}) == pytest.approx(60, abs=2)


async def test_a_ticket_from_before_redis_lost_everything_gives_nothing_back(
    pools: list[RedisPool],
) -> None:
    limiter = limiter_on(pools[0], requests=SLOW)
    old = await limiter.acquire({"requests": 10}, max_wait_s=0)
    client: Redis = Redis(connection_pool=pools[1])
    await client.flushdb()  # pyright: ignore[reportUnknownMemberType] - typed loosely
    await limiter_on(pools[2], requests=SLOW).acquire({"requests": 10}, max_wait_s=0)
    await limiter.settle(old, {"requests": 0})
    assert await refused(limiter, {"requests": 1}) == pytest.approx(60, abs=2)


# --- Redis away or slow -------------------------------------------------------------------------


@dataclass
class Line:
    """A wire to Redis that can be cut, or go silent."""

    port: int = 0
    dead: bool = False
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])

    def cut(self) -> None:
        self.dead = True
        for writer in self.writers:
            writer.transport.abort()


@asynccontextmanager
async def wire_to(redis_url: str) -> AsyncGenerator[Line]:
    line = Line()
    path = urlsplit(redis_url).path

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
        writer.transport.abort()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line.connections += 1
        line.writers.append(writer)
        if not line.dead:
            back_reader, back_writer = await asyncio.open_unix_connection(path)
            async with asyncio.TaskGroup() as group:
                group.create_task(copy(reader, back_writer))
                group.create_task(copy(back_reader, writer))
        # else: accepted, and never an answer

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        line.cut()
        server.close()
        await server.wait_closed()


@dataclass
class Clock:
    now_s: float = 0

    def __call__(self) -> float:
        return self.now_s


async def test_while_redis_is_silent_the_process_decides_alone_and_asks_once_a_second(
    redis_url: str,
) -> None:
    clock = Clock()
    async with wire_to(redis_url) as line:
        url = f"redis://127.0.0.1:{line.port}/{urlsplit(redis_url).query.removeprefix('db=')}"
        async with open_redis(RedisSettings.model_validate({"url": url})) as pool:
            limiter = SharedLimiter(
                pool, "llm", {"requests": SLOW}, answer_within_s=0.5, clock=clock
            )
            early = await limiter.acquire({"requests": 3}, max_wait_s=0)
            assert limiter.shared
            line.cut()
            before = line.connections
            began_s = time.monotonic()
            # It has counted along: 7 of 10 are left.
            for _ in range(7):
                await limiter.acquire({"requests": 1}, max_wait_s=0)
            assert await refused(limiter, {"requests": 1}) == pytest.approx(60)
            await limiter.settle(early, {"requests": 1})
            await limiter.acquire({"requests": 2}, max_wait_s=0)
            await limiter.observe("requests", remaining=5, reset_s=100)
            await limiter.pause(90)
            assert await refused(limiter, {"requests": 1}) == pytest.approx(90)
            assert not limiter.shared
            assert time.monotonic() - began_s < 2  # it waited for Redis once
            asked = line.connections - before
            clock.now_s += 1.5
            for _ in range(20):
                assert await refused(limiter, {"requests": 1}) == pytest.approx(88.5)
            assert 1 <= line.connections - before - asked <= 2
            line.dead = False
            clock.now_s += 0.5
            await refused(limiter, {"requests": 1})
            assert not limiter.shared
            clock.now_s += 0.6
            await limiter.acquire({"requests": 1}, max_wait_s=0)  # Redis knows of no pause
            assert limiter.shared


async def test_a_redis_that_nobody_can_reach_changes_nothing_for_the_callers() -> None:
    settings = RedisSettings.model_validate({"url": "redis://127.0.0.1:1/0"})
    async with open_redis(settings) as pool:
        limiter = SharedLimiter(pool, "llm", {"requests": FIFTY_A_SECOND})
        await limiter.pause(0.01)
        times = [await admitted_at(limiter, {"requests": 1}) for _ in range(8)]
        assert times[-1] - times[0] >= 0.05
        with pytest.raises(RetryableError):
            await limiter.acquire({"requests": 5}, max_wait_s=0)


@pytest.mark.parametrize("name", ["", "Ada Example", "a" * 201, "a{b}"])
async def test_a_name_that_is_no_dependencys_is_refused(pools: list[RedisPool], name: str) -> None:
    with pytest.raises(ValueError, match="no name of a limiter"):
        SharedLimiter(pools[0], name, {"requests": SLOW})


async def test_wrong_numbers_and_names_are_refused_before_redis_is_asked(
    pools: list[RedisPool],
) -> None:
    limiter = limiter_on(pools[0], requests=SLOW)
    held = await limiter.acquire({"requests": 1}, max_wait_s=0)
    wrong: list[Callable[[], Awaitable[object]]] = [
        lambda: limiter.acquire({"coins": 1}, max_wait_s=0),
        lambda: limiter.acquire({"requests": -1}, max_wait_s=0),
        lambda: limiter.settle(held, {"requests": float("nan")}),
        lambda: limiter.observe("coins", remaining=1, reset_s=1),
        lambda: limiter.observe("requests", remaining=1, reset_s=float("inf")),
        lambda: limiter.pause(-1),
    ]
    for ask in wrong:
        with pytest.raises(ValueError, match=r".+ .+"):
            await ask()
