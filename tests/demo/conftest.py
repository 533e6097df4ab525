"""The scripted provider, and clients that speak to it over HTTP."""

from collections.abc import AsyncIterator

import httpx
import pytest
from openai import AsyncOpenAI

from app.demo.provider import ScriptedProvider, scripted_provider


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with scripted_provider() as running:
        yield running


@pytest.fixture
async def client(provider: ScriptedProvider) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=provider.base_url, api_key="key", max_retries=0) as made:
        yield made


@pytest.fixture
async def http(provider: ScriptedProvider) -> AsyncIterator[httpx.AsyncClient]:
    root = provider.base_url.removesuffix("/v1")
    async with httpx.AsyncClient(base_url=root, trust_env=False) as made:
        yield made
