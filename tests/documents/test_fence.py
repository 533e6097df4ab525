"""The fence as a parser process finds it, and as this process does."""

import sys

import pytest

from app.documents.fence import has_network
from app.documents.reader import Reader


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's filter is Linux's")
async def test_a_parser_process_has_no_network_and_this_one_has(reader: Reader) -> None:
    assert not await reader.compute(has_network, "127.0.0.1")
    assert has_network("127.0.0.1")
