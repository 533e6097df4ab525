"""How a worker stops: what runs ends, or goes back as if it had never begun."""

import asyncio

import pytest

from app.queue.delivery import Context
from app.queue.envelope import NewJob
from app.queue.producer import Producer
from tests.queue.fleet import LIMIT_S, Workshop, commands, keys_of, patient, until, working

QUEUE = "arq:queue"


def _no_claim_stands() -> bool:
    return not any(task.get_name() == "standing-claim" for task in asyncio.all_tasks())


async def test_a_worker_that_stops_lets_jobs_end_and_takes_no_more(producer: Producer) -> None:
    shop = Workshop()
    async with working(producer, shop.carry) as running:
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await shop.started()
        running.stop.asked.set()
        await until(_no_claim_stands)
        await producer.enqueue(NewJob(function="job", job_id="more"))
        shop.leave.set()
        await running.ended()
    assert shop.ended == ["j"]
    assert await producer.result("j", within_s=LIMIT_S) == "of j"
    assert await commands(producer).zrange(QUEUE, 0, -1) == [b"more"]


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_does_not_end_in_time_goes_back_without_spending_a_try(
    producer: Producer, *, at_once: bool
) -> None:
    shop = Workshop()
    settings = patient() if at_once else patient(drain_timeout=0.05)
    for _ in range(4):  # more often than there are tries
        async with working(producer, shop.carry, settings=settings) as running:
            await producer.enqueue(NewJob(function="job", job_id="j"))
            assert (await shop.next_call())["job_try"] == 1
            running.stop.asked.set()
            if at_once:
                running.stop.at_once.set()
            await running.ended()
        assert shop.cancelled.pop() == "j"
        assert not await commands(producer).exists("arq:in-progress:j", "arq:retry:j")
        assert await commands(producer).zcard(f"{QUEUE}:due:2:") == 1


async def test_a_job_goes_back_to_a_worker_that_waits_at_once(producer: Producer) -> None:
    first, second = Workshop(), Workshop()
    async with working(producer, first.carry, worker_id="first") as stopping:
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await first.started()
        async with working(producer, second.carry, worker_id="second"):
            stopping.stop.asked.set()
            stopping.stop.at_once.set()
            assert (await second.next_call())["job_try"] == 1


async def test_a_job_that_is_to_be_tried_again_is_not_lost_by_a_stop(producer: Producer) -> None:
    started = asyncio.Event()

    async def fails(ctx: Context) -> None:
        del ctx
        started.set()
        await asyncio.sleep(0)
        raise TimeoutError

    async with working(producer, fails, settings=patient(retry_base_wait=60)) as running:
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await started.wait()
        running.stop.asked.set()
        await running.ended()
    assert await commands(producer).zscore(f"{QUEUE}:deferred", "j") is not None
    assert await commands(producer).get("arq:retry:j") == b"1"


async def test_a_worker_that_is_cancelled_hands_back_too(producer: Producer) -> None:
    shop = Workshop()
    async with working(producer, shop.carry) as running:
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await shop.started()
        running.serving.cancel()
        await asyncio.wait([running.serving])
        assert running.serving.cancelled()
        assert await commands(producer).zcard(f"{QUEUE}:due:2:") == 1
    assert not await commands(producer).exists("arq:in-progress:j", "arq:retry:j")


async def test_a_worker_without_jobs_stops_at_once_and_is_no_longer_listed(
    producer: Producer,
) -> None:
    async with working(producer, Workshop().carry, worker_id="w") as running:
        await until(lambda: commands(producer).exists(f"naru:worker:{QUEUE}:w"))
        running.stop.asked.set()
        await running.ended()
    assert await keys_of(producer) == set()
