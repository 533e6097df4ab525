"""arq, as its documentation shows it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.worker import Function, Worker, func

from bench.queue_jobs import Body
from bench.queue_systems import Place, Untraced


class Tuned(Untraced):
    """Looks for jobs every 10 ms, the least that its users set."""

    poll_delay_s = 0.01
    _pool: ArqRedis

    def __init__(self, place: Place) -> None:
        self._redis = RedisSettings(host="127.0.0.1", port=place.port)
        self._concurrency = place.concurrency

    async def work(self, jobs: Mapping[str, Body]) -> None:
        worker = Worker(
            [with_context(name, body) for name, body in jobs.items()],
            redis_settings=self._redis,
            max_jobs=self._concurrency,
            poll_delay=self.poll_delay_s,
            handle_signals=False,
        )
        await worker.async_run()

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        self._pool = await create_pool(self._redis)
        try:
            yield
        finally:
            await self._pool.aclose(close_connection_pool=True)

    async def enqueue(self, job: str, arguments: Mapping[str, Any]) -> str:
        enqueued = await self._pool.enqueue_job(job, **arguments)
        assert enqueued is not None
        return enqueued.job_id

    async def enqueue_many(self, job: str, count: int, arguments: Mapping[str, Any]) -> None:
        for _ in range(count):
            await self.enqueue(job, arguments)


class AsInstalled(Tuned):
    """Looks for jobs every 0.5 s and runs 10 at a time."""

    poll_delay_s = 0.5


def with_context(name: str, body: Body) -> Function:
    """The job as arq calls it."""

    async def run(ctx: dict[Any, Any], **arguments: Any) -> None:
        del ctx
        await body(**arguments)

    return func(run, name=name)
