from collections.abc import AsyncGenerator

import pytest

from tests.coordination.fleet import Fleet, Process, open_fleet


@pytest.fixture
async def fleet(database_url: str, redis_url: str) -> AsyncGenerator[Fleet]:
    async with open_fleet(database_url, redis_url) as opened:
        yield opened


@pytest.fixture
async def first(fleet: Fleet) -> AsyncGenerator[Process]:
    async with fleet.process("first") as process:
        yield process


@pytest.fixture
async def second(fleet: Fleet) -> AsyncGenerator[Process]:
    async with fleet.process("second") as process:
        yield process
