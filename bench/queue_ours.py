"""This project's queue as it is by default: leases, priorities, and a span for every job."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any

from pydantic import SecretStr

from app.queue.envelope import NewJob
from app.queue.interpreter import settle
from app.queue.producer import Producer
from app.queue.worker import QueueWorker, Stop
from app.settings import load_settings
from app.settings.groups import RedisSettings
from app.settings.queue import QueueSettings
from app.store.redis import open_redis
from app.telemetry import configure_telemetry
from bench.queue_arq import with_context
from bench.queue_jobs import Body
from bench.queue_systems import Place


class Ours:
    """Every span is recorded and sent to the sink."""

    _producer: Producer

    def __init__(self, place: Place) -> None:
        self._redis = RedisSettings(url=SecretStr(place.url))
        self._settings = QueueSettings(concurrency=place.concurrency, lease=place.lease_s)
        self._endpoint = place.endpoint

    def recorded(self) -> AbstractContextManager[object]:
        settings = load_settings(otel_exporter_otlp_endpoint=self._endpoint)
        return configure_telemetry(settings, role="worker")

    async def work(self, jobs: Mapping[str, Body]) -> None:
        stop = Stop()
        # A worker that is killed cannot send its last spans.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.asked.set)
        async with open_redis(self._redis) as pool:
            settle()  # as ./run worker does
            worker = QueueWorker(
                Producer(pool, self._settings),
                [with_context(name, body) for name, body in jobs.items()],
                settings=self._settings,
                worker_id=f"bench-{os.getpid()}",
            )
            await worker.serve(stop)

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        async with open_redis(self._redis) as pool:
            self._producer = Producer(pool, self._settings)
            yield

    async def enqueue(self, job: str, arguments: Mapping[str, Any]) -> str:
        return (await self._producer.enqueue(NewJob(function=job, kwargs=arguments))).job_id

    async def enqueue_many(self, job: str, count: int, arguments: Mapping[str, Any]) -> None:
        await self._producer.enqueue_many([NewJob(function=job, kwargs=arguments)] * count)

    async def cancel(self, job_id: str) -> None:
        await self._producer.cancel(job_id)


class OursUntraced(Ours):
    """Nothing is recorded."""

    def recorded(self) -> AbstractContextManager[object]:
        return nullcontext()
