"""The messages between the worker and its parser processes: frames with a length, never pickle.

Request: task, page, quarter turn, width, data length, then the file, or for WORK the name of a
function in one line and its argument as JSON. Answer: kind, resident memory,
length, then the body. A document is one JSON line for its head and one per block, so that
the receiver can decode it in slices without holding up its event loop.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from app.documents.blocks import Block, Box, Document, Format, Source
from app.errors import ErrorCode, PermanentError
from app.messages import Message

REQUEST = struct.Struct(">BIH?HQ")
ANSWER = struct.Struct(">BIQ")
_SCAN_HEAD = struct.Struct(">I?IIIII")
_SCAN_LINE = struct.Struct(">IIII")

RuledLine = tuple[int, int, int, int]
"""Both ends of a line in pixels: x1, y1, x2, y2."""

MAX_ANSWER_BYTES = 128 * 1024 * 1024
"""More than any document within the limits needs; a child that claims more is not believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A page's picture for text recognition, and its ruled lines across and downwards.

    `ink` has one byte, 0 or 255, for each square of the page: whether anything is written there.
    Its rows have `ink_columns` squares of `ink_px` pixels. `shows_sheet` tells that the picture seems to be
    a photograph of a sheet of paper, which could be drawn straight.
    """

    dpi: int
    shows_sheet: bool = False
    flat: Sequence[RuledLine]
    upright: Sequence[RuledLine]
    ink_px: int
    ink_columns: int
    ink: bytes
    picture: bytes

    def to_bytes(self) -> bytes:
        head = _SCAN_HEAD.pack(
            self.dpi, self.shows_sheet, len(self.flat), len(self.upright),
            self.ink_px, self.ink_columns, len(self.ink) // max(self.ink_columns, 1),
        )  # fmt: skip
        lines = b"".join(_SCAN_LINE.pack(*line) for line in (*self.flat, *self.upright))
        return head + lines + self.ink + self.picture

    @classmethod
    def parse(cls, data: bytes) -> "Scan":
        dpi, sheet, flat, upright, ink_px, ink_columns, ink_rows = _SCAN_HEAD.unpack_from(data)
        end = _SCAN_HEAD.size + (flat + upright) * _SCAN_LINE.size
        rows = _SCAN_LINE.iter_unpack(data[_SCAN_HEAD.size : end])
        lines = [(x1, y1, x2, y2) for x1, y1, x2, y2 in rows]
        picture_at = end + ink_columns * ink_rows
        return cls(
            dpi=dpi,
            shows_sheet=sheet,
            flat=lines[:flat],
            upright=lines[flat:],
            ink_px=ink_px,
            ink_columns=ink_columns,
            ink=data[end:picture_at],
            picture=data[picture_at:],
        )


class Task(IntEnum):
    """What is asked of a parser process."""

    READ = 1
    DRAW = 2
    SCAN = 3
    WORK = 4


class Kind(IntEnum):
    """What a parser process answers; READY comes once, unasked, before all other answers."""

    READY = 1
    DOCUMENT = 2
    PICTURE = 3
    NOTHING = 4
    REFUSAL = 5
    BUG = 6
    RESULT = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`page` starts at 1; `turn_degrees` is clockwise; `width_px` matters to DRAW alone.

    `straight` asks for the sheet of paper in a photograph instead of the whole picture.
    """

    task: Task
    page: int = 1
    turn_degrees: int = 0
    straight: bool = False
    width_px: int = 0

    def head(self, size_bytes: int) -> bytes:
        return REQUEST.pack(
            self.task, self.page, self.turn_degrees, self.straight, self.width_px, size_bytes
        )

    @staticmethod
    def parse(head: bytes) -> "tuple[Request, int]":
        task, page, turn, straight, width, size = REQUEST.unpack(head)
        request = Request(
            task=Task(task), page=page, turn_degrees=turn, straight=straight, width_px=width
        )
        return request, size


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`resident_bytes` is the child's memory after the file."""

    kind: Kind
    body: bytes = b""
    resident_bytes: int = 0

    def head(self) -> bytes:
        return ANSWER.pack(self.kind, self.resident_bytes // 1024, len(self.body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A document as a parser sees it; `scans` are the pages that text recognition must read."""

    document: Document
    scans: tuple[int, ...] = ()


def encode_parsed(parsed: Parsed, *, max_chars: int) -> bytes:
    """The head, then blocks until their characters reach the limit."""
    document = parsed.document
    links = [document.links, document.link_texts]
    head = [document.format.value, document.pages, links, parsed.scans]
    rows: list[object] = [[*head, document.hidden_chars]]
    left = max_chars
    for block in document.blocks:
        if left <= 0:
            break
        whole = len(block.text) <= left
        rows.append(
            _block_row(block if whole else replace(block, text=block.text[:left], cells=()))
        )
        left -= len(block.text)
    return b"\n".join(json.dumps(row, ensure_ascii=False).encode() for row in rows)


def _block_row(block: Block) -> list[object]:
    box = block.box
    corners = [round(x, 1) for x in (box.left, box.top, box.right, box.bottom)] if box else None
    return [
        block.text if not block.cells else "",
        block.page,
        corners,
        block.font_size_pt,
        block.bold,
        block.cells,
        block.starts_paragraph,
    ]


def decode_head(line: bytes) -> Parsed:
    """A document without its blocks."""
    name, pages, (links, link_texts), scans, hidden_chars = json.loads(line)
    document = Document(
        format=Format(name),
        pages=pages,
        blocks=(),
        links=tuple(links),
        link_texts=tuple(link_texts),
        hidden_chars=hidden_chars,
    )
    return Parsed(document=document, scans=tuple(scans))


def decode_blocks(lines: Sequence[bytes]) -> list[Block]:
    return [_block(json.loads(line)) for line in lines]


def _block(row: list[Any]) -> Block:
    text, page, corners, size, bold, cells, starts = row
    return Block(
        text=text or "\t".join(cells).rstrip("\t"),
        page=page,
        box=Box(left=corners[0], top=corners[1], right=corners[2], bottom=corners[3])
        if corners
        else None,
        font_size_pt=size,
        bold=bold,
        source=Source.TEXT,
        cells=tuple(cells),
        starts_paragraph=starts,
    )


def encode_refusal(error: PermanentError) -> bytes:
    name = error.message.name if error.message else None
    return json.dumps([error.code.value, name, error.details]).encode()


def decode_refusal(body: bytes) -> PermanentError:
    code, name, details = json.loads(body)
    return PermanentError(ErrorCode(code), Message[name] if name else None, details=details)
