from collections.abc import AsyncGenerator

import pytest

from app.queue.producer import Producer
from tests.queue.fleet import patient, redis_pool


@pytest.fixture
async def producer(redis_url: str) -> AsyncGenerator[Producer]:
    async with redis_pool(redis_url) as pool:
        yield Producer(pool, patient())
