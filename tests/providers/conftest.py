"""Both kinds of store, and the model at the scripted provider."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.demo.provider import ScriptedProvider
from app.providers.blobs import Blobs, open_blobs
from app.providers.llm import Llm, open_llm
from app.settings.groups import RetrySettings, StorageSettings
from app.settings.llm import LlmSettings


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest) -> StorageSettings:
    """Both kinds of store, one after the other."""
    if request.param == "bucket":
        return request.getfixturevalue("bucket")
    return StorageSettings.model_validate({})


@pytest.fixture
async def blobs(storage: StorageSettings, tmp_path: Path) -> AsyncIterator[Blobs]:
    async with open_blobs(storage, tmp_path / "blobs") as store:
        yield store


@pytest.fixture
async def llm(provider: ScriptedProvider) -> AsyncIterator[Llm]:
    """The model at the scripted provider, with time enough."""
    async with open_scripted_llm(provider, timeout_s=20) as opened:
        yield opened


@pytest.fixture
async def hasty_llm(provider: ScriptedProvider) -> AsyncIterator[Llm]:
    """The same with no time to wait."""
    async with open_scripted_llm(provider, timeout_s=0.3) as opened:
        yield opened


@asynccontextmanager
async def open_scripted_llm(provider: ScriptedProvider, *, timeout_s: float) -> AsyncGenerator[Llm]:
    settings = LlmSettings.model_validate(
        {"base_url": provider.base_url, "api_key": "the-key", "model": "first"}
    )
    retry = RetrySettings.model_validate({"llm_timeout": timeout_s})
    async with open_llm(settings, retry) as opened:
        yield opened
