import shutil
from collections.abc import AsyncIterator

import pytest

from app.documents.limits import Limits
from app.documents.reader import Reader, limits_of, open_reader
from app.settings.groups import ExtractSettings


@pytest.fixture
def limits() -> Limits:
    """The limits of a fresh install."""
    return limits_of(ExtractSettings())


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    """A reader with one parser process, which is enough for one file at a time."""
    async with open_reader(ExtractSettings(processes=1)) as opened:
        yield opened


@pytest.fixture
def has_tesseract() -> bool:
    return shutil.which("tesseract") is not None
