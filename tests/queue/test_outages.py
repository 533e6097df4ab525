"""Redis goes away, comes back, forgets: jobs that run go on, and none is told twice."""

from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from app.errors import RetryableError
from app.queue.delivery import Context, Hooks
from app.queue.envelope import NewJob
from app.queue.producer import Producer
from tests.fakes.wire import Wire
from tests.queue.fleet import (
    LIMIT_S,
    Workshop,
    commands,
    listeners,
    patient,
    redis_pool,
    until,
    working,
)

QUEUE = "arq:queue"


@pytest.fixture
async def wire(redis_url: str) -> AsyncGenerator[Wire]:
    """The way to Redis of a worker, which a test can cut."""
    opened = Wire(Path(unquote(urlsplit(redis_url).path)))
    await opened.mend()
    yield opened
    await opened.cut()


@pytest.fixture
async def by_wire(wire: Wire, redis_url: str) -> AsyncGenerator[Producer]:
    """The same queue, by the way that can be cut."""
    number = redis_url.partition("?db=")[2]
    async with redis_pool(f"redis://127.0.0.1:{wire.port}/{number}") as pool:
        yield Producer(pool, patient())


async def unreachable(producer: Producer) -> bool:
    try:
        await producer.ping()
    except RetryableError:
        return True
    return False


async def test_a_job_that_ends_during_an_outage_is_told_once_after_it(
    producer: Producer, by_wire: Producer, wire: Wire
) -> None:
    told: list[str] = []

    async def after(ctx: Context) -> None:
        told.append(ctx["job_id"])

    shop = Workshop()
    async with working(by_wire, shop.carry, hooks=Hooks(after_job_end=after)) as running:
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await shop.started()
        await wire.cut()
        shop.leave.set()
        await until(lambda: shop.ended == ["j"])
        await until(lambda: running.worker._failures > 0)
        assert await commands(producer).zcard(QUEUE) == 1
        await wire.mend()
        assert await producer.result("j", within_s=LIMIT_S) == "of j"
        await until(lambda: told)
    assert (shop.ended, told) == (["j"], ["j"])


async def test_a_worker_outlives_one_outage_after_the_other_and_hears_again(
    producer: Producer, by_wire: Producer, wire: Wire
) -> None:
    shop = Workshop()
    async with working(by_wire, shop.carry, settings=patient(lease=1, poll_every=0.05)) as running:
        for number in range(2):
            await wire.cut()
            # Some tries each: the back-off must not grow beyond two seconds.
            failures = running.worker._failures
            await until(lambda failures=failures: running.worker._failures > failures + 3)
            await wire.mend()
            await producer.enqueue(NewJob(function="job", job_id=f"j{number}"))
            assert await shop.started() == f"j{number}"
            await until(lambda: listeners(producer))
            await producer.cancel(f"j{number}")
            await until(lambda number=number: f"j{number}" in shop.cancelled)
        assert not running.serving.done()


async def test_a_job_that_runs_while_redis_forgets_everything_ends_with_its_result(
    producer: Producer,
) -> None:
    shop = Workshop()
    async with working(producer, shop.carry, settings=patient(lease=1)):
        await producer.enqueue(NewJob(function="job", job_id="j", tenant="t"))
        await shop.started()
        await commands(producer).flushdb()
        await until(lambda: commands(producer).zscore(f"{QUEUE}:leases", "j"))
        assert await producer.payload("j") is not None
        shop.leave.set()
        assert await producer.result("j", within_s=LIMIT_S) == "of j"
    assert shop.ended == ["j"]
    assert await commands(producer).exists(QUEUE, f"{QUEUE}:index", f"{QUEUE}:running") == 0


async def test_a_worker_that_stops_while_redis_is_away_ends(
    producer: Producer, by_wire: Producer, wire: Wire
) -> None:
    shop = Workshop()
    async with working(by_wire, shop.carry, settings=patient(drain_timeout=0.05)) as running:
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await shop.started()
        await wire.cut()
        assert await unreachable(by_wire)
        running.stop.asked.set()
        await running.ended()
        assert shop.cancelled == ["j"]
    assert (
        await commands(producer).zscore(QUEUE, "j") is not None
    )  # to begin again when the lease has passed


async def test_a_worker_that_begins_while_redis_is_away_waits_for_it(
    producer: Producer, by_wire: Producer, wire: Wire
) -> None:
    shop = Workshop()
    await producer.enqueue(NewJob(function="job", job_id="j"))
    await wire.cut()
    async with working(by_wire, shop.carry) as running:
        await until(lambda: running.worker._failures > 1)
        await wire.mend()
        assert await shop.started() == "j"


async def test_a_server_that_lost_its_scripts_is_given_them_again(producer: Producer) -> None:
    shop = Workshop()
    shop.leave.set()
    async with working(producer, shop.carry):
        await commands(producer).script_flush()
        await producer.enqueue(NewJob(function="job", job_id="j"))
        assert await producer.result("j", within_s=LIMIT_S) == "of j"
