"""Work of ours in parser processes."""

import asyncio
import time

import pytest

from app.documents.blocks import Block, Box, Document, Format, Source
from app.documents.reader import Reader, open_reader
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.settings.groups import ExtractSettings
from tests.documents.works import fail, grow, lines, wait

pytestmark = pytest.mark.asyncio(loop_scope="module")


def document(*texts: str) -> Document:
    box = Box(left=1, top=2.5, right=3, bottom=4)
    blocks = (
        Block(text=text, box=box, source=Source.OCR, confidence=0.5, cells=("a", "b"))
        for text in texts
    )
    return Document(format=Format.PDF, pages=1, blocks=tuple(blocks), links=("mailto:a@b.example",))


async def test_it_is_carried_out_in_another_process_as_it_would_be_here(reader: Reader) -> None:
    told = document("가나", "line\nbreak")

    there = await reader.compute(lines, told)

    assert there == lines(told) == ["가나", "line\nbreak"]


async def test_nothing_of_a_document_is_lost_on_the_way() -> None:
    told = document("text")

    assert lines.question.validate_json(lines.question.dump_json(told)) == told


async def test_the_loop_goes_on_while_work_takes_long(reader: Reader) -> None:
    began_s = time.monotonic()
    task = asyncio.create_task(reader.compute(wait, 0.3))
    ticks = 0
    while not task.done():
        await asyncio.sleep(0.01)
        ticks += 1

    assert await task == 0.3
    assert time.monotonic() - began_s >= 0.3
    assert ticks > 5


async def test_what_takes_too_long_is_killed_and_the_next_is_answered() -> None:
    async with open_reader(ExtractSettings(processes=1, timeout=2)) as reader:
        assert await reader.compute(wait, 0) == 0
        (slow_pid,) = reader.pids

        with pytest.raises(PermanentError) as caught:
            await reader.compute(wait, 600)

        assert (caught.value.code, caught.value.message) == (
            ErrorCode.INVALID_FILE,
            Message.FILE_TOO_SLOW,
        )
        assert await reader.compute(wait, 0) == 0
        assert slow_pid not in reader.pids


async def test_a_bug_costs_one_document_and_tells_where_but_not_what(reader: Reader) -> None:
    with pytest.raises(PermanentError) as caught:
        await reader.compute(fail, "the text of a résumé")

    assert caught.value.message is Message.FILE_CRASHED_READER
    assert "RuntimeError at works.py:" in str(caught.value.details["reason"])
    assert "résumé" not in str(caught.value.details)
    assert (await reader.read(b"the next file")).text == "the next file"


async def test_memory_is_limited_as_for_a_file(reader: Reader) -> None:
    with pytest.raises(PermanentError) as caught:
        await reader.compute(grow, 8 * 1024**3)

    assert caught.value.code is ErrorCode.INVALID_FILE


async def test_work_wears_no_process_out() -> None:
    async with open_reader(ExtractSettings(processes=1, files_per_process=2)) as reader:
        pids = reader.pids
        for _ in range(5):
            await reader.compute(wait, 0)
        assert reader.pids == pids

        for _ in range(2):
            await reader.read(b"a file")
        await reader.read(b"one more")
        assert reader.pids != pids
