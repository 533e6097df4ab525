"""The one door to documents: bytes in, text with places out, whatever the file tries.

The worker itself opens no foreign file; parser processes do (`children`, `parsing`), and scans go
through the tesseract program (`ocr`).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

from app.documents import wire
from app.documents.blocks import Block, Document
from app.documents.characters import letters
from app.documents.children import Children
from app.documents.formats import refuse_program
from app.documents.limits import Limits
from app.documents.ocr import Recognizer, ocr_available
from app.documents.wire import Answer, Kind, Request, Task
from app.documents.work import Question, Result, Work
from app.errors import ErrorCode, PermanentError, check_file_size
from app.messages import Message
from app.settings.groups import ExtractSettings
from app.telemetry.logs import get_logger

log = get_logger("naru.documents")

_MIB = 1024 * 1024
_BLOCKS_PER_SLICE = 200
"""Decoding so many blocks takes about a millisecond; then the event loop has its turn."""

_MIN_SCAN_LETTERS = 10
"""Fewer recognised letters are dust on the glass."""


@asynccontextmanager
async def open_reader(extract: ExtractSettings) -> AsyncGenerator["Reader"]:
    """A reader with its parser processes. They load in the background and are gone on exit."""
    limits = limits_of(extract)
    children = Children(
        limits,
        processes=extract.processes,
        timeout_s=extract.timeout,
        files_per_process=extract.files_per_process,
    )
    recognizer = Recognizer(
        page_timeout_s=extract.ocr_page_timeout,
        memory_bytes=limits.memory_bytes,
        pages_at_once=extract.processes,
    )
    try:
        await children.start()
        yield Reader(children, recognizer, extract)
    finally:
        await children.stop()


def limits_of(extract: ExtractSettings) -> Limits:
    """The settings as a parser process is told them."""
    return Limits(
        max_pages=extract.max_pages,
        max_chars=extract.max_chars,
        max_megapixels=extract.max_megapixels,
        max_unpacked_bytes=extract.max_unpacked_mib * _MIB,
        max_unpacked_ratio=extract.max_unpacked_ratio,
        max_zip_entries=extract.max_zip_entries,
        memory_bytes=extract.memory_mib * _MIB,
        cpu_s=int(extract.timeout) + 1,
    )


class Reader:
    """Reads documents of every known format; see `blocks` for what comes out."""

    def __init__(
        self, children: Children, recognizer: Recognizer, extract: ExtractSettings
    ) -> None:
        self._children = children
        self._recognizer = recognizer
        self._extract = extract

    @property
    def pids(self) -> frozenset[int]:
        """The parser processes that are alive now."""
        return self._children.pids

    async def read(self, data: bytes) -> Document:
        """The whole text. Raises INVALID_FILE, or OCR_UNAVAILABLE for a scan without tesseract."""
        self._check(data)
        answer = await self._ask(Request(task=Task.READ), data)
        head, *lines = answer.body.split(b"\n")
        parsed = wire.decode_head(head)
        hidden_chars = parsed.document.hidden_chars
        if hidden_chars:
            log.warning("hidden_text_left_out", format=parsed.document.format, chars=hidden_chars)
        blocks: list[Block] = []
        for start in range(0, len(lines), _BLOCKS_PER_SLICE):
            blocks += wire.decode_blocks(lines[start : start + _BLOCKS_PER_SLICE])
            await asyncio.sleep(0)
        if parsed.scans:
            required = not _has_letters(blocks)
            blocks += await self._recognize(data, parsed.scans, required=required)
            blocks.sort(key=lambda block: block.page)
        if not _has_letters(blocks):
            told = Message.FILE_ONLY_HIDDEN_TEXT if hidden_chars else Message.FILE_NO_TEXT
            raise PermanentError(ErrorCode.INVALID_FILE, told)
        return replace(parsed.document, blocks=tuple(blocks))

    async def draw_first_page(self, data: bytes, *, width_px: int = 480) -> bytes | None:
        """A PNG of the first page; None for formats without pages. Raises INVALID_FILE."""
        self._check(data)
        answer = await self._ask(Request(task=Task.DRAW, width_px=width_px), data)
        return answer.body if answer.kind is Kind.PICTURE else None

    async def compute(self, work: Work[Question, Result], question: Question, /) -> Result:
        """Carry out a function in a parser process, with the limits of a file.

        Raises INVALID_FILE when it takes too long or ends the process.
        """
        asked = b"%s\n%s" % (work.name.encode(), work.question.dump_json(question))
        answer = await self._ask(Request(task=Task.WORK), asked)
        return work.result.validate_json(answer.body)

    async def _ask(self, request: Request, data: bytes) -> Answer:
        """Ask twice before a crash is the file's fault.

        A parser process can also die of others: the kernel was short of memory, somebody killed it.
        The verdict is permanent and the original is then discarded, so it must be right.
        """
        try:
            return await self._children.ask(request, data)
        except PermanentError as error:
            if error.message is not Message.FILE_CRASHED_READER:
                raise
        return await self._children.ask(request, data)

    def _check(self, data: bytes) -> None:
        if not data:
            raise PermanentError(ErrorCode.INVALID_FILE, Message.FILE_EMPTY)
        check_file_size(len(data), self._extract.max_file_bytes)
        refuse_program(data[:16])

    async def _recognize(
        self, data: bytes, scans: tuple[int, ...], *, required: bool
    ) -> list[Block]:
        """Text of the pages without a text layer, as far as the limits go.

        One page that fails does not cost the others; only when nothing else has text, its failure
        is that of the file.
        """
        if not await ocr_available():
            if required:
                raise PermanentError(ErrorCode.OCR_UNAVAILABLE, Message.OCR_NOT_INSTALLED)
            log.warning("scanned_pages_not_read", pages=len(scans), reason="no tesseract")
            return []
        if len(scans) > self._extract.ocr_max_pages:
            over = len(scans) - self._extract.ocr_max_pages
            log.warning("scanned_pages_not_read", pages=over, reason="ocr_max_pages")
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._recognize_page(data, page))
                for page in scans[: self._extract.ocr_max_pages]
            ]
        results = [task.result() for task in tasks]
        blocks = [block for found in results if isinstance(found, list) for block in found]
        failures = [found for found in results if isinstance(found, PermanentError)]
        if failures and required and not blocks:
            raise failures[0]
        for failure in failures:
            log.warning("scanned_pages_not_read", pages=1, reason=str(failure), **failure.details)
        enough = sum(letters(block.text) for block in blocks) >= _MIN_SCAN_LETTERS
        return blocks if enough or not required else []

    async def _recognize_page(self, data: bytes, page: int) -> list[Block] | PermanentError:
        async def draw(turn_degrees: int, *, straight: bool) -> bytes:
            request = Request(
                task=Task.SCAN, page=page, turn_degrees=turn_degrees, straight=straight
            )
            return (await self._ask(request, data)).body

        try:
            return await self._recognizer.read_page(draw, page)
        except PermanentError as failure:
            return failure


def _has_letters(blocks: list[Block]) -> bool:
    return any(letters(block.text) for block in blocks)
