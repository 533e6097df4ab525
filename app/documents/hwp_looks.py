"""How the text of an HWP 5 file looks: shapes of letters and paragraphs, and fills behind them.

Offsets are those of HWP Document File Formats 5.0; records of other lengths tell nothing, so that what
they describe is seen.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from app.documents.looks import ANY, Look, Paint, is_paper

_Item = TypeVar("_Item")

_TAG_FILL, _TAG_LETTERS, _TAG_PARAGRAPH = 20, 21, 25
_FILL_AT, _FILL_BYTES = 32, 16
_FILL_SOLID = 1
_NO_PATTERN = 0xFFFFFFFF
_NO_COLOR = 0xFFFFFFFF
_WHITE = 0xFFFFFF
_RELATIVE_AT, _SCRIPTS = 28, 7
_SIZE_AT = 42
_INK_AT, _SHADE_AT, _LETTERS_FILL_AT = 52, 60, 68
_PARAGRAPH_FILL_AT = 32
_EFFECTS = 0b111 << 8 | 0b11 << 11 | 1 << 13 | 1 << 14
"""Outline, shadow, emboss, engrave: letters of any colour show by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """By the numbers that the text names them by; fills count from 1."""

    letters: Sequence[Look] = field(default_factory=list[Look])
    paragraphs: Sequence[Paint | None] = field(default_factory=list[Paint | None])
    fills: Sequence[Paint | None] = field(default_factory=list[Paint | None])

    def fill(self, number: int | None) -> Paint | None:
        return _at(self.fills, number - 1) if number else None

    def of_letters(self, number: int) -> Look:
        return _at(self.letters, number) or Look()

    def of_paragraph(self, number: int | None) -> Paint | None:
        return _at(self.paragraphs, number) if number is not None else None


def looks_of(records: Iterable[tuple[int, int, bytes]]) -> Looks:
    """Of the records (tag, level, payload) of DocInfo."""
    payloads: dict[int, list[bytes]] = {_TAG_FILL: [], _TAG_LETTERS: [], _TAG_PARAGRAPH: []}
    for tag, _, payload in records:
        if tag in payloads:
            payloads[tag].append(payload)
    fills = Looks(fills=[_fill(payload) for payload in payloads[_TAG_FILL]])
    return Looks(
        fills=fills.fills,
        letters=[_letters(payload, fills.fill) for payload in payloads[_TAG_LETTERS]],
        paragraphs=[
            fills.fill(number_at(payload, _PARAGRAPH_FILL_AT))
            for payload in payloads[_TAG_PARAGRAPH]
        ],
    )


def number_at(payload: bytes, offset: int) -> int | None:
    """Two bytes of a record; None behind its end."""
    return struct.unpack_from("<H", payload, offset)[0] if len(payload) >= offset + 2 else None


def is_dark(fill: Paint | None) -> bool:
    """Whether white text may show on it."""
    return fill is not None and not is_paper(fill)


def _fill(payload: bytes) -> Paint | None:
    if len(payload) < _FILL_AT + 4:
        return None
    (kind,) = struct.unpack_from("<I", payload, _FILL_AT)
    if kind == 0:
        return None
    if kind != _FILL_SOLID or len(payload) < _FILL_AT + _FILL_BYTES:
        return ANY  # a picture, a gradient
    back, _, pattern = struct.unpack_from("<III", payload, _FILL_AT + 4)
    if pattern != _NO_PATTERN:
        return ANY
    return None if back == _NO_COLOR else _color(back)


def _letters(payload: bytes, fill: Callable[[int | None], Paint | None]) -> Look:
    if len(payload) < _SHADE_AT + 4:
        return Look()
    size, attributes = struct.unpack_from("<iI", payload, _SIZE_AT)  # 1/100 point
    (ink,) = struct.unpack_from("<I", payload, _INK_AT)
    (shade,) = struct.unpack_from("<I", payload, _SHADE_AT)
    relative = max(payload[_RELATIVE_AT : _RELATIVE_AT + _SCRIPTS]) or 100
    # White is how some programs write that there is no shade.
    own = _color(shade) if shade not in (_NO_COLOR, _WHITE) else None
    return Look(
        size_pt=size / 100 * relative / 100,
        ink=ANY if attributes & _EFFECTS else _color(ink),
        ground=own or fill(number_at(payload, _LETTERS_FILL_AT)),
    )


def _color(value: int) -> Paint:
    """Of a COLORREF: blue, green, red from the highest byte down."""
    return Paint((value & 0xFF, value >> 8 & 0xFF, value >> 16 & 0xFF))


def _at(items: Sequence[_Item], index: int) -> _Item | None:
    return items[index] if 0 <= index < len(items) else None
