"""Workers of the tests, the jobs they carry, and what Redis holds of them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

from arq.worker import Function, func
from pydantic import SecretStr
from redis.asyncio import Redis

from app.queue.delivery import Hooks
from app.queue.producer import Producer
from app.queue.worker import QueueWorker, Stop
from app.settings.groups import RedisSettings
from app.settings.queue import QueueSettings
from app.store.redis import RedisPool, open_redis

LIMIT_S = 30
"""Nothing here takes this long on any machine; what does, hangs."""
HOUR_S = 3_600.0

JobFunction = Callable[..., Awaitable[Any]]


def patient(**changes: Any) -> QueueSettings:
    """Settings under which a worker looks by itself once an hour: only a word can move it."""
    own: dict[str, Any] = {
        "poll_every": HOUR_S,
        "retry_base_wait": 0.01,
        "retry_max_wait": 0.02,
        "drain_timeout": LIMIT_S,
        "max_attempts": 3,
    }
    return QueueSettings.model_validate(own | changes)


def redis_pool(url: str) -> AbstractAsyncContextManager[RedisPool]:
    return open_redis(RedisSettings(url=SecretStr(url)))


def job(function: JobFunction, name: str = "job", **options: Any) -> Function:
    return func(function, name=name, **options)  # pyright: ignore[reportArgumentType] - a coroutine function of any signature


@dataclass
class Workshop:
    """A job function whose calls wait until they are told to end."""

    calls: "asyncio.Queue[dict[Any, Any]]" = field(default_factory=asyncio.Queue)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    ended: list[str] = field(default_factory=list[str])
    cancelled: list[str] = field(default_factory=list[str])

    async def carry(self, ctx: dict[Any, Any], *args: Any) -> str:
        del args
        self.calls.put_nowait(ctx)
        try:
            await self.leave.wait()
        except asyncio.CancelledError:
            self.cancelled.append(ctx["job_id"])
            raise
        self.ended.append(ctx["job_id"])
        return f"of {ctx['job_id']}"

    async def started(self) -> str:
        """Wait for the next start; its id."""
        return str((await self.next_call())["job_id"])

    async def next_call(self) -> dict[Any, Any]:
        async with asyncio.timeout(LIMIT_S):
            return await self.calls.get()


@dataclass(frozen=True)
class Working:
    worker: QueueWorker
    stop: Stop
    serving: "asyncio.Task[None]"

    @property
    def claims(self) -> int:
        """How often the worker has asked for jobs."""
        return self.worker._claims._number

    async def ended(self) -> None:
        """Wait until `serve` returns; raises what it raises."""
        async with asyncio.timeout(LIMIT_S):
            await self.serving


@asynccontextmanager
async def working(
    producer: Producer,
    *functions: JobFunction | Function,
    settings: QueueSettings | None = None,
    hooks: Hooks | None = None,
    worker_id: str | None = None,
    kind: type[QueueWorker] = QueueWorker,
) -> AsyncGenerator[Working]:
    """A worker that serves until the block ends, and then hands back at once what it has."""
    worker = kind(
        producer,
        [each if isinstance(each, Function) else job(each) for each in functions],
        settings=settings or patient(),
        worker_id=worker_id,
        hooks=hooks,
    )
    stop, ready = Stop(), asyncio.Event()
    serving = asyncio.create_task(worker.serve(stop, ready=ready))
    try:
        async with asyncio.timeout(LIMIT_S):
            await ready.wait()
        yield Working(worker, stop, serving)
    finally:
        stop.asked.set()
        stop.at_once.set()
        async with asyncio.timeout(LIMIT_S):
            await asyncio.wait([serving])
        if not serving.cancelled():
            serving.result()


def commands(redis: Redis) -> Any:
    """The commands of redis-py, which it types loosely."""
    return redis


async def until(condition: Callable[[], object]) -> None:
    """Ask until the answer, or what it awaits, is true."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            answer = condition()
            if await answer if isawaitable(answer) else answer:
                return
            await asyncio.sleep(0.01)


async def listeners(redis: Redis) -> int:
    """How many connections to this database hear channels; those of a server have all in common."""
    own = (await commands(redis).client_info())["db"]
    heard = await commands(redis).client_list(_type="pubsub")
    return sum(client["db"] == str(own) for client in heard)


async def keys_of(redis: Redis, *, with_ttl: bool = True) -> set[str]:
    """Every key of the database; `with_ttl` False: only those that would stay for ever."""
    keys = [key async for key in commands(redis).scan_iter(count=1_000)]
    return {key.decode() for key in keys if with_ttl or await redis.pttl(key) == -1}
