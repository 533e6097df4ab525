import asyncio
import io
import json
import os
import random
import re
import signal
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from app.documents.blocks import Document, Format, Source
from app.documents.ocr import ocr_available
from app.documents.reader import Reader, open_reader
from app.errors import ErrorCode, PermanentError
from app.messages import Language, Message
from app.settings.groups import ExtractSettings
from tests.documents.building import Page, docx, hp, hwpx, image, odt, p, packed, pdf, shown

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "app" / "demo" / "samples"
SHARED = ROOT.parent / "shared" / "samples"
HIDDEN = '<w:p><w:r><w:rPr><w:color w:val="FFFFFF"/></w:rPr><w:t>Nobody sees this</w:t></w:r></w:p>'
TEXT_PAGE = Page(content=shown(40, 60, "Enough letters for a page that counts as text"))
SCANNED_PAGE = Page(content="q 595 0 0 842 0 0 cm /I Do Q", xobjects="/I 1000 0 R")


def picture(text_noise: int = 0) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((400, 300), text_noise).save(out, "PNG")
    return out.getvalue()


async def outcome(reader: Reader, data: bytes) -> tuple[Document | None, PermanentError | None]:
    try:
        return await reader.read(data), None
    except PermanentError as error:
        return None, error


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (pdf([TEXT_PAGE]), Format.PDF),
        (docx(p("text")), Format.DOCX),
        (odt("<text:p>text</text:p>"), Format.ODT),
        (hwpx([hp("text")]), Format.HWPX),
        (b"{\\rtf1 text}", Format.RTF),
        (b"text", Format.TEXT),
    ],
)
async def test_every_format_goes_through_one_door(
    reader: Reader, data: bytes, expected: Format
) -> None:
    document = await reader.read(data)

    assert document.format is expected
    assert "text" in document.text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", Message.FILE_EMPTY),
        (b"x" * 2_000_000, Message.FILE_TOO_LARGE),
        (b"MZ\x90\x00" * 100, Message.FILE_IS_PROGRAM),
        (b"\x01\x02\x03", Message.FILE_UNKNOWN_TYPE),
        (b"   \n \t\n", Message.FILE_NO_TEXT),
        (pdf([Page()]), Message.FILE_NO_TEXT),
        (docx("<w:p/>"), Message.FILE_NO_TEXT),
        (docx(HIDDEN), Message.FILE_ONLY_HIDDEN_TEXT),
        (pdf([TEXT_PAGE])[:200], Message.FILE_DAMAGED),
        (packed({"word/document.xml": b" " * 300_000_000}), Message.FILE_EXPANDS_TOO_MUCH),
        (
            docx("", {"word/document.xml": "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]><a>&b;</a>"}),
            Message.FILE_UNSAFE_MARKUP,
        ),
        (pdf([Page()] * 500), Message.FILE_TOO_MANY_PAGES),
    ],
    ids=[
        "empty", "large", "program", "unknown", "blank", "blank pdf", "blank docx", "hidden text",
        "truncated", "bomb", "external entity", "500 pages",
    ],
)  # fmt: skip
async def test_a_bad_file_is_refused_with_a_sentence_and_numbers(
    data: bytes, message: Message
) -> None:
    async with open_reader(ExtractSettings(processes=1, max_file_mib=1)) as reader:
        with pytest.raises(PermanentError) as caught:
            await reader.read(data)

        assert (caught.value.code, caught.value.message) == (ErrorCode.INVALID_FILE, message)
        assert "?" not in caught.value.text(Language.KOREAN)
        assert (await reader.read(b"the next file")).text == "the next file"


async def test_a_long_document_is_decoded_without_holding_up_the_loop(reader: Reader) -> None:
    await reader.read(b"warm")
    data = "".join(f"line {n} of a long text\n" for n in range(8_000)).encode()
    longest_s = 0.0

    async def watch() -> None:
        nonlocal longest_s
        while True:
            before = time.thread_time()  # of this thread: others may have the processor
            await asyncio.sleep(0)
            longest_s = max(longest_s, time.thread_time() - before)
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    document = await reader.read(data)
    watching.cancel()

    assert len(document.blocks) == 8_000
    # Generous, for machines under load; decoding in one go takes longer than this.
    assert longest_s < 0.05


async def test_the_first_page_is_drawn_where_there_are_pages(reader: Reader) -> None:
    drawn = await reader.draw_first_page(pdf([TEXT_PAGE]), width_px=120)

    assert drawn is not None
    assert Image.open(io.BytesIO(drawn)).size[0] == 120
    assert await reader.draw_first_page(picture()) is not None
    assert await reader.draw_first_page(docx(p("text"))) is None
    with pytest.raises(PermanentError):
        await reader.draw_first_page(b"")


async def test_a_scan_without_tesseract_names_what_to_install(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PermanentError) as caught:
        await reader.read(picture())

    assert caught.value.code is ErrorCode.OCR_UNAVAILABLE
    assert caught.value.message is Message.OCR_NOT_INSTALLED
    assert "tesseract-ocr-kor" in str(caught.value)


async def test_text_pages_are_read_though_scanned_ones_cannot_be(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    document = await reader.read(pdf([SCANNED_PAGE, TEXT_PAGE], {1000: image(b"\xff" * 64, 8, 8)}))

    assert {block.page for block in document.blocks} == {2}


async def test_scanned_pages_take_their_place_among_the_others_up_to_the_limit(
    fake_tesseract: Callable[..., None],
) -> None:
    fake_tesseract([(1, 1, 10, 10, 200, 20, 95, "recognised " * 5)])
    data = pdf(
        [SCANNED_PAGE, TEXT_PAGE, SCANNED_PAGE, SCANNED_PAGE], {1000: image(bytes(64), 8, 8)}
    )

    async with open_reader(ExtractSettings(processes=1, ocr_max_pages=2)) as reader:
        document = await reader.read(data)

    assert [(block.page, block.source) for block in document.blocks] == [
        (1, Source.OCR), (2, Source.TEXT), (3, Source.OCR),
    ]  # fmt: skip


async def test_a_scan_that_cannot_be_recognised_fails_alone_and_not_with_others(
    reader: Reader, fake_tesseract: Callable[..., None], tmp_path: Path
) -> None:
    fake_tesseract([])
    program = tmp_path / "tesseract"
    program.write_text(program.read_text().replace("sys.stdin", "sys.exit(1) or sys.stdin"))
    objects = {1000: image(bytes(64), 8, 8)}

    document = await reader.read(pdf([SCANNED_PAGE, TEXT_PAGE], objects))
    with pytest.raises(PermanentError) as caught:
        await reader.read(pdf([SCANNED_PAGE], objects))

    assert {block.page for block in document.blocks} == {2}
    assert caught.value.message is Message.FILE_CRASHED_READER
    assert caught.value.details == {"page": 1}


async def test_an_empty_sheet_of_paper_has_no_text(reader: Reader) -> None:
    if not await ocr_available():
        pytest.skip("tesseract with Korean and English data is not installed")
    data = pdf([SCANNED_PAGE], {1000: image(b"\xff" * 64, 8, 8)})

    with pytest.raises(PermanentError) as caught:
        await reader.read(data)

    assert caught.value.message is Message.FILE_NO_TEXT


async def test_no_file_says_anything_of_its_content_when_it_fails(reader: Reader) -> None:
    secret = "canary-7f3a"
    broken = [
        docx(p(secret))[:-40],
        docx("", {"word/document.xml": f"<a>{secret}"}),
        pdf([Page(content=shown(40, 60, secret))])[:300],
        f"{{\\rtf1 {secret}".encode() + b"\x00\x01",
        hwpx([f"<hp:p>{secret}"]),
    ]
    for data in broken:
        _, error = await outcome(reader, data)
        if error:
            assert secret not in f"{error!r} {error.details} {error.__context__} {error.__cause__}"


async def test_random_damage_ends_in_an_answer_or_a_refusal(reader: Reader) -> None:
    chance = random.Random(20_240_501)  # noqa: S311 - the same damage each time
    for sample in sorted(SAMPLES.glob("*.*")):
        if sample.suffix not in {".pdf", ".docx", ".hwp", ".hwpx"} or "scan" in sample.name:
            continue
        data = bytearray(sample.read_bytes())
        for _ in range(6):
            for _ in range(40):
                data[chance.randrange(len(data))] = chance.randrange(256)
            _, error = await outcome(reader, bytes(data))
            assert error is None or error.code in (
                ErrorCode.INVALID_FILE,
                ErrorCode.OCR_UNAVAILABLE,
            )


def squeezed(value: object) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", str(value))).casefold()


KEYS = ("name", "emails", "phones", "links", "education", "experience", "skills")


def strings(value: object) -> Iterator[str]:
    """Every text that the file is said to hold."""
    if isinstance(value, str):
        yield re.sub(r"^https?://(www\.)?", "", value)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from strings(inner)
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            if key not in ("start", "end"):
                yield from strings(inner)


def samples(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.glob("*.*") if (folder / "expected" / f"{path.name}.json").exists()
    )


def load(sample: Path) -> tuple[bytes, dict[str, object]]:
    expected = sample.parent / "expected" / f"{sample.name}.json"
    return sample.read_bytes(), json.loads(expected.read_text())


async def check_against_expected(reader: Reader, sample: Path) -> None:
    data, expected = await asyncio.to_thread(load, sample)
    document, error = await outcome(reader, data)
    if document is None:
        refused = expected.get("error") or (not expected.get("resume", True) and "INVALID_FILE")
        assert error is not None
        assert error.code.value == refused
        return
    assert expected.get("error") in (None, "MULTI_IDENTITY")
    if "skills" not in expected:
        return
    found = squeezed(document.text + " ".join(document.links))
    told = {key: expected[key] for key in KEYS if key in expected}
    missing = [text for text in strings(told) if squeezed(text) not in found]
    # A degree and its subject may stand in two cells that the expected text writes as one.
    assert missing == [text for text in missing if "," in text]


@pytest.mark.parametrize("sample", samples(SAMPLES), ids=lambda path: path.name)
async def test_our_samples_hold_what_is_expected_of_them(reader: Reader, sample: Path) -> None:
    if "scan" in sample.name and not await ocr_available():
        pytest.skip("tesseract with Korean and English data is not installed")

    await check_against_expected(reader, sample)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared samples lie beside the clone only")
@pytest.mark.parametrize("sample", samples(SHARED), ids=lambda path: path.name)
async def test_shared_samples_hold_what_is_expected_of_them(reader: Reader, sample: Path) -> None:
    scanned = "scan" in sample.name or "rotated" in sample.name
    if scanned and not await ocr_available():
        pytest.skip("tesseract with Korean and English data is not installed")

    await check_against_expected(reader, sample)


async def test_a_parser_that_somebody_killed_costs_no_file() -> None:
    async with open_reader(ExtractSettings(processes=1, max_chars=50_000_000)) as reader:
        await reader.read(b"warm")
        (pid,) = reader.pids
        slow = ("가 나 다 라 " * 200_000 + "\n").encode("utf-16")
        reading = asyncio.create_task(reader.read(slow))
        await asyncio.sleep(0.1)
        assert not reading.done()
        os.kill(pid, signal.SIGKILL)

        assert (await reading).format is Format.TEXT
        assert pid not in reader.pids


async def test_what_nobody_sees_is_counted_and_its_number_logged(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    document = await reader.read(docx(p("Everybody sees this") + HIDDEN))

    assert (document.text, document.hidden_chars) == ("Everybody sees this", 14)
    (line,) = [line for line in caplog.text.splitlines() if "hidden_text_left_out" in line]
    assert "docx" in line
    assert "14" in line
    assert "Nobody" not in caplog.text
