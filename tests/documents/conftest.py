from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.documents.limits import Limits
from app.documents.reader import Reader, limits_of, open_reader
from app.settings.groups import ExtractSettings


@pytest.fixture
def limits() -> Limits:
    """The limits of a fresh install."""
    return limits_of(ExtractSettings())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader() -> AsyncIterator[Reader]:
    """A reader for the tests of a module, which share its loop; starting one takes half a second."""
    async with open_reader(ExtractSettings(processes=1)) as opened:
        yield opened
