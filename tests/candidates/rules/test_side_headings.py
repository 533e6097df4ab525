"""Headings that a file draws together, beside their sections."""

from dataclasses import replace

from app.candidates.rules.lines import Line, read_lines
from app.candidates.rules.side_headings import beside_their_sections
from app.documents.blocks import Block, Box, Document, Format

HEADINGS = [("경력", 100), ("학력", 160), ("보유 스킬", 200)]
BODY = [
    ("가람물산", 101), ("2019.03 ~ 현재", 115), ("구매팀 과장", 130),
    ("너울대학교", 161), ("경영학과", 176), ("엑셀, SAP", 201),
]  # fmt: skip


def page(headings: list[tuple[str, int]], body: list[tuple[str, int]]) -> list[Line]:
    drawn = [(text, 40.0, top, True) for text, top in headings]
    drawn += [(text, 140.0, top, False) for text, top in body]
    blocks = tuple(
        Block(
            text=text,
            box=Box(left=left, top=top, right=left + 60, bottom=top + 12),
            font_size_pt=11,
            bold=bold,
        )
        for text, left, top, bold in drawn
    )
    return read_lines(Document(format=Format.PDF, pages=1, blocks=blocks))


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def test_each_heading_comes_before_the_line_at_its_height() -> None:
    found = beside_their_sections(page(HEADINGS, BODY))

    assert texts(found) == [
        "경력", "가람물산", "2019.03 ~ 현재", "구매팀 과장",
        "학력", "너울대학교", "경영학과", "보유 스킬", "엑셀, SAP",
    ]  # fmt: skip
    assert [line.index for line in found] == list(range(9))


def test_a_list_beside_a_text_of_other_heights_stays_where_it_is() -> None:
    lines = page([(text, top + 25) for text, top in HEADINGS], BODY)

    assert texts(beside_their_sections(lines)) == texts(lines)


def test_lines_without_places_stay_where_they_are() -> None:
    lines = [replace(line, box=None) for line in page(HEADINGS, BODY)]

    assert texts(beside_their_sections(lines)) == texts(lines)
