"""The queue alone: jobs in, jobs out, and stopping."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from app.errors import RetryableError
from app.queue.envelope import Envelope
from app.queue.producer import Producer
from app.queue.worker import JobFunction, QueueWorker
from app.settings.groups import RedisSettings
from app.store.redis import open_redis


@pytest.fixture
async def producer(redis_url: str) -> AsyncGenerator[Producer]:
    async with open_redis(RedisSettings(url=SecretStr(redis_url))) as pool:
        yield Producer(pool, "arq:queue")


def an_envelope() -> Envelope:
    return Envelope(run_id=uuid4(), tenant_id=uuid4(), attempt=1)


def worker_for(producer: Producer, run: JobFunction) -> QueueWorker:
    return QueueWorker(producer, {"run": run}, concurrency=4, job_timeout_s=30)


async def test_a_job_is_delivered_and_its_id_is_free_again_afterwards(producer: Producer) -> None:
    seen: list[str] = []
    stopping = asyncio.Event()

    async def run(ctx: dict[Any, Any], payload: dict[str, Any]) -> None:
        del ctx
        seen.append(payload["run_id"])
        stopping.set()

    envelope = an_envelope()
    assert await producer.enqueue_run(envelope)
    assert not await producer.enqueue_run(envelope)
    await worker_for(producer, run).serve(stopping, drain_timeout_s=5)
    assert seen == [str(envelope.run_id)]
    # Were a result kept, a job that ended before its run began could not be delivered again.
    assert await producer.enqueue_run(envelope)


async def test_a_worker_that_stops_lets_jobs_finish_and_takes_no_more(producer: Producer) -> None:
    started, release, stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
    finished: list[str] = []

    async def run(ctx: dict[Any, Any], payload: dict[str, Any]) -> None:
        del ctx
        started.set()
        await release.wait()
        finished.append(payload["run_id"])

    first, second = an_envelope(), an_envelope()
    await producer.enqueue_run(first)
    serving = asyncio.create_task(worker_for(producer, run).serve(stopping, drain_timeout_s=10))
    await started.wait()
    stopping.set()
    await producer.enqueue_run(second)
    release.set()
    await serving
    assert finished == [str(first.run_id)]
    assert await producer.redis.zcard("arq:queue") == 1


async def test_a_job_that_does_not_finish_in_time_is_cancelled(producer: Producer) -> None:
    started, stopping = asyncio.Event(), asyncio.Event()
    cancelled: list[bool] = []

    async def run(ctx: dict[Any, Any], payload: dict[str, Any]) -> None:
        del ctx, payload
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    await producer.enqueue_run(an_envelope())
    serving = asyncio.create_task(worker_for(producer, run).serve(stopping, drain_timeout_s=0.05))
    await started.wait()
    stopping.set()
    await serving
    assert cancelled == [True]


async def test_an_undecodable_job_and_a_crashing_function_do_not_stop_the_worker(
    producer: Producer,
) -> None:
    stopping = asyncio.Event()

    async def run(ctx: dict[Any, Any], payload: dict[str, Any]) -> None:
        del ctx
        if payload["attempt"] == 1:
            raise ZeroDivisionError
        stopping.set()

    await producer.redis.psetex("arq:job:poison", 60_000, b"\x80\x04not json")
    await producer.redis.zadd("arq:queue", {"poison": 1})
    await producer.enqueue_run(an_envelope())
    await producer.enqueue_run(an_envelope().model_copy(update={"attempt": 2}), wait_s=0.2)
    async with asyncio.timeout(20):
        await worker_for(producer, run).serve(stopping, drain_timeout_s=5)
    assert await producer.redis.zcard("arq:queue") == 0


async def test_a_worker_is_known_while_it_announces_itself(producer: Producer) -> None:
    assert not await producer.has_worker()
    await producer.announce_worker("w1", ttl_s=0.3)
    assert await producer.has_worker()
    async with asyncio.timeout(5):
        while await producer.has_worker():
            await asyncio.sleep(0.05)


async def test_a_redis_that_is_away_has_a_code() -> None:
    settings = RedisSettings(url=SecretStr("unix:///nonexistent/valkey.sock"))
    async with open_redis(settings) as pool:
        producer = Producer(pool, "arq:queue")
        with pytest.raises(RetryableError, match="over the network"):
            await producer.ping()
        with pytest.raises(RetryableError):
            await producer.enqueue_run(an_envelope())
