from collections.abc import AsyncGenerator

import pytest

from app.queue.producer import Producer
from app.store.redis import RedisPool
from tests.queue.fleet import patient, redis_pool


@pytest.fixture
async def pool(redis_url: str) -> AsyncGenerator[RedisPool]:
    async with redis_pool(redis_url) as opened:
        yield opened


@pytest.fixture
def producer(pool: RedisPool) -> Producer:
    return Producer(pool, patient())
