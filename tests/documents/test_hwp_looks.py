"""White, tiny and hidden text of HWP 5 files: what is left out, and what must not be."""

import struct
import zlib

import pytest

from app.demo.samples import SAMPLES
from app.documents.compound import CompoundFile
from app.documents.hwp import read_hwp
from app.documents.limits import Limits
from tests.documents.building import (
    compound,
    deflated,
    hwp,
    hwp_fill,
    hwp_letters,
    hwp_shape,
    hwp_table,
    paragraph,
    record,
)

WHITE, DARK = 0xFFFFFF, 0x64381F
SEEN = paragraph("A line that everybody sees, and long enough.")
# Numbers of shapes of letters, in their order; fills count from 1.
BLACK, PALE, NEAR, TINY, RELATIVE, ON_DARK, NAVY, ON_FILL, OUTLINED, GREY, ON_WHITE = range(11)
LOOKS = (
    hwp_fill() + hwp_fill(DARK) + hwp_fill(WHITE) + hwp_fill(1, kind=4) + hwp_fill(WHITE, pattern=1)
    + hwp_letters() + hwp_letters(WHITE) + hwp_letters(0xF4F4F4) + hwp_letters(size=100)
    + hwp_letters(relative=10) + hwp_letters(WHITE, shade=DARK) + hwp_letters(DARK, shade=DARK)
    + hwp_letters(WHITE, fill=2) + hwp_letters(WHITE, attributes=1 << 8) + hwp_letters(0xBBBBBB)
    + hwp_letters(WHITE, shade=WHITE)
    + hwp_shape(0) + hwp_shape(2) + hwp_shape(3)
)  # fmt: skip
NO_FILL, DARK_FILL, WHITE_FILL, GRADIENT, PATTERN = 1, 2, 3, 4, 5


def planted(letters: int, level: int = 0, *, shape: int = 0) -> bytes:
    return paragraph("planted words", level, shape=shape, letters=[(0, letters)])


def drawing(flow: int, *, as_letter: int = 0, level: int = 0, inside: bytes = b"") -> bytes:
    """A paragraph with a shape; `flow` is how text runs around it."""
    return (
        record(66, level, bytes(22))
        + record(71, level + 1, b" osg" + struct.pack("<I", as_letter | flow << 21))
        + (record(76, level + 2) + record(72, level + 3) + inside if inside else b"")
    )


def anchored(kind: bytes, inside: bytes, *, level: int = 0) -> bytes:
    return record(66, level, bytes(22)) + record(71, level + 1, kind) + inside


HIDDEN = {
    "white": planted(PALE),
    "nearly white": planted(NEAR),
    "one point": planted(TINY),
    "a tenth of ten points": planted(RELATIVE),
    "dark on dark": planted(NAVY),
    "white on a white shade": planted(ON_WHITE),
    "on a white paragraph": planted(PALE, shape=2),
    "in a cell without a fill": hwp_table([[planted(PALE, 2)]], cell_fill=NO_FILL),
    "in a white cell of a dark table": hwp_table([[planted(PALE, 2)]], fill=2, cell_fill=3),
    "beside a dark cell": hwp_table([[paragraph("x", 2)]], cell_fill=DARK_FILL) + planted(PALE),
    "hidden comment": anchored(b"tmct", record(72, 2) + paragraph("planted words", 2)),
    "beside a shape in the line": drawing(2, as_letter=1) + planted(PALE),
    "beside a shape that text runs around": drawing(0) + planted(PALE),
}
VISIBLE = {
    "black": planted(BLACK),
    "grey": planted(GREY),
    "no such shape": planted(99),
    "on a dark shade": planted(ON_DARK),
    "on a fill of letters": planted(ON_FILL),
    "outlined": planted(OUTLINED),
    "on a dark paragraph": planted(PALE, shape=1),
    "in a dark cell": hwp_table([[planted(PALE, 2)]], cell_fill=DARK_FILL),
    "in a gradient": hwp_table([[planted(PALE, 2)]], cell_fill=GRADIENT),
    "in a pattern": hwp_table([[planted(PALE, 2)]], cell_fill=PATTERN),
    "in a dark table": hwp_table([[planted(PALE, 2)]], fill=DARK_FILL),
    "in a table with zones": hwp_table([[planted(PALE, 2)]], zones=1),
    "in a shape": drawing(0, inside=planted(PALE, 3)),
    "over a shape behind the text": drawing(2) + planted(PALE),
    "over a shape of the page header": anchored(b"daeh", drawing(1, level=2)) + planted(PALE),
    "on a dark page": anchored(b"dces", record(75, 2, bytes(12) + b"\2\0")) + planted(PALE),
}


@pytest.mark.parametrize("section", HIDDEN.values(), ids=HIDDEN)
def test_text_that_nobody_sees_is_left_out_and_counted(limits: Limits, section: bytes) -> None:
    document = read_hwp(hwp(SEEN + section, looks=LOOKS), limits).document

    assert "planted" not in document.text
    assert "everybody sees" in document.text
    assert document.hidden_chars == len("plantedwords")


@pytest.mark.parametrize("section", VISIBLE.values(), ids=VISIBLE)
def test_text_that_somebody_may_see_is_read(limits: Limits, section: bytes) -> None:
    document = read_hwp(hwp(SEEN + section, looks=LOOKS), limits).document

    assert "planted words" in document.text
    assert document.hidden_chars == 0


def test_shapes_hold_from_their_letter_on(limits: Limits) -> None:
    text = "seen planted 😀 seen"
    line = paragraph(text, letters=[(0, BLACK), (5, PALE), (16, GREY)])

    document = read_hwp(hwp(SEEN + line, looks=LOOKS), limits).document

    assert document.blocks[1].text == "seen seen"
    assert document.hidden_chars == len("planted") + 1


def test_the_other_parser_brings_nothing_hidden_back(limits: Limits) -> None:
    sample = next(sample for sample in SAMPLES if sample.file.endswith(".hwp"))
    with CompoundFile(sample.path.read_bytes()) as container:
        # In the order that the other parser insists on.
        names = ("DocInfo", "BodyText/Section0", "FileHeader")
        streams = {name: container.read(name) for name in names}
    looks = bytearray(zlib.decompress(streams["DocInfo"], -15))
    at = -1
    for size in (1000, 1300, 2000):
        at = looks.find(struct.pack("<i", size), at + 1)
        looks[at + 10 : at + 14] = struct.pack("<I", WHITE)

    document = read_hwp(compound({**streams, "DocInfo": deflated(bytes(looks))}), limits).document

    assert (document.text, document.hidden_chars > 200) == ("", True)


def test_memos_beside_the_page_are_no_text(limits: Limits) -> None:
    memos = record(93, 0) + record(72, 1) + paragraph("memo", 1)

    assert "memo" not in read_hwp(hwp(SEEN + memos, looks=LOOKS), limits).document.text


def test_damaged_looks_hide_nothing(limits: Limits) -> None:
    broken = record(20, 0, b"x") + record(21, 0, b"x") + record(25, 0)

    for looks in (broken, b"\xff" * 40):
        document = read_hwp(hwp(SEEN + planted(0, shape=0), looks=looks), limits).document
        assert "planted words" in document.text
