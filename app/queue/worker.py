"""Out of the queue: arq's worker, built inside the running loop, stopped without losing jobs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from arq.worker import Worker, func
from redis.exceptions import RedisError

from app.queue.envelope import decode, encode
from app.queue.producer import Producer
from app.telemetry.logs import get_logger

JobFunction = Callable[[dict[Any, Any], dict[str, Any]], Awaitable[None]]

log = get_logger(__name__)

_POLL_DELAY_S = 0.05
_RECONNECT_DELAY_S = 1.0
_NO_TRY_LIMIT = 1_000_000


class QueueWorker(Worker):
    """Takes jobs of one queue while `serve` runs.

    A job's own failure never reaches this class: the functions end their run in PostgreSQL. arq's
    retries, results and counters are not used; the run's attempt is what counts.
    """

    def __init__(
        self,
        producer: Producer,
        functions: Mapping[str, JobFunction],
        *,
        concurrency: int,
        job_timeout_s: float,
    ) -> None:
        super().__init__(
            functions=[
                func(function, name=name, keep_result=0, max_tries=_NO_TRY_LIMIT)  # pyright: ignore[reportArgumentType] - arq's protocol is narrower than what it calls
                for name, function in functions.items()
            ],
            redis_pool=producer.redis,
            queue_name=producer.queue_name,
            handle_signals=False,
            max_jobs=concurrency,
            job_timeout=job_timeout_s,
            keep_result=0,
            job_serializer=encode,
            job_deserializer=decode,
            log_results=False,
        )

    async def start_jobs(self, job_ids: list[bytes]) -> None:
        """Claim these jobs, save those that this worker has at hand.

        After Redis lost its keys the same id can come again while its first delivery still runs.
        """
        await super().start_jobs(
            [job_id for job_id in job_ids if job_id.decode() not in self.tasks]
        )

    async def serve(self, stopping: asyncio.Event, *, drain_timeout_s: float) -> None:
        """Work until `stopping` is set; then let jobs finish for a while, and cancel the rest.

        A cancelled job is expected to hand its run back. When Redis goes away, jobs that run go on,
        and taking new ones starts again once Redis answers. Stopping between two polls, not inside
        one, leaves no claim behind that nobody works on.
        """
        try:
            while not stopping.is_set():
                delay_s = _POLL_DELAY_S
                try:
                    await self._poll_iteration()
                except (RedisError, OSError) as error:
                    log.warning("queue_unreachable", error_type=type(error).__name__)
                    delay_s = _RECONNECT_DELAY_S
                with suppress(TimeoutError):
                    async with asyncio.timeout(delay_s):
                        await stopping.wait()
            if self.tasks:
                await asyncio.wait(self.tasks.values(), timeout=drain_timeout_s)
        finally:
            for task in self.tasks.values():
                task.cancel()
            if self.tasks:
                await asyncio.wait(self.tasks.values())
