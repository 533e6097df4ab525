"""The Redis connection pool."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.settings.groups import RedisSettings

RedisPool = ConnectionPool

_CONNECT_TIMEOUT_S = 5


@asynccontextmanager
async def open_redis(settings: RedisSettings) -> AsyncGenerator[RedisPool]:
    """A pool for `settings.url`, closed at the end. Connects lazily."""
    if settings.url is None:
        raise ValueError("REDIS__URL is not set and no embedded server was started")
    pool = ConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped keywords
        settings.url.get_secret_value(),
        socket_connect_timeout=_CONNECT_TIMEOUT_S,
        # A restart of the server takes under a second; single commands wait it out.
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 3),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    try:
        yield pool
    finally:
        await pool.disconnect()
