import asyncio
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from app.documents.blocks import Source
from app.documents.ocr import Draw, Recognizer, ocr_available
from app.documents.pictures import pack_scan
from app.errors import PermanentError
from app.messages import Message
from tests.documents.test_photographs import photographed

MIB = 1024 * 1024
needs_tesseract = pytest.mark.usefixtures("tesseract")


@pytest.fixture
async def tesseract() -> None:
    if not await ocr_available():
        pytest.skip("tesseract with Korean and English data is not installed")


@pytest.fixture
def recognizer() -> Recognizer:
    return Recognizer(page_timeout_s=20, memory_bytes=1024 * MIB, pages_at_once=1)


def drawing(width: int = 600, height: int = 400) -> Draw:
    async def draw(turn_degrees: int, *, straight: bool) -> bytes:
        assert not straight
        w, h = (height, width) if turn_degrees % 180 else (width, height)
        return pack_scan(Image.new("L", (w, h), 255), dpi=72)

    return draw


async def test_without_the_program_or_its_korean_data_there_is_no_recognition(
    fake_tesseract: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert not await ocr_available()
    fake_tesseract(languages=("eng", "osd"))
    assert not await ocr_available()
    fake_tesseract(status=1)
    assert not await ocr_available()
    fake_tesseract()
    assert await ocr_available()


async def test_words_become_lines_with_place_and_confidence(
    fake_tesseract: Callable[..., None], recognizer: Recognizer
) -> None:
    rows = [
        (1, 1, 10, 10, 40, 10, 90, "Company"),
        (1, 1, 55, 10, 30, 10, 80, "Labs"),
        (1, 1, 200, 10, 60, 10, 95, "2020-2021"),
        (1, 2, 10, 30, 80, 10, 96, "Engineering of many things"),
        (1, 2, 95, 30, 5, 10, 12, "noise"),
        (1, 2, 105, 30, 2, 10, 40, "|"),
        (1, 2, 110, 30, 2, 10, 96, " "),
    ]
    fake_tesseract(rows)

    blocks = await recognizer.read_page(drawing(), 4)

    assert [block.text for block in blocks] == [
        "Company Labs\t2020-2021", "Engineering of many things",
    ]  # fmt: skip
    assert blocks[0].cells == ("Company Labs", "2020-2021")
    assert {(block.page, block.source) for block in blocks} == {(4, Source.OCR)}
    assert blocks[0].confidence is not None
    assert 0.87 < blocks[0].confidence < 0.93
    assert blocks[0].box is not None
    assert (blocks[0].box.left, blocks[0].box.right) == (10, 260)


async def test_syllables_that_stand_close_are_one_word(
    fake_tesseract: Callable[..., None], recognizer: Recognizer
) -> None:
    rows = [
        (1, 1, left, 10, width, 20, 95, text)
        for left, width, text in [
            (10, 20, "김"), (35, 20, "서"), (60, 20, "연"), (92, 40, "개발자"),
            (170, 40, "경력"), (216, 20, "7"), (240, 20, "년"), (300, 200, "x" * 30),
        ]
    ]  # fmt: skip
    fake_tesseract(rows)

    blocks = await recognizer.read_page(drawing(), 1)

    assert blocks[0].cells[0] == "김서연 개발자"
    assert blocks[0].cells[1] == "경력 7 년"


async def test_a_turned_page_is_turned_back_when_that_reads_better(
    fake_tesseract: Callable[..., None], recognizer: Recognizer
) -> None:
    fake_tesseract([(1, 1, 0, 0, 20, 200, 40, "gibberish")], turn=90)

    blocks = await recognizer.read_page(drawing(500, 300), 1)

    assert blocks[0].text.startswith("Upright words")


async def test_a_page_that_takes_too_long_is_given_up(fake_tesseract: Callable[..., None]) -> None:
    fake_tesseract(hangs=True)
    recognizer = Recognizer(page_timeout_s=1.5, memory_bytes=1024 * MIB, pages_at_once=1)

    with pytest.raises(PermanentError) as caught:
        await recognizer.read_page(drawing(), 3)

    assert caught.value.message is Message.FILE_TOO_SLOW
    assert caught.value.details == {"limit_s": 1.5, "page": 3}


async def test_a_program_that_fails_costs_its_page(
    fake_tesseract: Callable[..., None], recognizer: Recognizer
) -> None:
    fake_tesseract(status=1)

    with pytest.raises(PermanentError) as caught:
        await recognizer.read_page(drawing(), 3)

    assert caught.value.message is Message.FILE_CRASHED_READER


async def test_a_cancelled_page_leaves_no_process_behind(
    fake_tesseract: Callable[..., None],
) -> None:
    fake_tesseract(hangs=True)
    recognizer = Recognizer(page_timeout_s=20, memory_bytes=1024 * MIB, pages_at_once=1)
    others = children_of_this_process()  # servers of other tests
    task = asyncio.create_task(recognizer.read_page(drawing(), 1))
    async with asyncio.timeout(10):
        while not (pids := children_of_this_process() - others):
            await asyncio.sleep(0.01)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not pids & children_of_this_process()


def children_of_this_process() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@needs_tesseract
async def test_english_is_read_upright_and_turned(recognizer: Recognizer) -> None:
    picture = Image.new("L", (1400, 600), 255)
    font = ImageFont.load_default(size=48)
    lines = ["Curriculum vitae of Ada Example", "Engineer at Northwind Search", "since 2021"]
    for number, line in enumerate(lines):
        ImageDraw.Draw(picture).text((60, 60 + 120 * number), line, 0, font)

    async def draw(turn_degrees: int, *, straight: bool) -> bytes:
        seen = picture.rotate(-turn_degrees, expand=True)
        return pack_scan(seen, dpi=200, straight=straight)

    async def draw_upside_down(turn_degrees: int, *, straight: bool) -> bytes:
        return await draw((turn_degrees + 180) % 360, straight=straight)

    for view in (draw, draw_upside_down):
        blocks = await recognizer.read_page(view, 1)
        text = "\n".join(block.text for block in blocks)
        assert all(word in text for word in ("Ada Example", "Northwind", "2021"))
        assert min(block.confidence or 0 for block in blocks) > 0.6


@needs_tesseract
@pytest.mark.parametrize("quarter_turns", [0, 1])
async def test_a_sheet_in_a_photograph_is_read_from_above(
    recognizer: Recognizer, quarter_turns: int
) -> None:
    sheet = Image.new("L", (1240, 1754), 235)
    font = ImageFont.load_default(size=30)
    lines = [f"{2000 + n} Engineer at Northwind Search No. {n}" for n in range(20)]
    for number, line in enumerate(lines):
        ImageDraw.Draw(sheet).text((100, 80 + 80 * number), line, 20, font)
    seen = photographed(sheet).rotate(90 * quarter_turns, expand=True)

    async def draw(turn_degrees: int, *, straight: bool) -> bytes:
        return pack_scan(seen.rotate(-turn_degrees, expand=True), dpi=200, straight=straight)

    blocks = await recognizer.read_page(draw, 1)

    assert [block.text for block in blocks] == lines
    assert all(b.box and abs(b.box.left - a.box.left) < 6 for a, b in pairwise(blocks) if a.box)


async def test_a_column_that_looks_like_a_sheet_does_not_cost_the_page_the_rest(
    fake_tesseract: Callable[..., None], recognizer: Recognizer
) -> None:
    fake_tesseract([(1, 1, 0, 0, 200, 30, 95, "a whole page of words " * 3)])
    asked: list[bool] = []

    async def draw(turn_degrees: int, *, straight: bool) -> bytes:
        asked.append(straight)
        seen = photographed(Image.new("L", (600, 800), 235)).rotate(-turn_degrees, expand=True)
        return pack_scan(seen, dpi=100, straight=straight)

    blocks = await recognizer.read_page(draw, 1)

    assert asked == [False, True]
    assert blocks[0].box
    assert blocks[0].box.right == 200 * 72 / 100


async def test_a_ruled_line_that_is_taken_for_a_part_of_a_word_makes_it_no_heading(
    fake_tesseract: Callable[..., None], recognizer: Recognizer
) -> None:
    rows = [
        (1, 1, 10, 100, 60, 15, 95, "근무기간"),
        (1, 1, 200, 90, 45, 36, 95, "회사명"),
        (1, 2, 10, 130, 60, 15, 95, "2020-2021"),
        (1, 2, 200, 115, 15, 36, 95, "가"),
        (1, 3, 10, 160, 200, 15, 95, "Engineering of many things"),
    ]
    fake_tesseract(rows)

    header, entry, line = await recognizer.read_page(drawing(), 1)

    assert (header.cells, entry.cells) == (("근무기간", "회사명"), ("2020-2021", "가"))
    assert {x.font_size_pt for x in (header, entry, line)} == {15}
    assert header.box is not None
    assert header.box.bottom - header.box.top < 20
