"""SAQ, taskiq and streaq, each as its documentation shows it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any

from bench.queue_jobs import LASTING, Body
from bench.queue_systems import Place, Untraced

_BATCH = 500


def load(module: str) -> Any:
    """A peer's module: peers are missing where types are checked, so nothing is known of it."""
    return import_module(module)


class Saq(Untraced):
    """`retries=2`, because with the default of 1 the job of a killed worker is never run again.

    A job that lasts has a heartbeat, as its documentation asks; the default ends it after 10 s.
    """

    def __init__(self, place: Place) -> None:
        redis = load("redis.asyncio")
        # Every slot holds a connection that waits; redis-py has 100 in a pool if nothing is said.
        pool = redis.from_url(place.url, max_connections=2 * place.concurrency + 200)
        self._concurrency = place.concurrency
        self._heartbeat_s = int(place.lease_s)
        self._queue = load("saq.queue.redis").RedisQueue(pool, max_concurrent_ops=100)

    async def work(self, jobs: Mapping[str, Body]) -> None:
        functions = [(name, self._with_context(name, body)) for name, body in jobs.items()]
        await load("saq").Worker(self._queue, functions, concurrency=self._concurrency).start()

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        await self._queue.connect()
        try:
            yield
        finally:
            await self._queue.disconnect()

    async def enqueue(self, job: str, arguments: Mapping[str, Any]) -> str:
        lasts = {"timeout": 0, "heartbeat": self._heartbeat_s} if job == LASTING else {}
        enqueued = await self._queue.enqueue(job, retries=2, kwargs=dict(arguments), **lasts)
        return enqueued.id

    async def enqueue_many(self, job: str, count: int, arguments: Mapping[str, Any]) -> None:
        for _ in range(count):
            await self.enqueue(job, arguments)

    def _with_context(self, name: str, body: Body) -> Any:
        async def run(ctx: Mapping[str, Any], **arguments: Any) -> None:
            if name != LASTING:
                await body(**arguments)
                return
            beating = asyncio.create_task(self._beat(ctx["job"]))
            try:
                await body(**arguments)
            finally:
                beating.cancel()

        return run

    async def _beat(self, job: Any) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s / 3)
            await job.update()


class Taskiq(Untraced):
    """Redis streams, the broker of taskiq-redis that acknowledges, with results in Redis."""

    def __init__(self, place: Place) -> None:
        taskiq_redis = load("taskiq_redis")
        self._concurrency = place.concurrency
        # "0": the group also reads what came before it. The default loses such jobs.
        broker = taskiq_redis.RedisStreamBroker(place.url, consumer_id="0")
        results = taskiq_redis.RedisAsyncResultBackend(place.url, result_ex_time=3_600)
        self._broker = broker.with_result_backend(results)
        self._kicker = load("taskiq.kicker").AsyncKicker

    async def work(self, jobs: Mapping[str, Body]) -> None:
        for name, body in jobs.items():
            self._broker.register_task(body, task_name=name)
        self._broker.is_worker_process = True
        await load("taskiq.api").run_receiver_task(
            self._broker, max_async_tasks=self._concurrency, run_startup=True
        )

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        await self._broker.startup()
        try:
            yield
        finally:
            await self._broker.shutdown()

    async def enqueue(self, job: str, arguments: Mapping[str, Any]) -> str:
        sent = await self._kicker(job, self._broker, {}).kiq(**arguments)
        return sent.task_id

    async def enqueue_many(self, job: str, count: int, arguments: Mapping[str, Any]) -> None:
        for _ in range(count):
            await self.enqueue(job, arguments)


class Streaq(Untraced):
    """Streams by way of coredis."""

    def __init__(self, place: Place) -> None:
        self._worker = load("streaq").Worker(
            redis_url=place.url, concurrency=place.concurrency, handle_signals=False
        )

    async def work(self, jobs: Mapping[str, Body]) -> None:
        for name, body in jobs.items():
            self._worker.task(name=name, silent=True)(body)
        await self._worker.run_async()

    def opened(self) -> AbstractAsyncContextManager[object]:
        return self._worker

    async def enqueue(self, job: str, arguments: Mapping[str, Any]) -> str:
        return (await self._worker.enqueue_unsafe(job, **arguments)).id

    async def enqueue_many(self, job: str, count: int, arguments: Mapping[str, Any]) -> None:
        for begin in range(0, count, _BATCH):
            size = min(_BATCH, count - begin)
            batch = [self._worker.enqueue_unsafe(job, **arguments) for _ in range(size)]
            await self._worker.enqueue_many(batch)
