from collections.abc import AsyncGenerator

import httpx
import pytest

from app.api.app import create_app
from app.bootstrap import Runtime, api_keys


@pytest.fixture
async def client(runtime: Runtime) -> AsyncGenerator[httpx.AsyncClient]:
    """A client that carries a good key."""
    (key,) = api_keys(runtime.settings)
    transport = httpx.ASGITransport(create_app(runtime), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://naru", headers={"Authorization": f"Bearer {key}"}
    ) as opened:
        yield opened
