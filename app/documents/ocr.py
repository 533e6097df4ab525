"""Text recognition by the tesseract program, page by page, with places and confidence.

Always with both languages: English alone reads no Hangul. One thread a run, because pages side
by side use the cores better than one page on all of them.
"""

import asyncio
import os
import re
import shutil
import socket
from asyncio.subprocess import DEVNULL
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby, pairwise
from typing import Protocol

from app.documents import confinement
from app.documents.blocks import Block, Box, Source
from app.documents.layout import page_blocks
from app.documents.pieces import Piece, around
from app.documents.readings import (
    POINTS_PER_INCH,
    Wall,
    Word,
    best_of,
    is_weak,
    is_whole,
    lies_on_its_side,
    runs,
    weight,
    words_of,
)
from app.documents.ruling import Rules, with_table_rows
from app.documents.wire import Scan
from app.errors import ErrorCode, PermanentError
from app.messages import Message

LANGUAGES = "kor+eng"
PROGRAM = "tesseract"

_ENVIRONMENT = {"OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"}
_LIST_TIMEOUT_S = 10
_READ_BYTES = 256 * 1024
_MAX_OUTPUT_BYTES = 16 * 1024 * 1024
_HANGUL = re.compile("[가-힣]")
_LATIN_EM_CHARS, _MAX_HEIGHT_EM = 2.6, 1.35
_NEVER_EM = -1_000.0
_SPLIT_GAPS_EM = (_NEVER_EM, 0.36, 0.45)
"""By how many of the two words are one syllable; measured on scans, where spaces begin at 0.38."""

_MIN_LEVEL_LINES = 3
_MIN_LEVEL_PT = 120.0
_MAX_SLOPE = 0.05
"""Three degrees; what lies more askew is not one line."""

_PAGE, _BLOCK, _COLUMN = "3", "6", "4"
"""Tesseract's page segmentation modes: any page, one block of text, one column of lines of any size.

The first tells columns best and loses whole rows of Korean pages and of forms; the others lose few.
"""

_SPECKS = re.compile(r"[.,:;：'\"`|_ ]+")
_MIN_BUDGET_S = 1.0
_TURN = re.compile(rb"^Rotate: (90|180|270)$", re.MULTILINE)


async def ocr_available() -> bool:
    """Whether tesseract is on the PATH with Korean and English data. Takes some 20 ms."""
    program = await asyncio.to_thread(shutil.which, PROGRAM)
    if program is None:
        return False
    try:
        listed = await _run([program, "--list-langs"], b"", timeout_s=_LIST_TIMEOUT_S)
    except (TimeoutError, _ProgramError):
        return False
    return set(LANGUAGES.split("+")) <= set(listed.decode("utf-8", "replace").split())


class Draw(Protocol):
    """Makes the picture of a page, turned clockwise: a `Scan` as bytes."""

    async def __call__(self, turn_degrees: int, *, straight: bool) -> bytes: ...


class _ProgramError(Exception):
    """The program failed or was ended by a limit; what it printed may quote the page."""


class Recognizer:
    """Reads scans, a few pages at a time over all callers."""

    def __init__(self, *, page_timeout_s: float, memory_bytes: int, pages_at_once: int) -> None:
        self._page_timeout_s = page_timeout_s
        self._memory_bytes = memory_bytes
        self._room = asyncio.Semaphore(pages_at_once)

    async def read_page(self, draw: Draw, page: int) -> list[Block]:
        """The lines of one page.

        Raises INVALID_FILE after the page's time or when the program fails; waiting for room does
        not count.
        """
        async with self._room:
            scan = Scan.parse(await draw(0, straight=False))
            ends_at = asyncio.get_running_loop().time() + self._page_timeout_s
            try:
                scan, words = await self._upright(scan, draw, ends_at)
                words = await self._looked_at_again(words, scan, ends_at)
            except TimeoutError:
                details = {"limit_s": self._page_timeout_s, "page": page}
                raise PermanentError(
                    ErrorCode.INVALID_FILE, Message.FILE_TOO_SLOW, details=details
                ) from None
            except _ProgramError:
                raise PermanentError(
                    ErrorCode.INVALID_FILE, Message.FILE_CRASHED_READER, details={"page": page}
                ) from None
        slope = _skew(words)
        rules = _rules(scan, slope)
        level = [replace(word, box=_levelled(word.box, slope)) for word in words]
        items = with_table_rows(_pieces(level, sorted(rules.upright)), rules)
        return page_blocks(items, page=page, source=Source.OCR)

    async def _upright(self, scan: Scan, draw: Draw, ends_at: float) -> tuple[Scan, list[Word]]:
        """A first reading of the page: turned, and of the sheet in a photograph, where more is read so."""
        turn, words = 0, list[Word]()
        if lies_on_its_side(scan):
            for degrees in (90, 270):
                turned = Scan.parse(await draw(degrees, straight=False))
                more = await self._more_words(turned, ends_at)
                if weight(more) > weight(words):
                    scan, words, turn = turned, more, degrees
        words = words or await self._words(scan, ends_at)
        straight = False
        if scan.shows_sheet:
            sheet = Scan.parse(await draw(turn, straight=True))
            more = await self._more_words(sheet, ends_at)
            # What looks like a sheet may be a column of a page; one that is upside down is weak.
            if more and (is_weak(words) or weight(more) > weight(words)):
                scan, words, straight = sheet, more, True
        if degrees := await self._turn(scan, ends_at) if is_weak(words) else 0:
            turned = Scan.parse(await draw((turn + degrees) % 360, straight=straight))
            more = await self._more_words(turned, ends_at)
            if weight(more) > weight(words):
                scan, words = turned, more
        return scan, words

    async def _looked_at_again(self, words: list[Word], scan: Scan, ends_at: float) -> list[Word]:
        """The best of this reading and of further ones, while something is left unread and time is."""
        readings = [words]
        for mode in (_BLOCK, _COLUMN):
            if not is_whole(max(readings, key=weight), scan):
                readings.append(await self._more_words(scan, ends_at, mode))
        return best_of(readings)

    async def _more_words(self, scan: Scan, ends_at: float, mode: str = _PAGE) -> list[Word]:
        """As `_words`; none where no time is left, or the program fails: what was read before stands."""
        try:
            return await self._words(scan, ends_at, mode)
        except (TimeoutError, _ProgramError):
            return []

    async def _words(self, scan: Scan, ends_at: float, mode: str = _PAGE) -> list[Word]:
        table = await self._tesseract(
            scan.picture, ends_at, "-l", LANGUAGES, "--psm", mode, "--dpi", str(scan.dpi), "tsv"
        )
        return words_of(table.decode("utf-8", "replace"), scan.dpi)

    async def _turn(self, scan: Scan, ends_at: float) -> int:
        """By how many degrees the page must be turned clockwise; 0 where that cannot be told."""
        try:
            found = await self._tesseract(
                scan.picture, ends_at, "-l", "osd", "--psm", "0", "--dpi", str(scan.dpi)
            )
        except (_ProgramError, TimeoutError):  # too few letters to tell
            return 0
        match = _TURN.search(found)
        return int(match[1]) if match else 0

    async def _tesseract(self, picture: bytes, ends_at: float, *options: str) -> bytes:
        left_s = ends_at - asyncio.get_running_loop().time()
        if left_s < _MIN_BUDGET_S:
            raise TimeoutError
        program = await asyncio.to_thread(shutil.which, PROGRAM) or PROGRAM
        cpu_s = str(int(left_s) + 1)
        start = [cpu_s, program, "stdin", "stdout", *options]
        command = confinement.command("confinement:become", *start, memory_bytes=self._memory_bytes)
        return await _run(command, picture, timeout_s=left_s)


async def _run(command: Sequence[str], data: bytes, *, timeout_s: float) -> bytes:
    """What the program prints for `data`. It is gone when this returns, whatever happens."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(0)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=DEVNULL,
                env=_ENVIRONMENT,
                cwd=os.sep,
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(timeout_s):
                # A program may end before it has read everything; its status tells what that means.
                with suppress(OSError):
                    await loop.sock_sendall(ours, data)
                    ours.shutdown(socket.SHUT_WR)
                printed = await _printed(ours)
                status = await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    if status:
        raise _ProgramError
    return printed


async def _printed(connection: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    printed = bytearray()
    with suppress(ConnectionResetError):  # input that was left unread
        while part := await loop.sock_recv(connection, _READ_BYTES):
            printed += part
            if len(printed) > _MAX_OUTPUT_BYTES:
                raise _ProgramError
    return bytes(printed)


def _skew(words: Sequence[Word]) -> float:
    """How far the page falls per point to the right: half a degree lifts a date by half a line."""
    slopes = sorted(
        slope
        for _, group in groupby(words, key=lambda word: word.line)
        if (slope := _slope(list(group))) is not None
    )
    return slopes[len(slopes) // 2] if len(slopes) >= _MIN_LEVEL_LINES else 0.0


def _slope(line: Sequence[Word]) -> float | None:
    """How far a line of some length falls per point to the right; None where that is no skew."""
    first, last = min(line, key=_left), max(line, key=_left)
    width = last.box.left - first.box.left
    if width < _MIN_LEVEL_PT:
        return None
    # Middles, because some letters reach below the line and others do not.
    falls = (last.box.top + last.box.bottom - first.box.top - first.box.bottom) / 2 / width
    return falls if abs(falls) < _MAX_SLOPE else None


def _left(word: Word) -> float:
    return word.box.left


def _levelled(box: Box, slope: float) -> Box:
    """Where a box would stand if the page had lain straight."""
    down, across = slope * box.left, slope * box.top
    return Box(
        left=box.left + across,
        top=box.top - down,
        right=box.right + across,
        bottom=box.bottom - down,
    )


def _rules(scan: Scan, slope: float) -> Rules:
    """The page's lines in points, levelled like its words."""
    scale = POINTS_PER_INCH / scan.dpi
    rules = Rules([], [])
    for line in scan.flat:
        x1, y1, x2, y2 = (pixels * scale for pixels in line)
        height = (y1 + y2) / 2 - slope * (x1 + x2) / 2
        rules.flat.append((height, x1 + slope * y1, x2 + slope * y2))
    for line in scan.upright:
        x1, y1, x2, y2 = (pixels * scale for pixels in line)
        side = (x1 + x2) / 2 + slope * (y1 + y2) / 2
        rules.upright.append((side, y1 - slope * x1, y2 - slope * x2))
    return rules


def _pieces(words: Sequence[Word], walls: Sequence[Wall]) -> list[Piece]:
    """Words of one line up to a clear gap, or to the side of their cell; not those of specks alone."""
    pieces = [_piece(run) for run in runs([*map(_trimmed, words)], walls)]
    return [piece for piece in pieces if not _SPECKS.fullmatch(piece.text)]


def _trimmed(word: Word) -> Word:
    """A word no higher than letters of its width are: a ruled line near it is taken for a part of it."""
    box, count = word.box, len(word.text)
    korean = _HANGUL.search(word.text) is not None
    em = (box.right - box.left) / count * (1 if korean else _LATIN_EM_CHARS)
    if (count == 1 and not korean) or box.bottom - box.top <= _MAX_HEIGHT_EM * em:
        return word
    middle = (box.top + box.bottom) / 2
    return replace(word, box=replace(box, top=middle - em / 2, bottom=middle + em / 2))


def _piece(run: Sequence[Word]) -> Piece:
    heights = sorted(word.box.bottom - word.box.top for word in run)
    chars = sum(len(word.text) for word in run)
    return Piece(
        text=_spaced(run),
        box=around([word.box for word in run]),
        size_pt=round(heights[len(heights) // 2], 1),
        confidence=sum(word.confidence * len(word.text) for word in run) / chars,
    )


def _spaced(run: Sequence[Word]) -> str:
    """Tesseract parts Hangul syllables that stand close; real spaces are wider than that."""
    heights = sorted(word.box.bottom - word.box.top for word in run)
    em = max(heights[len(heights) // 2], 1.0)
    parts = [run[0].text]
    for before, word in pairwise(run):
        gap = (word.box.left - before.box.right) / em
        parts += [word.text] if gap < _split_below(before.text, word.text) else [" ", word.text]
    return "".join(parts)


def _split_below(before: str, text: str) -> float:
    """The gap in em below which two words are parts of one; never, unless both are Hangul."""
    if not (_HANGUL.fullmatch(before[-1]) and _HANGUL.fullmatch(text[0])):
        return _NEVER_EM
    singles = (len(before) == 1) + (len(text) == 1)
    return _SPLIT_GAPS_EM[singles]
